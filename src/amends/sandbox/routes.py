"""A path of the API, with what may be sent to it and what answers."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from amends.sandbox.parameters import Parameters
from amends.sandbox.store import Object

Answer: TypeAlias = Callable[[re.Match[str], Object], Object]


@dataclass(frozen=True, slots=True)
class Route:
    """One path and method; `path` is a pattern."""

    method: str
    path: str
    parameters: Parameters
    answer: Answer
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", re.compile(self.path))
