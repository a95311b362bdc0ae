"""The ground truth of the first policy."""

import json

import pytest

from amends import decide
from amends.policy.model import Policy
from conftest import ROOT

SEEDS = [
    json.loads(line) for line in (ROOT / "tests" / "cases" / "flux-kontext.jsonl").read_text().splitlines()
]


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed["id"])
def test_a_seed_case_is_decided_as_stated(shipped: Policy, seed: dict[str, dict[str, object]]) -> None:
    decision = decide(shipped, seed["inputs"])

    found = {"outcome": decision.outcome, "grant": decision.grant, "amount": decision.amount}
    assert found == seed["expect"]
    assert sum(line.amount for line in decision.lines) == decision.amount
    assert sum(payout.amount for payout in decision.payouts) == decision.amount


def test_all_seed_cases_are_here() -> None:
    assert len(SEEDS) == 49
