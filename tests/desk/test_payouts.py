"""Money back by bank transfer: asked for, agreed to by two, in one file for ever, booked or sent back."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from amends.desk import clock
from amends.desk.accounts.models import Role
from amends.desk.audit.models import AuditRow
from amends.desk.books import check_books
from amends.desk.cases import paying_out
from amends.desk.cases.models import CaseState, Task, TaskKind
from amends.desk.cases.paying import follow_left_behind
from amends.desk.notices.models import Letter
from amends.desk.payments.actions import standing
from amends.desk.payments.models import Payment, Refund
from amends.desk.payments.sending import send_next
from amends.desk.payouts import actions, batches
from amends.desk.payouts.actions import PayoutError
from amends.desk.payouts.iban import BadAccountError
from amends.desk.payouts.models import Batch, Payout
from amends.desk.unit_of_work import unit_of_work
from payouts import (
    IBAN,
    OTHER_IBAN,
    WHY,
    asked,
    finance,
    fresh,
    held,
    released,
    terms,
)
from refunding import ask
from shop import Shop, day, go_to, letters, now, open_tasks
from trade import sdk


def test_a_refused_refund_reaches_the_customer_by_bank_transfer_and_the_books_say_so(shop: Shop) -> None:
    first, second = finance(shop)
    case, payout = asked(shop, first)
    assert (now(case).state, open_tasks(case), letters()[-1]) == (CaseState.PAYING, ["payout"], "more_needed")
    assert standing(payout.refund.payment).taken == 1815
    paying_out.give_account([payout], "Ada  Lovelace", "de89 3704 0044 0532 0130 00")
    paying_out.propose(payout, first, terms(payout))
    paying_out.release(payout, second, terms(payout))
    assert (held("bank_cash"), held("payouts_in_transit")) == (0, 0)

    batch = paying_out.make_batch("USD", first)
    assert (held("bank_cash"), held("payouts_in_transit")) == (0, -1815)
    rows = list(csv.DictReader(io.StringIO(batches.read_file(batch, "csv", first).content.decode())))
    paying_out.mark_paid(fresh(payout), first, "STMT-7", clock.now().date())

    assert rows == [
        {
            "end_to_end_id": payout.refund_id.hex,
            "holder": "Ada Lovelace",
            "iban": IBAN,
            "amount": "18.15",
            "currency": "USD",
            "remittance": case.number,
        }
    ]
    assert (now(case).state, case.closing, open_tasks(case)) == (CaseState.CLOSED, "paid", [])
    assert (held("bank_cash"), held("payouts_in_transit"), held("refunds_in_transit")) == (-1815, 0, 0)
    assert letters()[-1] == "refund_sent"
    assert shop.refunded(case.line) == []
    assert list(check_books()) == []


def test_one_person_does_not_release_and_neither_does_the_one_who_approved(shop: Shop) -> None:
    first, _ = finance(shop)
    _, payout = asked(shop, first)
    paying_out.give_account([payout], "Ada", IBAN)
    paying_out.propose(payout, first, terms(payout))

    for somebody in (first, shop.staff("anna", Role.APPROVER), shop.staff("adam", Role.ADMIN)):
        with pytest.raises(PayoutError):
            paying_out.release(payout, somebody, terms(payout))
    with pytest.raises(IntegrityError, match="payout_by_two_people"), transaction.atomic():
        Payout.objects.filter(refund=payout.refund).update(released_by=first)
    with pytest.raises(PayoutError):
        paying_out.make_batch("USD", first)

    assert (fresh(payout).state, Batch.objects.count()) == ("proposed", 0)


def test_a_file_is_handed_over_again_byte_for_byte_and_pays_nothing_twice(shop: Shop) -> None:
    first, second = finance(shop)
    released(shop, first, second)
    batch = paying_out.make_batch("USD", first)
    once = batches.read_file(batch, "csv", first)
    clock.advance(timedelta(days=2))

    again = batches.read_file(Batch.objects.get(), "csv", second)
    with pytest.raises(PayoutError, match="Nothing in USD"):
        paying_out.make_batch("USD", second)

    assert again == once
    with pytest.raises(PayoutError, match="euro only"):
        batches.read_file(batch, "xml", first)
    with pytest.raises(PayoutError, match="Only finance"):
        batches.read_file(batch, "csv", shop.staff("anna", Role.APPROVER))
    with pytest.raises(DatabaseError, match="emptied"), transaction.atomic():
        Batch.objects.update(total=1)
    assert AuditRow.objects.filter(subject=f"batch:{batch.id}", action="handed_out").count() == 2


def test_an_account_that_was_wrong_goes_back_to_the_customer_with_the_reason(shop: Shop) -> None:
    first, second = finance(shop)
    case, payout = released(shop, first, second)
    paying_out.make_batch("USD", first)
    paying_out.mark_paid(fresh(payout), first, "STMT-7", clock.now().date())

    paying_out.mark_returned(fresh(payout), second, "Account closed")

    following = Payout.objects.get(state="asked")
    assert (now(case).state, open_tasks(case)) == (CaseState.PAYING, ["payout"])
    assert (following.sealed_account, following.refund.amount) == ("", 1815)
    assert "Account closed" in Letter.objects.get(reference=f"more_needed:payout:{following.refund_id}").text
    assert (held("bank_cash"), held("payouts_in_transit")) == (0, 0)
    paying_out.give_account([following], "Ada", OTHER_IBAN)
    paying_out.propose(following, second, terms(following))
    paying_out.release(following, first, terms(following))
    paying_out.make_batch("USD", first)
    paying_out.mark_paid(fresh(following), first, "STMT-9", clock.now().date())
    assert (now(case).closing, held("bank_cash"), list(check_books())) == ("paid", -1815, [])


def test_a_payout_that_is_called_off_frees_the_money_and_is_finances_again(shop: Shop) -> None:
    first, second = finance(shop)
    case, payout = released(shop, first, second)

    paying_out.withdraw(payout, second, "The customer wants a voucher.")

    assert (now(case).state, open_tasks(case)) == (CaseState.OPEN, ["failed_refund"])
    assert (fresh(payout).sealed_account, standing(payout.refund.payment).taken) == ("", 0)
    paying_out.open_payout(Refund.objects.get(by_bank=False), first, WHY)
    assert (now(case).state, open_tasks(case)) == (CaseState.PAYING, ["payout"])
    assert list(check_books()) == []


def test_a_refund_that_may_still_be_paid_by_the_gateway_is_not_paid_by_bank(shop: Shop) -> None:
    first, _ = finance(shop)
    line = shop.sell(shop.monthly)
    go_to(day(3))
    case = shop.ask(line)
    refund = Refund.objects.get(case_id=case.id)

    for state in ("planned", "succeeded"):
        refund.refresh_from_db()
        assert refund.state == state
        with pytest.raises(PayoutError, match="Only a refund of ours"):
            paying_out.open_payout(refund, first, WHY)
        shop.work()

    assert Payout.objects.count() == 0


def test_a_case_whose_step_was_not_followed_is_found_by_the_sweeper(shop: Shop) -> None:
    first, second = finance(shop)
    case, payout = released(shop, first, second)
    paying_out.make_batch("USD", first)
    with unit_of_work():
        batches.mark_paid(fresh(payout), first, "STMT-7", clock.now().date())
    assert now(case).state == CaseState.PAYING

    follow_left_behind()

    assert (now(case).closing, Task.objects.filter(kind=TaskKind.PAYOUT, done_at=None).count()) == ("paid", 0)


def test_a_booking_has_a_reference_and_a_day_between_the_file_and_today(shop: Shop) -> None:
    first, second = finance(shop)
    _, payout = released(shop, first, second)
    today = clock.now().date()
    with pytest.raises(PayoutError, match="Only what is in a file"):
        paying_out.mark_paid(payout, first, "STMT-7", today)
    paying_out.make_batch("USD", first)

    for reference, booked_on in (
        ("", today),
        ("S", today - timedelta(days=1)),
        ("S", today + timedelta(days=1)),
    ):
        with pytest.raises(PayoutError):
            paying_out.mark_paid(fresh(payout), first, reference, booked_on)

    assert (fresh(payout).state, held("bank_cash")) == ("exported", 0)


def in_euro(shop: Shop) -> Refund:
    """A refund of a charge in euro that the gateway refused."""
    intent = sdk(shop.sandbox).v1.payment_intents.create(
        {"amount": 1900, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}
    )
    charge = shop.gateway.charge(str(intent.latest_charge))
    payment = Payment.objects.create(
        customer=shop.customer,
        gateway="stripe",
        gateway_ref=charge.ref,
        captured=charge.captured,
        currency=charge.currency,
        captured_at=charge.captured_at,
        method=charge.method,
    )
    refund = ask(payment)
    shop.sandbox.api.faults.add({"fault": "reject", "path": "/v1/refunds", "count": "1"})
    send_next(shop.gateway)
    refund.refresh_from_db()
    return refund


def test_euro_leave_in_a_sepa_file_with_the_same_orders_as_the_table(shop: Shop) -> None:
    first, second = finance(shop)
    refund = in_euro(shop)
    with unit_of_work():
        payout = actions.open_payout(refund, first, WHY, "R-1")
        with pytest.raises(BadAccountError, match="SEPA countries only"):
            actions.give_account(payout, "Ada", "TR330006100519786457841326")
        actions.give_account(payout, "Ada Müller", IBAN)
        actions.propose(payout, first, terms(payout))
        actions.release(payout, second, terms(payout))

    batch = batches.make_batch("EUR", first)

    file = batches.read_file(batch, "xml", first)
    clock.advance(timedelta(days=1))
    assert batches.read_file(batch, "xml", second) == file
    text = file.content.decode()
    assert (file.media_type, file.name) == ("application/xml", f"payouts-{batch.id.hex}.xml")
    for said in (
        f"<MsgId>{batch.id.hex}</MsgId>",
        "<CtrlSum>18.15</CtrlSum>",
        '<InstdAmt Ccy="EUR">18.15</InstdAmt>',
        "<Nm>Ada Mueller</Nm>",
        f"<IBAN>{IBAN}</IBAN>",
        f"<EndToEndId>{payout.refund_id.hex}</EndToEndId>",
        "<Ustrd>R-1</Ustrd>",
    ):
        assert said in text
    assert f",{IBAN},18.15,EUR,R-1" in batches.read_file(batch, "csv", first).content.decode()
