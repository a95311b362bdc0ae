"""Rows of models in statements that are written by hand.

The mapper compiles each statement anew, which takes longer than the database takes to carry it out. On the way of a
refund the text of a statement is made once: rows go to it as one parameter of JSON, and come back as instances.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import AutoField, Field, JSONField, Model

Columns = Sequence["Field[Any, Any]"]
Row = TypeVar("Row", bound=Model)


def insert(row: Model) -> None:
    """Store a new row.

    Raises: IntegrityError.
    """
    with connection.cursor() as cursor:
        cursor.execute(insertion(type(row)), [as_json([row])])
    mark_stored(row)


def find_locked(model: type[Row], key: UUID | str) -> Row:
    """The row with a key, locked until the transaction ends.

    Raises: ObjectDoesNotExist.
    """
    row = look_up_locked(model, _all(model)[0].name, key)
    if row is None:
        raise ObjectDoesNotExist(f"{table_of(model)} has no {key}")
    return row


def look_up_locked(model: type[Row], field: str, value: UUID | str) -> Row | None:
    """The row with a value that only one has, locked until the transaction ends; None where none has it."""
    with connection.cursor() as cursor:
        cursor.execute(_locking(model, field), [value])
        found = cursor.fetchone()
    row: Row | None = instances(found, model)[0] if found else None
    return row


def find_all(model: type[Row], field: str, value: UUID | str) -> list[Row]:
    """The rows with a value, in no order."""
    with connection.cursor() as cursor:
        cursor.execute(_reading(model, field), [value])
        return [instances(found, model)[0] for found in cursor]


def update(row: Model, *fields: str) -> None:
    """Store some fields of a row that is there."""
    with connection.cursor() as cursor:
        cursor.execute(change(type(row), fields), [as_json([row])])


def mark_stored(row: Model) -> None:
    """Say of an instance that its row is in the table."""
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001  # documented by Django


@cache
def _reading(model: type[Model], name: str) -> str:
    column = _field(model, name).column
    return f'SELECT {select(one=model)} FROM {table_of(model)} AS one WHERE "{column}" = %s'  # noqa: S608  # names of our own


def _locking(model: type[Model], name: str) -> str:
    return f"{_reading(model, name)} FOR NO KEY UPDATE"


@cache
def insertion(model: type[Model]) -> str:
    """SQL that stores new rows, which it takes as JSON."""
    names = ", ".join(f'"{field.column}"' for field in _written(model))
    table = table_of(model)
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM jsonb_populate_recordset(NULL::{table}, %s)"  # noqa: S608  # names of our own


@cache
def change(model: type[Model], fields: tuple[str, ...]) -> str:
    """SQL that stores some fields of rows, which it takes as JSON."""
    names = [f'"{_field(model, name).column}"' for name in fields]
    settings = ", ".join(f"{name} = changed.{name}" for name in names)
    table, key = table_of(model), _all(model)[0].column
    return f"""
        UPDATE {table} SET {settings} FROM jsonb_populate_recordset(NULL::{table}, %s) AS changed
        WHERE {table}.{key} = changed.{key}
        """  # noqa: S608  # as above


def as_json(rows: Iterable[Model]) -> str:
    """Rows as their table takes them, apart from what it numbers itself.

    Amounts and instants keep every digit.
    """
    written = [{field.column: getattr(row, field.attname) for field in _written(type(row))} for row in rows]
    return json.dumps(written, ensure_ascii=False, default=str)


def select(**models: type[Model]) -> str:
    """The columns of models by the names of their tables in a statement, for `instances`."""
    return ", ".join(f'{name}."{field.column}"' for name, model in models.items() for field in _all(model))


def instances(row: Iterable[object], *models: type[Model]) -> list[Any]:
    """The instances whose columns stand side by side in a row, None where an outer join found none."""
    values = iter(row)
    return [_instance(model, values) for model in models]


def _instance(model: type[Model], values: Iterator[object]) -> Model | None:
    fields = _all(model)
    own = list(islice(values, len(fields)))
    if own[0] is None:
        return None
    for place in _documents(model):
        if own[place] is not None:
            own[place] = json.loads(str(own[place]))
    return model.from_db(DEFAULT_DB_ALIAS, [field.attname for field in fields], own)


def table_of(model: type[Model]) -> str:
    """The name of a model's table."""
    return model._meta.db_table  # noqa: SLF001  # documented by Django


@cache
def _all(model: type[Model]) -> Columns:
    """The columns of a table, its key first."""
    meta = model._meta  # noqa: SLF001  # documented by Django
    return sorted(meta.concrete_fields, key=lambda field: not field.primary_key)


@cache
def _documents(model: type[Model]) -> Sequence[int]:
    """The places of columns of JSON, which Django's connection hands over as text."""
    return [place for place, field in enumerate(_all(model)) if isinstance(field, JSONField)]


@cache
def _written(model: type[Model]) -> Columns:
    return [field for field in _all(model) if not isinstance(field, AutoField)]


def _field(model: type[Model], name: str) -> "Field[Any, Any]":
    field = model._meta.get_field(name)  # noqa: SLF001  # documented by Django
    assert isinstance(field, Field)
    return field
