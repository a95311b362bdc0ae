"""One transaction, and rows that are written together at its end.

A request adds rows in many rooms: to the audit trail, letters, jobs. A room that only adds, and reads nothing of it back
in the same transaction, hands over what it would write; all of one kind then costs one statement instead of one each.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import connection, transaction

Item = TypeVar("Item")


@dataclass(slots=True)
class Unit:
    """What one transaction writes at its end, by the function that writes it."""

    savepoints: int
    """How many savepoints were open when it began."""
    waiting: dict[Callable[[list[Any]], None], list[Any]] = field(default_factory=dict)

    def write(self) -> None:
        """Write it all; writing may hand over more: a letter that is stored puts its job in line."""
        while self.waiting:
            write = next(iter(self.waiting))
            write(self.waiting.pop(write))


_CURRENT: ContextVar[Unit | None] = ContextVar("unit_of_work", default=None)


@contextmanager
def unit_of_work() -> Iterator[None]:
    """A transaction that ends with what was handed to `write_at_end`; inside another unit it is a part of that one.

    Invariant: everything is written, or nothing; an error that leaves an inner unit must leave the outer one too.
    """
    if _CURRENT.get() is not None:
        with transaction.atomic(savepoint=False):
            yield
        return
    with transaction.atomic():
        unit = Unit(_open_savepoints())
        token = _CURRENT.set(unit)
        try:
            yield
            unit.write()
        finally:
            _CURRENT.reset(token)


def write_at_end(write: Callable[[list[Item]], None], item: Item) -> None:
    """Call `write` with all items of this unit when it ends; outside a unit, at once.

    At once also inside a savepoint of the unit: what it takes back must not be written after it.
    """
    unit = _CURRENT.get()
    if unit is None or _open_savepoints() > unit.savepoints:
        write([item])
    else:
        unit.waiting.setdefault(write, []).append(item)


def _open_savepoints() -> int:
    return sum(savepoint is not None for savepoint in connection.savepoint_ids)
