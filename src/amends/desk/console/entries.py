"""What people type into the forms of the console: words, counts, amounts, instants."""

from datetime import UTC, date, datetime
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _

from amends.policy.money import Money

TEXT_LENGTH_MAX = 5_000
COUNT_MAX = 1_000_000


class BadEntryError(Exception):
    """A field cannot be taken as it is; the message says what to write instead."""


def read_text(request: HttpRequest, name: str) -> str:
    """What stands in a field.

    Raises: BadEntryError.
    """
    text = request.POST.get(name, "").strip()
    if len(text) > TEXT_LENGTH_MAX:
        raise BadEntryError(_("Please write at most %(n)d characters.") % {"n": TEXT_LENGTH_MAX})
    if "\0" in text:
        raise BadEntryError(_("The text holds a character that cannot be kept; please type it again."))
    return text


def read_count(text: str) -> int:
    """A whole number of credits.

    Raises: BadEntryError.
    """
    if not (text.isascii() and text.isdigit()) or int(text[:12]) > COUNT_MAX:
        raise BadEntryError(
            _("“%(text)s” is no number of credits; write a whole number such as 100.") % {"text": text}
        )
    return int(text)


def read_amount(text: str, currency: str) -> int:
    """An amount in minor units.

    Raises: BadEntryError.
    """
    try:
        return Money.parse(text, currency).amount
    except ValueError as error:
        raise BadEntryError(
            _("“%(text)s” is no amount in %(currency)s; write it as 12.50.")
            % {"text": text, "currency": currency}
        ) from error


def read_instant(text: str) -> datetime:
    """A day and a time; without a zone it is UTC.

    Raises: BadEntryError.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadEntryError(_("Please give the day and the time, in UTC.")) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def read_day(text: str) -> date:
    """A day.

    Raises: BadEntryError.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadEntryError(_("Please give the day.")) from error


def read_id(text: str) -> UUID | None:
    """An identifier; None where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
