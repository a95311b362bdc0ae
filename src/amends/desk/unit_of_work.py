"""One transaction, and rows that are written together at its end.

A request adds rows in many rooms: to the audit trail, letters, jobs. A room that only adds, and reads nothing of it back
in the same transaction, hands over what it would write; all of it is then one statement, whose parts are the rooms' own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import Model

from amends.desk import rows

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the statement that ends a unit: its queries by name, each of which gives rows, and their parameters.

    All parts see the tables as they were before; triggers that look at other tables have to run after the statement.
    """

    queries: Mapping[str, str]
    parameters: Sequence[str]


@dataclass(slots=True)
class Unit:
    """What one transaction writes at its end, by the function that says how."""

    savepoints: int
    """How many savepoints were open when it began."""
    waiting: dict[Callable[[list[Any]], Part], list[Any]] = field(default_factory=dict)

    def write(self) -> None:
        """Write it all."""
        parts = [part_of(items) for part_of, items in self.waiting.items()]
        self.waiting.clear()
        if parts:
            _perform(parts)


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


def write_at_end(part_of: Callable[[list[Item]], Part], item: Item) -> None:
    """Write all items of this unit as `part_of` says when it ends; outside a unit, at once.

    At once also inside a savepoint of the unit: what it takes back must not be written after it.
    """
    unit = _CURRENT.get()
    if unit is None or _open_savepoints() > unit.savepoints:
        _perform([part_of([item])])
    else:
        unit.waiting.setdefault(part_of, []).append(item)


def write_now() -> None:
    """Write what waits, for a room that reads it back."""
    unit = _CURRENT.get()
    if unit is not None:
        unit.write()


def add(row: Model) -> None:
    """Store a new row at the end of the unit, as it is then."""
    write_at_end(_insertion(type(row)), row)


@cache
def _insertion(model: type[Model]) -> Callable[[list[Model]], Part]:
    def part_of(fresh: list[Model]) -> Part:
        for row in fresh:
            rows.mark_stored(row)
        query = f"{rows.insertion(model)} RETURNING 1"
        # A name of its own, for one that is the table's would hide the table from the other parts.
        return Part({f"fresh_{rows.table_of(model)}": query}, [rows.as_json(fresh)])

    return part_of


def _perform(parts: Sequence[Part]) -> None:
    """Send all parts as one statement, which looks at every query, so that each is carried out."""
    queries = {name: query for part in parts for name, query in part.queries.items()}
    named = ", ".join(f"{name} AS ({query})" for name, query in queries.items())
    looks = ", ".join(f"EXISTS (TABLE {name})" for name in queries)
    parameters = [parameter for part in parts for parameter in part.parameters]
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {named} SELECT {looks}", parameters)


def _open_savepoints() -> int:
    return sum(savepoint is not None for savepoint in connection.savepoint_ids)
