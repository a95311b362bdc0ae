"""A back-test on the desk's own requests counts what `decide` says of each, by what was known when it was answered."""

from collections import Counter

import pytest

from amends import decide, parse_policy
from amends.desk.accounts.models import Role
from amends.desk.cases.answering import Speaker, answer
from amends.desk.cases.history import replay_purchases, replay_requests
from amends.desk.cases.models import Channel, DecisionRecord, RequestKind
from amends.desk.cases.stating import reopen, state_fact
from amends.desk.policies.examining import NotPossibleError
from authoring import SHIPPED, later, small
from shop import WHY, Shop, day, go_to, latest

BEFORE, AFTER = parse_policy(small("2025-08-18", window="7 days")), parse_policy(small())
"""Small policies, which become SQL in a moment."""


def some_requests(shop: Shop) -> None:
    """Granted, late, late and by mistake, a fault that is asked about."""
    in_time, late, annual, faulty = (
        shop.sell(plan, fee=fee)
        for plan, fee in ((shop.monthly, 85), (shop.monthly, 85), (shop.annual, 691), (shop.monthly, 85))
    )
    go_to(day(3))
    shop.ask(in_time)
    shop.work()
    go_to(day(9))
    shop.ask(late)
    shop.ask(annual, RequestKind.CONVERT, answers={"accidental": True})
    shop.ask(faulty, RequestKind.TECHNICAL)
    shop.work()


def test_every_past_request_is_counted_as_decide_answers_it(shop: Shop) -> None:
    some_requests(shop)
    cases = [latest(case).inputs for case in {one.case for one in DecisionRecord.objects.all()}]
    policies = parse_policy(SHIPPED), parse_policy(later())
    answers = [[decide(policy, case) for case in cases] for policy in policies]

    found = replay_requests(*policies)

    assert found["rows"] == len(cases) == 4
    for name, decided in zip(("before", "after"), answers, strict=True):
        counted = Counter(one.outcome.value for one in decided)
        assert {key: one[name] for key, one in found["outcomes"].items() if one[name]} == counted  # type: ignore[attr-defined]
        assert sum(one[name] for one in found["money"]) == sum(one.amount for one in decided)  # type: ignore[attr-defined]
    # The late one is in time by the longer window.
    assert sum(one["rows_gaining"] for one in found["money"]) > 0  # type: ignore[attr-defined]


def test_what_happened_after_the_answer_plays_no_part(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(3))
    case = shop.ask(line)
    shop.work()
    before = replay_requests(BEFORE, AFTER)
    assert latest(case).outcome == "granted"

    agent = shop.staff("agent", Role.AGENT)
    reopen(case, agent, WHY)
    state_fact(case, agent, "prevents_use", value=True, reason=WHY)

    # Decided anew, with the refund already returned.
    assert latest(case).sequence > 1
    assert latest(case).inputs["refunded"] > 0
    assert replay_requests(BEFORE, AFTER) == before


def test_a_case_counts_with_the_facts_of_its_first_answer_not_with_those_of_a_question(shop: Shop) -> None:
    line = shop.sell(shop.annual, fee=691)
    case = shop.ask(line, RequestKind.CONVERT)
    assert latest(case).outcome == "needs_information"

    answer(case, Speaker(f"customer:{case.customer_id}", Channel.API), {"accidental": True})

    assert latest(case).outcome == "granted"
    found = replay_requests(parse_policy(SHIPPED), parse_policy(later()))
    assert [(one["change"], one["rows"]) for one in found["transitions"]] == [("granted -> granted", 1)]  # type: ignore[attr-defined]


def test_nothing_of_a_back_test_stays_in_the_database(shop: Shop) -> None:
    some_requests(shop)
    records = DecisionRecord.objects.count()

    assert replay_requests(BEFORE, AFTER) == replay_requests(BEFORE, AFTER)

    assert DecisionRecord.objects.count() == records


def test_a_desk_without_requests_has_nothing_to_count(shop: Shop) -> None:  # noqa: ARG001  # a desk that has sold nothing
    assert replay_requests(BEFORE, AFTER)["rows"] == 0


def test_a_version_that_takes_an_input_otherwise_is_not_asked(shop: Shop) -> None:
    some_requests(shop)
    other = parse_policy(
        small()
        .replace("purchased_at: instant", "purchased_at: days")
        .replace("days_between(purchased_at, requested_at)", "purchased_at")
        .replace("requested_at >= purchased_at and ", "")
        .replace('  requested_at: instant, from desk, "When you asked"\n', "")
    )

    with pytest.raises(NotPossibleError, match="Rename one of them"):
        replay_requests(BEFORE, other)


def test_an_input_that_only_the_later_version_knows_is_unknown_in_every_request(shop: Shop) -> None:
    some_requests(shop)
    text = small().replace("inputs:\n", 'inputs:\n  is_member: yes or no, from desk, "Member"\n')
    text = text.replace("when: age <= window", "when: age <= window or is_member")

    assert replay_requests(BEFORE, parse_policy(text))["unknown"] == ["is_member"]


def test_every_purchase_asks_on_the_same_day_after_it(shop: Shop) -> None:
    shop.sell(shop.monthly)
    shop.sell(shop.monthly, at=day(2))
    go_to(day(12))

    on_the_last_day, too_late, in_both_too_late = (
        replay_purchases(BEFORE, AFTER, asked) for asked in (7, 8, 12)
    )

    assert [on_the_last_day["rows"], too_late["rows"], in_both_too_late["rows"]] == [2, 2, 1]
    assert granted(on_the_last_day) == (2, 2)
    assert granted(too_late) == (0, 2)
    assert too_late["asks_on_day"] == 8
    assert too_late["left_out"] == 0


def test_a_purchase_asks_with_what_had_been_returned_by_that_day(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(3))
    shop.ask(line)
    shop.work()
    go_to(day(12))
    before_it, after_it = (replay_purchases(BEFORE, AFTER, asked) for asked in (2, 4))

    fee_kept = 85
    assert [one["before"] for one in before_it["money"]] == [line.amount]  # type: ignore[attr-defined]
    assert [one["before"] for one in after_it["money"]] == [fee_kept]  # type: ignore[attr-defined]


def test_what_is_younger_than_the_day_has_not_asked_yet(shop: Shop) -> None:
    shop.sell(shop.monthly)
    go_to(day(6))

    assert replay_purchases(BEFORE, AFTER, 7)["rows"] == 0
    assert replay_purchases(BEFORE, AFTER, 6)["rows"] == 1


def granted(found: dict[str, object]) -> tuple[int, int]:
    """The rows granted before and after."""
    one = found["outcomes"]["granted"]  # type: ignore[index]
    return one["before"], one["after"]
