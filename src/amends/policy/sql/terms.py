"""Values as SQL text: exact numbers with their bounds, and conditions in SQL's three values.

NULL is an unknown. SQL's `AND`, `OR`, `NOT` and comparisons are those of the language; `GREATEST`, `LEAST` and `IN`
over unknowns are not, and are guarded. Numbers are whole: a fraction is a top over a bottom, so nothing is divided
before a rounding says how. The text is written in one dialect with markers (`EXACT_DIV`, `WIDE`, …) that
`compiler` turns into what each engine calls them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce
from math import lcm

from amends.policy.money import Rounding

BIGINT_MAX = 2**63 - 1
WIDE_MAX = 10**38 - 1
"""What NUMERIC(38) and its like hold."""
TRUE, FALSE, NULL = "TRUE", "FALSE", "NULL"


class TooWideError(ValueError):
    """A number may have more than 38 digits."""


@dataclass(frozen=True)
class Term:
    """A value: `raw` is right wherever every one of `known` is not NULL."""

    raw: str
    depth: int = 0
    """The last layer of columns that it reads."""
    known: frozenset[str] = frozenset()
    is_strict: bool = True
    """Whether `raw` is NULL by itself where something it reads is unknown."""
    low: int = 0
    high: int = 0
    is_wide: bool = False
    is_certain: bool = False
    """Whether it is known in every row that is read and not refused."""
    bottom: "Term | None" = field(default=None, kw_only=True)
    """What divides it, always above zero; None for 1."""

    @property
    def sql(self) -> str:
        """The value, NULL where unknown."""
        if self.is_strict:
            return self.raw
        return (
            f"CASE WHEN {both(*(f'{name} IS NOT NULL' for name in sorted(self.known)))} THEN {self.raw} END"
        )

    @property
    def size(self) -> int:
        """The largest it can be, either sign."""
        return max(abs(self.low), abs(self.high))


def both(*conditions: str) -> str:
    """`AND`, without what is always true."""
    kept = [one for one in dict.fromkeys(conditions) if one != TRUE]
    if FALSE in kept:
        return FALSE
    return f"({' AND '.join(kept)})" if len(kept) > 1 else "".join(kept) or TRUE


def either(*conditions: str) -> str:
    """`OR`, without what is always false."""
    kept = [one for one in dict.fromkeys(conditions) if one != FALSE]
    if TRUE in kept:
        return TRUE
    return f"({' OR '.join(kept)})" if len(kept) > 1 else "".join(kept) or FALSE


def opposite(condition: str) -> str:
    """`NOT`."""
    return {TRUE: FALSE, FALSE: TRUE}.get(condition) or f"(NOT {condition})"


def holds(condition: str) -> str:
    """Whether a condition is known to be true."""
    return (
        condition if condition in (TRUE, FALSE) else FALSE if condition == NULL else f"({condition} IS TRUE)"
    )


def fails(condition: str) -> str:
    """Whether a condition is known to be false."""
    return (
        opposite(condition)
        if condition in (TRUE, FALSE)
        else FALSE
        if condition == NULL
        else f"({condition} IS FALSE)"
    )


def is_open(condition: str) -> str:
    """Whether a condition is unknown."""
    return FALSE if condition in (TRUE, FALSE) else TRUE if condition == NULL else f"({condition} IS NULL)"


def case(branches: Iterable[tuple[str, str]], otherwise: str = NULL) -> str:
    """The first branch whose condition is true."""
    kept = []
    for condition, value in branches:
        if condition == TRUE:
            otherwise = value
            break
        if condition != FALSE:
            kept.append((condition, value))
    while kept and otherwise == NULL == kept[-1][1]:
        kept.pop()
    if not kept:
        return otherwise
    end = "" if otherwise == NULL else f" ELSE {otherwise}"
    return f"CASE {' '.join(f'WHEN {condition} THEN {value}' for condition, value in kept)}{end} END"


def word(text: str) -> str:
    """A text constant."""
    return "'" + text.replace("'", "''") + "'"


def texts(listed: Iterable[str]) -> str:
    """A list of text constants."""
    return f"TEXTS({', '.join(map(word, listed))})"


def texts_where(chosen: Iterable[tuple[str, str]]) -> str:
    """The text constants whose conditions hold."""
    parts = (case([(when, word(text))]) for when, text in chosen if when != FALSE)
    return f"TEXTS({', '.join(parts)})"


def among_words(text: str, listed: Iterable[str]) -> str:
    """Whether a text is one of some."""
    words = [word(one) for one in listed]
    return f"({text} = {words[0]})" if len(words) == 1 else f"({text} IN ({', '.join(words)}))"


def column(name: str) -> str:
    """A column by its name."""
    return f'"{name}"'


def constant(value: int | Fraction) -> Term:
    """A number that stands in the policy."""
    top, bottom = value.numerator, value.denominator
    whole = Term(str(top), low=top, high=top, is_wide=abs(top) > BIGINT_MAX, is_certain=True)
    return whole if bottom == 1 else replace(whole, bottom=constant(bottom))


def add(left: Term, right: Term, sign: int = 1) -> Term:
    """The sum, or with sign -1 the difference."""
    first, second, bottom = aligned(left, right)
    low, high = sorted((sign * second.low, sign * second.high))
    symbol = "+" if sign == 1 else "-"
    if first.raw == "0" and sign == -1:
        return replace(_whole(f"(-{second.raw})", low, high, second), bottom=bottom)
    sides = _widened(first, second, first.low + low, first.high + high)
    found = _whole(f"({sides[0]} {symbol} {sides[1]})", first.low + low, first.high + high, first, second)
    return replace(found, bottom=bottom)


def multiply(left: Term, right: Term) -> Term:
    """The product."""
    bottoms = [term.bottom for term in (left, right) if term.bottom is not None]
    found = _product(_top(left), _top(right))
    bottom = reduce(_product, bottoms) if bottoms else None
    return _over(found, bottom)


def divide(left: Term, right: Term) -> Term:
    """The quotient; the reader has seen to it that the divisor is above zero in every possible case."""
    divisor = replace(_top(right), low=max(1, right.low), high=max(1, right.high))
    inverse = constant(1) if right.bottom is None else right.bottom
    return multiply(left, _over(inverse, divisor))


def compare(symbol: str, left: Term, right: Term) -> Term:
    """A comparison of two numbers."""
    first, second, _ = aligned(left, right)
    return told_by(f"({first.sql} {symbol} {second.sql})", left, right)


def condition(text: str, *parts: Term) -> Term:
    """A condition, or another value that is no number, made of what it reads."""
    return Term(text, depth=max((part.depth for part in parts), default=0))


def told_by(text: str, *parts: Term) -> Term:
    """A condition, or another value that is no number, that is known wherever its parts are."""
    return known_with(condition(text, *parts), *parts)


def known_with(term: Term, *parts: Term) -> Term:
    """A term that is known wherever its parts are."""
    return replace(term, is_certain=all(part.is_certain for part in parts))


def extreme(function: str, terms: list[Term]) -> Term:
    """`LEAST` or `GREATEST`, unknown as soon as one of its arguments is: by itself SQL would pass over it."""
    found, *others = terms
    for term in others:
        first, second, bottom = aligned(found, term)
        choose = min if function == "LEAST" else max
        low, high = choose(first.low, second.low), choose(first.high, second.high)
        raw = f"{function}({first.raw}, {second.raw})"
        is_strict = not (first.known or second.known)
        found = replace(_whole(raw, low, high, first, second), bottom=bottom, is_strict=is_strict)
    return found


def chosen(condition: Term, then: str, otherwise: str) -> str:
    """One of two values; where the condition is unknown, what both are if they are equal."""
    if condition.is_certain or condition.sql in (TRUE, FALSE):
        return case([(condition.sql, then)], otherwise)
    return case(
        [(condition.sql, then), (opposite(condition.sql), otherwise), (f"({then} = {otherwise})", then)]
    )


def chosen_number(condition: Term, then: Term, otherwise: Term) -> Term:
    """One of two numbers."""
    first, second, bottom = aligned(then, otherwise)
    text = chosen(condition, first.sql, second.sql)
    found = Term(
        text,
        depth=max(condition.depth, then.depth, otherwise.depth),
        low=min(first.low, second.low),
        high=max(first.high, second.high),
        is_wide=first.is_wide or second.is_wide,
    )
    return known_with(replace(found, bottom=bottom), condition, then, otherwise)


def over_one_bottom(values: list[Term]) -> list[Term]:
    """Constants, each over the bottom that all of them share."""
    return [_scaled(value, values) for value in values]


def _scaled(value: Term, values: list[Term]) -> Term:
    for other in values:
        top, _, bottom = aligned(value, other)
        value = replace(top, bottom=bottom)
    return value


def rounded(term: Term, mode: Rounding) -> Term:
    """A fraction as a whole number; every mode treats -x as it treats x (semantics, rule 17)."""
    if term.bottom is None:
        return term
    top, bottom = _top(term), term.bottom
    is_signed = top.low < 0
    match mode:
        case Rounding.DOWN:
            return _quotient(top, bottom)
        case Rounding.UP:
            return _quotient(_away(top, add(bottom, constant(1), -1), is_signed=is_signed), bottom)
        case Rounding.HALF_UP:
            twice = multiply(constant(2), top)
            return _quotient(_away(twice, bottom, is_signed=is_signed), multiply(constant(2), bottom))
        case Rounding.HALF_EVEN:
            return _half_even(top, bottom)


def _half_even(top: Term, bottom: Term) -> Term:
    whole = _quotient(top, bottom)
    # What was divided bounds the product better than its factors do.
    low, high = min(top.low, 0), max(top.high, 0)
    sides = _widened(whole, bottom, low, high)
    rest = add(top, _whole(f"({sides[0]} * {sides[1]})", low, high, whole, bottom), -1)
    double = multiply(constant(2), replace(rest, raw=f"ABS({rest.raw})", low=0, high=bottom.high))
    odd = f"(({double.raw} = {bottom.raw}) AND MOD({whole.raw}, 2) <> 0)"
    step = f"CASE WHEN {double.raw} > {bottom.raw} OR {odd} THEN SIGN({top.raw}) ELSE 0 END"
    return add(whole, _whole(f"CAST({step} AS BIGINT)", -1, 1, replace(whole, is_wide=False)))


def _away(top: Term, distance: Term, *, is_signed: bool) -> Term:
    """The number moved away from zero."""
    farther = add(top, distance)
    if not is_signed:
        return farther
    nearer = add(top, distance, -1)
    raw = f"CASE WHEN {top.raw} < 0 THEN {nearer.raw} ELSE {farther.raw} END"
    is_wide = nearer.is_wide or farther.is_wide
    return replace(farther, raw=raw, low=min(nearer.low, farther.low), is_wide=is_wide)


def _quotient(top: Term, bottom: Term) -> Term:
    """Division toward zero. A divisor of zero stands in rows that are refused; the engine must not stop at them."""
    divisor = bottom.raw if bottom.raw.isdigit() else f"NULLIF({bottom.raw}, 0)"
    is_wide = top.is_wide or bottom.is_wide
    marker = "WIDE_DIV" if is_wide else "EXACT_DIV"
    ends = [_toward_zero(end, by) for end in (top.low, top.high) for by in (bottom.low, bottom.high)]
    found = _whole(f"{marker}({top.raw}, {divisor})", min(ends), max(ends), top, bottom)
    return narrowed(replace(found, is_wide=is_wide))


def narrowed(term: Term) -> Term:
    """The number in 64 bits where it fits them."""
    if term.is_wide and term.size <= BIGINT_MAX:
        return replace(term, raw=f"CAST({term.raw} AS BIGINT)", is_wide=False)
    return term


def _toward_zero(top: int, bottom: int) -> int:
    return abs(top) // bottom * (1 if top >= 0 else -1)


def _top(term: Term) -> Term:
    return replace(term, bottom=None)


def _over(top: Term, bottom: Term | None) -> Term:
    if bottom is None:
        return top
    known, depth = top.known | bottom.known, max(top.depth, bottom.depth)
    return replace(
        top,
        bottom=None if bottom.raw == "1" else bottom,
        known=known,
        depth=depth,
        is_strict=top.is_strict and bottom.is_strict,
        is_certain=top.is_certain and bottom.is_certain,
    )


def _product(left: Term, right: Term) -> Term:
    if left.raw == "1":
        return right
    if right.raw == "1":
        return left
    ends = [first * second for first in (left.low, left.high) for second in (right.low, right.high)]
    sides = _widened(left, right, min(ends), max(ends))
    return _whole(f"({sides[0]} * {sides[1]})", min(ends), max(ends), left, right)


def aligned(left: Term, right: Term) -> tuple[Term, Term, Term | None]:
    """Both tops over one bottom."""
    first, second = left.bottom, right.bottom
    if (first and first.raw) == (second and second.raw):
        return _top(left), _top(right), first
    one = constant(1)
    first, second = first or one, second or one
    if first.raw.isdigit() and second.raw.isdigit():
        common = lcm(int(first.raw), int(second.raw))
        scaled = [
            _product(_top(t), constant(common // int(b.raw))) for t, b in ((left, first), (right, second))
        ]
        return scaled[0], scaled[1], constant(common)
    return _product(_top(left), second), _product(_top(right), first), _product(first, second)


def _widened(left: Term, right: Term, low: int, high: int) -> tuple[str, str]:
    """Both sides, one of them cast where 64 bits may not hold the result."""
    if left.is_wide or right.is_wide or max(abs(low), abs(high)) <= BIGINT_MAX:
        return left.raw, right.raw
    return f"WIDE({left.raw})", right.raw


def _whole(raw: str, low: int, high: int, *parts: Term) -> Term:
    size = max(abs(low), abs(high))
    if size > WIDE_MAX:
        raise TooWideError
    return Term(
        raw,
        depth=max(part.depth for part in parts),
        known=frozenset().union(*(part.known for part in parts)),
        is_strict=all(part.is_strict for part in parts),
        is_certain=all(part.is_certain for part in parts),
        low=low,
        high=high,
        is_wide=size > BIGINT_MAX or any(part.is_wide for part in parts),
    )
