"""Expressions of a policy as SQL, with the three values of `evaluation` (semantics, rules 2, 16, 17, 19)."""

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from amends.policy import dates
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
)
from amends.policy.facts import NONE
from amends.policy.model import Key, Parameter, Policy, Table
from amends.policy.sql import terms
from amends.policy.sql.layers import Layers
from amends.policy.sql.terms import FALSE, NULL, TRUE, Term, TooWideError, both, case, either, word
from amends.policy.types import Kind

LONG = 400
"""A part with more signs than this becomes a column of its own before it is written twice."""
LONGEST = 2_000
"""And one with more than this, wherever it is read."""
DAY_MAX = 84_006
UTC = "UTC"

_PLAIN = re.compile(r'[0-9]+|"[^"]*"')


class UncompilableError(ValueError):
    """A policy that SQL cannot decide; the message says where and why."""


class Expressions:
    """The expressions of one policy over the columns of its inputs."""

    def __init__(
        self, policy: Policy, layers: Layers, inputs: dict[str, Term], where: Term | None = None
    ) -> None:
        self.policy = policy
        self.layers = layers
        self.inputs = inputs
        """For each input its column; `<input>_none` tells what is known to be none."""
        self.where = where
        """The rows in which parts become columns; None to write parts where they are read, for every row."""
        self.results: dict[str, Term] = {}
        """What promises may ask of a decision."""
        self._bound: dict[object, Term] = {}

    def value(self, node: Node) -> Term:
        """The value of an expression."""
        try:
            return self._value(node)
        except TooWideError:
            place = f"line {node.span.line}, column {node.span.column}"
            message = f"{place}: a number here may have more than 38 digits, which SQL cannot hold. Divide or limit it earlier."
            raise UncompilableError(message) from None

    def _value(self, node: Node) -> Term:
        match node:
            case Literal():
                return _literal(node)
            case Given():
                return self._given(node)
            case Number():
                return self._number(self.policy.parameters[node.name])
            case Derived():
                return self._derived(node)
            case Cell():
                return self._cell(node)
            case Result():
                return self.results[node.name]
            case DeniedBy():
                return self.results.get(f"denied_by {node.clause}", Term(FALSE))
            case Choice():
                return self._once("choice", node, lambda: self._choice(node))
            case _:
                return self._combined(node)

    def _combined(self, node: Node) -> Term:
        match node:
            case Not():
                held = self.value(node.operand)
                return replace(held, raw=terms.opposite(held.sql))
            case All() | Some():
                parts = [self.value(part) for part in node.operands]
                join = both if isinstance(node, All) else either
                return terms.told_by(join(*(part.sql for part in parts)), *parts)
            case Among():
                member = self.value(node.operand)
                listed = ", ".join(map(word, node.members))
                return terms.told_by(f"({member.sql} IN ({listed}))", member)
            case Compare():
                return self._compare(node)
            case Arithmetic():
                return self._calculated(node)
            case Call():
                return self._call(node)
            case _:
                raise TypeError(f"no SQL for {type(node).__name__}")

    def _given(self, node: Given) -> Term:
        term = self.inputs[node.name]
        declared = self.policy.inputs.get(node.name)
        is_excluded = not node.type.optional and NONE not in node.type.members
        if declared and declared.type.kind is Kind.ENUM and declared.type.optional and is_excluded:
            return replace(term, raw=f"NULLIF({term.raw}, {word(NONE)})", is_certain=False)
        return term

    def _number(self, parameter: Parameter) -> Term:
        term = _parameter(parameter)
        if parameter.currency is None:
            return term
        return self._once(parameter.name, parameter.name, lambda: self._in_currency(term, parameter))

    def _in_currency(self, term: Term, parameter: Parameter) -> Term:
        matches = f"{self.inputs['currency'].raw} = {word(parameter.currency or '')}"
        return replace(term, raw=case([(matches, term.raw)]), is_certain=False)

    def _derived(self, node: Derived) -> Term:
        definition = self.policy.derived[node.name]
        return self._once(node.name, ("define", node.name), lambda: self._unbound(definition))

    def _unbound(self, node: Node) -> Term:
        """The value of a definition, whose column needs no other column for a choice at its root."""
        return self._choice(node) if isinstance(node, Choice) else self.value(node)

    def bind(self, name: str, term: Term) -> Term:
        """A column of about this name, computed where this is read; or the part itself, if it is short."""
        if _is_plain(term):
            return term
        if self.where is None:
            if len(term.raw) > LONGEST:
                return self.layers.bind(name, term)
            if term.is_certain:
                return term
            return replace(term, known=term.known or frozenset({term.raw}))
        depth = max(term.depth, self.where.depth)
        text = case([(self.where.raw, term.sql)])
        found = replace(term, raw=text, depth=depth, is_strict=True, is_certain=False)
        return self.layers.bind(name, found)

    def _once(self, name: str, key: object, make: Callable[[], Term]) -> Term:
        if key not in self._bound:
            self._bound[key] = self.bind(name, make())
        return self._bound[key]

    def _short(self, name: str, term: Term) -> Term:
        """A term that may be written twice."""
        return term if len(term.raw) <= LONG else self.bind(name, term)

    def _compare(self, node: Compare) -> Term:
        if isinstance(node.right, Literal) and node.right.value == NONE and isinstance(node.left, Given):
            return self._compare_none(node.left.name, node.operator)
        left, right = self.value(node.left), self.value(node.right)
        symbol = {"==": "=", "!=": "<>"}.get(node.operator, node.operator)
        if node.left.type.kind in (Kind.NUMBER, Kind.INSTANT):
            return terms.compare(symbol, left, right)
        return terms.told_by(f"({left.sql} {symbol} {right.sql})", left, right)

    def _compare_none(self, name: str, operator: str) -> Term:
        if self.policy.inputs[name].type.kind is Kind.ENUM:
            given = self.inputs[name]
            text = f"({given.raw} {'=' if operator == '==' else '<>'} {word(NONE)})"
            return Term(text, depth=given.depth, is_certain=given.is_certain)
        none = self.inputs[f"{name}_{NONE}"]
        return none if operator == "==" else replace(none, raw=f"(NOT {none.raw})")

    def _calculated(self, node: Arithmetic) -> Term:
        left, right = self.value(node.left), self.value(node.right)
        match node.operator:
            case "+":
                return terms.add(left, right)
            case "-":
                return terms.add(left, right, -1)
            case "*":
                return terms.multiply(left, right)
            case "/":
                return terms.divide(left, right)

    def _call(self, node: Call) -> Term:
        match node.function:
            case "days_between":
                start, end = (self.local_day(part) for part in node.arguments)
                return terms.add(end, start, -1)
            case "months_started":
                return self._months_started(node)
            case "elapsed":
                start, end = (self.value(part) for part in node.arguments)
                return terms.add(end, start, -1)
            case "min" | "max":
                parts = [self.value(part) for part in node.arguments]
                return terms.extreme("LEAST" if node.function == "min" else "GREATEST", parts)
            case "clamp":
                number, low, high = (self.value(part) for part in node.arguments)
                return terms.extreme("GREATEST", [low, terms.extreme("LEAST", [number, high])])
            case _:
                mode = ROUNDINGS.get(node.function, self.policy.rounding)
                return terms.rounded(self._short("exact", self.value(node.arguments[0])), mode)

    def _months_started(self, node: Call) -> Term:
        """The month is begun when its day is past: days 29 to 31 that a month lacks change nothing (semantics, rule 22)."""
        start, end = (self._short("day", self.local_day(part)) for part in node.arguments)
        months = f"MONTH_NUMBER({end.sql}) - MONTH_NUMBER({start.sql})"
        begun = f"CASE WHEN MONTH_DAY({end.sql}) > MONTH_DAY({start.sql}) THEN 1 ELSE 0 END"
        number = Term(
            f"({months} + {begun})",
            depth=max(start.depth, end.depth),
            known=start.known | end.known,
            low=-2_760,
            high=2_760,
            is_certain=start.is_certain and end.is_certain,
        )
        return terms.extreme("GREATEST", [terms.constant(1), number])

    def local_day(self, node: Node) -> Term:
        """The number of days from 1970-01-01 to an instant, in the policy's zone."""
        zone = self.policy.zone
        match node:
            case Given() if zone != UTC:
                return self.inputs[f"{node.name} day"]
            case Number():
                instant = self.policy.parameters[node.name].value
                assert isinstance(instant, int)
                return terms.constant(dates.day_number(instant, zone) - dates.day_number(0, UTC))
            case Derived() if zone != UTC:
                definition = self.policy.derived[node.name]
                return self._once(f"{node.name}_day", ("day", node.name), lambda: self.local_day(definition))
            case Choice() if zone != UTC:
                return self._once("day", ("day", node), lambda: self._choice(node, day=True))
            case Call() if zone != UTC:
                return self._once("day", ("day", node), lambda: self._chosen_day(node))
            case _:
                return self._once("day", ("day", node), lambda: _utc_day(self.value(node)))

    def _chosen_day(self, node: Call) -> Term:
        """The day of the instant that `min`, `max` or `clamp` picks: a clock set back can make a later one the earlier day."""
        if node.function == "clamp":
            number, low, high = node.arguments
            inner = Call(node.type, "min", (number, high))
            return self._chosen_day(Call(node.type, "max", (low, inner)))
        first, *rest = node.arguments
        other = rest[0] if len(rest) == 1 else Call(node.type, node.function, tuple(rest))
        symbol = "<=" if node.function == "min" else ">="
        left, right = self._short("at", self.value(first)), self._short("at", self.value(other))
        days = self.local_day(first), self.local_day(other)
        chosen = terms.compare(symbol, left, right)
        text = case([(chosen.sql, days[0].sql), (f"NOT {chosen.sql}", days[1].sql)])
        return _day_term(text, chosen, *days)

    def _choice(self, node: Choice, *, day: bool = False) -> Term:
        value = self.local_day if day else self.value
        condition = self._short("asked", self.value(node.condition))
        then, otherwise = (self._short("side", value(part)) for part in (node.then, node.otherwise))
        if node.type.kind is Kind.NUMBER or node.type.kind is Kind.INSTANT:
            return terms.chosen_number(condition, then, otherwise)
        text = terms.chosen(condition, then.sql, otherwise.sql)
        return terms.told_by(text, condition, then, otherwise)

    def _cell(self, node: Cell) -> Term:
        table = self.policy.tables[node.table]
        key = ("cell", node.table, node.column)
        return self._once(f"{node.table}_{node.column}", key, lambda: self._looked_up(table, node.column))

    def _looked_up(self, table: Table, name: str) -> Term:
        """The value in the row that the keys select; no row matches an unknown key."""
        index = table.columns.index(name)
        keys = [self._short("key", self.value(key)) for key in table.keys]
        values = [_parameter(row.values[index]) for row in table.rows]
        tops = terms.over_one_bottom(values)
        branches = []
        for row, value in zip(table.rows, tops, strict=True):
            matches = [_matches(key, term) for key, term in zip(row.keys, keys, strict=True)]
            currency = row.values[index].currency
            if currency is not None:
                matches.append(f"{self.inputs['currency'].raw} = {word(currency)}")
            branches.append((both(*matches), value.raw))
        depth = max((key.depth for key in keys), default=0)
        bounds = replace(tops[0], low=min(t.low for t in tops), high=max(t.high for t in tops))
        return replace(bounds, raw=case(branches), depth=depth, known=frozenset(), is_certain=False)


def _literal(node: Literal) -> Term:
    value = node.value
    if value is None:
        return Term(NULL)
    if isinstance(value, bool):
        return Term(TRUE if value else FALSE, is_certain=True)
    if isinstance(value, str):
        return Term(word(value), is_certain=True)
    return terms.constant(value)


def _parameter(parameter: Parameter) -> Term:
    value = parameter.value
    if isinstance(value, bool):
        return Term(TRUE if value else FALSE, is_certain=True)
    assert isinstance(value, int | Fraction)
    return terms.constant(value)


def _is_plain(term: Term) -> bool:
    """Whether a term is a column or a constant already."""
    return term.raw in (TRUE, FALSE, NULL) or _PLAIN.fullmatch(term.raw) is not None


def _utc_day(instant: Term) -> Term:
    text = f"EXACT_DIV({instant.raw}, {dates.MICROSECONDS_PER_DAY})"
    return replace(instant, raw=text, low=0, high=DAY_MAX)


def _day_term(text: str, *parts: Term) -> Term:
    return Term(text, depth=max(part.depth for part in parts), low=-1, high=DAY_MAX)


def _matches(key: Key, term: Term) -> str:
    if isinstance(key.member, bool):
        return term.sql if key.member else terms.opposite(term.sql)
    if isinstance(key.member, str):
        return f"{term.sql} = {word(key.member)}"
    ends = [(">=", key.low), ("<=", key.high)]
    return both(
        *(terms.compare(symbol, term, terms.constant(end)).sql for symbol, end in ends if end is not None)
    )
