"""The head of a policy: what it is called, what it may know, what it takes for granted."""

import re
from dataclasses import dataclass, field, replace
from datetime import date

from amends.policy import dates, types
from amends.policy.errors import Problems, suggest
from amends.policy.facts import Input
from amends.policy.model import RESERVED, Roles
from amends.policy.money import EXPONENTS, Rounding
from amends.policy.reader.entries import Entry, entries_below, read_entries
from amends.policy.reader.scope import Scope
from amends.policy.reader.syntax import is_name
from amends.policy.source import Fragment, Span
from amends.policy.types import Kind, Type

INPUTS_MAX = 200
MEMBERS_MAX = 1000
_REQUIRED = ("policy", "title", "version", "effective", "contact", "inputs")
_KEYS = (*_REQUIRED, "zone", "rounding", "currencies", "requires", "assume", "roles")
_ROLES = {"paid": "paid", "refunded": "refunded", "asked": "requested_at"}
_ANSWERED = re.compile(r"(.*?)[,;]\s*from\s+([a-z]+)\s*(?:,\s*\"([^\"]*)\")?", re.DOTALL)
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,80}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,40}")


@dataclass(slots=True)
class Head:
    """The head as read; assumptions are resolved later, when all names are known."""

    name: str = ""
    title: str = ""
    version: str = ""
    effective: str = ""
    contact: str = ""
    zone: str = "UTC"
    rounding: Rounding = Rounding.HALF_UP
    currencies: tuple[str, ...] = ()
    requires: tuple[tuple[str, Span], ...] = ()
    roles: Roles = field(default_factory=lambda: Roles(None, None, None))
    assumptions: list[Fragment] = field(default_factory=list)


def read_head(lines: tuple[Fragment, ...], scope: Scope, problems: Problems) -> Head:
    """Read the head; declares the inputs in the scope."""
    entries = read_entries(lines, problems)
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.word not in _KEYS:
            fix = suggest(entry.word, _KEYS, f"The head knows {', '.join(_KEYS)}.")
            problems.add("unknown-key", entry.key.span(), f"`{entry.word}` means nothing in the head.", fix)
        elif entry.word in found:
            problems.add(
                "repeated-key", entry.key.span(), f"`{entry.word}` stands twice.", "Keep one of them."
            )
        else:
            found[entry.word] = entry
    for key in _REQUIRED:
        if key not in found:
            message = f"The head has no line `{key}:`."
            problems.add("missing-key", Span(1, 1), message, f"Add `{key}: …` between the lines `---`.")
    return _build(found, scope, problems)


def _build(found: dict[str, Entry], scope: Scope, problems: Problems) -> Head:
    head = Head()
    head.name = _matching(found, "policy", _SLUG, "a short name of small letters, digits and `-`", problems)
    head.version = _matching(found, "version", _VERSION, "a date or a number, without spaces", problems)
    head.title, head.contact = _plain(found, "title", problems), _plain(found, "contact", problems)
    head.effective = _effective(found, problems)
    head.zone = _zone(found, problems)
    head.rounding = _rounding(found, problems)
    head.currencies = _currencies(found, problems)
    _declare_inputs(found, scope, problems)
    head.requires = tuple(_words(found, "requires"))
    _check_requires(head, scope, problems)
    head.roles = _roles(found, scope, problems)
    if "assume" in found:
        head.assumptions = _assumptions(found["assume"])
    return head


def _value(found: dict[str, Entry], key: str) -> Fragment | None:
    return found[key].whole() if key in found else None


def _plain(found: dict[str, Entry], key: str, problems: Problems) -> str:
    value = _value(found, key)
    if value is None:
        return ""
    if not value.text:
        problems.add("bad-value", value.span(), f"`{key}:` is empty.", f"Write the {key} behind it.")
    return value.text


def _matching(
    found: dict[str, Entry], key: str, form: re.Pattern[str], wanted: str, problems: Problems
) -> str:
    text = _plain(found, key, problems)
    if text and not form.fullmatch(text):
        value = _value(found, key)
        assert value
        problems.add("bad-value", value.span(), f"`{text}` cannot be the {key}.", f"Write {wanted}.")
    return text


def _effective(found: dict[str, Entry], problems: Problems) -> str:
    value = _value(found, "effective")
    if value is None:
        return ""
    try:
        if len(value.text) == len("2025-08-18"):
            return date.fromisoformat(value.text).isoformat()
    except ValueError:
        pass
    problems.add("bad-value", value.span(), f"`{value.text}` is no date.", "Write it as 2025-08-18.")
    return ""


def _zone(found: dict[str, Entry], problems: Problems) -> str:
    value = _value(found, "zone")
    if value is None:
        return "UTC"
    try:
        dates.load_zone(value.text)
    except ValueError as error:
        problems.add(
            "bad-value", value.span(), f"{error}.", "Write an IANA zone, such as UTC or Europe/Berlin."
        )
        return "UTC"
    return value.text


def _rounding(found: dict[str, Entry], problems: Problems) -> Rounding:
    value = _value(found, "rounding")
    if value is None:
        return Rounding.HALF_UP
    if value.text not in list(Rounding):
        fix = f"Write one of {', '.join(Rounding)}."
        problems.add("bad-value", value.span(), f"There is no rounding `{value.text}`.", fix)
        return Rounding.HALF_UP
    return Rounding(value.text)


def _currencies(found: dict[str, Entry], problems: Problems) -> tuple[str, ...]:
    codes = []
    for word, span in _words(found, "currencies"):
        if word not in EXPONENTS:
            problems.add(
                "bad-value", span, f"`{word}` is no ISO 4217 currency.", "Write codes such as USD, EUR."
            )
        codes.append(word)
    return tuple(codes)


def _words(found: dict[str, Entry], key: str) -> list[tuple[str, Span]]:
    value = _value(found, key)
    return split_words(value) if value else []


def split_words(value: Fragment) -> list[tuple[str, Span]]:
    """The words of a comma-separated list, with their places."""
    return [(match[0], value.span(*match.span())) for match in re.finditer(r"[^\s,]+", value.text)]


def _assumptions(entry: Entry) -> list[Fragment]:
    """One assumption on the line itself, or one on each line below it."""
    own = [entry.value] if entry.value and entry.value.text else []
    return own + [
        line.cut(0) for line in entry.below if line.text.strip() and not line.text.lstrip().startswith("#")
    ]


def _declare_inputs(found: dict[str, Entry], scope: Scope, problems: Problems) -> None:
    if "inputs" not in found:
        return
    entries = entries_below(found["inputs"], problems)
    if not entries:
        fix = "Declare one on each indented line: `paid: money, from desk`."
        problems.add("bad-value", found["inputs"].key.span(), "No input is declared.", fix)
    if len(entries) > INPUTS_MAX:
        message = f"There are {len(entries)} inputs; {INPUTS_MAX} are allowed."
        problems.add("too-many", found["inputs"].key.span(), message, "Decide on fewer facts.")
        return
    for entry in entries:
        declare_name(entry.key, scope, problems)
        if declared := _read_input(entry, problems):
            scope.inputs[entry.word] = declared


def declare_name(key: Fragment, scope: Scope, problems: Problems) -> None:
    """Check that a new name is well formed and free, and note where it stands."""
    name = key.text
    if name in RESERVED:
        problems.add("reserved-name", key.span(), f"`{name}` has a fixed meaning.", "Choose another name.")
    elif not is_name(name):
        fix = "Use small letters, digits and `_`, beginning with a letter; no word of the rule language."
        problems.add("bad-name", key.span(), f"`{name}` cannot be a name.", fix)
    elif name in scope.places:
        line = scope.places[name].line
        problems.add(
            "duplicate-name", key.span(), f"`{name}` is already declared in line {line}.", "Rename one."
        )
    scope.places.setdefault(name, key.span())


def _read_input(entry: Entry, problems: Problems) -> Input | None:
    value = entry.whole()
    match = _ANSWERED.fullmatch(value.text) if value else None
    if value is None or match is None:
        fix = "Write `name: type, from customer`, or `from desk`, or `from staff`."
        problems.add("bad-type", entry.key.span(), f"`{entry.word}` does not say who answers it.", fix)
        return None
    if match[2] not in ("customer", "desk", "staff"):
        span = value.span(*match.span(2))
        problems.add("bad-type", span, f"`{match[2]}` answers nothing.", "Write customer, desk or staff.")
        return None
    try:
        type_ = read_type(match[1].strip())
    except ValueError as error:
        problems.add("bad-type", value.span(*match.span(1)), f"`{match[1].strip()}` is no type.", f"{error}.")
        return None
    label = match[3] or entry.word.replace("_", " ").capitalize()
    return Input(entry.word, type_, match[2], label)


def read_type(text: str) -> Type:
    """The type that a declaration names.

    Raises: ValueError: what can be written instead.
    """
    text = " ".join(text.split())
    if text.startswith("one of "):
        return _read_enum(text.removeprefix("one of "))
    if text.endswith(" or none"):
        return replace(read_type(text.removesuffix(" or none")), optional=True)
    plain = {
        "yes or no": types.YES_NO,
        "instant": types.INSTANT,
        "money": types.MONEY,
        "ratio": types.RATIO,
        "days": types.DAYS,
        "months": types.MONTHS,
    }
    if text in plain:
        return plain[text]
    if text in types.MICROSECONDS:
        return replace(types.TIME, shown_in=text)
    if match := re.fullmatch(r"count of ([A-Za-z][A-Za-z -]{0,40})", text):
        return types.count(match[1])
    if match := re.fullmatch(r"money per ([A-Za-z][A-Za-z -]{0,40})", text):
        return _read_price(match[1])
    raise ValueError(
        "Write yes or no, one of a, b, count of things, money, money per thing, ratio, days, hours, minutes, "
        "seconds, months or instant; each may be followed by `or none`"
    )


def _read_enum(words: str) -> Type:
    optional = words.endswith(" or none")
    members = [word.strip() for word in words.removesuffix(" or none").split(",")]
    if optional:
        members.append("none")
    bad = next((word for word in members if not (word == "none" or is_name(word))), None)
    if bad is not None or len(set(members)) != len(members) or len(members) > MEMBERS_MAX:
        raise ValueError("Write different small words with commas between them: `one of month, year, none`")
    return types.enum(*members)


def _read_price(noun: str) -> Type:
    unit = types.singular(noun)
    if unit + "s" in types.MICROSECONDS:
        raise ValueError("Elapsed time is exact; sell by days, months or a count of hours")
    unit = {"day": "days", "month": "months"}.get(unit, unit)
    return Type(Kind.NUMBER, unit=types.multiply_units(types.MONEY_UNIT, ((unit, 1),), -1))


def _check_requires(head: Head, scope: Scope, problems: Problems) -> None:
    for word, span in head.requires:
        scope.used.add(word)
        declared = scope.inputs.get(word)
        if declared is None or declared.type != types.YES_NO:
            fix = suggest(word, scope.inputs, "Declare it: `identified: yes or no, from desk`.")
            problems.add("unknown-name", span, f"`{word}` is no yes-or-no input.", fix)


def _roles(found: dict[str, Entry], scope: Scope, problems: Problems) -> Roles:
    """Which inputs are the amount paid, the amount returned and the time of the request."""
    chosen: dict[str, str | None] = {
        role: name if name in scope.inputs else None for role, name in _ROLES.items()
    }
    for entry in entries_below(found["roles"], problems) if "roles" in found else ():
        value = entry.whole()
        if entry.word not in _ROLES or value is None:
            fix = f"The roles are {', '.join(_ROLES)}."
            problems.add("unknown-key", entry.key.span(), f"There is no role `{entry.word}`.", fix)
        elif value.text not in scope.inputs:
            fix = suggest(value.text, scope.inputs, "Name a declared input.")
            problems.add("unknown-name", value.span(), f"`{value.text}` is no input.", fix)
        else:
            chosen[entry.word] = value.text
    for role, name in chosen.items():
        _check_role(role, name, scope, problems)
    return Roles(**chosen)


def _check_role(role: str, name: str | None, scope: Scope, problems: Problems) -> None:
    if name is None or name not in scope.inputs:
        return
    wanted = types.INSTANT if role == "asked" else types.MONEY
    if scope.inputs[name].type != wanted:
        message = f"`{name}` is `{scope.inputs[name].type}`, but the role `{role}` needs `{wanted}`."
        problems.add(
            "wrong-type", scope.places[name], message, "Change the type, or bind the role under `roles:`."
        )
