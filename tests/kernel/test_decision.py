"""What the shipped policy answers, on both sides of every border."""

import pytest

from amends import InputError, decide, parse_policy
from amends.policy.answer import Outcome
from amends.policy.model import Policy
from builders import conversion_case, fault_case, refund_case
from conftest import ROOT


def roles(policy: Policy, case: dict[str, object]) -> dict[str, str]:
    return {citation.id: citation.role for citation in decide(policy, case).clauses}


def test_the_last_second_of_day_seven_is_inside_and_the_next_is_not(shipped: Policy) -> None:
    inside = decide(shipped, refund_case(requested_at="2025-09-08T23:59:59Z"))
    outside = decide(shipped, refund_case(requested_at="2025-09-09T00:00:00Z"))

    assert (inside.outcome, inside.amount) == (Outcome.GRANTED, 1815)
    assert (outside.outcome, outside.amount, outside.lines) == (Outcome.DENIED, 0, ())


def test_fifty_generations_are_inside_and_fifty_one_are_not(shipped: Policy) -> None:
    assert decide(shipped, refund_case(generations=50)).outcome is Outcome.GRANTED
    assert decide(shipped, refund_case(generations=51)).outcome is Outcome.DENIED


def test_a_denial_cites_every_reason(shipped: Policy) -> None:
    late_and_heavy = refund_case(requested_at="2025-09-10T10:00:00Z", generations=51)

    assert roles(shipped, late_and_heavy) == {"late": "denies", "heavy": "denies"}


def test_unknown_usage_is_asked_for_and_never_taken_as_zero(shipped: Policy) -> None:
    decision = decide(shipped, refund_case(generations=None))

    assert (decision.outcome, decision.missing) == (Outcome.NEEDS_INFORMATION, ("generations",))


def test_unknown_usage_does_not_matter_when_the_window_is_over(shipped: Policy) -> None:
    decision = decide(shipped, refund_case(generations=None, requested_at="2025-09-10T10:00:00Z"))

    assert decision.outcome is Outcome.DENIED


def test_an_unknown_fee_is_waited_for_although_the_answer_is_yes(shipped: Policy) -> None:
    decision = decide(shipped, refund_case(fee=None))

    assert (decision.outcome, decision.missing) == (Outcome.NEEDS_INFORMATION, ("fee",))


def test_a_stranger_learns_nothing_about_the_order(shipped: Policy) -> None:
    decision = decide(shipped, refund_case(identified=False))

    assert (decision.outcome, decision.missing) == (Outcome.NEEDS_INFORMATION, ("identified",))
    assert (decision.clauses, decision.lines, decision.opens_on) == ((), (), None)


@pytest.mark.parametrize(
    "requested_at, kept",
    [("2025-10-01T23:59:59Z", 1900), ("2025-10-02T00:00:00Z", 3800), ("2025-11-02T00:00:00Z", 5700)],
)
def test_a_conversion_keeps_one_month_for_each_month_begun(
    shipped: Policy, requested_at: str, kept: int
) -> None:
    decision = decide(shipped, conversion_case(requested_at=requested_at))

    assert decision.amount == 22800 - 691 - kept
    assert decision.then == "switch to month"


def test_a_conversion_that_would_pay_nothing_is_declined(shipped: Policy) -> None:
    paying = conversion_case(paid=1900 + 691 + 1)
    nothing = conversion_case(paid=1900 + 691)

    assert decide(shipped, paying).amount == 1
    assert roles(shipped, nothing) == {"used_up": "denies"}


def test_a_second_conversion_goes_to_a_person_with_the_amount_in_view(shipped: Policy) -> None:
    decision = decide(shipped, conversion_case(converted_before=True))

    assert (decision.outcome, decision.amount, decision.reason) == (Outcome.NEEDS_REVIEW, 0, "refers")


def test_a_fault_gives_money_from_day_fifteen_on(shipped: Policy) -> None:
    waiting = decide(shipped, fault_case(requested_at="2025-09-19T23:59:59Z"))
    due = decide(shipped, fault_case(requested_at="2025-09-20T00:00:00Z"))

    assert (waiting.outcome, waiting.opens_on) == (Outcome.DENIED, "2025-09-20")
    assert (due.outcome, due.grant, due.amount) == (Outcome.GRANTED, "partial_refund", 1573)


def test_a_fault_does_not_open_by_waiting_once_it_is_fixed_in_time(shipped: Policy) -> None:
    decision = decide(shipped, fault_case(issue_resolved_at="2025-09-19T10:00:00Z"))

    assert (decision.outcome, decision.opens_on) == (Outcome.DENIED, None)


def test_refunds_for_faults_together_stay_within_what_was_paid_less_the_fee(shipped: Policy) -> None:
    decision = decide(shipped, fault_case(refunded=1000))

    assert [(line.id, line.amount) for line in decision.lines] == [("broken", 1573), ("earlier", -758)]
    assert decision.amount == 815


def test_a_technical_request_inside_the_window_is_a_full_refund(shipped: Policy) -> None:
    decision = decide(shipped, fault_case(requested_at="2025-09-08T10:00:00Z"))

    assert (decision.grant, decision.amount) == ("refund", 1815)


def test_an_open_dispute_goes_to_a_person(shipped: Policy) -> None:
    decision = decide(shipped, refund_case(dispute="open"))

    assert (decision.outcome, decision.amount) == (Outcome.NEEDS_REVIEW, 0)
    assert decision.proposal is not None
    assert decision.proposal.total == 1815


def test_a_wrong_charge_of_credits_goes_to_a_person(shipped: Policy) -> None:
    decision = decide(shipped, refund_case(request="billing_error", product="credits", interval="none"))

    assert (decision.outcome, decision.reason) == (Outcome.NEEDS_REVIEW, "refers")


def test_a_person_waives_a_named_clause_and_the_rest_is_computed(shipped: Policy) -> None:
    late = refund_case(requested_at="2025-09-10T10:00:00Z")
    waived = decide(shipped, late, waive={"late"}, grant="full")

    assert decide(shipped, late, waive={"late"}).outcome is Outcome.NEEDS_REVIEW
    assert (waived.outcome, waived.amount) == (Outcome.GRANTED, 1815)
    assert ("late", "waived") in [(citation.id, citation.role) for citation in waived.clauses]


def test_a_waiver_names_a_clause_that_exists(shipped: Policy) -> None:
    with pytest.raises(InputError, match="Did you mean `late`"):
        decide(shipped, refund_case(), waive={"lates"})


@pytest.mark.parametrize(
    "change, name",
    [
        ({"generatons": 3}, "generatons"),
        ({"generations": True}, "generations"),
        ({"generations": 1.0}, "generations"),
        ({"generations": -1}, "generations"),
        ({"paid": "1900"}, "paid"),
        ({"paid": 10**15 + 1}, "paid"),
        ({"currency": None}, "currency"),
        ({"currency": "ABC"}, "currency"),
        ({"product": "credit"}, "product"),
        ({"purchased_at": "2025-09-01"}, "purchased_at"),
        ({"purchased_at": "2025-09-01T10:00:00"}, "purchased_at"),
        ({"purchased_at": "2025-W36-1T10:00:00Z"}, "purchased_at"),
        ({"purchased_at": "2025-09-05T10:00:00Z"}, "purchased_at"),
        ({"period_end": "2025-09-01T11:00:00Z"}, "period_start"),
        ({"refunded": 1901}, "paid"),
        ({"issue_resolved_at": "2025-09-05T10:00:00Z"}, "requested_at"),
    ],
    ids=str,
)
def test_a_bad_input_is_an_error_that_names_it(shipped: Policy, change: dict[str, object], name: str) -> None:
    with pytest.raises(InputError) as caught:
        decide(shipped, refund_case(**change))

    assert caught.value.input == name


class Word(str):
    """A caller's own kind of string, as frameworks have them."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "exit()"


def test_a_word_of_another_kind_decides_as_the_word_it_is() -> None:
    # A policy of its own: nothing was compiled for it with a plain word before.
    policy = parse_policy((ROOT / "policies" / "flux-kontext.md").read_bytes())

    decision = decide(policy, refund_case(request=Word("refund"), dispute=Word("none")))

    assert (decision.outcome, decision.amount) == (Outcome.GRANTED, 1815)
