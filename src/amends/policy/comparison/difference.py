"""What two policies say of one case, and what the difference means for the customer."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from amends.policy.answer import Decision, Outcome
from amends.policy.checker.outcome import REFUSED
from amends.policy.checker.witness import Case
from amends.policy.decision import decide
from amends.policy.errors import InputError
from amends.policy.model import Policy

_RANK = (REFUSED, Outcome.DENIED, Outcome.NEEDS_REVIEW, Outcome.NEEDS_INFORMATION, Outcome.GRANTED)
_DECIDING = ("grants", "denies", "refers")


class Change(StrEnum):
    """What a difference means for the customer."""

    GAINS = "gains"
    LOSES = "loses"
    SAME = "same result, other reasons"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one policy says in a case."""

    outcome: str
    amount: int
    clauses: tuple[str, ...]
    lines: tuple[tuple[str, int], ...]
    grant: str | None
    then: str | None
    payouts: tuple[tuple[str, int], ...]
    owed: tuple[tuple[str, int], ...]

    @property
    def gain(self) -> int:
        """What the customer gets, less what the customer owes, in minor units."""
        return self.amount - sum(amount for _, amount in self.owed)

    def __str__(self) -> str:
        """The outcome and the clauses behind it."""
        return f"{self.outcome} ({', '.join(self.clauses)})" if self.clauses else self.outcome


@dataclass(frozen=True, slots=True)
class Difference:
    """Cases that two policies answer differently, for the same clauses of each."""

    change: Change
    before: Verdict
    after: Verdict
    amount: int | None
    """The most found that one of them gains or loses where PAYMENT was paid, None where no amount changes."""
    case: Case


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every way in which two policies differ."""

    before: Policy
    after: Policy
    differences: tuple[Difference, ...]
    is_complete: bool
    """Whether the solver has proved that there is no other."""


def verdict_of(policy: Policy, case: Mapping[str, object]) -> Verdict:
    """What a policy says of a case; REFUSED where it does not take it."""
    try:
        decision = decide(policy, case)
    except InputError:
        return Verdict(REFUSED, 0, (), (), None, None, (), ())
    return Verdict(
        decision.outcome.value,
        decision.amount,
        _deciding(decision),
        tuple((line.id, line.amount) for line in decision.lines),
        decision.grant,
        decision.then,
        tuple((payout.to, payout.amount) for payout in decision.payouts),
        tuple((line.id, line.amount) for line in decision.owed),
    )


def _deciding(decision: Decision) -> tuple[str, ...]:
    return tuple(citation.id for citation in decision.clauses if citation.role in _DECIDING)


def change_of(before: Verdict, after: Verdict) -> Change:
    """What a difference means for the customer."""
    ranks = [(_RANK.index(one.outcome), one.gain) for one in (before, after)]
    if ranks[0] == ranks[1]:
        return Change.SAME
    return Change.GAINS if ranks[0] < ranks[1] else Change.LOSES
