"""From the JSON of a case to validated values: the one strict door for inputs.

Known values are bool, int (counts, days, minor units, microseconds), Fraction (ratios) and str (enum members, `none`).
Unknown is None: an absent key and `null` are the same (semantics, rules 1, 18, 21, 27).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from textwrap import shorten
from typing import TypeAlias

from amends.policy import dates, types
from amends.policy.errors import InputError, suggest
from amends.policy.money import AMOUNT_MAX, EXPONENTS
from amends.policy.types import Kind, Type

Value: TypeAlias = bool | int | Fraction | str | None
Facts: TypeAlias = dict[str, Value]
Reader: TypeAlias = Callable[["Input", object], Value]

COUNT_MAX = 10**12
NONE = "none"
_DECIMAL = re.compile(r"-?\d{1,12}(\.\d{1,12})?", re.ASCII)


@dataclass(frozen=True)
class Input:
    """One thing a decision may know, and who answers it."""

    name: str
    type: Type
    answered_by: str
    """customer (a question), desk (a wait with an alarm) or staff (a task)."""
    label: str
    """The words for people."""

    @cached_property
    def read(self) -> Reader:
        """What turns the JSON value of this input into a known value."""
        return _reader_of(self.type)


def read_facts(inputs: Mapping[str, Input], currencies: tuple[str, ...], case: Mapping[str, object]) -> Facts:
    """Validate a case against the declared inputs.

    Returns every declared input, None where unknown, and `currency`.
    Raises: InputError: unknown key, wrong type, out of range, no or another currency.
    """
    if not isinstance(case, dict):
        raise InputError("not_an_object", None, "A case is a JSON object of inputs.")
    facts: Facts = {"currency": _read_currency(currencies, case.get("currency"))}
    known = 1 + ("id" in case)
    for name, declared in inputs.items():
        raw = case.get(name)
        known += name in case
        facts[name] = None if raw is None else declared.read(declared, raw)
    if known != len(case):
        _refuse_unknown_keys(inputs, case)
    return facts


def _refuse_unknown_keys(inputs: Mapping[str, Input], case: Mapping[str, object]) -> None:
    known = {*inputs, "currency", "id"}
    for key in case:
        if key not in known:
            hint = suggest(str(key), known, f"Known inputs: {', '.join(sorted(known))}.")
            raise InputError("unknown_input", str(key), f"`{key}` is no input of this policy. {hint}")


def _read_currency(currencies: tuple[str, ...], raw: object) -> str:
    if raw is None:
        raise InputError("missing_currency", "currency", "A case names its currency, such as `USD`.")
    if not isinstance(raw, str) or raw not in EXPONENTS:
        raise InputError("unknown_currency", "currency", f"{raw!r} is no ISO 4217 currency code.")
    if currencies and raw not in currencies:
        message = f"This policy knows {', '.join(currencies)}, not {raw}."
        raise InputError("unknown_currency", "currency", message)
    return raw


def _refuse(declared: Input, raw: object, wanted: str, hint: str = "") -> InputError:
    shown = shorten(repr(raw), 60, placeholder="…")
    message = f"`{declared.name}` is {shown}, but it must be {wanted}. {hint}".rstrip()
    return InputError("bad_value", declared.name, message)


def _read_yes_no(declared: Input, raw: object) -> Value:
    if isinstance(raw, bool):
        return raw
    raise _refuse(declared, raw, "true or false")


def _read_member(declared: Input, raw: object) -> Value:
    members = declared.type.members
    if isinstance(raw, str) and raw in members:
        # The declared word itself: a caller's own kind of string must not reach what is made from it.
        return members[members.index(raw)]
    hint = suggest(raw, members, "") if isinstance(raw, str) else ""
    raise _refuse(declared, raw, f"one of {', '.join(members)}", hint)


def _read_instant(declared: Input, raw: object) -> Value:
    if not isinstance(raw, str):
        raise _refuse(declared, raw, "an RFC 3339 time with an offset, such as 2025-09-01T10:00:00Z")
    try:
        return dates.parse_instant(raw)
    except ValueError as error:
        wanted = f"an RFC 3339 time with an offset, such as 2025-09-01T10:00:00Z ({error})"
        raise _refuse(declared, raw, wanted) from None


def _read_whole(limit: int, lowest: int, wanted: str) -> Reader:
    def read(declared: Input, raw: object) -> Value:
        if type(raw) is int and lowest <= raw <= limit:
            return raw
        raise _refuse(declared, raw, wanted)

    return read


def _read_time(unit: str) -> Reader:
    whole = _read_whole(COUNT_MAX, 0, f"a whole number of {unit}")
    size = types.MICROSECONDS[unit]

    def read(declared: Input, raw: object) -> Value:
        number = whole(declared, raw)
        assert isinstance(number, int)
        return number * size

    return read


def _read_ratio(declared: Input, raw: object) -> Value:
    if type(raw) is int and abs(raw) <= COUNT_MAX:
        return Fraction(raw)
    if isinstance(raw, str) and _DECIMAL.fullmatch(raw):
        return Fraction(raw)
    raise _refuse(declared, raw, 'a ratio as a decimal in quotes, such as "0.25"')


def _read_number(type_: Type) -> Reader:
    if not type_.unit:
        return _read_ratio
    if type_.shown_in:
        return _read_time(type_.shown_in)
    if any(name == "money" for name, _ in type_.unit):
        return _read_whole(AMOUNT_MAX, -AMOUNT_MAX, "a whole number of minor units, at most 10^15")
    return _read_whole(COUNT_MAX, 0, "a whole number from 0 to 10^12")


def _reader_of(type_: Type) -> Reader:
    if type_.optional and NONE not in type_.members:
        read_known = _reader_of(type_.required)

        def read_optional(declared: Input, raw: object) -> Value:
            return NONE if raw == NONE else read_known(declared, raw)

        return read_optional
    readers = {Kind.YES_NO: _read_yes_no, Kind.ENUM: _read_member, Kind.INSTANT: _read_instant}
    return readers.get(type_.kind) or _read_number(type_)
