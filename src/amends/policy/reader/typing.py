"""Which types go together, and the words when they do not."""

from dataclasses import replace

from amends.policy import types
from amends.policy.types import Kind, Type

_CALENDAR = {types.DAYS.unit, types.MONTHS.unit}


class MismatchError(Exception):
    """Two types do not go together: `code`, what is wrong, what to write."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        self.code = code
        self.message = message
        self.fix = fix
        super().__init__(message)


def unify(left: Type, right: Type, verb: str) -> Type:
    """The common type of two values that are compared, added or chosen between.

    Raises: MismatchError: they have none.
    """
    if left.kind is Kind.NUMBER and right.kind is Kind.NUMBER:
        return _unify_numbers(left, right, verb)
    if left.kind is right.kind and left.members == right.members:
        return replace(left, optional=left.optional or right.optional)
    if Kind.NONE in (left.kind, right.kind) and verb == "choose between":
        return replace(left if right.kind is Kind.NONE else right, optional=True)
    raise MismatchError(
        "wrong-type", f"Cannot {verb} {_quote(left)} and {_quote(right)}.", "Use two values of one type."
    )


def _unify_numbers(left: Type, right: Type, verb: str) -> Type:
    exact = left.exact or right.exact
    if left.bare or right.bare:
        return replace(right if left.bare else left, exact=exact)
    if left.unit == right.unit:
        return replace(left, exact=exact, shown_in=left.shown_in or right.shown_in)
    raise MismatchError(
        "wrong-unit", f"Cannot {verb} {_quote(left)} and {_quote(right)}.", _unit_advice(left, right)
    )


def _unit_advice(left: Type, right: Type) -> str:
    units = {left.unit, right.unit}
    if types.TIME.unit in units and units & _CALENDAR:
        return (
            "Use `days_between(a, b)` for calendar days, or write the limit in hours and use `elapsed(a, b)`."
        )
    if units == _CALENDAR:
        return "Use `days_between` with days, or `months_started` with months."
    if types.MONEY_UNIT in units:
        return "Give the price a unit, such as `money per month`, and multiply; or compare money with money."
    return "Compare counts of the same thing, or declare the noun that is meant."


def add(left: Type, right: Type) -> Type:
    """The type of a sum or difference.

    Raises: MismatchError: not two numbers of one unit.
    """
    for type_ in (left, right):
        if type_.kind is not Kind.NUMBER:
            fix = (
                "Use `days_between(a, b)` or `elapsed(a, b)`."
                if type_.kind is Kind.INSTANT
                else "Use numbers."
            )
            raise MismatchError("wrong-type", f"Cannot add or subtract {_quote(type_)}.", fix)
    return unify(left, right, "add or subtract")


def multiply(left: Type, right: Type) -> Type:
    """The type of a product.

    Raises: MismatchError: money times money, or two units of which neither is money.
    """
    _demand_numbers(left, right)
    powers = [dict(type_.unit).get("money", 0) for type_ in (left, right)]
    unit = types.multiply_units(left.unit, right.unit, 1)
    if min(powers) > 0 or (left.unit and right.unit and not any(powers)):
        raise MismatchError(
            "wrong-unit",
            f"Cannot multiply {_quote(left)} and {_quote(right)}.",
            "Multiply by a ratio or a count.",
        )
    return _number(unit, left, right)


def divide(left: Type, right: Type) -> Type:
    """The type of a quotient, always exact.

    Raises: MismatchError: two different units of which neither is money.
    """
    _demand_numbers(left, right)
    has_money = any(name == "money" for name, _ in (*left.unit, *right.unit))
    if left.unit != right.unit and left.unit and right.unit and not has_money:
        fix = "Divide by a value of the same unit."
        raise MismatchError("wrong-unit", f"Cannot divide {_quote(left)} by {_quote(right)}.", fix)
    unit = types.multiply_units(left.unit, right.unit, -1)
    return replace(_number(unit, left, right), bare=False, exact=True)


def _number(unit: types.Unit, left: Type, right: Type) -> Type:
    exact = left.exact or right.exact
    shown_in = (left.shown_in or right.shown_in) if unit == types.TIME.unit else ""
    return Type(Kind.NUMBER, unit=unit, exact=exact, bare=left.bare and right.bare, shown_in=shown_in)


def _demand_numbers(left: Type, right: Type) -> None:
    for type_ in (left, right):
        if type_.kind is not Kind.NUMBER:
            raise MismatchError("wrong-type", f"Cannot calculate with {_quote(type_)}.", "Use numbers.")


def _quote(type_: Type) -> str:
    return f"`{type_}`"
