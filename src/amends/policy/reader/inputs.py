"""Inputs: their types, who answers them, and their words for people."""

import re
from dataclasses import replace

from amends.policy import types
from amends.policy.errors import Problems, suggest
from amends.policy.facts import Input
from amends.policy.reader.entries import Entry, entries_below, refuse_value
from amends.policy.reader.quantities import UNITS
from amends.policy.reader.scope import Scope
from amends.policy.reader.syntax import is_name
from amends.policy.source import Fragment
from amends.policy.types import Kind, Type

INPUTS_MAX = 200
MEMBERS_MAX = 1000
ANSWERERS = ("customer", "desk", "staff")
ANSWERED = re.compile(r"[,;]\s*from\s+([^\s,;]+)")
_LABEL = re.compile(r',\s*"([^"]*)"')
_NO_MEMBERS = frozenset({"true", "false"})
_OR_NONE = " or none"
_PLAIN = {
    "yes or no": types.YES_NO,
    "instant": types.INSTANT,
    "money": types.MONEY,
    "ratio": types.RATIO,
    "days": types.DAYS,
    "months": types.MONTHS,
}


class UnreadableTypeError(ValueError):
    """A declaration names no type: what is wrong, and what to write."""

    def __init__(self, message: str, fix: str) -> None:
        self.message = message
        self.fix = fix
        super().__init__(message)


def declare_inputs(inputs: Entry, scope: Scope, problems: Problems) -> None:
    """Read the lines below `inputs:`."""
    refuse_value(inputs, problems)
    entries = entries_below(inputs, problems)
    scope.is_partial = not entries
    if not entries and not scope.broken and not (inputs.value and inputs.value.text):
        fix = "Declare one on each line below, indented: `paid: money, from desk`."
        problems.add("bad-value", inputs.key.span(), "No input is declared.", fix)
    if len(entries) > INPUTS_MAX:
        message = f"There are {len(entries)} inputs; {INPUTS_MAX} are allowed."
        problems.add("too-many", entries[INPUTS_MAX].key.span(), message, "Decide on fewer facts.")
        scope.is_partial = True
    for entry in entries[:INPUTS_MAX]:
        is_free = scope.declare(entry.key, problems)
        declared = _read_input(entry, problems)
        if declared is None:
            scope.broken.add(entry.word)
        elif is_free:
            scope.inputs[entry.word] = declared


def _read_input(entry: Entry, problems: Problems) -> Input | None:
    value = entry.whole() or Fragment("", entry.key.starts)
    match = ANSWERED.search(value.text)
    if match is None:
        type_words = value.text.rstrip(",; ") or "money"
        fix = f"Write `{entry.word}: {type_words}, from customer`, or `from desk`, or `from staff`."
        problems.add("bad-type", entry.key.span(), f"`{entry.word}` does not say who answers it.", fix)
        return None
    if match[1] not in ANSWERERS:
        fix = suggest(match[1], ANSWERERS, "Write customer, desk or staff.")
        problems.add("bad-type", value.span(*match.span(1)), f"`{match[1]}` cannot answer.", fix)
        return None
    label = value.cut(match.end())
    quoted = _LABEL.fullmatch(label.text)
    if label.text and quoted is None:
        words = label.text.strip(',; "')
        message = "The words for people do not stand in quotation marks behind a comma."
        problems.add("bad-type", label.span(), message, f'Write `, "{words}"`.')
        return None
    before = value.cut(0, match.start())
    try:
        type_ = read_type(before.text)
    except UnreadableTypeError as error:
        problems.add("bad-type", before.span(), error.message, error.fix)
        return None
    words = quoted[1] if quoted else ""
    return Input(entry.word, type_, match[1], words or entry.word.replace("_", " ").capitalize())


def read_type(text: str) -> Type:
    """The type that a declaration names.

    Raises: UnreadableTypeError: what can be written instead.
    """
    text = " ".join(text.split())
    if text.startswith("one of "):
        return _read_enum(text.removeprefix("one of "))
    optional = text.endswith(_OR_NONE)
    words = text.removesuffix(_OR_NONE)
    if words in _PLAIN:
        type_ = _PLAIN[words]
    elif words in types.MICROSECONDS:
        type_ = replace(types.TIME, shown_in=words)
    elif match := re.fullmatch(r"count of ([A-Za-z][A-Za-z -]{0,40})", words):
        type_ = _read_count(match[1])
    elif match := re.fullmatch(r"money per ([A-Za-z][A-Za-z -]{0,40})", words):
        type_ = _read_price(match[1])
    else:
        known = (
            "yes or no, one of a, b, count of things, money, money per thing, ratio, days, months, hours, minutes, "
            "seconds or instant"
        )
        raise UnreadableTypeError(f"`{text}` is no type.", f"Write {known}; `or none` may follow.")
    return replace(type_, optional=optional)


def _read_enum(words: str) -> Type:
    members = [word.strip() for word in words.removesuffix(_OR_NONE).split(",")]
    if words.endswith(_OR_NONE):
        members.append("none")
    if len(members) > MEMBERS_MAX:
        raise UnreadableTypeError(f"More than {MEMBERS_MAX:,} words stand behind `one of`.", "List fewer.")
    seen: set[str] = set()
    for word in members:
        if word in _NO_MEMBERS or not (word == "none" or is_name(word)):
            fix = "Write small words with commas between them, as in `one of month, year, none`."
            raise UnreadableTypeError(f"`{word}` cannot be one of the words.", fix)
        if word in seen:
            raise UnreadableTypeError(f"`{word}` stands twice behind `one of`.", "Remove one of them.")
        seen.add(word)
    return types.enum(*members)


def _read_count(noun: str) -> Type:
    if types.singular(noun) in UNITS:
        fix = f"Write a type such as `days`, `hours` or `money`, or name the things: `count of free {noun}`."
        raise UnreadableTypeError(f"`{noun}` are a unit, not things that are counted.", fix)
    return types.count(noun)


def _read_price(noun: str) -> Type:
    unit = types.singular(noun)
    if unit in UNITS - {"day", "month"}:
        fix = f"Write `money per day` or `money per month`, or name the things: `money per rented {noun}`."
        raise UnreadableTypeError(f"There is no price per {noun}.", fix)
    unit = {"day": "days", "month": "months"}.get(unit, unit)
    return Type(Kind.NUMBER, unit=types.multiply_units(types.MONEY_UNIT, ((unit, 1),), -1))
