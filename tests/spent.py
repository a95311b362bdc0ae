"""What a block sends to the database."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Counter:
    """Counts statements, as a wrapper of `connection.execute_wrapper`."""

    statements: int = 0

    def __call__(self, execute: Callable[..., object], *words: object) -> object:
        self.statements += 1
        return execute(*words)
