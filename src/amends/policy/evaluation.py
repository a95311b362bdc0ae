"""The meaning of expressions: a small interpreter over the model, strict Kleene in three values.

Unknown is None. Everything compiled is tested against this module (semantics, rules 1, 2, 16, 17, 19).
"""

import operator
from collections.abc import Callable
from fractions import Fraction

from amends.policy import dates
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
from amends.policy.facts import NONE, Facts, Value
from amends.policy.model import Parameter, Policy, Table
from amends.policy.money import Rounding, round_exact

COMPARISONS: dict[str, Callable[..., bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
ROUNDINGS = {
    "round_down": Rounding.DOWN,
    "round_up": Rounding.UP,
    "round_half_even": Rounding.HALF_EVEN,
}


class Evaluation:
    """One case seen through one policy; `results` holds refund, outcome, grant and denials for promises."""

    def __init__(self, policy: Policy, facts: Facts, results: dict[str, Value] | None = None) -> None:
        self.policy = policy
        self.facts = facts
        self.results = results or {}
        self._derived: dict[str, Value] = {}
        self._unknown: dict[str, set[str]] = {}

    def value(self, node: Node) -> Value:
        """The value of an expression, None where it is unknown."""
        match node:
            case Literal():
                return node.value
            case Given():
                return _guarded(node, self.facts[node.name])
            case Number():
                return parameter_value(self.policy.parameters[node.name], self.facts["currency"])
            case Cell():
                return self._cell(node)
            case Derived():
                return _guarded(node, self._derive(node.name))
            case Result():
                return self.results[node.name]
            case DeniedBy():
                return node.clause in str(self.results["denials"]).split()
            case _:
                return self._combine(node)

    def _combine(self, node: Node) -> Value:
        match node:
            case Not():
                held = self.value(node.operand)
                return None if held is None else not held
            case All():
                return self._fold(node.operands, decisive=False)
            case Some():
                return self._fold(node.operands, decisive=True)
            case Among():
                member = self.value(node.operand)
                return None if member is None else member in node.members
            case Choice():
                return self._choose(node)
            case _:
                return self._compute(node)

    def _fold(self, operands: tuple[Node, ...], *, decisive: bool) -> Value:
        unknown = False
        for operand in operands:
            held = self.value(operand)
            if held is decisive:
                return decisive
            unknown = unknown or held is None
        return None if unknown else not decisive

    def _choose(self, node: Choice) -> Value:
        condition = self.value(node.condition)
        if condition is not None:
            return self.value(node.then if condition else node.otherwise)
        then, otherwise = self.value(node.then), self.value(node.otherwise)
        return then if then == otherwise else None

    def _compute(self, node: Node) -> Value:
        values = [self.value(child) for child in children(node)]
        if any(value is None for value in values):
            return None
        match node:
            case Compare():
                return COMPARISONS[node.operator](*values)
            case Arithmetic():
                return calculate(node.operator, *values)
            case Call():
                return self._call(node.function, values)
            case _:
                raise TypeError(f"no meaning for {type(node).__name__}")

    def _call(self, function: str, values: list[Value]) -> Value:
        zone = self.policy.zone
        match function:
            case "days_between":
                return dates.days_between(*_instants(values), zone)
            case "months_started":
                return dates.months_started(*_instants(values), zone)
            case "elapsed":
                return calculate("-", values[1], values[0])
            case "min":
                return min(values)  # type: ignore[type-var]  # the reader typed it
            case "max":
                return max(values)  # type: ignore[type-var]  # the reader typed it
            case "clamp":
                return max(values[1], min(values[0], values[2]))  # type: ignore[type-var]  # the reader typed it
            case _:
                mode = ROUNDINGS.get(function, self.policy.rounding)
                return round_exact(values[0], mode)  # type: ignore[arg-type]  # the reader typed it

    def _derive(self, name: str) -> Value:
        if name not in self._derived:
            self._derived[name] = self.value(self.policy.derived[name])
        return self._derived[name]

    def _cell(self, node: Cell) -> Value:
        table = self.policy.tables[node.table]
        keys = tuple(self.value(key) for key in table.keys)
        return cell_value(table, table.columns.index(node.column), keys, self.facts["currency"])

    def unknown_inputs(self, node: Node) -> set[str]:
        """The unknown inputs that keep an unknown expression from being known."""
        if self.value(node) is not None:
            return set()
        match node:
            case Given():
                return {node.name}
            case Derived():
                if node.name not in self._unknown:
                    self._unknown[node.name] = self.unknown_inputs(self.policy.derived[node.name])
                return self._unknown[node.name]
            case Cell():
                parts: tuple[Node, ...] = self.policy.tables[node.table].keys
            case _:
                parts = children(node)
        return set().union(*(self.unknown_inputs(part) for part in parts))


def _guarded(node: Node, value: Value) -> Value:
    """The value where a condition has excluded `none`; elsewhere the part is never looked at, so unknown will do."""
    is_excluded = value == NONE and not node.type.optional and NONE not in node.type.members
    return None if is_excluded else value


def _instants(values: list[Value]) -> tuple[int, int]:
    start, end = values
    assert isinstance(start, int)
    assert isinstance(end, int)
    return start, end


def parameter_value(parameter: Parameter, currency: Value) -> Value:
    """The value of a parameter in a case; money of another currency is unknown (semantics, rule 19)."""
    if parameter.currency is not None and parameter.currency != currency:
        return None
    return parameter.value


def cell_value(table: Table, column: int, keys: tuple[Value, ...], currency: Value) -> Value:
    """The value in the row that the keys select; unknown where a key is unknown or no row matches."""
    if any(key is None for key in keys):
        return None
    for row in table.rows:
        if all(key.matches(value) for key, value in zip(row.keys, keys, strict=True)):
            return parameter_value(row.values[column], currency)
    return None


def calculate(symbol: str, left: Value, right: Value) -> int | Fraction | None:
    """Exact arithmetic; a quotient is a Fraction, never a float, and nothing is known of a division by zero."""
    if not isinstance(left, int | Fraction) or not isinstance(right, int | Fraction):
        raise TypeError(f"{left!r} {symbol} {right!r}")
    match symbol:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return Fraction(left) / right if right else None
