"""The closed list of functions, and the type of what each returns."""

from collections.abc import Sequence
from dataclasses import replace

from amends.policy import types
from amends.policy.reader.typing import MismatchError, unify
from amends.policy.types import Kind, Type

_BETWEEN_INSTANTS = {"days_between": types.DAYS, "elapsed": types.TIME, "months_started": types.MONTHS}
_ROUNDINGS = ("round", "round_down", "round_up", "round_half_even")
_EXTREMES = ("min", "max")
FUNCTIONS = (*_BETWEEN_INSTANTS, *_EXTREMES, "clamp", *_ROUNDINGS)
_TAKES = {"clamp": 3, **dict.fromkeys(_BETWEEN_INSTANTS, 2), **dict.fromkeys(_ROUNDINGS, 1)}


def result_type(name: str, arguments: Sequence[Type]) -> Type:
    """The type that a function returns for arguments of these types.

    Raises: MismatchError: a wrong number of arguments, or arguments that do not go together.
    """
    takes = _TAKES.get(name)
    if (takes is not None and len(arguments) != takes) or not arguments[takes is None :]:
        raise MismatchError(
            "wrong-type", f"`{name}` takes {takes or 'two or more'} values.", "Add or remove values."
        )
    if name in _BETWEEN_INSTANTS:
        if any(argument.kind is not Kind.INSTANT for argument in arguments):
            raise MismatchError(
                "wrong-type", f"`{name}` takes two instants.", "Use inputs of type `instant`."
            )
        return _BETWEEN_INSTANTS[name]
    common = arguments[0]
    for argument in arguments[1:]:
        common = unify(common, argument, "compare")
    if common.kind not in (Kind.NUMBER, Kind.INSTANT) or (name in _ROUNDINGS and not common.unit):
        raise MismatchError(
            "wrong-type", f"`{name}` does not work on `{common}`.", "Use amounts, counts or days."
        )
    return replace(common, exact=False) if name in _ROUNDINGS else common
