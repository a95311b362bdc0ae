"""The compiled program says what the interpreter says."""

from hypothesis import given, settings

from amends import InputError, decide
from amends.policy.compiled import program_of
from amends.policy.decision import decide_facts
from amends.policy.facts import read_facts
from amends.policy.model import Policy
from amends.policy.program import Program, interpret
from strategies import cases


def answer(program: Program, case: dict[str, object]) -> object:
    policy = program.policy
    try:
        return decide_facts(program, read_facts(policy.inputs, policy.currencies, case)).canonical()
    except InputError as error:
        return error.as_json()


@settings(max_examples=1_000)
@given(case=cases())
def test_compiled_and_interpreted_decisions_are_the_same_bytes(
    shipped: Policy, case: dict[str, object]
) -> None:
    assert answer(program_of(shipped), case) == answer(interpret(shipped), case)


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
