"""The ways in which a case can end, as whole numbers: a comparison tells a row's outcome, grant or need."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from amends.policy.sql.terms import either

Key = TypeVar("Key", bound=object)


class Way(IntEnum):
    """What becomes of a case."""

    ERROR = 0
    STRANGER = 1
    """What the policy requires before everything is not met."""
    LACKS = 2
    """A clause would decide, but for its needs."""
    ASKS = 3
    """Something unknown decides."""
    DENIES = 4
    GRANTS = 5
    REVIEW = 6


@dataclass(frozen=True, order=True)
class Ending:
    """One end that a case can come to."""

    way: Way
    rule: int = -1
    """The rule that grants or lacks something, by its index."""


class Endings:
    """All ends that the cases of one policy can come to; those alike follow each other."""

    def __init__(self, found: Iterable[Ending]) -> None:
        self.listed = sorted(set(found))
        self._numbers = {ending: number for number, ending in enumerate(self.listed)}

    def number(self, ending: Ending) -> str:
        """The number of an end."""
        return str(self._numbers[ending])

    def among(self, column: str, is_meant: Callable[[Ending], bool]) -> str:
        """Whether a row comes to one of the ends that are meant, by the column that holds its number."""
        return _in_ranges(column, [n for n, one in enumerate(self.listed) if is_meant(one)])

    def grouped(self, column: str, key: Callable[[Ending], Key | None]) -> Iterator[tuple[str, Key]]:
        """The condition of each key that ends have, in the order of their numbers."""
        found: dict[Key, list[int]] = {}
        for number, ending in enumerate(self.listed):
            told = key(ending)
            if told is not None:
                found.setdefault(told, []).append(number)
        for told, numbers in found.items():
            yield _in_ranges(column, numbers), told


def _in_ranges(column: str, numbers: list[int]) -> str:
    """Whether a number is one of some; those that follow each other are compared as one range."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][-1] == number - 1:
            ranges[-1].append(number)
        else:
            ranges.append([number])
    return either(*(_in_range(column, one[0], one[-1]) for one in ranges))


def _in_range(column: str, first: int, last: int) -> str:
    return f"({column} = {first})" if first == last else f"({column} BETWEEN {first} AND {last})"
