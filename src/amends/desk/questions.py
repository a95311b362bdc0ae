"""Looks at the database that are taken together.

A room says what it asks and how it reads the answer; whoever needs several answers asks for them in one statement,
which sees all of them at one moment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db import connection

Answer = TypeVar("Answer")


@dataclass(slots=True, eq=False)
class Question(Generic[Answer]):
    """One value of the database, and what it means."""

    sql: str
    """An expression, or a SELECT of one value."""
    parameters: Sequence[Any]
    read: Callable[[Any], Answer]
    answer: Answer = field(init=False)
    """What the database said; there is none before it was asked."""

    def ask(self) -> Answer:
        """Ask for this alone."""
        ask(self)
        return self.answer


def ask(*questions: Question[Any]) -> None:
    """Have all questions answered by one statement."""
    asked = ", ".join(f"({question.sql})" for question in questions)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {asked}", [one for question in questions for one in question.parameters])
        for question, value in zip(questions, cursor.fetchone() or (), strict=True):
            question.answer = question.read(value)
