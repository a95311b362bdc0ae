"""The compiled program says what the interpreter says."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings

from amends import InputError, decide, read_policy
from amends.policy.compiled import program_of
from amends.policy.decision import decide_facts
from amends.policy.facts import read_facts
from amends.policy.model import Policy
from amends.policy.program import Program, interpret
from amends.policy.verdict import verdict_of
from conftest import ROOT
from strategies import cases

EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.md") if path.name != "README.md")


def answer(program: Program, case: dict[str, object]) -> object:
    policy = program.policy
    try:
        return decide_facts(program, read_facts(policy.inputs, policy.currencies, case)).canonical()
    except InputError as error:
        return error.as_json()


def verdict(policy: Policy, case: dict[str, object]) -> object:
    try:
        return verdict_of(policy)(read_facts(policy.inputs, policy.currencies, case))
    except InputError as error:
        return error.as_json()


def decided(policy: Policy, case: dict[str, object]) -> object:
    try:
        decision = decide(policy, case)
    except InputError as error:
        return error.as_json()
    return decision.outcome, decision.grant, decision.amount


@settings(max_examples=1_000)
@given(case=cases())
def test_compiled_and_interpreted_decisions_are_the_same_bytes(
    shipped: Policy, case: dict[str, object]
) -> None:
    assert answer(program_of(shipped), case) == answer(interpret(shipped), case)


@settings(max_examples=1_000)
@given(case=cases())
def test_a_verdict_is_the_decision_without_its_reasons(shipped: Policy, case: dict[str, object]) -> None:
    assert verdict(shipped, case) == decided(shipped, case)


def cases_beside(path: Path) -> list[dict[str, object]]:
    """The cases of an example, and each of them once more without each of its inputs."""
    lines = [json.loads(line) for line in path.with_suffix(".cases.jsonl").read_text().splitlines()]
    whole = [line["inputs"] for line in lines if "inputs" in line]
    return whole + [{key: case[key] for key in case if key != name} for case in whole for name in case]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_decided_alike_by_interpreter_compiled_program_and_verdict(path: Path) -> None:
    policy = read_policy(path)

    for case in cases_beside(path):
        assert answer(program_of(policy), case) == answer(interpret(policy), case)
        assert verdict(policy, case) == decided(policy, case)


@given(case=cases())
def test_lines_and_payouts_sum_to_the_refund_and_never_exceed_what_is_left(
    shipped: Policy, case: dict[str, object]
) -> None:
    try:
        decision = decide(shipped, case)
    except InputError:
        return
    assert sum(line.amount for line in decision.lines) == decision.amount
    assert sum(payout.amount for payout in decision.payouts) == decision.amount
    assert decision.amount >= 0
    if decision.amount:
        paid, refunded = case["paid"], case["refunded"]
        assert isinstance(paid, int)
        assert isinstance(refunded, int)
        assert decision.amount + refunded <= paid
