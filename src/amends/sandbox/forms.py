"""Form bodies with brackets, as Stripe's clients send them: `items[0][price]=…`."""

import re
from urllib.parse import parse_qsl

from amends.sandbox.store import Object

_PART = re.compile(r"\[([^\]]*)\]")


def parse_form(text: str) -> Object:
    """Nested dictionaries of strings; lists become dictionaries with numbers as keys."""
    found: Object = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        name, _, rest = key.partition("[")
        path = [name, *_PART.findall(f"[{rest}" if rest else "")]
        place = found
        for part in path[:-1]:
            inner = place.setdefault(part, {})
            assert isinstance(inner, dict)
            place = inner
        last = path[-1] or str(len(place))
        place[last] = value
    return found


def whole(form: Object, name: str) -> int | None:
    """A whole number, None where it is not sent."""
    value = form.get(name)
    return int(value) if isinstance(value, str) and value.lstrip("-").isdecimal() else None


def words(form: Object, name: str) -> list[str]:
    """A list of words."""
    value = form.get(name)
    if isinstance(value, dict):
        return [str(item) for item in value.values()]
    return [str(value)] if value else []


def nested(form: Object, name: str) -> Object:
    """A part of a form, empty where it is not sent."""
    value = form.get(name)
    return value if isinstance(value, dict) else {}
