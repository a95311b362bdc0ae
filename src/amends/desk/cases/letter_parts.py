"""What every letter about a case has: its language, its greeting, the case's number and address."""

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings

from amends.desk.cases.models import Case
from amends.desk.languages import reader_locale, speaking
from amends.desk.notices.actions import greeting, write
from amends.desk.notices.composition import Block, Paragraph
from amends.desk.notices.models import LetterKind
from amends.policy.explanation import format_day

Rest = ParamSpec("Rest")


def in_their_language(
    tell: Callable[Concatenate[Case, Rest], None],
) -> Callable[Concatenate[Case, Rest], None]:
    """Tell it in the language of the customer."""

    @wraps(tell)
    def told(case: Case, /, *rest: Rest.args, **named: Rest.kwargs) -> None:
        with speaking(case.customer.locale):
            tell(case, *rest, **named)

    return told


def greet(case: Case) -> Paragraph:
    """The first line."""
    return Paragraph(greeting(case.customer))


def words_of(case: Case) -> dict[str, str]:
    """What sentences name a case by."""
    return {"case": case.number}


def case_url(case: Case) -> str:
    """Where the customer finds the case."""
    return f"{settings.PUBLIC_URL}/cases/{case.number}"


def show_day(day: date) -> str:
    """A day as the customer reads it."""
    return format_day(day, reader_locale())


def send(case: Case, kind: LetterKind, reference: str, subject: str, blocks: list[Block]) -> None:
    """Write the letter, once for each reference."""
    write(case.customer, kind, reference, subject, blocks, case_id=case.id)
