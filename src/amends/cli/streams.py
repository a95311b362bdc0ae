"""Cases in, decisions out: one JSON object, an array, or JSON Lines."""

import json
import re
from collections.abc import Iterable, Iterator
from math import isinf
from typing import TextIO

from amends.policy.errors import InputError, shorten

DIGITS_MAX = 1_000
DIGITS_SHOWN = 40
_UNDECODED = re.compile(r"[\udc80-\udcff]")
"""Bytes that are no UTF-8, as the stream hands them on."""
_HALF = re.compile(r"[\ud800-\udfff]")


def read_cases(stream: TextIO) -> Iterator[dict[str, object] | InputError]:
    """The cases of a stream, in order; what is no JSON object becomes an error in its place.

    JSON Lines are read line by line, so a long stream is decided as it comes.
    """
    first = _first_line(stream)
    if first is None:
        return
    if _is_whole_object(first):
        for number, line in enumerate(_chain(first, stream), 1):
            if line.strip():
                yield _parse_object(line, f"line {number}")
        return
    text = first + stream.read()
    whole = _parse(text, "the file")
    if isinstance(whole, InputError) and "\n{" in text:
        yield from read_lines(text.splitlines())
    elif isinstance(whole, list):
        for number, case in enumerate(whole, 1):
            yield _as_object(case, f"element {number}")
    else:
        yield _as_object(whole, "the file")


def read_lines(lines: Iterable[str]) -> Iterator[dict[str, object] | InputError]:
    """JSON Lines whose first line may be broken."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _parse_object(line, f"line {number}")


def _first_line(stream: TextIO) -> str | None:
    for line in stream:
        if line.strip():
            return line
    return None


def _chain(first: str, stream: TextIO) -> Iterator[str]:
    yield first
    yield from stream


def _is_whole_object(line: str) -> bool:
    return isinstance(_parse(line, "line 1"), dict)


def _parse_object(text: str, place: str) -> dict[str, object] | InputError:
    return _as_object(_parse(text, place), place)


def _as_object(value: object, place: str) -> dict[str, object] | InputError:
    if isinstance(value, dict | InputError):
        return value
    return InputError(
        "not_an_object", None, f"A case is a JSON object of inputs, but {place} holds something else."
    )


def _parse(text: str, place: str) -> object:
    if _UNDECODED.search(text):
        message = f"{place} is no text in UTF-8. Save the file as UTF-8."
        return InputError("bad_json", None, message)
    try:
        value = _DECODER.decode(text)
    except InputError as error:
        return error
    except RecursionError:
        return InputError("bad_json", None, f"The JSON of {place} is nested too deeply.")
    except json.JSONDecodeError as error:
        return InputError("bad_json", None, f"{place} is no JSON: {error}.")
    if "\\u" in text and _is_torn(value):
        message = f"{place} holds half a character: an escape \\ud800 to \\udfff without its other half."
        return InputError("bad_json", None, message)
    return value


def _is_torn(value: object) -> bool:
    """Whether a text has one half only of a character that JSON writes in two."""
    return _HALF.search(json.dumps(value, ensure_ascii=False)) is not None


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise InputError("duplicate_input", key, f"`{key}` stands twice in the case.")
        found[key] = value
    return found


def _refuse_constant(word: str) -> None:
    raise InputError("bad_json", None, f"{word} is no number of JSON.")


def _read_integer(digits: str) -> int:
    if len(digits) > DIGITS_MAX:
        raise InputError("bad_json", None, f"A number has more than {DIGITS_MAX:,} digits.")
    return int(digits)


def _read_fraction(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise InputError("bad_json", None, f"{shorten(digits, DIGITS_SHOWN)} is too large a number.")
    return number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_duplicates,
    parse_constant=_refuse_constant,
    parse_int=_read_integer,
    parse_float=_read_fraction,
)
