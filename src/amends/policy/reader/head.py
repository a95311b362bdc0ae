"""The head of a policy: what it is called, what it may know, what it takes for granted."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from amends.policy import dates, types
from amends.policy.errors import Problems, suggest
from amends.policy.model import Roles
from amends.policy.money import EXPONENTS, Rounding
from amends.policy.reader.entries import Entry, Place, entries_below, read_entries, read_keys, refuse_value
from amends.policy.reader.fragments import is_comment, split_words
from amends.policy.reader.inputs import ANSWERED, declare_inputs
from amends.policy.reader.scope import Scope
from amends.policy.source import Fragment, Span

_REQUIRED = ("policy", "title", "version", "effective", "contact", "inputs")
_KEYS = (*_REQUIRED, "lang", "zone", "rounding", "currencies", "requires", "assume", "roles")
_PLACE = Place("the head", _KEYS)
_ROLES = {"paid": "paid", "refunded": "refunded", "asked": "requested_at"}
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,80}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,40}")
_LANG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(slots=True)
class Head:
    """The head as read; assumptions are resolved later, when all names are known."""

    name: str = ""
    title: str = ""
    version: str = ""
    effective: str = ""
    contact: str = ""
    lang: str = "en"
    zone: str = "UTC"
    rounding: Rounding = Rounding.HALF_UP
    currencies: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    roles: Roles = field(default_factory=lambda: Roles(None, None, None))
    assumptions: list[Fragment] = field(default_factory=list)


def read_head(lines: tuple[Fragment, ...], scope: Scope, problems: Problems) -> Head:
    """Read the head; declares the inputs in the scope."""
    entries = _without_stray_inputs(read_entries(lines, problems), scope, problems)
    found, meant = read_keys(entries, _PLACE, problems)
    missing = [key for key in _REQUIRED if key not in found and key not in meant]
    if missing:
        shown = " and ".join(f"`{key}: …`" for key in missing)
        fix = f"Write {shown} between the two lines `---`, each in a line of its own."
        message = f"The head does not say {' and '.join(f'`{key}`' for key in missing)}."
        problems.add("missing-key", Span(1, 1, len("---")), message, fix)
    scope.is_partial = "inputs" not in found
    reading = _Reading(found, scope, problems)
    return reading.head()


def _without_stray_inputs(entries: Sequence[Entry], scope: Scope, problems: Problems) -> list[Entry]:
    """The entries of the head; inputs that are not indented below `inputs:` are one problem together."""
    stray = [entry for entry in entries if entry.word not in _KEYS and _declares_input(entry)]
    if stray:
        message = f"The input `{stray[0].word}` does not stand below `inputs:`."
        fix = "Indent it by two spaces, below the line `inputs:`; also every input that follows it."
        problems.add("bad-line", stray[0].key.span(), message, fix)
        scope.broken.update(entry.word for entry in stray)
    return [entry for entry in entries if entry not in stray]


def _declares_input(entry: Entry) -> bool:
    value = entry.whole()
    return value is not None and ANSWERED.search(value.text) is not None


class _Reading:
    """The lines of one head on their way to values."""

    def __init__(self, found: Mapping[str, Entry], scope: Scope, problems: Problems) -> None:
        self.found = found
        self.scope = scope
        self.problems = problems

    def head(self) -> Head:
        """All lines as values; a line with a problem has the value that a head without it has."""
        head = Head(
            name=self._matching("policy", _SLUG, "a short name of small letters, digits and `-`"),
            title=self._plain("title"),
            version=self._matching("version", _VERSION, "a date or a number, without spaces"),
            effective=self._effective(),
            contact=self._plain("contact"),
            lang=self._lang(),
            zone=self._zone(),
            rounding=self._rounding(),
            currencies=self._currencies(),
        )
        if "inputs" in self.found:
            declare_inputs(self.found["inputs"], self.scope, self.problems)
        head.requires = self._requires()
        head.roles = self._roles()
        if "assume" in self.found:
            head.assumptions = _assumptions(self.found["assume"])
        return head

    def _value(self, key: str) -> Fragment | None:
        """What stands behind a key; None where the line is missing or empty, which is noted."""
        if key not in self.found:
            return None
        entry = self.found[key]
        value = entry.whole()
        if value is None or not value.text:
            message = f"Behind `{key}:` nothing is written."
            fix = (
                "Write it behind the colon."
                if key in _REQUIRED
                else "Write it behind the colon, or remove the line."
            )
            self.problems.add("bad-value", entry.key.span(), message, fix)
            return None
        return value

    def _plain(self, key: str) -> str:
        value = self._value(key)
        return value.text if value else ""

    def _matching(self, key: str, form: re.Pattern[str], wanted: str) -> str:
        value = self._value(key)
        if value is None:
            return ""
        if not form.fullmatch(value.text):
            message = (
                f"`{value.text}` cannot be {'the name of the policy' if key == 'policy' else f'the {key}'}."
            )
            self.problems.add("bad-value", value.span(), message, f"Write {wanted}.")
        return value.text

    def _effective(self) -> str:
        value = self._value("effective")
        if value is None:
            return ""
        try:
            if _DATE.fullmatch(value.text):
                return date.fromisoformat(value.text).isoformat()
        except ValueError:
            message = f"The calendar has no day `{value.text}`."
        else:
            message = f"`{value.text}` is no date."
        fix = "Write year, month and day, as in `2025-08-18`."
        self.problems.add("bad-value", value.span(), message, fix)
        return ""

    def _lang(self) -> str:
        value = self._value("lang")
        if value is None:
            return "en"
        if not _LANG.fullmatch(value.text):
            message = f"`{value.text}` cannot be a language."
            fix = "Write the code that web pages use, such as `en`, `de` or `pt-BR`."
            self.problems.add("bad-value", value.span(), message, fix)
            return "en"
        return value.text

    def _zone(self) -> str:
        value = self._value("zone")
        if value is None:
            return "UTC"
        try:
            dates.load_zone(value.text)
        except ValueError:
            message = f"There is no time zone `{value.text}`."
            fix = "Write a zone of the IANA list, such as `UTC` or `Europe/Berlin`."
            self.problems.add("bad-value", value.span(), message, fix)
            return "UTC"
        return value.text

    def _rounding(self) -> Rounding:
        value = self._value("rounding")
        if value is None:
            return Rounding.HALF_UP
        if value.text not in list(Rounding):
            fix = suggest(value.text, list(Rounding), f"Write one of {', '.join(Rounding)}.")
            self.problems.add("bad-value", value.span(), f"There is no rounding `{value.text}`.", fix)
            return Rounding.HALF_UP
        return Rounding(value.text)

    def _words(self, key: str) -> list[tuple[str, Span]]:
        value = self._value(key)
        return split_words(value) if value else []

    def _currencies(self) -> tuple[str, ...]:
        for word, span in self._words("currencies"):
            if word not in EXPONENTS:
                message = f"`{word}` is no currency of ISO 4217."
                fix = suggest(word.upper(), EXPONENTS, "Write codes such as `USD, EUR`.")
                self.problems.add("bad-value", span, message, fix)
        return tuple(word for word, _ in self._words("currencies"))

    def _requires(self) -> tuple[str, ...]:
        words = self._words("requires")
        for word, span in words:
            self.scope.used.add(word)
            declared = self.scope.inputs.get(word)
            if declared is None and not self.scope.may_be_declared(word):
                fix = suggest(word, self.scope.inputs, f"Declare it: `{word}: yes or no, from desk`.")
                self.problems.add("unknown-name", span, f"There is no input `{word}`.", fix)
            elif declared is not None and declared.type != types.YES_NO:
                message = f"`{word}` is `{declared.type}`, and only a yes-or-no input can be required."
                fix = "Name an input of type `yes or no`."
                self.problems.add("wrong-type", span, message, fix)
        return tuple(word for word, _ in words)

    def _roles(self) -> Roles:
        """Which inputs are the amount paid, the amount returned and the time of the request."""
        inputs = self.scope.inputs
        chosen = {role: name if name in inputs else None for role, name in _ROLES.items()}
        places = {role: self.scope.places[name] for role, name in chosen.items() if name is not None}
        for entry in self._role_entries():
            value = entry.whole()
            if value is None or not value.text:
                message = f"Behind `{entry.word}:` no input is named."
                fix = f"Write the name of an input, as in `{entry.word}: {_ROLES[entry.word]}`."
                self.problems.add("bad-value", entry.key.span(), message, fix)
            elif value.text in inputs:
                chosen[entry.word], places[entry.word] = value.text, value.span()
            elif not self.scope.may_be_declared(value.text):
                fix = suggest(value.text, inputs, "Name a declared input.")
                self.problems.add("unknown-name", value.span(), f"There is no input `{value.text}`.", fix)
        for role, name in chosen.items():
            if name is not None:
                self._check_role(role, name, places[role])
        return Roles(**chosen)

    def _role_entries(self) -> list[Entry]:
        if "roles" not in self.found:
            return []
        entry = self.found["roles"]
        refuse_value(entry, self.problems)
        place = Place("`roles:`", _ROLES)
        return list(read_keys(entries_below(entry, self.problems), place, self.problems)[0].values())

    def _check_role(self, role: str, name: str, span: Span) -> None:
        wanted = types.INSTANT if role == "asked" else types.MONEY
        declared = self.scope.inputs[name].type
        if declared != wanted:
            message = f"`{name}` is `{declared}`, but the role `{role}` needs `{wanted}`."
            fix = f"Change the type, or name another input: `roles:` and below it, indented, `{role}: …`."
            self.problems.add("wrong-type", span, message, fix)
            # What rules do with it is no second problem.
            del self.scope.inputs[name]
            self.scope.broken.add(name)


def _assumptions(entry: Entry) -> list[Fragment]:
    """One assumption on the line itself, or one on each line below it."""
    own = [entry.value] if entry.value and entry.value.text else []
    return own + [line.cut(0) for line in entry.below if not is_comment(line.text)]
