"""Expressions as terms, with the three values of `evaluation` (semantics, rules 2, 16, 17)."""

import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, cast

from amends.policy import types
from amends.policy.checker import values
from amends.policy.checker.calendar import SECONDS_PER_DAY, Calendar
from amends.policy.checker.smt import Prover, Term, both, either, equal, opposite
from amends.policy.checker.values import Encoded, Moment, Quantity, Truth, Word
from amends.policy.evaluation import ROUNDINGS
from amends.policy.expression import (
    All,
    Among,
    Arithmetic,
    Call,
    Cell,
    Choice,
    Compare,
    DeniedBy,
    Derived,
    Given,
    Literal,
    Node,
    Not,
    Number,
    Result,
    Some,
    children,
)
from amends.policy.facts import COUNT_MAX, NONE, Input, Value
from amends.policy.model import Key, Parameter, Policy, Table
from amends.policy.money import AMOUNT_MAX, EXPONENTS
from amends.policy.types import Kind

RATIO_SCALE = 10**12
"""A ratio has at most twelve digits after the point."""
_ANY_CURRENCY = "USD"
_ORDERS: dict[str, Callable[[Term, Term], Term]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MICROSECONDS = 1_000_000


class Words:
    """Enum members and other words, numbered as they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, word: str) -> int:
        """The number that stands for a word."""
        return self._numbers.setdefault(word, len(self._numbers))

    def word(self, number: int) -> str:
        """The word that a number stands for."""
        return next(word for word, known in self._numbers.items() if known == number)


@dataclass(frozen=True)
class Frame:
    """What all cases of one proof have in common."""

    prover: Prover
    calendar: Calendar
    words: Words = field(default_factory=Words)
    wider: Mapping[str, "Wider"] = field(default_factory=dict)
    """By input, and `currency`: what another policy of the same proof takes."""


class Wider(NamedTuple):
    """Words that an input may have, and whether it may be none, in any policy of a proof."""

    members: tuple[str, ...]
    optional: bool


def currencies_of(policy: Policy) -> tuple[str, ...]:
    """The currencies that a case may have; where the policy names none, those that it reads and one more."""
    if policy.currencies:
        return policy.currencies
    rows = [row for table in policy.tables.values() for row in table.rows]
    numbers = [*policy.parameters.values(), *(value for row in rows for value in row.values)]
    used = {number.currency for number in numbers if number.currency}
    used |= {str(key.member) for row in rows for key in row.keys if key.member in EXPONENTS}
    return (*sorted(used), currency_beside(used))


def currency_beside(used: Collection[str]) -> str:
    """A currency that is none of some."""
    return next(code for code in (_ANY_CURRENCY, *sorted(EXPONENTS)) if code not in used)


class Step(NamedTuple):
    """A product or a rounding, and what it was made of."""

    parts: tuple[Quantity, ...]
    result: Quantity


class Encoding:
    """The inputs of one complete case, and every expression of a policy over them.

    `shared` and `currency` come from another encoding that has introduced them already.
    """

    def __init__(
        self,
        policy: Policy,
        frame: Frame,
        shared: Mapping[str, Encoded] | None = None,
        currency: Word | None = None,
    ) -> None:
        self.policy = policy
        self.frame = frame
        self.prover = frame.prover
        self.words = frame.words
        self.steps: dict[Node, Step] = {}
        """The products and roundings that were met."""
        self._derived: dict[str, Encoded] = {}
        known = shared or {}
        self.inputs = {
            name: known[name] if name in known else self._input(declared)
            for name, declared in policy.inputs.items()
        }
        self.currency = currency or self._member("currency", currencies_of(self.policy))
        self.is_taken = both(*self._taken())

    def _taken(self) -> Iterator[Term]:
        """That this policy takes what another one of the same proof may take alone."""
        for name, value in self.inputs.items():
            if name in self.frame.wider:
                declared = self.policy.inputs[name].type
                if isinstance(value, Word):
                    yield self._is_among(value, declared.members)
                elif not declared.optional:
                    yield opposite(value.absent)
        if "currency" in self.frame.wider and self.policy.currencies:
            yield self._is_among(self.currency, currencies_of(self.policy))

    def _is_among(self, word: Word, members: Iterable[str]) -> Term:
        return either(*(equal(word.number, self.words.number(member)) for member in members))

    def beside(self, policy: Policy, shared: Mapping[str, Encoded]) -> "Encoding":
        """Another case in the same proof, with some inputs and the currency in common."""
        return Encoding(policy, self.frame, shared, self.currency)

    def _input(self, declared: Input) -> Encoded:
        type_, name = declared.type, declared.name
        value: Encoded
        if type_.kind is Kind.YES_NO:
            value = Truth(self.prover.truth(name))
        elif type_.kind is Kind.ENUM:
            return self._member(name, type_.members)
        elif type_.kind is Kind.INSTANT:
            value = self.frame.calendar.moment(name)
        else:
            value = self._number_input(declared)
        optional = type_.optional or (name in self.frame.wider and self.frame.wider[name].optional)
        return replace(value, absent=self.prover.truth(f"{name} is none")) if optional else value

    def _member(self, name: str, members: tuple[str, ...]) -> Word:
        more = self.frame.wider[name].members if name in self.frame.wider else ()
        numbers = [self.words.number(member) for member in dict.fromkeys([*members, *more])]
        term = self.prover.whole(name, min(numbers), max(numbers))
        self.prover.require(either(*(equal(term, number) for number in numbers)))
        return Word(term)

    def _number_input(self, declared: Input) -> Quantity:
        type_, name = declared.type, declared.name
        if not type_.unit:
            return Quantity(
                self.prover.whole(name, -COUNT_MAX * RATIO_SCALE, COUNT_MAX * RATIO_SCALE), RATIO_SCALE
            )
        if type_.shown_in:
            size = types.MICROSECONDS[type_.shown_in]
            return Quantity(self.prover.whole(name, 0, COUNT_MAX) * size)
        if any(unit == "money" for unit, _ in type_.unit):
            return Quantity(self.prover.whole(name, -AMOUNT_MAX, AMOUNT_MAX))
        return Quantity(self.prover.whole(name, 0, COUNT_MAX))

    def truth(self, node: Node, results: Mapping[str, Encoded] | None = None) -> Truth:
        """A condition."""
        return cast("Truth", self.value(node, results))

    def quantity(self, node: Node, results: Mapping[str, Encoded] | None = None) -> Quantity:
        """A number."""
        return cast("Quantity", self.value(node, results))

    def value(self, node: Node, results: Mapping[str, Encoded] | None = None) -> Encoded:
        """An expression; `results` holds what a promise may ask of a decision."""
        match node:
            case Literal():
                return self._literal(node)
            case Given(name="currency"):
                return self.currency
            case Given():
                return _guarded(node, self.inputs[node.name])
            case Number():
                return self._parameter(self.policy.parameters[node.name])
            case Cell():
                return self._cell(node)
            case Derived():
                if node.name not in self._derived:
                    self._derived[node.name] = self.value(self.policy.derived[node.name])
                return _guarded(node, self._derived[node.name])
            case Result() | DeniedBy():
                assert results is not None
                name = node.name if isinstance(node, Result) else f"denied_by {node.clause}"
                return results.get(name, Truth(holds=False))
            case _:
                return self._combine(node, [self.value(child, results) for child in children(node)])

    def _literal(self, node: Literal) -> Encoded:
        if node.value is None:
            return Truth(holds=False, known=False)
        if node.type.kind is Kind.NONE:
            return Word(self.words.number(NONE), absent=True)
        return self._known(node.value)

    def _known(self, value: Value) -> Encoded:
        if isinstance(value, bool):
            return Truth(value)
        if isinstance(value, str):
            return Word(self.words.number(value))
        assert value is not None
        return values.constant(value)

    def _parameter(self, parameter: Parameter) -> Encoded:
        value = self._known(parameter.value)
        if parameter.currency is None:
            return value
        return values.with_known(value, self.is_in(parameter.currency))

    def _cell(self, node: Cell) -> Encoded:
        table = self.policy.tables[node.table]
        column = table.columns.index(node.column)
        value = values.with_known(self._parameter(table.rows[-1].values[column]), known=False)
        for row, matches in reversed([*zip(table.rows, self.matches(table), strict=True)]):
            value = values.select(matches, self._parameter(row.values[column]), value)
        return value

    def has_keys(self, table: Table) -> Term:
        """Whether everything that selects a row is known."""
        return both(*(self.value(key).known for key in table.keys))

    def matches(self, table: Table) -> list[Term]:
        """For each row, whether the case selects it."""
        keys = [self.value(key) for key in table.keys]
        known = self.has_keys(table)
        return [
            both(known, *(self._matches(cell, key) for cell, key in zip(row.keys, keys, strict=True)))
            for row in table.rows
        ]

    def is_in(self, currency: str) -> Term:
        """Whether the case is in a currency."""
        return equal(self.currency.number, self.words.number(currency))

    def _matches(self, cell: Key, key: Encoded) -> Term:
        if cell.member is not None:
            match key:
                case Truth():
                    return key.true if cell.member is True else key.false
                case _ if isinstance(cell.member, str) and not isinstance(key, Word):
                    return key.absent
                case _:
                    return both(opposite(key.absent), values.same(key, self._known(cell.member)))
        assert isinstance(key, Quantity)
        above = True if cell.low is None else key.top >= cell.low * key.bottom
        below = True if cell.high is None else key.top <= cell.high * key.bottom
        return both(opposite(key.absent), above, below)

    def _combine(self, node: Node, parts: list[Encoded]) -> Encoded:
        match node:
            case Not():
                (held,) = cast("list[Truth]", parts)
                return Truth(opposite(held.holds), held.known)
            case All():
                return values.conjoin(cast("list[Truth]", parts))
            case Some():
                return values.disjoin(cast("list[Truth]", parts))
            case Among():
                (word,) = cast("list[Word]", parts)
                found = either(*(equal(word.number, self.words.number(member)) for member in node.members))
                return Truth(found, word.known)
            case Choice():
                return _choice(*parts)
            case Compare():
                return _comparison(node.operator, *parts)
            case _:
                return self._compute(node, parts)

    def _compute(self, node: Node, parts: list[Encoded]) -> Encoded:
        match node:
            case Arithmetic():
                left, right = cast("list[Quantity]", parts)
                result = _calculated(node.operator, left, right)
                if node.operator == "*":
                    self.steps[node] = Step((left, right), result)
                return result
            case Call():
                value = self._call(node.function, parts)
                if node.function in ROUNDINGS or node.function == "round":
                    self.steps[node] = Step(tuple(cast("list[Quantity]", parts)), cast("Quantity", value))
                return value
            case _:
                raise TypeError(f"no terms for {type(node).__name__}")

    def _call(self, function: str, parts: list[Encoded]) -> Encoded:
        match function:
            case "days_between" | "months_started" | "elapsed":
                start, end = cast("list[Moment]", parts)
                known = both(start.known, end.known)
                if function == "days_between":
                    return Quantity(end.local_day - start.local_day, 1, known)
                if function == "months_started":
                    return Quantity(
                        self.frame.calendar.months_started(start.local_day, end.local_day), 1, known
                    )
                seconds = SECONDS_PER_DAY * (end.day - start.day) + end.second - start.second
                return Quantity(_MICROSECONDS * seconds, 1, known)
            case "min" | "max":
                found = parts[0]
                for part in parts[1:]:
                    found = values.extreme(found, part, largest=function == "max")
                return found
            case "clamp":
                value, low, high = parts
                capped = values.extreme(value, high, largest=False)
                return values.extreme(low, capped, largest=True)
            case _:
                mode = ROUNDINGS.get(function, self.policy.rounding)
                return values.rounded(cast("Quantity", parts[0]), mode)


def _calculated(symbol: str, left: Quantity, right: Quantity) -> Quantity:
    match symbol:
        case "+" | "-":
            return values.add(left, right, 1 if symbol == "+" else -1)
        case "*":
            return values.multiply(left, right)
        case _:
            return values.divide(left, right)


def _choice(condition: Encoded, then: Encoded, otherwise: Encoded) -> Encoded:
    assert isinstance(condition, Truth)
    if type(then) is not type(otherwise):
        then, otherwise = _none_as(then, otherwise), _none_as(otherwise, then)
    picked = values.select(condition.holds, then, otherwise)
    return values.with_known(picked, both(condition.known, picked.known))


def _none_as(value: Encoded, other: Encoded) -> Encoded:
    """`none` in the shape of the other value."""
    return replace(other, absent=True) if isinstance(value, Word) and value.absent is True else value


def _comparison(symbol: str, left: Encoded, right: Encoded) -> Truth:
    known = both(left.known, right.known)
    if symbol in ("==", "!="):
        is_same = _is_absent(left, right) if _is_none(left) or _is_none(right) else values.same(left, right)
        return Truth(is_same if symbol == "==" else opposite(is_same), known)
    if isinstance(left, Moment) and isinstance(right, Moment):
        earlier, later = (left, right) if symbol in ("<", "<=") else (right, left)
        holds = earlier.is_before(later) if symbol in ("<", ">") else opposite(later.is_before(earlier))
        return Truth(holds, known)
    assert isinstance(left, Quantity)
    assert isinstance(right, Quantity)
    return Truth(values.compare(left, right, _ORDERS[symbol]), known)


def _is_none(value: Encoded) -> bool:
    return isinstance(value, Word) and value.absent is True


def _is_absent(left: Encoded, right: Encoded) -> Term:
    """Whether the one that is not the literal `none` is none; in an enum, none is a member."""
    literal, value = (left, right) if _is_none(left) else (right, left)
    if isinstance(value, Word):
        assert isinstance(literal, Word)
        return equal(value.number, literal.number)
    return value.absent


def _guarded(node: Node, value: Encoded) -> Encoded:
    """The value where a condition has excluded `none`; elsewhere the part is never looked at."""
    if value.absent is False or node.type.optional:
        return value
    return replace(value, known=both(value.known, opposite(value.absent)), absent=False)
