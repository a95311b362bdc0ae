"""What a number in a sentence means: `7 days`, `50 generations`, `USD 5.00`, `2.9 %`, `18 August 2025`."""

import re
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from amends.policy import dates, types
from amends.policy.facts import COUNT_MAX, Value
from amends.policy.money import AMOUNT_MAX, EXPONENTS, Money
from amends.policy.types import Type

UNITS = frozenset({"money", "time", "second", "minute", "hour", "day", "week", "month", "year"})
"""Nouns that are units, so that they cannot name things that are counted."""

_SYMBOLS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_NUMBER = r"[0-9]{1,3}(?:,[0-9]{3}){1,4}(?:\.[0-9]{1,12})?|[0-9]{1,15}(?:\.[0-9]{1,12})?"
_AMOUNT = re.compile(rf"(?:([A-Z]{{3}}) ?|([$€£¥]))({_NUMBER})|({_NUMBER}) ?([A-Z]{{3}})")
_PERCENT = re.compile(rf"({_NUMBER}) ?(?:%|percent)")
_COUNTED = re.compile(rf"({_NUMBER}) ([A-Za-z][A-Za-z -]*)")
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_LONG_DATE = re.compile(r"([0-9]{1,2}) ([A-Z][a-z]+) ([0-9]{4})")
_DECIMAL_COMMA = re.compile(r"([0-9]+),([0-9]{1,2})(?![0-9])")
TEXT_LENGTH_MAX = 100
_YEARS = range(1970, 2200)
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A typed value as read from a sentence or a table cell."""

    type: Type
    value: Value
    currency: str | None = None


class UnreadableNumberError(ValueError):
    """A marked text is no number: the reason, and what to write."""

    def __init__(self, reason: str, fix: str) -> None:
        self.reason = reason
        self.fix = fix
        super().__init__(reason)


def read_quantity(text: str, zone: str) -> Quantity:
    """Read the one exact meaning of a number with its unit.

    Raises: UnreadableNumberError: it has none.
    """
    if len(text) > TEXT_LENGTH_MAX:
        raise UnreadableNumberError(
            "it is too long", "Mark the number and its unit only, as in `[7 days]{#window}`."
        )
    text = " ".join(text.split())
    if text in ("yes", "no"):
        return Quantity(types.YES_NO, text == "yes")
    if match := _AMOUNT.fullmatch(text):
        return _money(match)
    if match := _PERCENT.fullmatch(text):
        return Quantity(types.RATIO, _exact(match[1]) / 100)
    if day := _date(text):
        return Quantity(types.INSTANT, dates.day_start(day.toordinal(), zone))
    if match := _COUNTED.fullmatch(text):
        return _counted(_exact(match[1]), match[2].strip())
    raise _unreadable(text)


def _unreadable(text: str) -> UnreadableNumberError:
    if not text:
        return UnreadableNumberError("it is empty", "Write a number with its unit, such as `7 days`.")
    if any(character.isdigit() and not character.isascii() for character in text):
        return UnreadableNumberError("its digits could be mistaken for others", "Write the digits 0 to 9.")
    if match := _DECIMAL_COMMA.search(text):
        fix = f"Write a point before the decimals: `{text.replace(match[0], f'{match[1]}.{match[2]}')}`."
        return UnreadableNumberError("the comma stands between thousands only", fix)
    if sum(character.isdigit() for character in text) > len("999,999,999,999") and text[0].isdigit():
        return UnreadableNumberError("it is too large", f"Stay below {COUNT_MAX:,}.")
    fix = "Write a number with its unit, such as 7 days, 50 generations, USD 5.00, 2.9 % or 18 August 2025."
    return UnreadableNumberError("it is no number with a unit", fix)


def _exact(number: str) -> Fraction:
    return Fraction(number.replace(",", ""))


def _money(match: re.Match[str]) -> Quantity:
    code = match[1] or _SYMBOLS.get(match[2] or "") or match[5]
    if code not in EXPONENTS:
        raise UnreadableNumberError(f"{code} is no currency of ISO 4217", "Write it as in `USD 5.00`.")
    try:
        money = Money.parse(match[3] or match[4], code)
    except ValueError as error:
        digits = EXPONENTS[code]
        example = f"{code} 5.{'0' * digits}" if digits else f"{code} 5"
        raise UnreadableNumberError(str(error), f"Write the amount as in `{example}`.") from None
    if money.amount > AMOUNT_MAX:
        raise UnreadableNumberError("it is too large", "Write a smaller amount.")
    return Quantity(types.MONEY, money.amount, money.currency)


def _date(text: str) -> date | None:
    if match := _ISO_DATE.fullmatch(text):
        year, month, day = int(match[1]), int(match[2]), int(match[3])
    elif (match := _LONG_DATE.fullmatch(text)) and match[2] in _MONTHS:
        year, month, day = int(match[3]), _MONTHS.index(match[2]) + 1, int(match[1])
    else:
        return None
    if year not in _YEARS:
        raise UnreadableNumberError("dates lie between 1970 and 2199", "Write another year.")
    try:
        return date(year, month, day)
    except ValueError:
        raise UnreadableNumberError("the calendar has no such day", "Write another day.") from None


def _counted(number: Fraction, noun: str) -> Quantity:
    unit = types.singular(noun)
    if number.denominator != 1:
        raise UnreadableNumberError("only whole numbers are counted", _smaller(unit))
    whole = int(number)
    if whole > COUNT_MAX:
        raise UnreadableNumberError("it is too large", f"Stay below {COUNT_MAX:,}.")
    if unit in ("day", "calendar day"):
        return Quantity(types.DAYS, whole)
    if unit == "week":
        return Quantity(types.DAYS, 7 * whole)
    if unit in ("month", "calendar month"):
        return Quantity(types.MONTHS, whole)
    if unit == "year":
        return Quantity(types.MONTHS, 12 * whole)
    if unit + "s" in types.MICROSECONDS:
        return _elapsed(whole, unit + "s")
    if unit in UNITS:
        fix = f"Say what is counted, as in `{whole} uses` instead of `{whole} {noun}`."
        raise UnreadableNumberError(f"`{noun}` are no things", fix)
    return Quantity(types.count(noun), whole)


def _smaller(unit: str) -> str:
    smaller = {"day": "hours", "week": "days", "month": "days", "year": "months", "hour": "minutes"}.get(unit)
    return f"Write it in {smaller}." if smaller else "Write a whole number."


def _elapsed(whole: int, unit: str) -> Quantity:
    type_ = Type(types.TIME.kind, unit=types.TIME.unit, exact=True, shown_in=unit)
    return Quantity(type_, whole * types.MICROSECONDS[unit])
