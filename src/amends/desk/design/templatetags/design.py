"""Formats and parts for pages: money, days, states."""

from collections.abc import Sequence
from datetime import date, datetime

from babel.dates import format_date, format_datetime
from django import template
from django.utils.translation import get_language, to_locale

from amends.policy.explanation import format_amount
from amends.policy.page.changes import TextChange

register = template.Library()


def reader_locale() -> str:
    """The locale of whoever reads the page."""
    return to_locale(get_language() or "en_US")


@register.filter
def money(amount: int, currency: str) -> str:
    """An amount in minor units, as the reader's locale writes it."""
    return format_amount(amount, currency, reader_locale())


@register.filter
def day(value: date | str | None) -> str:
    """A day in words."""
    if value is None:
        return ""
    shown = date.fromisoformat(value) if isinstance(value, str) else value
    return str(format_date(shown, "d MMM y", locale=reader_locale()))


@register.filter
def instant(value: datetime | None) -> str:
    """An instant, which says its zone."""
    if value is None:
        return ""
    return str(format_datetime(value, "d MMM y, HH:mm", locale=reader_locale())) + " UTC"


@register.inclusion_tag("design/parts/money.html")
def money_lines(
    lines: list[dict[str, object]], total: int, currency: str, total_label: str
) -> dict[str, object]:
    """The lines of an arithmetic and their sum."""
    return {"lines": lines, "total": total, "currency": currency, "total_label": total_label}


@register.inclusion_tag("design/parts/changes.html")
def text_changes(changes: Sequence[TextChange]) -> dict[str, object]:
    """What was added to a text and removed from it, also for those who hear it."""
    return {"changes": changes}


@register.inclusion_tag("design/parts/field.html")
def field(bound: object) -> dict[str, object]:
    """A form field with its label, hint and errors."""
    return {"field": bound}
