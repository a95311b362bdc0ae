"""Form bodies with brackets, as Stripe's clients send them: `items[0][price]=…`."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode

from amends.sandbox.errors import refused
from amends.sandbox.store import Object

_PART = re.compile(r"\[([^\]]*)\]")


def parse_form(form: str) -> Object:
    """Nested dictionaries of strings; lists become dictionaries with numbers as keys.

    Raises: ApiError: a name stands for a word and for a group at once.
    """
    found: Object = {}
    for key, value in parse_qsl(form, keep_blank_values=True):
        name, _, rest = key.partition("[")
        path = [name, *_PART.findall(f"[{rest}" if rest else "")]
        place = found
        for part in path[:-1]:
            inner = place.setdefault(part or str(len(place)), {})
            if not isinstance(inner, dict):
                raise refused("parameter_invalid_object", "Invalid object", key)
            place = inner
        place[path[-1] or str(len(place))] = value
    return found


def write_form(item: Object) -> str:
    """The form of nested dictionaries and lists."""
    return urlencode(list(_pairs(item, "")))


def _pairs(value: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in parts:
            yield from _pairs(part, f"{name}[{key}]" if name else str(key))
    else:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


def whole(form: Object, name: str) -> int | None:
    """A whole number of a form, None where it is not there."""
    value = form.get(name)
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.lstrip("-").isdecimal() else None


def nested(item: Object, name: str) -> Object:
    """A part of an object or a form, empty where there is none."""
    value = item.get(name)
    return value if isinstance(value, dict) else {}


def listed(item: Object, name: str) -> list[Object]:
    """Objects in a list of an object, empty where there is none."""
    value = item.get(name)
    return value if isinstance(value, list) else []


def amount_of(item: Object, name: str = "amount") -> int:
    """A number of an object that always has it."""
    value = item[name]
    assert isinstance(value, int)
    return value
