"""The answer to one case: what is decided, by which clauses, with which lines."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

from amends.policy.amounts import AmountLine, Entitlement, Payout
from amends.policy.citation import Citation
from amends.policy.model import LANGUAGE_VERSION, Policy


class Outcome(StrEnum):
    """The four answers."""

    GRANTED = "granted"
    DENIED = "denied"
    NEEDS_INFORMATION = "needs_information"
    NEEDS_REVIEW = "needs_review"


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one case.

    Amounts: minor units of `currency`; 0 unless granted.
    Invariant: the lines sum to the amount, and so do the payouts.
    """

    outcome: Outcome
    policy: Policy
    currency: str
    grant: str | None = None
    amount: int = 0
    lines: tuple[AmountLine, ...] = ()
    clauses: tuple[Citation, ...] = ()
    missing: tuple[str, ...] = ()
    payouts: tuple[Payout, ...] = ()
    then: str | None = None
    owed: tuple[AmountLine, ...] = ()
    """What the customer owes, where the denying clause says so."""
    opens_on: str | None = None
    reason: str | None = None
    """Of a review: silent, conflict, refers, unanswerable or broken_promise."""
    proposal: Entitlement | None = None
    """Of a referral: what the other clauses agree on, for the person who decides."""

    def core(self) -> dict[str, object]:
        """What is hashed, stored and replayed, in the shape of the contract."""
        core: dict[str, object] = {
            "outcome": self.outcome.value,
            "grant": self.grant,
            "refund": {"amount": self.amount, "currency": self.currency},
            "lines": [_line_json(line) for line in self.lines],
            "clauses": [citation.as_json() for citation in self.clauses],
            "missing": list(self.missing),
            "policy": {
                "name": self.policy.name,
                "version": self.policy.version,
                "sha256": self.policy.sha256,
            },
            "language": LANGUAGE_VERSION,
        }
        if self.outcome is Outcome.GRANTED:
            core["payouts"] = [{"to": payout.to, "amount": payout.amount} for payout in self.payouts]
            core["then"] = self.then
        if self.owed:
            amount = sum(line.amount for line in self.owed)
            core["owed"] = {
                "amount": amount,
                "currency": self.currency,
                "lines": [_line_json(x) for x in self.owed],
            }
        if self.opens_on:
            core["opens_on"] = self.opens_on
        if self.reason:
            core["reason"] = self.reason
        return core

    def canonical(self) -> bytes:
        """The core as canonical JSON: sorted keys, no spaces, UTF-8."""
        return canonical_json(self.core())

    @property
    def core_sha256(self) -> str:
        """The hash under which the decision is stored."""
        return hashlib.sha256(self.canonical()).hexdigest()


def canonical_json(value: object) -> bytes:
    """One byte string for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _line_json(line: AmountLine) -> dict[str, object]:
    return {"id": line.id, "label": line.label, "amount": line.amount}
