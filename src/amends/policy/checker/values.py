"""Values of the language as terms: each with whether it is known and whether it is the known `none`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm
from typing import TypeAlias

from amends.policy.checker.smt import (
    Term,
    both,
    choose,
    either,
    equal,
    opposite,
    quotient,
    times,
)
from amends.policy.money import Rounding


@dataclass(frozen=True, slots=True)
class Truth:
    """Yes or no."""

    holds: Term
    known: Term = True
    absent: Term = False

    @property
    def true(self) -> Term:
        """Whether it is known to hold."""
        return both(self.known, self.holds)

    @property
    def false(self) -> Term:
        """Whether it is known not to hold."""
        return both(self.known, opposite(self.holds))


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact number, `top / bottom` with a bottom above zero."""

    top: Term
    bottom: Term = 1
    known: Term = True
    absent: Term = False


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant: its day and second in UTC, and its day in the zone of the policy."""

    day: Term
    second: Term
    local_day: Term
    known: Term = True
    absent: Term = False

    def is_before(self, other: "Moment") -> Term:
        """Whether it is strictly earlier."""
        same_day = both(equal(self.day, other.day), self.second < other.second)
        return either(self.day < other.day, same_day)


@dataclass(frozen=True, slots=True)
class Word:
    """An enum member, by its number in the encoding."""

    number: Term
    known: Term = True
    absent: Term = False


Encoded: TypeAlias = Truth | Quantity | Moment | Word


def conjoin(parts: list[Truth]) -> Truth:
    """`and` in three values."""
    true = both(*(part.true for part in parts))
    if all(part.known is True for part in parts):
        return Truth(true)
    return Truth(true, either(true, *(part.false for part in parts)))


def disjoin(parts: list[Truth]) -> Truth:
    """`or` in three values."""
    true = either(*(part.true for part in parts))
    if all(part.known is True for part in parts):
        return Truth(true)
    return Truth(true, either(true, both(*(part.false for part in parts))))


def constant(value: int | Fraction) -> Quantity:
    """A number that every case shares."""
    exact = Fraction(value)
    return Quantity(exact.numerator, exact.denominator)


def add(left: Quantity, right: Quantity, sign: int) -> Quantity:
    """A sum, or a difference for the sign -1."""
    known = both(left.known, right.known)
    if left.bottom is right.bottom or _same(left.bottom, right.bottom):
        return Quantity(left.top + sign * right.top, left.bottom, known)
    top = left.top * right.bottom + sign * right.top * left.bottom
    return Quantity(top, left.bottom * right.bottom, known)


def multiply(left: Quantity, right: Quantity) -> Quantity:
    """A product."""
    top, bottom = times(left.top, right.top), times(left.bottom, right.bottom)
    return Quantity(top, bottom, both(left.known, right.known))


def divide(left: Quantity, right: Quantity) -> Quantity:
    """A quotient; nothing is known of a division by zero."""
    known = both(left.known, right.known, opposite(equal(right.top, 0)))
    positive = right.top > 0
    top = choose(positive, left.top * right.bottom, -left.top * right.bottom)
    return Quantity(top, left.bottom * choose(positive, right.top, -right.top), known)


def compare(left: Quantity, right: Quantity, is_so: Callable[[Term, Term], Term]) -> Term:
    """A comparison by whole numbers."""
    if _same(left.bottom, right.bottom):
        return is_so(left.top, right.top)
    return is_so(left.top * right.bottom, right.top * left.bottom)


def extreme(left: Encoded, right: Encoded, *, largest: bool) -> Encoded:
    """The larger or smaller of two numbers or instants."""
    if isinstance(left, Moment) and isinstance(right, Moment):
        is_left = right.is_before(left) if largest else left.is_before(right)
    else:
        assert isinstance(left, Quantity)
        assert isinstance(right, Quantity)
        is_left = compare(left, right, (lambda a, b: a >= b) if largest else (lambda a, b: a <= b))
    picked = select(is_left, left, right)
    return with_known(picked, both(left.known, right.known))


def with_known(value: Encoded, known: Term) -> Encoded:
    """The same value, known under another condition."""
    return replace(value, known=known)


def select(condition: Term, then: Encoded, otherwise: Encoded) -> Encoded:
    """One of two values of one type, by a condition."""

    def pick(left: Term, right: Term) -> Term:
        return choose(condition, left, right)

    match then, otherwise:
        case Truth(), Truth():
            holds, known = pick(then.holds, otherwise.holds), pick(then.known, otherwise.known)
            return Truth(holds, known, pick(then.absent, otherwise.absent))
        case Quantity(), Quantity():
            then, otherwise = _over_one_bottom(then, otherwise)
            top, bottom = pick(then.top, otherwise.top), pick(then.bottom, otherwise.bottom)
            known, absent = pick(then.known, otherwise.known), pick(then.absent, otherwise.absent)
            return Quantity(top, bottom, known, absent)
        case Moment(), Moment():
            return Moment(
                pick(then.day, otherwise.day),
                pick(then.second, otherwise.second),
                pick(then.local_day, otherwise.local_day),
                pick(then.known, otherwise.known),
                pick(then.absent, otherwise.absent),
            )
        case Word(), Word():
            number, known = pick(then.number, otherwise.number), pick(then.known, otherwise.known)
            return Word(number, known, pick(then.absent, otherwise.absent))
        case _:
            raise TypeError(f"cannot choose between {then} and {otherwise}")


def _over_one_bottom(left: Quantity, right: Quantity) -> tuple[Quantity, Quantity]:
    """Two numbers over one bottom, where theirs are plain numbers: the choice is then one of tops alone."""
    if not (isinstance(left.bottom, int) and isinstance(right.bottom, int)):
        return left, right
    bottom = lcm(left.bottom, right.bottom)
    return replace(left, top=left.top * (bottom // left.bottom), bottom=bottom), replace(
        right, top=right.top * (bottom // right.bottom), bottom=bottom
    )


def same(left: Encoded, right: Encoded) -> Term:
    """Whether two known values of one type are equal."""
    match left, right:
        case Truth(), Truth():
            values = equal(left.holds, right.holds)
        case Quantity(), Quantity():
            values = compare(left, right, equal)
        case Moment(), Moment():
            values = both(equal(left.day, right.day), equal(left.second, right.second))
        case Word(), Word():
            values = equal(left.number, right.number)
        case _:
            raise TypeError(f"cannot compare {left} and {right}")
    if left.absent is False and right.absent is False:
        return values
    present = both(opposite(left.absent), opposite(right.absent), values)
    return either(both(left.absent, right.absent), present)


def rounded(value: Quantity, mode: Rounding) -> Quantity:
    """A number rounded once, by the magnitude, so that round(-x) is -round(x)."""
    if isinstance(value.bottom, int) and value.bottom == 1:
        return value
    is_positive = value.top >= 0
    size = choose(is_positive, value.top, -value.top)
    whole = _rounded_size(size, value.bottom, mode)
    return Quantity(choose(is_positive, whole, -whole), 1, value.known)


def _rounded_size(size: Term, bottom: Term, mode: Rounding) -> Term:
    match mode:
        case Rounding.DOWN:
            return quotient(size, bottom)
        case Rounding.UP:
            return quotient(size + bottom - 1, bottom)
        case Rounding.HALF_UP:
            return quotient(2 * size + bottom, 2 * bottom)
        case Rounding.HALF_EVEN:
            whole = quotient(size, bottom)
            double = 2 * (size - whole * bottom)
            is_odd = equal(whole - 2 * quotient(whole, 2), 1)
            return whole + choose(either(double > bottom, both(equal(double, bottom), is_odd)), 1, 0)


def _same(left: Term, right: Term) -> bool:
    return isinstance(left, int) and isinstance(right, int) and left == right
