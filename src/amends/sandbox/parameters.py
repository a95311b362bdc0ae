"""What a call may send: every parameter is read as its type, and one that is unknown, missing or wrong is refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from amends.sandbox.errors import ApiError, refused
from amends.sandbox.store import Object

Reader: TypeAlias = Callable[[str, object], object]
"""Reads the parameter of a name; raises ApiError where it is wrong."""
LIMIT_MAX = 100
KEYS_MAX, KEY_LENGTH_MAX, VALUE_LENGTH_MAX = 50, 40, 500
CURRENCY_LENGTH = 3
CURRENCIES = frozenset(
    [
        "aed",
        "all",
        "amd",
        "ars",
        "aud",
        "bam",
        "bdt",
        "bgn",
        "bhd",
        "brl",
        "byn",
        "cad",
        "chf",
        "clp",
        "cny",
        "cop",
        "crc",
        "czk",
        "dkk",
        "dop",
        "egp",
        "eur",
        "gbp",
        "gel",
        "ghs",
        "gtq",
        "hkd",
        "hnl",
        "huf",
        "idr",
        "ils",
        "inr",
        "isk",
        "jmd",
        "jod",
        "jpy",
        "kes",
        "krw",
        "kwd",
        "kzt",
        "lkr",
        "mad",
        "mdl",
        "mxn",
        "myr",
        "ngn",
        "nok",
        "nzd",
        "omr",
        "pen",
        "php",
        "pkr",
        "pln",
        "pyg",
        "qar",
        "ron",
        "rsd",
        "rub",
        "sar",
        "sek",
        "sgd",
        "thb",
        "tnd",
        "try",
        "tzs",
        "twd",
        "uah",
        "ugx",
        "usd",
        "uyu",
        "vnd",
        "xaf",
        "xof",
        "zar",
    ]
)


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a call."""

    needed: Mapping[str, Reader] = field(default_factory=dict)
    free: Mapping[str, Reader] = field(default_factory=dict)

    def read(self, form: Object, inside: str = "") -> Object:
        """The parameters as their types.

        Raises: ApiError.
        """
        readers = {**self.needed, **self.free, **({} if inside else {"expand": several(text)})}
        for name in form:
            if name not in readers:
                raise _unknown(_path(inside, name))
        for name in self.needed:
            if name not in form:
                raise _missing(_path(inside, name))
        return {name: readers[name](_path(inside, name), raw) for name, raw in form.items()}


def _path(inside: str, name: str) -> str:
    return f"{inside}[{name}]" if inside else name


def _unknown(param: str) -> ApiError:
    return refused("parameter_unknown", f"Received unknown parameter: {param}", param)


def _missing(param: str) -> ApiError:
    return refused("parameter_missing", f"Missing required param: {param}.", param)


def text(param: str, raw: object) -> str:
    """Words that are not empty."""
    if not isinstance(raw, str):
        raise refused("parameter_invalid_string", "Invalid string", param)
    if not raw:
        raise refused("parameter_invalid_empty", f"You passed an empty string for '{param}'.", param)
    return raw


def clearable(reader: Reader) -> Reader:
    """An empty string takes away what was there."""
    return lambda param, raw: None if raw == "" else reader(param, raw)


def whole(param: str, raw: object) -> int:
    """A whole number."""
    if not isinstance(raw, str) or not raw.removeprefix("-").isdecimal():
        raise refused("parameter_invalid_integer", f"Invalid integer: {raw}", param)
    return int(raw)


def positive(param: str, raw: object) -> int:
    """A whole number above zero."""
    number = whole(param, raw)
    if number < 1:
        raise refused("parameter_invalid_integer", "Invalid positive integer", param)
    return number


def not_negative(param: str, raw: object) -> int:
    """A whole number, zero or above."""
    number = whole(param, raw)
    if number < 0:
        raise refused("parameter_invalid_integer", "Invalid non-negative integer", param)
    return number


def limit(param: str, raw: object) -> int:
    """How many objects a page holds."""
    number = whole(param, raw)
    if not 1 <= number <= LIMIT_MAX:
        raise refused(
            "parameter_invalid_integer", f"Invalid integer: {param} is from 1 to {LIMIT_MAX}", param
        )
    return number


def flag(param: str, raw: object) -> bool:
    """True or false."""
    if raw not in ("true", "false"):
        raise refused("parameter_invalid_boolean", f"Invalid boolean: {raw}", param)
    return raw == "true"


def currency(param: str, raw: object) -> str:
    """A currency code, in small letters."""
    code = text(param, raw).lower()
    if code not in CURRENCIES:
        raise refused("parameter_invalid_currency", f"Invalid currency: {code}", param)
    return code


def one_of(*values: str) -> Reader:
    """One of some words."""

    def read(param: str, raw: object) -> object:
        if raw not in values:
            raise refused(
                "parameter_invalid_enum", f"Invalid {param}: must be one of {', '.join(values)}", param
            )
        return raw

    return read


def either(word: str, reader: Reader) -> Reader:
    """A word, or what the reader reads."""
    return lambda param, raw: raw if raw == word else reader(param, raw)


def group(parameters: Parameters) -> Reader:
    """Parameters inside a parameter."""

    def read(param: str, raw: object) -> object:
        if not isinstance(raw, dict):
            raise refused("parameter_invalid_object", "Invalid object", param)
        return parameters.read(raw, param)

    return read


def several(reader: Reader) -> Reader:
    """A list, whose elements a form numbers."""

    def read(param: str, raw: object) -> object:
        if not isinstance(raw, dict) or not all(key.isdecimal() for key in raw):
            raise refused("parameter_invalid_array", "Invalid array", param)
        return [reader(f"{param}[{key}]", raw[key]) for key in sorted(raw, key=int)]

    return read


def metadata(param: str, raw: object) -> object:
    """Words by key; an empty string takes all away, an empty value its key."""
    if raw == "":
        return ""
    if not isinstance(raw, dict) or not all(isinstance(value, str) for value in raw.values()):
        raise refused("parameter_invalid_object", "Invalid object", param)
    if len(raw) > KEYS_MAX:
        raise refused("parameter_invalid_object", f"Metadata can have up to {KEYS_MAX} keys", param)
    for key, value in raw.items():
        if len(key) > KEY_LENGTH_MAX or len(value) > VALUE_LENGTH_MAX:
            words = f"Metadata keys have up to {KEY_LENGTH_MAX} characters, values up to {VALUE_LENGTH_MAX}"
            raise refused("parameter_invalid_string", words, f"{param}[{key}]")
    return raw


_RANGE = Parameters(free=dict.fromkeys(("gt", "gte", "lt", "lte"), whole))


def span(param: str, raw: object) -> object:
    """An instant, or the bounds of a span of time."""
    return _RANGE.read(raw, param) if isinstance(raw, dict) else whole(param, raw)


PAGE = {"limit": limit, "starting_after": text, "ending_before": text}
NOTHING = Parameters()
