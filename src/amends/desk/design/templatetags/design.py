"""Formats and parts for pages: money, days, states."""

from collections.abc import Sequence
from datetime import date, datetime

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.translation import gettext

from amends.desk.languages import reader_language, reader_locale, say_day, say_instant
from amends.policy.explanation import format_amount
from amends.policy.page.changes import TextChange

register = template.Library()


@register.filter
def money(amount: int, currency: str) -> str:
    """An amount in minor units, as the reader's locale writes it; it is not torn apart at the end of a line."""
    return format_amount(amount, currency, reader_locale()).replace(" ", "\xa0")


@register.filter
def day(value: date | str | None) -> str:
    """A day in words."""
    if value is None:
        return ""
    return say_day(date.fromisoformat(value) if isinstance(value, str) else value)


@register.filter
def instant(value: datetime | None) -> str:
    """An instant, which says its zone."""
    return say_instant(value) if value is not None else ""


@register.filter
def quoted(text: str) -> str:
    """Words of the policy where no language can be marked."""
    return gettext("“%(text)s”") % {"text": text}


@register.filter
def method(name: str) -> str:
    """A payment method in words."""
    return gettext(name) if name else ""


@register.simple_tag
def other_languages() -> list[tuple[str, str]]:
    """The languages that a reader may change to, each with its own name."""
    spoken = reader_language().partition("-")[0]
    return [(code, name) for code, name in settings.LANGUAGES if code != spoken]


@register.filter
def written_in(text: str, language: str) -> str:
    """Words that stay in a language of their own, marked for those who hear the page."""
    if not language or language.partition("-")[0] == reader_language().partition("-")[0]:
        return text
    return format_html('<span lang="{}">{}</span>', language, text)


@register.inclusion_tag("design/parts/money.html")
def money_lines(
    lines: list[dict[str, object]], total: int, currency: str, total_label: str, language: str = ""
) -> dict[str, object]:
    """The lines of an arithmetic, in the language of the policy, and their sum."""
    return {
        "lines": lines,
        "total": total,
        "currency": currency,
        "total_label": total_label,
        "language": language,
    }


@register.inclusion_tag("design/parts/changes.html")
def text_changes(changes: Sequence[TextChange], language: str) -> dict[str, object]:
    """What was added to a text and removed from it, also for those who hear it, with the language of the text."""
    return {"changes": changes, "language": language, "reader": reader_language()}


@register.inclusion_tag("design/parts/field.html")
def field(bound: object) -> dict[str, object]:
    """A form field with its label, hint and errors."""
    return {"field": bound}
