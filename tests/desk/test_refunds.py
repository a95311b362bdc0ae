"""Refunds of a subscription: the window, the count, the fee, and the money to its end."""

from threading import Barrier, Thread

import pytest
from django.db import connection

from amends.desk.audit.actions import broken_rows
from amends.desk.cases.deciding import decide_case, wake_due
from amends.desk.cases.models import (
    Case,
    CaseState,
    Channel,
    RequestKind,
    TaskKind,
)
from amends.desk.cases.opening import OpenCaseError, Request, open_case
from amends.desk.cases.paying import follow
from amends.desk.credits.actions import grant, wallet
from amends.desk.credits.models import LotSource
from amends.desk.notices.models import Letter
from amends.desk.orders.actions import change_next_plan
from amends.desk.orders.models import Subscription
from amends.desk.payments.inbox import sweep_refunds
from amends.desk.payments.sending import send_next
from amends.desk.policies import actions as policies
from amends.desk.usage.models import PaidBy, UseOutcome
from amends.policy.replay import replay
from shop import METER, Shop, day, go_to, latest, letters, nothing_moved, now, open_tasks
from spent import Counter


def test_a_request_within_the_window_is_paid_told_and_closed(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    shop.use(12, day(1))
    go_to(day(3))

    case = shop.ask(line)
    shop.work()

    assert (now(case).state, case.closing) == (CaseState.CLOSED, "paid")
    assert shop.refunded(line) == [1815]
    assert letters() == ["received", "decision", "refund_sent"]
    assert Subscription.objects.get().status == "ended"
    assert case.decisions.get().usage_count == 12
    assert list(broken_rows()) == []


def test_a_refund_from_request_to_letter_is_fourteen_statements(shop: Shop) -> None:
    # What is asked for once, such as the versions of the policy, was asked for by the first.
    for expected in (None, 14):
        line = shop.sell(shop.monthly)
        request = Request(shop.customer, line, RequestKind.REFUND, Channel.API, "Not what I expected.")
        spent = Counter()
        with connection.execute_wrapper(spent):
            case = open_case(request)
        change_next_plan(shop.gateway)
        with connection.execute_wrapper(spent):
            assert send_next(shop.gateway)
            follow(case.id)

        assert now(case).closing == "paid"
        assert expected in (None, spent.statements)


def test_a_late_request_is_denied_with_what_would_have_helped(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(8))

    case = shop.ask(line)

    assert (case.state, case.closing) == (CaseState.CLOSED, "denied")
    assert "You could have asked until 8 September 2025." in Letter.objects.get(kind="decision").text
    assert nothing_moved()


@pytest.mark.parametrize("count, closing", [(50, "paid"), (51, "denied")])
def test_fifty_generations_are_paid_and_fifty_one_are_not(shop: Shop, count: int, closing: str) -> None:
    line = shop.sell(shop.monthly)
    shop.use(count, day(1))
    shop.use(30, day(2), outcome=UseOutcome.FAILED)
    go_to(day(3))

    case = shop.ask(line)
    shop.work()

    assert now(case).closing == closing


def test_jobs_paid_with_credits_do_not_count(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    grant(shop.customer, LotSource.PROMOTIONAL, METER, 100, "welcome")
    shop.use(60, day(1), paid_by=PaidBy.CREDITS)
    go_to(day(3))

    case = shop.ask(line)

    assert case.decisions.get().usage_count == 0
    assert wallet(shop.customer, METER) == 100 - 60


def test_the_contact_decides_the_window_and_the_complete_request_the_count(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(7))
    case = shop.ask(line, reason="")
    assert case.state == CaseState.WAITING_ON_CUSTOMER
    shop.use(51, day(8))
    go_to(day(9))

    case.reason = "Too slow."
    case.save(update_fields=["reason"])
    decide_case(case)

    assert now(case).closing == "denied"
    assert [one["id"] for one in latest(case).core["clauses"] if one["role"] == "denies"] == ["heavy"]


def test_an_unknown_fee_is_waited_for_with_an_alarm(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    payment = line.order.payments[0]
    payment.fee = None
    payment.save(update_fields=["fee"])
    go_to(day(3))

    case = shop.ask(line)
    assert (case.state, open_tasks(case)) == (CaseState.WAITING_ON_DESK, [TaskKind.MISSING_AT_DESK])
    assert nothing_moved()
    payment.fee = 85
    payment.save(update_fields=["fee"])
    go_to(day(3, 11))
    wake_due()
    shop.work()

    assert shop.refunded(line) == [1815]


def test_the_due_day_skips_the_weekend_and_the_holiday_and_says_so(shop: Shop) -> None:
    # 1 September 2025 is Labor Day.
    go_to(day(-3))
    case = shop.ask(shop.sell(shop.monthly, at=day(-3)), RequestKind.BILLING_ERROR)

    assert (str(case.target_on), str(case.due_on)) == ("2025-09-08", "2025-09-10")
    assert case.skipped_days == [["2025-09-01", "Labor Day"]]


def test_a_failed_refund_reopens_its_case_and_tells_the_customer(shop: Shop) -> None:
    line = shop.sell(shop.monthly, method="pm_card_refundFail")
    go_to(day(3))
    case = shop.ask(line)
    shop.work()
    assert now(case).closing == "paid"

    go_to(day(25))
    shop.sandbox.api.refunds.settle()
    sweep_refunds(shop.gateway)
    shop.sync(line)

    assert (now(case).state, open_tasks(case)) == (CaseState.OPEN, [TaskKind.FAILED_REFUND])
    assert letters()[-1] == "failed"


def test_an_open_dispute_goes_to_a_person(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    shop.dispute(line)
    shop.sync(line)

    case = shop.ask(line)

    assert (case.state, open_tasks(case)) == (CaseState.OPEN, [TaskKind.REVIEW])
    assert nothing_moved()


def test_a_second_request_about_one_purchase_is_told_of_the_first(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    case = shop.ask(line, RequestKind.BILLING_ERROR)

    with pytest.raises(OpenCaseError) as told:
        shop.ask(line)

    assert told.value.number == case.number
    assert Case.objects.count() == 1


def test_every_stored_decision_replays_byte_for_byte(shop: Shop) -> None:
    case = shop.ask(shop.sell(shop.monthly))
    record = case.decisions.get()

    stored = record.core | {"facts": record.inputs, "core_sha256": record.core_sha256}
    assert replay([policies.read(record.version)], stored) is None


def test_one_refund_asked_for_by_four_at_once_is_one_case_and_one_refund(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(3))
    start = Barrier(4)
    answers: list[str] = []

    def press() -> None:
        start.wait()
        try:
            answers.append(shop.ask(line).number)
        except OpenCaseError as error:
            answers.append(error.number)
        finally:
            connection.close()

    threads = [Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shop.work()

    assert len(set(answers)) == 1
    assert (Case.objects.count(), shop.refunded(line)) == (1, [1815])
