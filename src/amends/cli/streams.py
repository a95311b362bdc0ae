"""Cases in, decisions out: one JSON object, an array, or JSON Lines."""

import json
from collections.abc import Iterable, Iterator
from typing import TextIO

from amends.policy.errors import InputError


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
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
    except InputError as error:
        return error
    except RecursionError:
        return InputError("bad_json", None, f"The JSON of {place} is nested too deeply.")
    except ValueError as error:
        return InputError("bad_json", None, f"{place} is no JSON: {error}.")


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise InputError("duplicate_input", key, f"`{key}` stands twice in the case.")
        found[key] = value
    return found


def _refuse_constant(word: str) -> None:
    raise InputError("bad_json", None, f"{word} is no number of JSON.")
