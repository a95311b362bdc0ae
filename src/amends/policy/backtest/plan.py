"""What is asked of a back-test, of what, and what is counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from amends.policy.model import Policy
from amends.policy.sql.compiler import Dialect
from amends.policy.sql.contract import Form

SIDES = ("before", "after")
PURCHASED = "purchased_at"
Row: TypeAlias = tuple[object, ...]


class BacktestError(ValueError):
    """The back-test cannot be run; the message says what to change."""


class Source(Protocol):
    """A table of past requests or orders, where it lives."""

    @property
    def dialect(self) -> Dialect:
        """The SQL it understands."""

    @property
    def table(self) -> str:
        """What stands behind FROM."""

    @property
    def columns(self) -> Mapping[str, Form]:
        """Its columns and how they hold their values."""

    def rows(self, query: str) -> Sequence[Row]:
        """The answer to a query."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of a back-test beyond the policies and the table."""

    asks_on_day: int | None = None
    """Every order asks on this day after the purchase, whatever its row says of a request."""
    since: str = PURCHASED
    """The instant that days and months are counted from."""
    by: str | None = None
    """An input whose values are told apart."""
    given: Mapping[str, object] = field(default_factory=dict)
    """Inputs that have one value in every row."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one policy says of a group of rows."""

    outcome: str
    grant: str | None
    clauses: tuple[str, ...]
    error: str | None
    amount: int
    """In all rows of the group together."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that both policies answer alike."""

    currency: str
    month: str
    member: str
    """Of the input that is told apart."""
    before: Side
    after: Side
    rows: int
    gaining: int
    losing: int
    gained: int
    lost: int
    example: str
    """The id of one of them."""

    @property
    def is_different(self) -> bool:
        """Whether the policies say something else: outcome, grant or amount."""
        sides = [(side.outcome, side.grant) for side in (self.before, self.after)]
        return sides[0] != sides[1] or bool(self.gaining or self.losing)


@dataclass(frozen=True, slots=True)
class Example:
    """A row that the policies answer differently, decided again by `decide`."""

    id: str
    before: str
    after: str
    case: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a back-test."""

    before: Policy
    after: Policy
    plan: Plan
    groups: tuple[Group, ...]
    examples: tuple[Example, ...]
    unread: Mapping[str, str]
    """Columns that neither policy reads, each with what may have been meant."""
    unknown: tuple[str, ...]
    """Inputs for which the table has no column."""

    @property
    def is_different(self) -> bool:
        """Whether any row comes out otherwise."""
        return any(group.is_different for group in self.groups)

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(group.rows for group in self.groups)
