"""Worked cases: tables beside a policy that support and counsel can read, and that the policy must satisfy.

A table `fact | value` says what every case below it starts from: in the whole file above the first heading of level
2, in its section below one. A table `number | value` states numbers that customers are promised. Every other table
has a case in each row: a name, facts that differ (`?` is unknown, an empty cell is unchanged), and what is expected.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from amends.policy import dates
from amends.policy.answer import Decision
from amends.policy.decision import decide
from amends.policy.errors import InputError, PolicyError, Problem, suggest
from amends.policy.facts import Input
from amends.policy.model import Policy
from amends.policy.money import Money
from amends.policy.reader.document import Block, read_outline
from amends.policy.source import Fragment, Source
from amends.policy.types import INSTANT, YES_NO, Kind

_EXPECTED = ("outcome", "grant", "amount", "clauses", "lines", "missing", "opens_on", "then", "error")
_CITED = ("grants", "denies", "refers")
_LOCAL_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d)(:\d\d)?)?")


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
    if reading.problems:
        raise PolicyError(source, reading.problems)
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
        self.source = source
        self.problems: list[Problem] = []
        self.cases: list[WorkedCase] = []
        self.numbers: list[PromisedNumber] = []
        self.base: dict[str, object] = {}
        self.section: dict[str, object] = {}
        self.in_section = False

    def read(self, block: Block) -> None:
        if block.kind == "heading" and block.level > 1:
            self.section, self.in_section = {}, True
        if block.kind != "table":
            return
        header = [cell.text.lower() for cell in block.rows[0]]
        if header == ["fact", "value"]:
            facts = self.section if self.in_section else self.base
            for name, value in block.rows[1:]:
                self._set(facts, name, value)
        elif header == ["number", "value"]:
            rows = block.rows[1:]
            self.numbers += [PromisedNumber(name.text, name.span().line, value.text) for name, value in rows]
        else:
            for row in block.rows[1:]:
                self._case(header, block, row)

    def _case(self, header: list[str], block: Block, row: tuple[Fragment, ...]) -> None:
        inputs = {**self.base, **self.section}
        expected: dict[str, str] = {}
        for name, title, cell in zip(header[1:], block.rows[0][1:], row[1:], strict=True):
            if not cell.text:
                continue
            if name in _EXPECTED:
                expected[name] = cell.text
            else:
                self._set(inputs, title, cell)
        self.cases.append(WorkedCase(row[0].text, row[0].span().line, inputs, expected))

    def _set(self, facts: dict[str, object], name: Fragment, cell: Fragment) -> None:
        if name.text != "currency" and name.text not in self.policy.inputs:
            known = [*self.policy.inputs, *_EXPECTED]
            fix = suggest(name.text, known, "Name an input of the policy, or what is expected.")
            self.problems.append(Problem("unknown-name", name.span(), f"`{name.text}` is no input.", fix))
            return
        try:
            facts[name.text] = self._value(
                name.text, cell.text, str(facts.get("currency") or self.base.get("currency"))
            )
        except ValueError as error:
            message = f"`{cell.text}` is no value of `{name.text}`."
            self.problems.append(Problem("bad-value", cell.span(), message, f"{error}."))

    def _value(self, name: str, text: str, currency: str) -> object:
        if text == "?":
            return None
        if name == "currency":
            return text
        return read_cell(self.policy.inputs[name], text, currency, self.policy.zone)


def read_cell(declared: Input, text: str, currency: str, zone: str) -> object:
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
        return Money.parse(text, currency).amount
    if type_.kind is Kind.NUMBER and type_.unit:
        return int(text.replace(",", ""))
    return text


def _instant(text: str, zone: str) -> str:
    match = _LOCAL_TIME.fullmatch(text)
    if match is None:
        dates.parse_instant(text)
        return text
    local = dates.local_time(0, zone).fromisoformat(f"{match[1]}T{match[2] or '00:00'}{match[3] or ':00'}")
    return local.replace(tzinfo=dates.load_zone(zone)).isoformat()


def _number_text(policy: Policy, name: str) -> str | None:
    if name in policy.parameters:
        return policy.parameters[name].text
    table, _, rest = name.partition(".")
    row, _, column = rest.rpartition(".")
    if table not in policy.tables or column not in policy.tables[table].columns:
        return None
    index = policy.tables[table].columns.index(column)
    for candidate in policy.tables[table].rows:
        if ", ".join(str(key.member) for key in candidate.keys) == row:
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
    found = _found(decision)
    for name, wanted in case.expected.items():
        shown = found.get(name, "")
        if _sorted(shown) != _sorted(wanted):
            yield f"{name} is {shown or 'nothing'}, expected {wanted}"


def _found(decision: Decision) -> dict[str, str]:
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


def _sorted(words: str) -> list[str]:
    return sorted(word.strip() for word in words.split(","))
