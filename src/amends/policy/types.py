"""The types of the language and the arithmetic of their units.

A number carries a unit: powers of `money`, `days`, `months`, `time` or a counted noun. A ratio has no unit.
Days, months and elapsed time are three units that never mix; hours, minutes and seconds are one unit, `time`.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

MICROSECONDS = {"hours": 3_600_000_000, "minutes": 60_000_000, "seconds": 1_000_000}
"""Elapsed time is held in microseconds, whatever unit the policy writes it in."""

Unit: TypeAlias = tuple[tuple[str, int], ...]


class Kind(StrEnum):
    """What sort of value an expression has."""

    YES_NO = "yes or no"
    ENUM = "one of"
    INSTANT = "instant"
    NUMBER = "number"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Type:
    """The type of an input, a parameter, a fact or an expression."""

    kind: Kind
    members: tuple[str, ...] = ()
    unit: Unit = ()
    exact: bool = False
    """A number that may lie between two minor units or two counts."""
    optional: bool = False
    """May be the known `none`."""
    bare: bool = False
    """A literal 0 or 1, which fits any unit."""
    shown_in: str = ""
    """hours, minutes or seconds: how a `time` value is written."""

    @property
    def is_money(self) -> bool:
        """Whether the value is an amount of the case's currency."""
        return self.kind is Kind.NUMBER and self.unit == MONEY_UNIT

    @property
    def required(self) -> "Type":
        """This type without its `none`."""
        return replace(self, optional=False)

    def __str__(self) -> str:
        """The type in the words of the language."""
        if self.kind is Kind.ENUM:
            words = f"one of {', '.join(self.members)}"
        elif self.kind is Kind.NUMBER:
            words = _number_words(self)
        else:
            words = str(self.kind)
        return f"{words} or none" if self.optional else words


MONEY_UNIT: Unit = (("money", 1),)
YES_NO = Type(Kind.YES_NO)
INSTANT = Type(Kind.INSTANT)
NONE = Type(Kind.NONE)
MONEY = Type(Kind.NUMBER, unit=MONEY_UNIT)
RATIO = Type(Kind.NUMBER, exact=True)
NUMBER = Type(Kind.NUMBER, bare=True)
DAYS = Type(Kind.NUMBER, unit=(("days", 1),))
MONTHS = Type(Kind.NUMBER, unit=(("months", 1),))
TIME = Type(Kind.NUMBER, unit=(("time", 1),), exact=True, shown_in="hours")


def enum(*members: str) -> Type:
    """One of the given words."""
    return Type(Kind.ENUM, members=members)


def count(noun: str) -> Type:
    """A whole number of something."""
    return Type(Kind.NUMBER, unit=((singular(noun), 1),))


def singular(noun: str) -> str:
    """The form under which a noun is compared: `generations` and `generation` are one unit.

    >>> singular("generations"), singular("GPU minutes"), singular("entry"), singular("entries")
    ('generation', 'gpu minute', 'entry', 'entry')
    """
    word = noun.lower()
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def plural(noun: str) -> str:
    """The form in which a noun is counted.

    >>> plural("generation"), plural("gpu minute"), plural("entry"), plural("day"), plural("pass")
    ('generations', 'gpu minutes', 'entries', 'days', 'passes')
    """
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def multiply_units(left: Unit, right: Unit, sign: int) -> Unit:
    """The unit of a product (sign 1) or a quotient (sign -1)."""
    powers = dict(left)
    for name, power in right:
        powers[name] = powers.get(name, 0) + sign * power
    return tuple(sorted((name, power) for name, power in powers.items() if power))


def _number_words(type_: Type) -> str:
    if type_.bare:
        return "plain number"
    if not type_.unit:
        return "ratio"
    if type_.unit == MONEY_UNIT:
        return "exact (unrounded money)" if type_.exact else "money"
    if type_.unit == TIME.unit:
        return type_.shown_in or "elapsed time"
    above = [_power_words(name, power) for name, power in type_.unit if power > 0]
    below = [
        singular(name) if power == -1 else _power_words(name, -power)
        for name, power in type_.unit
        if power < 0
    ]
    words = " times ".join(above) or "1"
    return f"{words} per {' and '.join(below)}" if below else words


def _power_words(name: str, power: int) -> str:
    if name not in ("money", "days", "months", "time"):
        name = f"count of {plural(name)}"
    return name if power == 1 else f"{name} to the power of {power}"
