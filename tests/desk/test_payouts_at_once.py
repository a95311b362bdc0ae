"""A payout and a refund of the same money never both count, whoever is faster."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from amends.desk import clock
from amends.desk.accounts.models import Role, User
from amends.desk.books import check_books
from amends.desk.cases import paying_out
from amends.desk.cases.paying import follow_payment
from amends.desk.payments.actions import request_refund, standing
from amends.desk.payments.inbox import sync_payment
from amends.desk.payments.models import Refund
from amends.desk.payments.refund_plan import RefundPlan
from amends.desk.payments.sending import send_next
from amends.desk.payouts.actions import PayoutError
from amends.desk.payouts.models import Batch, Payout
from amends.desk.payouts.sealing import open_account
from amends.desk.payouts.states import TRANSITIONS, PayoutState
from payouts import IBAN, OTHER_IBAN, WHY, asked, both, finance, fresh, held, pay_late, released, terms
from shop import Shop, letters, now, open_tasks


def test_a_payout_and_a_refund_of_one_sum_are_never_both_reserved(shop: Shop) -> None:
    case, payout = asked(shop, finance(shop)[0])
    root = payout.refund.instead_of
    assert root

    with pytest.raises(IntegrityError, match="one_live_refund_per_purpose"), transaction.atomic():
        Refund.objects.create(
            payment=root.payment, case_id=case.id, purpose=root.purpose, amount=1, currency="USD",
            next_try_at=clock.now(), created_at=clock.now(), changed_at=clock.now(),
        )  # fmt: skip
    with pytest.raises(Exception, match="1900"), transaction.atomic():
        request_refund(root.payment, RefundPlan(1900, "other"), case.id, "0" * 64)
    with pytest.raises(PayoutError, match="already"):
        paying_out.open_payout(root, payout.opened_by or User(), WHY)
    with pytest.raises(IntegrityError, match="never_sent_to_gateway"), transaction.atomic():
        Refund.objects.filter(id=payout.refund_id).update(is_held=False)
    assert send_next(shop.gateway) is None


@pytest.mark.parametrize("step", ["asked", "released"])
def test_a_refund_that_the_gateway_makes_after_all_calls_the_payout_off(shop: Shop, step: str) -> None:
    first, second = finance(shop)
    case, payout = asked(shop, first) if step == "asked" else released(shop, first, second)
    root = payout.refund.instead_of
    assert root
    pay_late(shop, root)
    sync_payment(shop.gateway, root.payment.gateway_ref)
    if step == "released":
        with pytest.raises(PayoutError, match="Nothing in USD"):
            paying_out.make_batch("USD", first)

    follow_payment(root.payment)

    assert (fresh(payout).state, now(case).closing, open_tasks(case)) == ("withdrawn", "paid", [])
    assert (standing(root.payment).taken, held("gateway_cash"), list(check_books())) == (1815, 0, [])
    assert letters()[-1] == "refund_sent"


def test_a_refund_that_the_gateway_makes_while_the_file_is_at_the_bank_is_an_alarm(shop: Shop) -> None:
    first, second = finance(shop)
    case, payout = released(shop, first, second)
    paying_out.make_batch("USD", first)
    root = payout.refund.instead_of
    assert root

    pay_late(shop, root)
    shop.sync(case.line)

    assert "over_returned" in open_tasks(case)
    assert any("both paid" in one for one in check_books())


def test_a_disputed_charge_is_not_paid_by_bank(shop: Shop) -> None:
    first, second = finance(shop)
    case, payout = released(shop, first, second)
    shop.dispute(case.line)
    shop.sync(case.line)

    assert fresh(payout).state == "withdrawn"
    root = payout.refund.instead_of
    assert root
    with pytest.raises(PayoutError, match="disputes"):
        paying_out.open_payout(root, first, WHY)
    with pytest.raises(PayoutError, match="Nothing in USD"):
        paying_out.make_batch("USD", first)


def test_two_people_who_release_at_once_release_once(shop: Shop) -> None:
    first, second = finance(shop)
    third = shop.staff("fred", Role.FINANCE)
    _, payout = asked(shop, first)
    paying_out.give_account([payout], "Ada", IBAN)
    paying_out.propose(payout, first, terms(payout))
    shown = terms(payout)

    came_to = both(
        lambda: paying_out.release(payout, second, shown), lambda: paying_out.release(payout, third, shown)
    )

    assert came_to == ["done", "refused"]


def test_two_people_who_make_a_file_at_once_make_one(shop: Shop) -> None:
    first, second = finance(shop)
    released(shop, first, second)

    came_to = both(lambda: paying_out.make_batch("USD", first), lambda: paying_out.make_batch("USD", second))

    assert (came_to, Batch.objects.count(), held("payouts_in_transit")) == (["done", "refused"], 1, -1815)


@pytest.mark.parametrize("_attempt", range(2))
def test_an_account_that_changes_while_the_file_is_made_is_in_it_or_stops_it(
    shop: Shop, _attempt: int
) -> None:
    first, second = finance(shop)
    _, payout = released(shop, first, second)

    came_to = both(
        lambda: paying_out.make_batch("USD", first),
        lambda: paying_out.give_account([payout], "Ada", OTHER_IBAN),
    )

    kept = fresh(payout)
    number = open_account(kept.refund_id, kept.sealed_account).iban
    assert (came_to, kept.state, number) in [
        (["done", "refused"], "exported", IBAN),
        (["done", "refused"], "given", OTHER_IBAN),
    ]


@pytest.mark.parametrize("_attempt", range(2))
def test_a_late_refund_and_a_release_at_once_never_pay_twice(shop: Shop, _attempt: int) -> None:
    first, second = finance(shop)
    case, payout = released(shop, first, second)
    root = payout.refund.instead_of
    assert root
    pay_late(shop, root)

    def hear() -> None:
        sync_payment(shop.gateway, root.payment.gateway_ref)
        follow_payment(root.payment)

    both(lambda: paying_out.make_batch("USD", first), hear)

    # The bank's file was first: somebody is told. Else nothing is in a file.
    if fresh(payout).state == "exported":
        assert "over_returned" in open_tasks(case)
    else:
        assert (fresh(payout).state, held("payouts_in_transit"), list(check_books())) == ("withdrawn", 0, [])


def goes(payout: Payout, batch: Batch, before: PayoutState, after: PayoutState) -> bool:
    """Whether the database lets a payout go from one state to the other; nothing of it stays."""
    files = {PayoutState.EXPORTED: batch, PayoutState.PAID: batch, PayoutState.RETURNED: batch}
    rows = Payout.objects.filter(refund=payout.refund)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        rows.update(state=before, batch=files.get(before), bank_reference="S", booked_on=clock.now().date())
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
        try:
            with transaction.atomic():
                moved = rows.update(state=after, batch=files.get(after))
        except DatabaseError:
            moved = 0
        transaction.set_rollback(True)
    return moved == 1


def test_the_database_knows_the_same_ways_as_the_table(shop: Shop) -> None:
    first, second = finance(shop)
    _, payout = released(shop, first, second)
    batch = paying_out.make_batch("USD", first)

    allowed = {
        (before, after)
        for before in PayoutState
        for after in PayoutState
        if before is not after and goes(payout, batch, before, after)
    }

    assert allowed == {(before, after) for before, ways in TRANSITIONS.items() for after in ways}
