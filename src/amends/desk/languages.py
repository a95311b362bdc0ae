"""The languages that the desk speaks: English, and every language there is a catalogue of."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date, format_datetime
from django.utils import translation
from django.utils.translation import trans_real

from amends.policy.dates import load_zone
from amends.policy.translation import LOCALE, read_catalogue, spoken

_CATALOGUES = {path.stem: path for path in sorted((Path(__file__).parent / "locale").glob("*.po"))}


def offered() -> list[tuple[str, str]]:
    """The languages with their own names, English first."""
    return [(code, str(Locale.parse(code).display_name).capitalize()) for code in ("en", *_CATALOGUES)]


def speak(locale: str) -> None:
    """Speak the language of a locale from here on, with the formats of its country."""
    translation.activate(_code(locale))


@contextmanager
def speaking(locale: str) -> Iterator[None]:
    """Speak the language of a locale for a while."""
    with translation.override(_code(locale)):
        yield


def reader_locale() -> str:
    """The locale that is spoken now."""
    return translation.to_locale(translation.get_language() or LOCALE)


def reader_language() -> str:
    """The name of the language that is spoken now, as HTML marks it."""
    return translation.get_language() or "en"


def learn() -> None:
    """Add our sentences to those that Django has of its own."""
    for code in _CATALOGUES:
        _learn(code)


def _code(locale: str) -> str:
    code = translation.to_language(spoken(locale))
    _learn(code)
    return code


@lru_cache(maxsize=64)
def _learn(code: str) -> None:
    """Once for each language and country: Django keeps them apart."""
    catalogue = _CATALOGUES.get(code.partition("-")[0])
    if catalogue is not None:
        trans_real.translation(code).merge(read_catalogue(catalogue))


def say_day(day: date) -> str:
    """A day, with its month in short."""
    # Translators: how a day is written; the letters are those of Unicode's date patterns.
    pattern = translation.pgettext("pattern of a day", "d MMM y")
    return str(format_date(day, pattern, locale=reader_locale()))


def say_instant(at: datetime, zone: str = "UTC") -> str:
    """An instant, with the name of its zone."""
    # Translators: how an instant is written; the letters are those of Unicode's date patterns.
    return _say_instant(at, zone, translation.pgettext("pattern of an instant", "d MMM y, HH:mm"))


def say_instant_in_full(at: datetime, zone: str) -> str:
    """An instant as letters have it, with the name of the month and of the zone."""
    # Translators: how an instant is written; the letters are those of Unicode's date patterns.
    return _say_instant(at, zone, translation.pgettext("pattern of an instant", "d MMMM y, HH:mm"))


def _say_instant(at: datetime, zone: str, pattern: str) -> str:
    local = at.astimezone(load_zone(zone))
    return f"{format_datetime(local, pattern, tzinfo=local.tzinfo, locale=reader_locale())} {zone}"
