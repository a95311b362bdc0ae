"""Worked cases: tables beside a policy that support and counsel can read, and that the policy must satisfy.

A table `fact | value` says what every case below it starts from: in the whole file above the first heading of level
2, in its section below one. A table `number | value` states numbers that customers are promised. Every other table
has a case in each row: a name, facts that differ (`?` is unknown, an empty cell is unchanged), and what is expected.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from amends.policy import dates
from amends.policy.answer import Decision, Outcome
from amends.policy.decision import decide
from amends.policy.errors import InputError, PolicyError, Problems, suggest
from amends.policy.facts import COUNT_MAX, NONE, Input
from amends.policy.model import Effect, Policy
from amends.policy.money import EXPONENTS, Money
from amends.policy.reader.document import Block, read_outline
from amends.policy.source import Fragment, Source, Span
from amends.policy.types import INSTANT, YES_NO, Kind

_EXPECTED = ("outcome", "grant", "amount", "clauses", "lines", "missing", "opens_on", "then", "error")
_CITED = ("grants", "denies", "refers")
_OUTCOMES = (*(outcome.value for outcome in Outcome), "error")
_LOCAL_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?: ([0-9]{2}:[0-9]{2})(:[0-9]{2})?)?")
_WHOLE = re.compile(r"[0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,13}")


@dataclass(frozen=True, slots=True)
class WorkedCase:
    """One row: the facts of a case and what should come out."""

    name: str
    line: int
    inputs: dict[str, object]
    expected: dict[str, str]


@dataclass(frozen=True, slots=True)
class PromisedNumber:
    """A number that the page must show."""

    name: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A worked case that the policy does not satisfy."""

    name: str
    line: int
    differences: tuple[str, ...]


def cases_path(policy_path: str) -> Path:
    """Where the worked cases of a policy stand: `NAME.cases.md` beside `NAME.md`."""
    path = Path(policy_path)
    return path.with_name(f"{path.stem}.cases.md")


def read_worked_cases(policy: Policy, path: Path) -> tuple[list[WorkedCase], list[PromisedNumber]]:
    """Read the worked cases of a policy.

    Raises: OSError: the file cannot be opened. PolicyError: a cell cannot be read, with every problem found.
    """
    source, blocks = read_outline(str(path), path.read_bytes())
    reading = _Reading(policy, source)
    for block in blocks:
        reading.read(block)
    reading.check_cases()
    if reading.problems.found:
        raise PolicyError(source, reading.problems.found)
    return reading.cases, reading.numbers


def check_worked_cases(
    policy: Policy, cases: list[WorkedCase], numbers: list[PromisedNumber]
) -> Iterator[Failure]:
    """The worked cases and numbers that do not come out as written."""
    for number in numbers:
        shown = _number_text(policy, number.name)
        if shown != number.text:
            yield Failure(number.name, number.line, (f"is {shown or 'not there'}, expected {number.text}",))
    for case in cases:
        differences = tuple(_differences(policy, case))
        if differences:
            yield Failure(case.name, case.line, differences)


class _Reading:
    """A file of worked cases being read, table by table."""

    def __init__(self, policy: Policy, source: Source) -> None:
        self.policy = policy
        self.problems = Problems(source)
        self.cases: list[WorkedCase] = []
        self.numbers: list[PromisedNumber] = []
        self.base: dict[str, object] = {}
        self.section: dict[str, object] = {}
        self.in_section = False
        self.lines: dict[str, int] = {}
        """Where each case of the section was named."""

    def read(self, block: Block) -> None:
        if block.kind == "heading" and block.level > 1:
            self.section, self.in_section, self.lines = {}, True, {}
        if block.kind != "table":
            return
        header = [cell.text.lower() for cell in block.rows[0]]
        if header == ["fact", "value"]:
            facts = self.section if self.in_section else self.base
            for name, value in block.rows[1:]:
                if self._is_input(name):
                    self._set(facts, name, value)
        elif header == ["number", "value"]:
            rows = block.rows[1:]
            self.numbers += [PromisedNumber(name.text, name.span().line, value.text) for name, value in rows]
        elif self._has_cases(block):
            for row in block.rows[1:]:
                self._case(block.rows[0], row)

    def check_cases(self) -> None:
        """A file without cases would hold, whatever the policy says."""
        if not self.cases and not self.numbers and not self.problems.found:
            fix = "Write a table with a column of names, columns of facts, and a column `outcome`."
            self.problems.add("bad-table", Span(1, 1), "The file holds no worked case.", fix)

    def _has_cases(self, block: Block) -> bool:
        """Whether the first column names the cases and every other one is known."""
        names, *others = block.rows[0]
        if names.text == "currency" or names.text in (*self.policy.inputs, *_EXPECTED):
            message = f"The first column names the cases, but it is called `{names.text}`."
            fix = "Put a column `case` before it, with a name for each row."
            self.problems.add("bad-table", names.span(), message, fix)
            return False
        titles = [title.text for title in others]
        for index, title in enumerate(others):
            if title.text in titles[:index]:
                message = f"Two columns are called `{title.text}`."
                self.problems.add("bad-table", title.span(), message, "Keep one of them.")
                return False
        unknown = [one for one in others if one.text.lower() not in _EXPECTED and not self._is_input(one)]
        return not unknown

    def _case(self, titles: tuple[Fragment, ...], row: tuple[Fragment, ...]) -> None:
        self._check_name(row[0])
        inputs = {**self.base, **self.section}
        expected: dict[str, str] = {}
        pairs = [(title, cell) for title, cell in zip(titles[1:], row[1:], strict=True) if cell.text]
        # The currency of the row says what its amounts mean, wherever its column stands.
        for title, cell in sorted(pairs, key=lambda pair: pair[0].text != "currency"):
            name = title.text.lower()
            if name not in _EXPECTED:
                if not self._set(inputs, title, cell) and name == "currency":
                    break
            elif self._can_be_expected(name, cell):
                expected[name] = cell.text
        self.cases.append(WorkedCase(row[0].text, row[0].span().line, inputs, expected))

    def _check_name(self, name: Fragment) -> None:
        line = name.span().line
        if not name.text:
            fix = "Write in the first column what the row shows."
            self.problems.add("bad-table", Span(line, 1), "The case has no name.", fix)
        elif name.text in self.lines:
            message = f"The case in line {self.lines[name.text]} of this section has the same name."
            self.problems.add("repeated-key", name.span(), message, "Say in one of them what is different.")
        self.lines.setdefault(name.text, line)

    def _can_be_expected(self, name: str, cell: Fragment) -> bool:
        """Whether a decision of this policy could come out so."""
        known: Collection[str] | None = {
            "outcome": _OUTCOMES,
            "grant": {rule.grant for rule in self.policy.rules if rule.grant},
            "clauses": self.policy.clauses,
            "missing": self.policy.inputs,
            "then": list(Effect),
        }.get(name)
        if known is None:
            return True
        for word in _words(cell.text):
            if word not in known:
                listed = ", ".join(list(known)[:12])
                fix = suggest(
                    word, known, f"It can be one of {listed}." if listed else "Leave the cell empty."
                )
                self.problems.add("unknown-name", cell.span(), f"`{name}` is never `{word}`.", fix)
                return False
        return True

    def _is_input(self, name: Fragment) -> bool:
        if name.text == "currency" or name.text in self.policy.inputs:
            return True
        known = [*self.policy.inputs, *_EXPECTED]
        fix = suggest(name.text, known, "Name an input of the policy, or what is expected.")
        message = f"The policy has no input `{name.text}`."
        self.problems.add("unknown-name", name.span(), message, fix)
        return False

    def _set(self, facts: dict[str, object], name: Fragment, cell: Fragment) -> bool:
        currency = facts.get("currency") or self.base.get("currency")
        try:
            facts[name.text] = self._value(name.text, cell.text, currency)
        except ValueError as error:
            message = f"`{cell.text}` is no value of `{name.text}`."
            self.problems.add("bad-value", cell.span(), message, f"{error}.")
            return False
        return True

    def _value(self, name: str, text: str, currency: object) -> object:
        if text == "?":
            return None
        if name == "currency":
            if text not in EXPONENTS:
                raise ValueError("Write a code of ISO 4217, such as USD")
            return text
        return read_cell(self.policy.inputs[name], text, currency, self.policy.zone)


def read_cell(declared: Input, text: str, currency: object, zone: str) -> object:
    """The JSON value that a readable cell stands for.

    Raises: ValueError: what can be written instead.
    """
    type_ = declared.type
    if text == "none" and type_.optional:
        return text
    if type_ == YES_NO:
        if text not in ("yes", "no"):
            raise ValueError("Write yes or no")
        return text == "yes"
    if type_.kind is INSTANT.kind:
        return _instant(text, zone)
    if type_.kind is Kind.NUMBER and any(unit == "money" for unit, _ in type_.unit):
        return _amount(text, currency)
    if type_.kind is Kind.NUMBER and type_.unit:
        if not _WHOLE.fullmatch(text):
            raise ValueError(f"Write a whole number from 0 to {COUNT_MAX:,}")
        return int(text.replace(",", ""))
    return text


def _amount(text: str, currency: object) -> int:
    if not isinstance(currency, str) or currency not in EXPONENTS:
        raise ValueError("Name the `currency` of the case first, in a column or as a fact")
    try:
        return Money.parse(text, currency).amount
    except ValueError:
        example = str(Money(1234 * 10 ** EXPONENTS[currency], currency)).removeprefix(f"{currency} ")
        raise ValueError(f"Write an amount in {currency}, as in {example}") from None


def _instant(text: str, zone: str) -> str:
    match = _LOCAL_TIME.fullmatch(text)
    try:
        if match is None:
            dates.parse_instant(text)
            return text
        local = datetime.fromisoformat(f"{match[1]}T{match[2] or '00:00'}{match[3] or ':00'}")
    except ValueError:
        raise ValueError(
            "Write a day, a day and a time, or an RFC 3339 time, as in 2025-09-04 10:00"
        ) from None
    return local.replace(tzinfo=dates.load_zone(zone)).isoformat()


def write_cell(declared: Input, value: object, currency: str, zone: str) -> str:
    """The readable cell that `read_cell` reads as this JSON value."""
    type_ = declared.type
    if isinstance(value, bool):
        return "yes" if value else "no"
    if type_.kind is INSTANT.kind and value != NONE:
        return _local_cell(str(value), zone)
    if isinstance(value, int) and any(unit == "money" for unit, _ in type_.unit):
        return str(Money(value, currency)).removeprefix(f"{currency} ")
    return str(value)


def _local_cell(text: str, zone: str) -> str:
    """A local time, unless the clocks of the zone show it twice."""
    local = dates.local_time(dates.parse_instant(text), zone)
    shown = local.strftime("%Y-%m-%d %H:%M:%S" if local.second else "%Y-%m-%d %H:%M")
    return shown if dates.parse_instant(_instant(shown, zone)) == dates.parse_instant(text) else text


def _number_text(policy: Policy, name: str) -> str | None:
    if name in policy.parameters:
        return policy.parameters[name].text
    table, _, rest = name.partition(".")
    row, _, column = rest.rpartition(".")
    if table not in policy.tables or column not in policy.tables[table].columns:
        return None
    index = policy.tables[table].columns.index(column)
    for candidate in policy.tables[table].rows:
        if ", ".join(map(str, candidate.keys)) == row:
            return candidate.values[index].text
    return None


def _differences(policy: Policy, case: WorkedCase) -> Iterator[str]:
    try:
        decision = decide(policy, case.inputs)
    except InputError as error:
        if case.expected.get("outcome") != "error":
            yield f"is an error: {error}"
        elif case.expected.get("error", error.input) != error.input:
            yield f"error is {error.input}, expected {case.expected['error']}"
        return
    found = shown_answer(decision)
    for name, wanted in case.expected.items():
        shown = found.get(name, "")
        if sorted(_words(shown)) != sorted(_words(wanted)):
            yield f"{name} is {shown or 'nothing'}, expected {wanted}"


def shown_answer(decision: Decision) -> dict[str, str]:
    """What a decision says, in the words of the columns of worked cases."""
    currency = decision.currency

    def plain(amount: int) -> str:
        return str(Money(amount, currency)).removeprefix(f"{currency} ")

    return {
        "outcome": decision.outcome.value,
        "grant": decision.grant or "",
        "amount": plain(decision.amount),
        "clauses": ", ".join(citation.id for citation in decision.clauses if citation.role in _CITED),
        "lines": ", ".join(f"{line.id} {plain(line.amount)}" for line in decision.lines),
        "missing": ", ".join(decision.missing),
        "opens_on": decision.opens_on or "",
        "then": decision.then or "",
    }


def _words(cell: str) -> list[str]:
    return [word.strip() for word in cell.split(",")]
