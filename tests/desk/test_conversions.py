"""An annual plan bought by accident becomes monthly, and the rest comes back."""

from contextlib import suppress
from datetime import timedelta

import pytest

from amends.desk import clock
from amends.desk.books import check_books
from amends.desk.cases.approving import OutdatedError
from amends.desk.cases.models import (
    CaseState,
    RequestKind,
    TaskKind,
)
from amends.desk.cases.paying import follow_left_behind
from amends.desk.orders.models import PlanChange, Subscription
from amends.desk.payments.models import Refund
from shop import Shop, approve_by_one, day, go_to, now, open_tasks
from simulation.death import dying_before
from simulation.network import WorkerDied
from trade import sdk


def test_a_conversion_changes_the_plan_first_and_then_pays(shop: Shop) -> None:
    line = shop.sell(shop.annual, fee=691)
    go_to(day(6))

    case = shop.ask(line, RequestKind.CONVERT, answers={"accidental": True})
    assert approve_by_one(shop, case).state == CaseState.PAYING
    shop.work()

    assert shop.refunded(line) == [22800 - 1900 - 691]
    subscription = Subscription.objects.get()
    assert (subscription.plan, subscription.status) == (shop.monthly, "active")
    assert subscription.next_charge_at == day(30)
    assert now(case).closing == "paid"


def test_a_second_conversion_goes_to_a_person(shop: Shop) -> None:
    first, second = shop.sell(shop.annual, fee=691), shop.sell(shop.annual, fee=692)
    go_to(day(6))
    approve_by_one(shop, shop.ask(first, RequestKind.CONVERT, answers={"accidental": True}))
    shop.work()

    case = shop.ask(second, RequestKind.CONVERT, answers={"accidental": True})

    assert (case.state, open_tasks(case)) == (CaseState.OPEN, [TaskKind.REVIEW])
    assert shop.refunded(second) == []


def test_a_second_conversion_while_the_first_is_under_way_goes_to_a_person(shop: Shop) -> None:
    first, second = shop.sell(shop.annual, fee=691), shop.sell(shop.annual, fee=692)
    go_to(day(6))
    approve_by_one(shop, shop.ask(first, RequestKind.CONVERT, answers={"accidental": True}))

    case = shop.ask(second, RequestKind.CONVERT, answers={"accidental": True})
    shop.work()

    assert (now(case).state, open_tasks(case)) == (CaseState.OPEN, [TaskKind.REVIEW])
    assert shop.refunded(second) == []


def test_of_two_conversions_decided_side_by_side_one_is_agreed_to(shop: Shop) -> None:
    first, second = shop.sell(shop.annual, fee=691), shop.sell(shop.annual, fee=692)
    go_to(day(6))
    ask_both = [shop.ask(line, RequestKind.CONVERT, answers={"accidental": True}) for line in (first, second)]
    approve_by_one(shop, ask_both[0])

    with pytest.raises(OutdatedError, match="changed to monthly by another case"):
        approve_by_one(shop, ask_both[1], "second")
    shop.work()

    assert (len(shop.refunded(first)), shop.refunded(second)) == (1, [])
    assert now(ask_both[1]).state == CaseState.DECIDED


def test_a_plan_for_which_too_little_is_left_is_not_agreed_to(shop: Shop) -> None:
    line = shop.sell(shop.annual, fee=691)
    case = shop.ask(line)
    sdk(shop.sandbox).v1.refunds.create({"charge": line.order.payments[0].gateway_ref, "amount": 20_000})
    shop.sync(line)

    with pytest.raises(OutdatedError, match="Less is left of the payment"):
        approve_by_one(shop, case)
    shop.work()

    assert (shop.refunded(line), now(case).state) == ([20_000], CaseState.DECIDED)
    assert not case.decisions.get().approvals.exists()


def test_workers_that_die_again_and_again_switch_once_and_pay_once(shop: Shop) -> None:
    line = shop.sell(shop.annual, fee=691)
    go_to(day(6))
    case = approve_by_one(shop, shop.ask(line, RequestKind.CONVERT, answers={"accidental": True}))
    deaths = 0

    for statement in range(1, 200):
        with suppress(WorkerDied), dying_before(statement):
            deaths += 1
            shop.work()
            deaths -= 1
            break
        clock.advance(timedelta(minutes=16))
        Refund.objects.filter(leased_until__isnull=False).update(leased_until=day(0))
    follow_left_behind()

    assert deaths > 10
    assert (shop.refunded(line), now(case).closing) == ([22800 - 1900 - 691], "paid")
    (subscription,) = shop.sandbox.store.all("subscription")
    assert subscription["trial_end"] == int(day(30).timestamp())
    assert list(check_books()) == []


def test_a_plan_that_cannot_be_switched_keeps_its_refund_held_and_asks_a_person(shop: Shop) -> None:
    line = shop.sell(shop.annual, fee=691)
    shop.monthly.prices.update(gateway_ref="")
    go_to(day(6))
    case = approve_by_one(shop, shop.ask(line, RequestKind.CONVERT, answers={"accidental": True}))

    shop.work()

    assert shop.refunded(line) == []
    assert open_tasks(case) == [TaskKind.FAILED_PLAN_CHANGE]


def test_a_plan_change_that_is_refused_for_now_is_sent_again_with_a_fresh_key(shop: Shop) -> None:
    line = shop.sell(shop.annual, fee=691)
    go_to(day(6))
    case = approve_by_one(shop, shop.ask(line, RequestKind.CONVERT, answers={"accidental": True}))
    shop.sandbox.api.faults.add({"fault": "no_funds", "path": "/v1/subscriptions/.*"})
    shop.work()
    assert (PlanChange.objects.get().problem, shop.refunded(line)) == ("balance_insufficient", [])

    clock.advance(timedelta(minutes=2))
    shop.work()

    assert (PlanChange.objects.get().sends, shop.refunded(line)) == (2, [22800 - 1900 - 691])
    assert (now(case).closing, open_tasks(case)) == ("paid", [])
