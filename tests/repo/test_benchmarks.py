"""The benchmarks compare what gives the same answers."""

import json

import pytest

from amends.policy.compiled import program_of
from amends.policy.decision import decide_facts
from amends.policy.errors import InputError
from amends.policy.facts import Facts, read_facts
from amends.policy.model import Policy
from amends.policy.reader import parse_policy
from amends.policy.verdict import verdict_of
from conftest import ROOT
from hand_written import verdict
from wide import case_of, policy_text
from workload import complete_cases

SEEDS = [
    json.loads(line)["inputs"]
    for line in (ROOT / "tests" / "cases" / "flux-kontext.jsonl").read_text().splitlines()
]
# The hand-written function takes complete cases only, so what a seed leaves open is filled in.
FILLED_IN: dict[str, object] = {
    "interval": "month",
    "fee": 85,
    "refunded": 0,
    "generations": 0,
    "reason_given": True,
    "identified": True,
    "dispute": "none",
    "period_end": "2100-01-01T00:00:00Z",
    "monthly_price": 1900,
    "accidental": False,
    "converted_before": False,
    "issue_resolved_at": "none",
    "prevents_use": False,
    "continuous": False,
    "evidence": False,
}


def completed(case: dict[str, object]) -> dict[str, object]:
    moments = {"issue_reported_at": case["requested_at"], "period_start": case["purchased_at"]}
    return FILLED_IN | moments | {name: value for name, value in case.items() if value is not None}


def decided(policy: Policy, facts: Facts) -> tuple[str, str | None, int]:
    decision = decide_facts(program_of(policy), facts)
    return decision.outcome, decision.grant, decision.amount


def facts_of(policy: Policy, cases: list[dict[str, object]]) -> list[Facts]:
    return [read_facts(policy.inputs, policy.currencies, case) for case in cases]


@pytest.mark.parametrize("case", SEEDS, ids=range(len(SEEDS)))
def test_hand_written_python_decides_the_seed_cases_as_the_policy_does(
    shipped: Policy, case: dict[str, object]
) -> None:
    (facts,) = facts_of(shipped, [completed(case)])

    assert verdict(facts) == decided(shipped, facts)


def test_hand_written_python_and_verdict_decide_generated_cases_as_the_policy_does(shipped: Policy) -> None:
    every = facts_of(shipped, complete_cases(3_000))
    compiled = verdict_of(shipped)
    different = [facts for facts in every if not verdict(facts) == compiled(facts) == decided(shipped, facts)]

    assert different == []
    assert {verdict(facts)[:2] for facts in every} == {
        ("granted", "refund"),
        ("granted", "partial_refund"),
        ("granted", "convert_to_monthly"),
        ("denied", None),
        ("needs_information", None),
        ("needs_review", None),
    }


@pytest.mark.parametrize(
    "change",
    [
        {"requested_at": -1},
        {"refunded": 10**9},
        {"fee": -1},
        {"period_end": 0},
        {"issue_reported_at": 10**17},
        {"issue_resolved_at": 10**17},
    ],
    ids=str,
)
def test_hand_written_python_refuses_the_impossible_cases_that_the_policy_refuses(
    shipped: Policy, change: Facts
) -> None:
    (facts,) = facts_of(shipped, complete_cases(1))
    impossible = facts | change

    with pytest.raises(ValueError, match=r"before|after|empty|out of range"):
        verdict(impossible)
    with pytest.raises(InputError):
        verdict_of(shipped)(impossible)


def test_generated_policies_have_the_clauses_asked_for_and_the_answers_named() -> None:
    policy = parse_policy(policy_text(20))
    granted, denied = case_of(policy, because=False), case_of(policy, because=True)

    assert len(policy.rules) == 21
    assert decided(policy, granted) == verdict_of(policy)(granted) == ("granted", "refund", 1900)
    assert decided(policy, denied) == verdict_of(policy)(denied) == ("denied", None, 0)
