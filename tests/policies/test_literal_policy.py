"""The facts read word by word: the page reads, and what it promises to pay goes to a person instead."""

import pytest

from amends import decide, read_policy
from conftest import ROOT

LITERAL = read_policy(ROOT / "policies" / "literal.md")
ORDER: dict[str, object] = {
    "product": "subscription",
    "interval": "year",
    "purchased_at": "2025-09-01T10:00:00Z",
    "requested_at": "2025-09-04T10:00:00Z",
    "currency": "USD",
    "paid": 22800,
    "fee": 691,
    "monthly_price": 1900,
    "refunded": 0,
    "generations": 3,
    "special_reason": False,
    "accidental": False,
    "period_start": "2025-09-01T10:00:00Z",
    "period_end": "2026-09-01T10:00:00Z",
    "issue_reported_at": "none",
    "issue_resolved_at": "none",
    "prevents_use": False,
    "continuous": False,
    "evidence": False,
}
LATE = {"requested_at": "2025-09-30T10:00:00Z"}
FAULT = {
    "issue_reported_at": "2025-09-02T10:00:00Z",
    "prevents_use": True,
    "continuous": True,
    "evidence": True,
}


@pytest.mark.parametrize(
    "clause, change",
    [("full", {}), ("convert", LATE | {"accidental": True}), ("fault", LATE | FAULT)],
    ids=["full", "convert", "fault"],
)
def test_a_clause_that_pays_breaks_a_promise_and_pays_nothing(clause: str, change: dict[str, object]) -> None:
    decision = decide(LITERAL, ORDER | change)

    assert (decision.reason, decision.amount, decision.lines) == ("broken_promise", 0, ())
    assert (clause, "grants") in [(citation.id, citation.role) for citation in decision.clauses]
