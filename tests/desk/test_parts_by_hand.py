"""Refunds of two parts that do not go by themselves: each part has its person, and ends once."""

import csv
import io
from datetime import timedelta

import pytest

from amends.desk import clock
from amends.desk.accounts.models import User
from amends.desk.audit.models import AuditRow
from amends.desk.books import check_books
from amends.desk.cases import clearing, paying_out
from amends.desk.cases.models import Case, CaseState, Task, TaskKind
from amends.desk.cases.paying import follow
from amends.desk.exporting import write_orders, write_requests
from amends.desk.notices.models import Letter
from amends.desk.payments.actions import standing
from amends.desk.payments.clearing import Statement
from amends.desk.payments.models import Claim, Finding, Refund
from amends.desk.payments.states import RefundState
from amends.desk.payouts.actions import PayoutError
from amends.desk.payouts.models import Payout
from amends.desk.retention import NotErasableError, erase_person
from payouts import IBAN, OTHER_IBAN, WHY, finance, fresh, held, terms
from several import PARTS, pay_back, refused, returned, sell, sync
from shop import Shop, day, go_to, letters, now, open_tasks
from trade import refunds_at, sdk

FAILED, PAYOUT = [TaskKind.FAILED_REFUND], [TaskKind.PAYOUT]
HOW = "I looked at the charge in the dashboard."


def parts_of(case: Case) -> list[Refund]:
    return list(Refund.objects.filter(case_id=case.id, by_bank=False).order_by("amount"))


def agree(payout: Payout, first: User, second: User) -> None:
    paying_out.propose(payout, first, terms(payout))
    paying_out.release(payout, second, terms(payout))


def settled(case: Case) -> tuple[object, ...]:
    """What following a case once more may not change."""
    return (
        list(Task.objects.order_by("created_at", "id").values_list("id", "kind", "done_at")),
        list(AuditRow.objects.order_by("id").values_list("sha256", flat=True)),
        letters(),
        now(case).state,
    )


def stands_still(case: Case) -> bool:
    before = settled(case)
    follow(case.id)
    return settled(case) == before


def test_two_refused_parts_reach_the_customer_by_two_transfers_to_one_account(shop: Shop) -> None:
    first, second = finance(shop)
    case = refused(shop)
    assert (case.state, open_tasks(case), stands_still(case)) == (CaseState.OPEN, FAILED * 2, True)

    payouts = [paying_out.open_payout(part, first, WHY) for part in parts_of(case)]
    assert (now(case).state, open_tasks(case), stands_still(case)) == (CaseState.PAYING, PAYOUT * 2, True)
    waiting = paying_out.awaiting_account(case)
    assert {payout.refund_id for payout in waiting} == {payout.refund_id for payout in payouts}
    paying_out.give_account(waiting, "Ada Lovelace", IBAN)
    for payout in payouts:
        agree(payout, first, second)
    assert stands_still(case)
    paying_out.make_batch("USD", first)
    for payout in payouts:
        paying_out.mark_paid(fresh(payout), first, "STMT-7", clock.now().date())

    assert (now(case).state, case.closing, open_tasks(case)) == (CaseState.CLOSED, "paid", [])
    assert (returned(shop, case.line), held("bank_cash")) == ([[], []], -sum(PARTS))
    assert [standing(payment).taken for payment in case.line.order.payments] == list(PARTS)
    sent = Letter.objects.filter(kind="refund_sent").values_list("text", flat=True)
    assert sorted(("$8.67" in text, "$15.00" in text) for text in sent) == [(False, True), (True, False)]
    assert list(check_books()) == []


@pytest.mark.parametrize("place", [0, 1])
def test_a_part_keeps_its_person_while_the_other_is_paid_by_bank(shop: Shop, place: int) -> None:
    first, second = finance(shop)
    case = refused(shop)
    parts = parts_of(case)

    payout = paying_out.open_payout(parts[place], first, WHY)
    paying_out.give_account([payout], "Ada Lovelace", IBAN)
    agree(payout, first, second)
    paying_out.make_batch("USD", first)
    paying_out.mark_paid(fresh(payout), first, "STMT-7", clock.now().date())

    assert (open_tasks(case), stands_still(case)) == (FAILED, True)
    assert Task.objects.get(case=case, done_at=None).about == str(parts[1 - place].id)
    assert now(case).state != CaseState.CLOSED


def test_a_refused_part_is_paid_by_bank_beside_one_that_the_gateway_sent(shop: Shop) -> None:
    first, second = finance(shop)
    case = refused(shop, parts=1)
    (part,) = Refund.objects.filter(state=RefundState.REJECTED)

    payout = paying_out.open_payout(part, first, WHY)
    paying_out.give_account([payout], "Ada Lovelace", IBAN)
    agree(payout, first, second)
    paying_out.make_batch("USD", first)
    paying_out.mark_paid(fresh(payout), first, "STMT-7", clock.now().date())

    assert (now(case).closing, open_tasks(case)) == ("paid", [])
    assert (sum(map(sum, returned(shop, case.line))), held("bank_cash")) == (
        sum(PARTS) - part.amount,
        -part.amount,
    )
    assert list(check_books()) == []


def test_an_account_that_was_agreed_to_stays_while_another_part_asks_for_one(shop: Shop) -> None:
    first, second = finance(shop)
    case = refused(shop)
    early, late = parts_of(case)
    payout = paying_out.open_payout(early, first, WHY)
    paying_out.give_account([payout], "Ada Lovelace", IBAN)
    agree(payout, first, second)
    following = paying_out.open_payout(late, first, WHY)

    waiting = paying_out.awaiting_account(case)
    paying_out.give_account(waiting, "Ada Lovelace", OTHER_IBAN)

    assert [one.refund_id for one in waiting] == [following.refund_id]
    assert (fresh(payout).state, fresh(following).state) == ("released", "given")
    assert len(paying_out.awaiting_account(case)) == len(PARTS)


def test_a_customer_of_two_transfers_is_erased_with_both_accounts(shop: Shop) -> None:
    first, second = finance(shop)
    case = refused(shop)
    payouts = [paying_out.open_payout(part, first, WHY) for part in parts_of(case)]
    paying_out.give_account(payouts, "Ada Lovelace", IBAN)
    for payout in payouts:
        agree(payout, first, second)
    batch = paying_out.make_batch("USD", first)
    paying_out.mark_paid(fresh(payouts[0]), first, "STMT-7", clock.now().date())
    with pytest.raises(NotErasableError):
        erase_person(case.customer, "desk")
    assert all(fresh(payout).sealed_account for payout in payouts)
    paying_out.mark_paid(fresh(payouts[1]), first, "STMT-8", clock.now().date())

    erase_person(case.customer, "desk")

    batch.refresh_from_db()
    assert [(fresh(payout).sealed_account, fresh(payout).account_hint) for payout in payouts] == [
        ("", "")
    ] * 2
    assert (batch.sealed_csv, list(check_books())) == ("", [])


def test_the_export_has_a_row_for_each_refund_in_the_dashboard_and_one_for_the_order(shop: Shop) -> None:
    line = sell(shop, 1000, 1500)
    for payment in line.order.payments:
        pay_back(shop, payment, 200)
    sync(shop, line)
    made = [one.id for payment in line.order.payments for one in refunds_at(shop.sandbox, payment)]
    go_to(day(9))
    requests, orders = io.StringIO(), io.StringIO()

    assert (write_requests(requests), write_orders(orders, timedelta(days=3))) == (2, 1)

    rows = list(csv.DictReader(io.StringIO(requests.getvalue())))
    assert sorted(row["id"] for row in rows) == sorted(f"{ref}/1" for ref in made)
    assert {row["paid"] for row in (*rows, *csv.DictReader(io.StringIO(orders.getvalue())))} == {"2500"}


def lost(shop: Shop) -> Case:
    """A case of which both parts need a person: two keys had no effect that anybody knows of."""
    line = sell(shop, 1000, 1500)
    go_to(day(3))
    case = shop.ask(line)
    shop.sandbox.api.faults.add({"fault": "stored_error", "path": "/v1/refunds", "count": "20"})
    for _ in range(12):
        shop.work()
        clock.advance(timedelta(minutes=31))
    shop.sandbox.api.faults.clear()
    clock.advance(timedelta(hours=2))
    assert [part.reason for part in parts_of(case)] == ["needs_person"] * 2
    return now(case)


def test_of_two_lost_parts_each_is_cleared_up_by_two_people(shop: Shop) -> None:
    first, second = finance(shop)
    case = lost(shop)
    paid, never = parts_of(case)
    assert (case.state, open_tasks(case), stands_still(case)) == (CaseState.OPEN, FAILED * 2, True)
    made = sdk(shop.sandbox).v1.refunds.create(
        {
            "charge": paid.payment.gateway_ref,
            "amount": paid.amount,
            "metadata": {"refund_id": str(paid.id)},
        }
    )

    clearing.state_finding(shop.gateway, paid, first, Statement(Claim.PAID, HOW, made.id))
    to_confirm = Task.objects.get(case=case, done_at=None, detail__contains="confirms")
    assert (to_confirm.about, open_tasks(case), stands_still(case)) == (str(paid.id), FAILED * 2, True)
    clearing.state_finding(shop.gateway, never, second, Statement(Claim.SEND_AGAIN, HOW))
    assert Task.objects.filter(case=case, done_at=None, detail__contains="confirms").count() == len(PARTS)
    confirm(shop, paid, second)
    assert (open_tasks(case), stands_still(case)) == (FAILED, True)
    confirm(shop, never, first)
    shop.work()

    assert (now(case).state, case.closing, open_tasks(case)) == (CaseState.CLOSED, "paid", [])
    assert returned(shop, case.line) == [[part] for part in PARTS]
    assert list(check_books()) == []


def confirm(shop: Shop, part: Refund, by: User) -> None:
    clearing.confirm_finding(shop.gateway, part, by, str(Finding.objects.get(refund=part).id))


@pytest.mark.parametrize("place", [0, 1])
def test_a_refund_in_the_dashboard_before_the_parts_are_sent_is_never_paid_beside_them(
    shop: Shop, place: int
) -> None:
    line = sell(shop, 1000, 1500)
    go_to(day(3))
    case = shop.ask(line)
    payment = line.order.payments[place]

    pay_back(shop, payment, payment.captured)
    shop.work()
    sync(shop, line)
    shop.work()

    part = Refund.objects.get(case_id=case.id, payment=payment, by_bank=False)
    other = Refund.objects.get(case_id=case.id, by_bank=False, payment=line.order.payments[1 - place])
    assert (part.state, other.state) == (RefundState.REJECTED, RefundState.SUCCEEDED)
    assert (now(case).state, open_tasks(case), stands_still(case)) == (CaseState.OPEN, FAILED, True)
    assert returned(shop, line)[place] == [payment.captured]
    assert returned(shop, line)[1 - place] == [PARTS[1 - place]]
    with pytest.raises(PayoutError, match="Less is left"):
        paying_out.open_payout(part, finance(shop)[0], WHY)
    assert list(check_books()) == []


def test_a_refund_in_the_dashboard_that_leaves_enough_stops_no_part(shop: Shop) -> None:
    line = sell(shop, 1000, 1500)
    go_to(day(3))
    case = shop.ask(line)

    pay_back(shop, line.order.payments[0], 1000 - PARTS[0])
    shop.work()
    sync(shop, line)

    assert (now(case).closing, open_tasks(case)) == ("paid", [])
    assert [sum(amounts) for amounts in returned(shop, line)] == [1000, 1500]
    assert list(check_books()) == []
