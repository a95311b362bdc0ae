"""Formats for pages of the console."""

from datetime import timedelta

from babel.dates import format_timedelta
from django import template

from amends.desk.console.words import say_code
from amends.desk.languages import reader_locale

register = template.Library()


@register.filter
def plain(name: str) -> str:
    """A name of a state or an account, in words."""
    return say_code(name)


@register.filter
def span(length: timedelta | None) -> str:
    """How long something took, in its largest unit."""
    return str(format_timedelta(length, locale=reader_locale())) if length is not None else "–"
