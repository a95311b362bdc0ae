"""The waist: a policy as the reader leaves it and everything else finds it.

Frozen, resolved and typed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

from amends.policy.expression import Cell, Derived, Given, Node, walk
from amends.policy.facts import Input, Value
from amends.policy.money import Rounding
from amends.policy.source import Span
from amends.policy.types import Type

LANGUAGE_VERSION = "1"
RESERVED = frozenset({"refund", "outcome", "grant", "denied_by", "currency", "id", "true", "false", "none"})
ORIGINAL = "original"
"""The way the customer paid."""
BUILT_IN_LINES = ("not_more_than_left", "not_below_zero", "cap", "cap_as_credit")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that customers read in a sentence."""

    name: str
    type: Type
    value: Value
    text: str
    """As it is shown."""
    currency: str | None
    """Of a money parameter."""
    is_service: bool
    """Kept by the desk, not by rules."""
    span: Span


@dataclass(frozen=True, slots=True)
class Key:
    """A key cell: one member, or a closed range with open ends as None."""

    member: Value = None
    low: int | None = None
    high: int | None = None

    def __str__(self) -> str:
        """The cell as it is written: `5 to 10`, `from 11`, `up to 4`, `7`, `yes` or a word."""
        if isinstance(self.member, bool):
            return "yes" if self.member else "no"
        if self.member is not None:
            return str(self.member)
        if self.low == self.high:
            return str(self.low)
        if self.low is None or self.high is None:
            return f"up to {self.high}" if self.low is None else f"from {self.low}"
        return f"{self.low} to {self.high}"

    def matches(self, value: Value) -> bool:
        """Whether a known value selects this row."""
        if self.member is not None:
            return value == self.member
        if not isinstance(value, int | Fraction):
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class Row:
    """A table row: what selects it and what it says."""

    keys: tuple[Key, ...]
    values: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A function from facts of the case to parameters."""

    name: str
    keys: tuple[Node, ...]
    columns: tuple[str, ...]
    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    is_service: bool
    span: Span


class Verb(StrEnum):
    """What a rule does with a request."""

    GRANT = "grant"
    DENY = "deny"
    REFER = "refer"


class Effect(StrEnum):
    """What happens to the plan after a grant (semantics, rule 31)."""

    KEEP = "keep"
    END_NOW = "end now"
    END_AT_PERIOD_END = "end at period end"
    SWITCH_TO_MONTH = "switch to month"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the arithmetic of a grant."""

    id: str
    label: str
    expression: Node


@dataclass(frozen=True, slots=True)
class Need:
    """A yes-or-no input that must be known true before a clause may decide."""

    input: str
    condition: Node | None
    """The need counts only where this is not false."""
    clause: str | None
    """The sentence that says so, where it has one of its own."""
    question: str | None


@dataclass(frozen=True, slots=True)
class Then:
    """The effect of a grant, which may depend on a condition."""

    effect: Effect
    condition: Node | None = None
    otherwise: Effect = Effect.KEEP


@dataclass(frozen=True, slots=True)
class Rule:
    """An executable sentence."""

    index: int
    clause: str
    verb: Verb
    when: Node
    needs: tuple[Need, ...]
    overrides: tuple[str, ...]
    span: Span
    grant: str | None = None
    label: str | None = None
    """The grant in words."""
    lines: tuple[Line, ...] = ()
    """What a grant pays, or what the customer owes after a denial."""
    then: Then = Then(Effect.KEEP)
    pay: str = ORIGINAL
    """original, credit, or the input that holds the customer's choice."""


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit over several refunds; the history is an input (semantics, rule 10)."""

    clause: str
    history: str
    limit: Node
    rest_as_credit: bool
    label: str


class PromiseKind(StrEnum):
    """The form of a promise."""

    ALWAYS = "always"
    NEVER = "never"
    FALLS = "falls"
    RISES = "rises"


@dataclass(frozen=True, slots=True)
class Promise:
    """A sentence that is proved over all cases and asserted for each."""

    clause: str
    kind: PromiseKind
    statement: Node
    """The condition; for falls and rises the value that may not rise or fall."""
    along: str | None
    """The input that grows, for falls and rises."""
    condition: Node | None
    span: Span


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, with the condition that holds below it."""

    title: str
    level: int
    anchor: str
    where: Node | None


@dataclass(frozen=True, slots=True)
class Clause:
    """A sentence with an id, as customers read it."""

    id: str
    text: str
    section: Section | None
    span: Span


@dataclass(frozen=True, slots=True)
class Roles:
    """The inputs that the language itself must know (semantics, rules 8 and 33)."""

    paid: str | None
    refunded: str | None
    asked: str | None


@dataclass(frozen=True, eq=False)
class Policy:
    """One version of one policy."""

    name: str
    title: str
    version: str
    effective: str
    lang: str
    """The language that the page is written in, as web pages name it."""
    zone: str
    rounding: Rounding
    contact: str
    currencies: tuple[str, ...]
    roles: Roles
    requires: tuple[str, ...]
    inputs: Mapping[str, Input]
    assumptions: tuple[Node, ...]
    parameters: Mapping[str, Parameter]
    tables: Mapping[str, Table]
    derived: Mapping[str, Node]
    clauses: Mapping[str, Clause]
    rules: tuple[Rule, ...]
    caps: tuple[Cap, ...]
    promises: tuple[Promise, ...]
    text: str
    sha256: str

    @cached_property
    def attackers(self) -> tuple[int, ...]:
        """For each rule, the rules that override it, as a bit mask."""
        masks = [0] * len(self.rules)
        targets: dict[str, list[int]] = {}
        for rule in self.rules:
            targets.setdefault(rule.clause, []).append(rule.index)
        for rule in self.rules:
            for clause in rule.overrides:
                for index in targets.get(clause, ()):
                    masks[index] |= 1 << rule.index
        return tuple(masks)


def inputs_read(policy: Policy, node: Node) -> frozenset[str]:
    """The inputs that an expression depends on, through derived facts and table keys."""
    return frozenset(part.name for part in walk_deep(policy, node) if isinstance(part, Given))


def walk_deep(policy: Policy, *nodes: Node) -> Iterator[Node]:
    """Expressions and all their parts, through derived facts and table keys."""
    seen: set[str] = set()
    waiting = list(nodes)
    while waiting:
        for part in walk(waiting.pop()):
            yield part
            if isinstance(part, Derived) and part.name not in seen:
                seen.add(part.name)
                waiting.append(policy.derived[part.name])
            elif isinstance(part, Cell) and part.table not in seen:
                seen.add(part.table)
                waiting.extend(policy.tables[part.table].keys)
