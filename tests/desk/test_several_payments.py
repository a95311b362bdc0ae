"""Orders that several charges paid: recorded, decided over all of them, paid back part by part."""

import pytest

from amends.desk.accounts.models import Role
from amends.desk.books import check_books
from amends.desk.cases.approving import OutdatedError, approve
from amends.desk.cases.models import Case, CaseState, RequestKind, TaskKind
from amends.desk.cases.paying import follow
from amends.desk.notices.models import Letter
from amends.desk.orders.actions import SoldLine, record_order
from amends.desk.orders.models import Order, Product
from amends.desk.payments.models import Payment, Refund
from amends.desk.payments.sending import send_next
from payouts import both
from several import pay_back, returned, sell, sync
from shop import METER, Shop, approve_by_one, day, go_to, nothing_moved, now, open_tasks
from trade import make_charge


def test_an_order_has_its_payments_as_they_were_charged_and_was_bought_with_the_last(shop: Shop) -> None:
    line = sell(shop, 1000, 1500)

    assert [payment.captured for payment in line.order.payments] == [1000, 1500]
    assert line.purchased_at == day(0)
    assert list(check_books()) == []


def test_lines_that_do_not_sum_to_all_charges_record_nothing(shop: Shop) -> None:
    charges = [shop.gateway.charge(make_charge(shop.sandbox, amount)) for amount in (1000, 1500)]
    sold = SoldLine(Product.CREDITS, "Credits", 2499, METER, credits=100)

    with pytest.raises(ValueError, match="2500 was charged"):
        record_order(shop.customer, "O-two", day(0), charges, [sold])

    assert not Order.objects.exists()
    assert not Payment.objects.exists()


def test_a_refund_pays_the_last_charge_back_first_and_keeps_both_fees(shop: Shop) -> None:
    line = sell(shop, 1000, 1500)
    go_to(day(3))

    case = shop.ask(line)
    shop.work()

    assert returned(shop, line) == [[2500 - 133 - 1500], [1500]]
    assert sorted(Refund.objects.values_list("amount", "fee_retained")) == [(867, 49), (1500, 84)]
    assert (now(case).state, now(case).closing) == (CaseState.CLOSED, "paid")
    sent = Letter.objects.filter(kind="refund_sent").values_list("text", flat=True)
    assert sorted("$15.00" in text for text in sent) == [False, True]
    assert list(check_books()) == []


def test_a_case_stays_open_until_every_part_is_sent(shop: Shop) -> None:
    line = sell(shop, 1000, 1500)
    go_to(day(3))
    case = shop.ask(line)

    sent = send_next(shop.gateway)
    follow(case.id)

    assert (sent is not None, now(case).state) == (True, CaseState.PAYING)
    assert sorted(Refund.objects.values_list("state", flat=True)) == ["planned", "succeeded"]


def test_a_fee_that_is_not_known_of_one_charge_is_not_known_of_the_order(shop: Shop) -> None:
    line = sell(shop, 1000, 1500)
    Payment.objects.filter(captured=1000).update(fee=None)
    go_to(day(3))

    case = shop.ask(line)

    assert now(case).state == CaseState.WAITING_ON_DESK
    assert nothing_moved()


@pytest.mark.parametrize("place", [0, 1])
def test_a_dispute_of_either_payment_gives_the_case_to_a_person(shop: Shop, place: int) -> None:
    line = sell(shop, 1000, 1500)
    charge = shop.sandbox.store.find(line.order.payments[place].gateway_ref)
    assert charge
    shop.sandbox.api.disputes.open(charge)
    sync(shop, line)
    go_to(day(3))

    case = shop.ask(line)

    assert (now(case).state, open_tasks(case)) == (CaseState.OPEN, [TaskKind.REVIEW])
    assert nothing_moved()


@pytest.mark.parametrize("place, expected", [(0, [[400, 467], [1500]]), (1, [[867], [400, 1100]])])
def test_a_refund_made_at_the_gateway_of_either_payment_reduces_what_is_left(
    shop: Shop, place: int, expected: list[list[int]]
) -> None:
    line = sell(shop, 1000, 1500)
    pay_back(shop, line.order.payments[place], 400)
    sync(shop, line)
    go_to(day(3))

    shop.ask(line)
    shop.work()

    assert [sorted(amounts) for amounts in returned(shop, line)] == [sorted(one) for one in expected]


def test_a_refund_made_at_the_gateway_after_the_decision_stops_the_plan_whole(shop: Shop) -> None:
    line = sell(shop, 12_000, 15_000)
    go_to(day(3))
    case = shop.ask(line)
    assert now(case).state == CaseState.DECIDED
    pay_back(shop, line.order.payments[0], 400)
    sync(shop, line)

    with pytest.raises(OutdatedError, match="Less is left"):
        approve_twice(shop, case)

    assert not Refund.objects.filter(origin="desk").exists()


def test_a_part_that_the_bank_sends_back_goes_to_a_person_and_the_other_stays_sent(shop: Shop) -> None:
    line = sell(shop, 1000, 1500)
    go_to(day(3))
    case = shop.ask(line)
    shop.work()
    failing = Refund.objects.get(amount=1500)
    at_gateway = shop.sandbox.store.find(str(failing.gateway_ref))
    assert at_gateway
    shop.sandbox.api.refunds.fail(at_gateway, "lost_or_stolen_card")
    sync(shop, line)

    assert (now(case).state, open_tasks(case)) == (CaseState.OPEN, [TaskKind.FAILED_REFUND])
    assert set(Refund.objects.values_list("amount", "state")) == {(1500, "failed"), (867, "succeeded")}


def test_two_requests_about_one_order_at_once_share_what_was_charged(shop: Shop) -> None:
    charges = [
        shop.gateway.charge(make_charge(shop.sandbox, amount, fee=fee, created=str(int(day(0).timestamp()))))
        for amount, fee in ((1000, "59"), (1500, "74"))
    ]
    sold = [
        SoldLine(
            Product.SUBSCRIPTION,
            name,
            amount,
            METER,
            plan=shop.monthly,
            period_start=day(0),
            period_end=day(30),
        )
        for name, amount in (("One", 1200), ("Two", 1300))
    ]
    first, second = record_order(shop.customer, "O-two", day(0), charges, sold).lines.order_by("position")
    go_to(day(3))

    came_to = both(lambda: shop.ask(first), lambda: shop.ask(second))
    shop.work()

    assert came_to == ["done", "done"]
    assert sum(sum(amounts) for amounts in returned(shop, first)) == 2500 - 133
    assert list(Case.objects.values_list("closing", flat=True)) == ["paid", "paid"]
    assert list(check_books()) == []


def test_a_conversion_holds_every_part_until_the_plan_is_changed(shop: Shop) -> None:
    line = sell(shop, 10_000, 12_800, fees=("300", "391"), plan=shop.annual)
    go_to(day(6))

    case = shop.ask(line, RequestKind.CONVERT, answers={"accidental": True})
    approve_by_one(shop, case)
    assert list(Refund.objects.values_list("is_held", flat=True)) == [True, True]
    shop.work()

    assert returned(shop, line) == [[22_800 - 1900 - 691 - 12_800], [12_800]]
    assert now(case).closing == "paid"


def approve_twice(shop: Shop, case: Case) -> None:
    for name in ("one", "two"):
        approve(now(case), shop.staff(name, Role.APPROVER), case.decisions.get().plan_sha256)
