"""What a number in a sentence means: `7 days`, `50 generations`, `USD 5.00`, `2.9 %`, `18 August 2025`."""

import re
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from amends.policy import dates, types
from amends.policy.facts import Value
from amends.policy.money import EXPONENTS, Money
from amends.policy.types import Type

_SYMBOLS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,15}(?:\.\d{1,12})?"
_AMOUNT = re.compile(rf"(?:([A-Z]{{3}}) ?|([$€£¥]))({_NUMBER})|({_NUMBER}) ?([A-Z]{{3}})")
_PERCENT = re.compile(rf"({_NUMBER}) ?(?:%|percent)")
_COUNTED = re.compile(rf"({_NUMBER}) ([A-Za-z][A-Za-z -]*)")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_LONG_DATE = re.compile(r"(\d{1,2}) ([A-Z][a-z]+) (\d{4})")
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


def read_quantity(text: str, zone: str) -> Quantity:
    """Read the one exact meaning of a number with its unit.

    Raises: ValueError: says what is wrong and what to write.
    """
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
    raise ValueError(
        "write a number with its unit, such as 7 days, 50 generations, USD 5.00, 2.9 % or 18 August 2025"
    )


def _exact(number: str) -> Fraction:
    return Fraction(number.replace(",", ""))


def _money(match: re.Match[str]) -> Quantity:
    code = match[1] or _SYMBOLS.get(match[2] or "") or match[5]
    if code not in EXPONENTS:
        raise ValueError(f"{code} is no ISO 4217 currency")
    money = Money.parse(match[3] or match[4], code)
    return Quantity(types.MONEY, money.amount, money.currency)


def _date(text: str) -> date | None:
    if _ISO_DATE.fullmatch(text):
        day = date.fromisoformat(text)
    elif (match := _LONG_DATE.fullmatch(text)) and match[2] in _MONTHS:
        day = date(int(match[3]), _MONTHS.index(match[2]) + 1, int(match[1]))
    else:
        return None
    if not date(1970, 1, 1) <= day <= date(2199, 12, 31):
        raise ValueError("dates lie between 1970 and 2199")
    return day


def _counted(number: Fraction, noun: str) -> Quantity:
    if number.denominator != 1:
        raise ValueError("a count is a whole number; use the smaller unit")
    whole = int(number)
    unit = types.singular(noun)
    if unit in ("day", "calendar day"):
        return Quantity(types.DAYS, whole)
    if unit == "week":
        return Quantity(types.DAYS, 7 * whole)
    if unit in ("month", "calendar month"):
        return Quantity(types.MONTHS, whole)
    if unit == "year":
        return Quantity(types.MONTHS, 12 * whole)
    if unit + "s" in types.MICROSECONDS:
        return Quantity(
            types.TIME if unit == "hour" else _time(unit + "s"), whole * types.MICROSECONDS[unit + "s"]
        )
    return Quantity(types.count(noun), whole)


def _time(unit: str) -> Type:
    return Type(types.TIME.kind, unit=types.TIME.unit, exact=True, shown_in=unit)
