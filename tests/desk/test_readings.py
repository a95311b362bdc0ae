"""Readings that no single room keeps: versions, mixed orders, disputes, several refunds of one order."""

import pytest

from amends.desk.books import check_books
from amends.desk.cases.models import CaseState, RequestKind
from amends.desk.journal.actions import balances
from amends.desk.orders.actions import SoldLine, record_order
from amends.desk.orders.models import Line, Product
from amends.desk.payments.models import Refund
from amends.desk.policies.actions import publish
from conftest import ROOT
from shop import METER, Shop, approve_by_one, day, go_to, latest, nothing_moved, now
from trade import make_charge, make_customer, sdk

SHIPPED = (ROOT / "policies" / "flux-kontext.md").read_text()


def publish_version(effective: str, window: int) -> None:
    text = SHIPPED.replace("2025-08-18", effective).replace("[7 days]", f"[{window} days]")
    publish(text, None)


def mixed_order(shop: Shop) -> tuple[Line, Line]:
    """A subscription and a pack of credits paid together: 19.00 and 6.00, fee 1.03."""
    created = str(int(day(0).timestamp()))
    charge = shop.gateway.charge(make_charge(shop.sandbox, 2500, fee="103", created=created))
    lines = [
        SoldLine(Product.SUBSCRIPTION, "Monthly plan", 1900, METER, plan=shop.monthly),
        SoldLine(Product.CREDITS, "200 credits", 600, METER, credits=200),
    ]
    order = record_order(shop.customer, "O-mixed", day(0), [charge], lines)
    subscription, pack = order.lines.order_by("position")
    return subscription, pack


@pytest.mark.parametrize("window, closing", [(3, "paid"), (7, "paid"), (14, "paid")])
def test_a_later_version_never_takes_away_what_held_at_the_purchase(
    shop: Shop, window: int, closing: str
) -> None:
    line = shop.sell(shop.monthly)
    publish_version("2025-09-03", window)
    go_to(day(5))

    case = shop.ask(line)
    shop.work()

    assert now(case).closing == closing


def test_a_later_version_that_is_better_decides_and_is_named(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    publish_version("2025-09-03", 14)
    go_to(day(10))

    case = shop.ask(line)
    shop.work()

    record = latest(case)
    assert (now(case).closing, record.version.version) == ("paid", "2025-09-03")
    assert [core["outcome"] for core in record.alternatives] == ["denied"]


def test_a_purchase_before_the_first_version_is_judged_by_the_first(shop: Shop) -> None:
    go_to(day(-30))
    line = shop.sell(shop.monthly, at=day(-30))
    go_to(day(-28))

    case = shop.ask(line)

    assert latest(case).version.version == "2025-08-18"
    assert case.state == CaseState.PAYING


def test_each_line_of_an_order_is_decided_alone_with_its_part_of_the_fee(shop: Shop) -> None:
    subscription, pack = mixed_order(shop)
    go_to(day(2))

    denied = shop.ask(pack)
    case = shop.ask(subscription)
    shop.work()

    assert denied.closing == "denied"
    # 1.03 shared by 19.00 and 6.00: 0.78 and 0.25.
    assert shop.refunded(subscription) == [1900 - 78]
    assert now(case).closing == "paid"


def test_a_lost_dispute_counts_as_returned(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    dispute = shop.dispute(line)
    shop.sandbox.api.disputes.move(dispute, "lost")
    shop.sync(line)
    go_to(day(2))

    case = shop.ask(line)
    shop.work()

    assert (latest(case).amount, now(case).closing) == (0, "nothing to pay")
    assert shop.refunded(line) == []
    assert balances()["dispute_losses", "USD"] == 1900


def test_a_loss_that_the_bank_gives_back_is_taken_out_of_the_books(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    dispute = shop.dispute(line)
    for status in ("lost", "won", "won"):
        shop.sandbox.api.disputes.move(dispute, status)
        shop.sync(line)
    go_to(day(2))

    case = shop.ask(line)
    shop.work()

    assert (balances()["dispute_losses", "USD"], list(check_books())) == (0, [])
    assert (shop.refunded(line), now(case).closing) == ([1815], "paid")


def test_a_refund_made_in_the_dashboard_is_deducted(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    sdk(shop.sandbox).v1.refunds.create({"charge": line.order.payments[0].gateway_ref, "amount": 500})
    shop.sync(line)
    go_to(day(2))

    shop.ask(line)
    shop.work()

    assert sorted(shop.refunded(line)) == [500, 1900 - 85 - 500]


def test_a_renewal_is_a_purchase_of_its_own(shop: Shop) -> None:
    first = shop.sell(shop.monthly)
    second = shop.sell(shop.monthly, at=day(30))
    shop.use(60, day(1))
    go_to(day(32))

    late, fresh = shop.ask(first), shop.ask(second)
    shop.work()

    assert (late.closing, now(fresh).closing) == ("denied", "paid")
    assert latest(fresh).usage_count == 0


def test_the_order_of_somebody_else_says_nothing_about_itself(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    case = shop.ask(line, customer=make_customer())

    record = latest(case)
    assert (record.outcome, record.core["missing"]) == ("needs_information", ["identified"])
    assert (record.core["clauses"], record.core["lines"], record.explanation["offers"]) == ([], [], [])
    assert nothing_moved()


def test_a_second_deducted_month_is_not_charged_again(shop: Shop) -> None:
    line = shop.sell(shop.annual, fee=691)
    go_to(day(40))

    case = shop.ask(line, RequestKind.CONVERT, answers={"accidental": True})
    approve_by_one(shop, case)
    shop.work()

    assert shop.refunded(line) == [22800 - 2 * 1900 - 691]
    assert line.subscription
    line.subscription.refresh_from_db()
    assert line.subscription.next_charge_at == day(61)


def test_refunds_of_an_order_never_exceed_what_is_left(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(2))
    shop.ask(line)
    shop.work()

    again = shop.ask(line)
    shop.work()

    assert (latest(again).amount, now(again).closing) == (0, "nothing to pay")
    assert Refund.objects.count() == 1
