"""The compiled program says what the interpreter says."""

import json
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings

from amends import InputError, decide, parse_policy, read_policy
from amends.policy.compiled import program_of
from amends.policy.decision import decide_facts
from amends.policy.facts import read_facts
from amends.policy.model import Policy
from amends.policy.program import Program, interpret
from amends.policy.verdict import verdict_of
from conftest import ROOT
from strategies import cases

EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.md") if path.name != "README.md")

# Grants that come to more than is left and to less than nothing, and promises that some cases break.
EXTREME = parse_policy("""---
policy: extreme
title: Extremes
version: 2025-01-01
effective: 2025-01-01
zone: UTC
rounding: half_up
contact: support@example.com
inputs:
  request: one of twice, less, never, asked, from customer, "What you ask for"
  paid: money, from desk, "What you paid"
  fee: money, from desk, "Fee"
  refunded: money, from desk, "Returned before"
assume:
  refunded <= paid
---
# Extremes

- Twice what you paid. {#twice}

```rule twice
grant: refund "Refund"
when: request == twice
lines:
  paid "Paid": paid
  again "Again": paid
```

- Less the fee. {#less}

```rule less
grant: refund "Refund"
when: request == less
lines:
  paid "Paid": paid
  fee "Fee": -fee
```

- Never. {#never}

```rule never
deny
when: request == never
```

- Not after a person looked. {#asked}

```rule asked
refer
when: request == asked
```

- The fee is kept, whatever comes. {#kept}

```promise kept
always: refund <= max(paid, paid) - fee
```
""")


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


def test_extremes_are_decided_alike_by_interpreter_compiled_program_and_verdict() -> None:
    amounts = (None, -1, 0, 1, 2, 5)
    for request, paid, fee, refunded in product(("twice", "less", "never", "asked"), *[amounts] * 3):
        case: dict[str, object] = {
            "currency": "USD",
            "request": request,
            "paid": paid,
            "fee": fee,
            "refunded": refunded,
        }

        assert answer(program_of(EXTREME), case) == answer(interpret(EXTREME), case)
        assert verdict(EXTREME, case) == decided(EXTREME, case)


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
