"""Whatever happens to a refund, its case, its books, its letters and the work of people say so."""

from datetime import timedelta

import pytest

from amends.desk import clock
from amends.desk.books import check_books
from amends.desk.cases.deciding import decide_case
from amends.desk.cases.models import Case, CaseState, RequestKind, Task, TaskKind
from amends.desk.journal.models import Entry
from amends.desk.payments.actions import standing
from amends.desk.payments.inbox import catch_up, compare_due, compare_unknown, sweep_refunds, sync_payment
from amends.desk.payments.models import Notice, Payment, Refund
from amends.desk.payments.refund_plan import RefundPlan
from amends.desk.payments.sending import send_next
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.sandbox.server import Sandbox
from refunding import ask, send_until_quiet, settled
from shop import Shop, approve_by_one, day, go_to, letters, now, open_tasks
from trade import make_payment, refunds_at, sdk


def granted(shop: Shop, method: str = "pm_card_visa") -> Case:
    line = shop.sell(shop.monthly, method=method)
    go_to(day(3))
    return shop.ask(line)


def plan_fault(shop: Shop, fault: str, count: int = 1, **more: str) -> None:
    shop.sandbox.api.faults.add({"fault": fault, "path": "/v1/refunds", "count": str(count), **more})


def pass_time(shop: Shop, **by: int) -> None:
    """Time passes, the worker works, the sweeper asks."""
    clock.advance(timedelta(**by))
    shop.work()
    sweep_refunds(shop.gateway)
    for case in Case.objects.all():
        shop.sync(case.line)


def refund_posted() -> bool:
    return Entry.objects.filter(kind__startswith="refund").exists()


@pytest.mark.parametrize(
    "fault, told",
    [("no_funds", ["received", "decision", "delayed"]), ("unauthorised", ["received", "decision"])],
)
def test_what_a_person_can_put_right_is_given_to_finance_and_then_sent_by_itself(
    shop: Shop, fault: str, told: list[str]
) -> None:
    case = granted(shop)
    plan_fault(shop, fault)

    shop.work()

    assert (now(case).state, open_tasks(case)) == (CaseState.PAYING, [TaskKind.WAITING_REFUND])
    assert (letters(), refund_posted(), shop.refunded(case.line)) == (told, False, [])
    task = Task.objects.get(kind=TaskKind.WAITING_REFUND)
    assert (task.role, task.due_at) == ("finance", task.created_at + timedelta(days=1))
    pass_time(shop, minutes=16)
    assert (now(case).closing, shop.refunded(case.line), open_tasks(case)) == ("paid", [1815], [])


def test_days_without_funds_use_up_no_key(shop: Shop) -> None:
    case = granted(shop)
    plan_fault(shop, "no_funds", 200)
    for _ in range(5):
        pass_time(shop, days=1)
    shop.sandbox.api.faults.clear()

    pass_time(shop, minutes=16)

    refund = Refund.objects.get()
    assert (refund.generation, refund.refusals) == (0, refund.sends - 1)
    assert (now(case).closing, shop.refunded(case.line)) == ("paid", [1815])


def test_a_refund_that_waits_for_our_balance_at_the_gateway_is_sent_once_it_is_there(shop: Shop) -> None:
    case = granted(shop, "pm_card_lowBalance")
    shop.work()
    assert (Refund.objects.get().state, open_tasks(case)) == ("pending", [TaskKind.WAITING_REFUND])
    assert letters() == ["received", "decision", "delayed"]

    shop.sandbox.api.refunds.succeed(shop.sandbox.store.all("refund")[0])
    pass_time(shop, minutes=16)

    assert (now(case).closing, open_tasks(case)) == ("paid", [])
    assert letters() == ["received", "decision", "delayed", "refund_sent"]


def test_a_method_that_takes_nothing_back_makes_the_customer_hear_of_it_and_the_desk_wait(shop: Shop) -> None:
    case = granted(shop, "pm_voucher")
    shop.work()
    assert (Refund.objects.get().state, open_tasks(case)) == ("requires_action", [])
    assert letters() == ["received", "decision", "delayed"]

    pass_time(shop, days=8)
    assert open_tasks(case) == [TaskKind.WAITING_REFUND]
    shop.sandbox.api.refunds.succeed(shop.sandbox.store.all("refund")[0])
    pass_time(shop, minutes=16)

    assert (now(case).closing, open_tasks(case)) == ("paid", [])


@pytest.mark.parametrize("hours, tasks", [(167, []), (169, [TaskKind.WAITING_REFUND])])
def test_more_than_a_week_at_the_gateway_is_asked_about(shop: Shop, hours: int, tasks: list[str]) -> None:
    case = granted(shop, "pm_sepa")
    shop.work()

    pass_time(shop, hours=hours)

    assert (now(case).state, open_tasks(case)) == (CaseState.PAYING, tasks)


@pytest.mark.parametrize("code", ["charge_expired_for_refund", "charge_not_refundable", "resource_missing"])
def test_what_the_gateway_refuses_for_good_frees_the_amount_and_goes_to_a_person(
    shop: Shop, code: str
) -> None:
    case = granted(shop)
    plan_fault(shop, "reject", code=code)

    shop.work()

    assert (now(case).state, open_tasks(case)) == (CaseState.OPEN, [TaskKind.FAILED_REFUND])
    refund = Refund.objects.get()
    assert (refund.state, refund.reason, standing(refund.payment).taken) == ("rejected", code, 0)
    assert (refund_posted(), shop.refunded(case.line)) == (False, [])


def test_a_case_approved_again_after_its_refund_was_refused_closes_as_paid(shop: Shop) -> None:
    case = granted(shop)
    plan_fault(shop, "reject")
    shop.work()
    assert now(case).state == CaseState.OPEN

    decide_case(case)
    shop.work()

    assert sorted(Refund.objects.values_list("state", flat=True)) == ["rejected", "succeeded"]
    assert (now(case).state, case.closing, open_tasks(case)) == (CaseState.CLOSED, "paid", [])
    assert (len(shop.refunded(case.line)), list(check_books())) == (1, [])


def test_a_dispute_after_the_refund_is_given_to_finance_and_counts_once_it_is_lost(shop: Shop) -> None:
    case = granted(shop)
    shop.work()
    dispute = shop.dispute(case.line)
    shop.sync(case.line)
    (task,) = case.tasks.filter(done_at=None)
    assert (task.kind, task.detail[:24]) == (TaskKind.OVER_RETURNED, "The bank disputes a char")

    shop.sandbox.api.disputes.move(dispute, "lost")
    shop.sync(case.line)

    assert [words.split(": ", 1)[1] for words in check_books()] == ["more was returned than was charged"]
    assert Entry.objects.filter(kind="dispute_lost").count() == 1


def test_two_refunds_of_one_payment_do_not_wait_for_each_other(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    payment = make_payment(sandbox, gateway)
    plans = [ask_for(payment, amount) for amount in (300, 500)]
    sandbox.api.faults.add({"fault": "stored_error", "path": "/v1/refunds", "count": "2"})

    send_until_quiet(gateway)

    assert [settled(one).state for one in plans] == ["succeeded", "succeeded"]
    assert sorted(one.amount for one in refunds_at(sandbox, payment)) == [300, 500]


def ask_for(payment: Payment, amount: int) -> Refund:
    return ask(payment, RefundPlan(amount=amount, purpose="refund"))


def test_a_dispute_cancels_nothing_that_may_have_happened(sandbox: Sandbox, gateway: StripeGateway) -> None:
    payment = make_payment(sandbox, gateway)
    refund = ask(payment)
    for fault in ("lose_answer", "rate_limit"):
        sandbox.api.faults.add({"fault": fault, "path": "/v1/refunds"})
        send_next(gateway)
        clock.advance(timedelta(minutes=16))
    charge = sandbox.store.find(payment.gateway_ref)
    assert charge is not None
    sandbox.api.disputes.open(charge)
    catch_up(gateway)
    sync_payment(gateway, payment.gateway_ref)

    send_until_quiet(gateway)

    assert (settled(refund).state, refund.sends, len(refunds_at(sandbox, payment))) == ("succeeded", 2, 1)


def test_after_a_dispute_nothing_is_sent_again_and_what_never_happened_is_canceled(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    payment = make_payment(sandbox, gateway)
    refund = ask(payment)
    sandbox.api.faults.add({"fault": "refuse", "path": "/v1/refunds"})
    send_next(gateway)
    charge = sandbox.store.find(payment.gateway_ref)
    assert charge is not None
    sandbox.api.disputes.open(charge)
    sync_payment(gateway, payment.gateway_ref)

    send_until_quiet(gateway)

    assert (settled(refund).state, refund.reason, refund.sends) == ("canceled", "disputed", 1)
    assert refunds_at(sandbox, payment) == []


def test_a_refund_elsewhere_is_found_without_its_webhook(sandbox: Sandbox, gateway: StripeGateway) -> None:
    payment = make_payment(sandbox, gateway)
    sdk(sandbox).v1.refunds.create({"charge": payment.gateway_ref, "amount": 1000})

    assert [compared.payment for compared in compare_unknown(gateway)] == [payment]
    assert compare_unknown(gateway) == []

    assert (Refund.objects.get().origin, standing(payment).taken) == ("gateway", 1000)


def test_missed_events_are_stored_once(sandbox: Sandbox, gateway: StripeGateway) -> None:
    payment = make_payment(sandbox, gateway)
    charge = sandbox.store.find(payment.gateway_ref)
    assert charge is not None
    sandbox.api.disputes.open(charge)

    assert [catch_up(gateway), catch_up(gateway)] == [1, 0]

    assert Notice.objects.get().kind == "charge.dispute.created"


@pytest.mark.parametrize("hours, compared", [(23, 0), (25, 1)])
def test_sums_are_compared_once_a_day(
    sandbox: Sandbox, gateway: StripeGateway, hours: int, compared: int
) -> None:
    ask(make_payment(sandbox, gateway))
    send_until_quiet(gateway)
    assert len(compare_due(gateway)) == 1

    clock.advance(timedelta(hours=hours))

    assert len(compare_due(gateway)) == compared


def test_a_comparison_that_is_not_answered_keeps_no_other_waiting(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    for _ in range(2):
        ask(make_payment(sandbox, gateway))
    send_until_quiet(gateway)
    sandbox.api.faults.add({"fault": "rate_limit", "path": "/v1/charges/.*", "method": "GET"})

    assert len(compare_due(gateway)) == 1
    assert compare_due(gateway) == []
    clock.advance(timedelta(hours=1, minutes=1))
    assert len(compare_due(gateway)) == 1


def test_what_the_gateway_holds_twice_under_our_id_is_a_refund_of_its_own(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    payment = make_payment(sandbox, gateway)
    refund = ask_for(payment, 500)
    send_until_quiet(gateway)
    sdk(sandbox).v1.refunds.create(
        {"charge": payment.gateway_ref, "amount": 500, "metadata": {"refund_id": str(refund.id)}}
    )

    sync_payment(gateway, payment.gateway_ref)

    assert sorted(Refund.objects.values_list("origin", flat=True)) == ["desk", "gateway"]
    assert standing(payment).taken == 1000


@pytest.mark.parametrize(
    "booked, fee",
    [({"settlement": "eur", "rate": "0.9", "fee": "77"}, 86), ({"fee": "0"}, 0)],
    ids=["EUR", "zero"],
)
def test_the_fee_is_the_one_of_the_charge_in_its_own_currency(
    shop: Shop, booked: dict[str, str], fee: int
) -> None:
    payment = make_payment(shop.sandbox, shop.gateway, 1900, method="pm_card_visa", **booked)

    assert payment.fee == fee


@pytest.mark.parametrize("path", ["/v1/subscriptions/.*", "/v1/refunds"])
@pytest.mark.parametrize(
    "fault", ["lose_answer", "error_before", "stored_error_after", "rate_limit", "garbage"]
)
def test_a_conversion_is_switched_once_and_paid_once_whatever_call_fails(
    shop: Shop, fault: str, path: str
) -> None:
    line = shop.sell(shop.annual, fee=691)
    go_to(day(6))
    case = shop.ask(line, RequestKind.CONVERT, answers={"accidental": True})
    shop.sandbox.api.faults.add({"fault": fault, "path": path})
    approve_by_one(shop, case)

    for _ in range(4):
        pass_time(shop, minutes=16)

    (subscription,) = shop.sandbox.store.all("subscription")
    assert subscription["trial_end"] == int(day(30).timestamp())
    assert (shop.refunded(line), now(case).closing) == ([22800 - 1900 - 691], "paid")
    assert list(check_books()) == []


def test_a_refund_that_fails_after_the_switch_leaves_the_plan_switched_and_goes_to_a_person(
    shop: Shop,
) -> None:
    line = shop.sell(shop.annual, fee=691)
    go_to(day(6))
    case = shop.ask(line, RequestKind.CONVERT, answers={"accidental": True})
    plan_fault(shop, "reject", code="charge_expired_for_refund")
    approve_by_one(shop, case)

    shop.work()

    (subscription,) = shop.sandbox.store.all("subscription")
    assert (subscription["status"], shop.refunded(line)) == ("trialing", [])
    assert (now(case).state, open_tasks(case)) == (CaseState.OPEN, [TaskKind.FAILED_REFUND])
