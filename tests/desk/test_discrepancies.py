"""Our books beside the gateway's: what differs, who sees to it, and what is gone by itself."""

from datetime import timedelta

import pytest
from django.db.models import F
from pytest_django import Settings

from amends.desk import clock
from amends.desk.accounts.models import Role, User
from amends.desk.audit.models import AuditRow
from amends.desk.cases.approving import NotAllowedError, OutdatedError
from amends.desk.orders.models import Line
from amends.desk.payments.models import Payment, Refund
from amends.desk.reconciliation.actions import (
    handle,
    last_runs,
    open_discrepancies,
    reconcile,
    reconcile_lately,
    settled_discrepancies,
)
from amends.desk.reconciliation.models import Discrepancy
from shop import WHY, Shop, day, go_to
from trade import make_charge, sdk


@pytest.fixture(autouse=True)
def _at_the_sandbox(shop: Shop, settings: Settings) -> None:
    settings.STRIPE_API_BASE = shop.sandbox.address


@pytest.fixture
def finance(shop: Shop) -> User:
    return shop.staff("finance", Role.FINANCE)


def refunded(shop: Shop) -> Line:
    line = shop.sell(shop.monthly)
    go_to(day(3))
    shop.ask(line)
    shop.work()
    return line


def found() -> list[tuple[str, int, int]]:
    return list(open_discrepancies().values_list("kind", "ours", "theirs"))


def taken_over() -> list[tuple[str, int, int, str, str]]:
    rows = Discrepancy.objects.filter(is_taken_over=True).order_by("kind")
    return list(rows.values_list("kind", "ours", "theirs", "our_state", "their_state"))


def test_where_both_say_the_same_nothing_is_found(shop: Shop) -> None:
    refunded(shop)

    run = reconcile()

    assert (run.payments, run.refunds, run.problem) == (1, 0, "")
    assert not Discrepancy.objects.exists()
    assert last_runs() == [run]


def test_a_refund_elsewhere_is_taken_over_and_asks_nobody(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    sdk(shop.sandbox).v1.refunds.create({"charge": line.order.payments[0].gateway_ref, "amount": 1000})

    run = reconcile()

    assert taken_over() == [("refund_unknown_here", 0, 1000, "", "succeeded")]
    assert (run.refunds, found()) == (1, [])
    assert [one.ref for one in settled_discrepancies([run])] == [Refund.objects.get().gateway_ref]


def test_a_state_that_was_missed_is_taken_over(shop: Shop) -> None:
    refunded(shop)
    at_gateway = shop.sandbox.store.find(Refund.objects.get().gateway_ref or "")
    assert at_gateway
    shop.sandbox.api.refunds.fail(at_gateway, "lost_or_stolen_card")

    reconcile()

    assert taken_over() == [("refund_state", 1815, 0, "succeeded", "failed")]
    assert Refund.objects.get().state == "failed"


def test_a_refund_that_the_gateway_does_not_have_waits_for_finance(shop: Shop) -> None:
    line = refunded(shop)
    shop.sandbox.store.remove(Refund.objects.get().gateway_ref or "")
    at = clock.now()

    reconcile()

    assert found() == [("refund_unknown_there", 1815, 0)]
    one = Discrepancy.objects.get()
    assert (one.payment, one.refund, one.role) == (line.order.payments[0], Refund.objects.get(), "finance")
    assert one.due_at - one.found_at == timedelta(days=1)
    assert abs(one.found_at - at) < timedelta(minutes=1)


def test_other_amounts_are_found_on_both_sides(shop: Shop) -> None:
    shop.sell(shop.monthly)
    Payment.objects.update(captured=F("captured") + 100, fee=F("fee") - 5)

    reconcile()

    assert sorted(found()) == [("charge_amount", 2000, 1900), ("fee", 80, 85)]


def test_a_charge_that_the_gateway_does_not_have_stops_no_other_comparison(shop: Shop) -> None:
    shop.sell(shop.monthly)
    shop.sell(shop.monthly)
    Payment.objects.filter(id=Payment.objects.order_by("-captured_at", "id")[0].id).update(
        gateway_ref="ch_gone"
    )

    run = reconcile()

    assert run.payments == 2
    assert found() == [("charge_unknown_there", 1900, 0)]


def test_a_refund_of_a_charge_that_we_do_not_know_is_found(shop: Shop) -> None:
    charge = make_charge(shop.sandbox, 1900)
    sdk(shop.sandbox).v1.refunds.create({"charge": charge, "amount": 700})

    reconcile_lately(shop.gateway)

    assert found() == [("refund_of_stranger", 0, 700)]
    assert (Discrepancy.objects.get().payment, Discrepancy.objects.get().charge_ref) == (None, charge)


def test_a_dispute_that_was_missed_is_taken_over(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    dispute = shop.dispute(line)

    reconcile()
    shop.sandbox.api.disputes.move(dispute, "lost")
    reconcile()

    assert taken_over() == [
        ("dispute_state", 1900, 1900, "open", "lost"),
        ("dispute_unknown_here", 0, 1900, "", "open"),
    ]
    assert found() == []


def test_the_same_difference_is_one_row_and_gone_once_it_is_mended(shop: Shop) -> None:
    shop.sell(shop.monthly)
    Payment.objects.update(captured=2000)

    first, second = reconcile(), reconcile()
    one = Discrepancy.objects.get()
    assert (one.run, one.found_at < second.began_at, first != second) == (second, True, True)
    Payment.objects.update(captured=1900)
    reconcile()

    assert found() == []
    assert Discrepancy.objects.get().gone_at is not None


def test_what_was_seen_to_is_not_asked_again_but_another_amount_is(shop: Shop, finance: User) -> None:
    shop.sell(shop.monthly)
    Payment.objects.update(captured=2000)
    reconcile()

    handle(Discrepancy.objects.get(), finance, WHY)
    reconcile()

    assert found() == []
    one = Discrepancy.objects.get()
    assert (one.handled_by, one.reason, one.gone_at) == (finance, WHY, None)
    row = AuditRow.objects.get(action="difference_handled")
    assert (row.actor, row.subject) == (f"staff:{finance.id}", f"payment:{one.payment_id}")
    Payment.objects.update(captured=2100)
    reconcile()
    assert found() == [("charge_amount", 2100, 1900)]


def test_only_finance_sees_to_it_once_and_says_what_it_was(shop: Shop, finance: User) -> None:
    shop.sell(shop.monthly)
    Payment.objects.update(captured=2000)
    reconcile()
    one = Discrepancy.objects.get()

    with pytest.raises(NotAllowedError):
        handle(one, shop.staff("agent", Role.AGENT), WHY)
    with pytest.raises(NotAllowedError):
        handle(one, finance, "ok")
    assert found() == [("charge_amount", 2000, 1900)]

    handle(one, finance, WHY)
    with pytest.raises(OutdatedError):
        handle(Discrepancy.objects.get(), finance, "Somebody else looked, too.")
    assert Discrepancy.objects.get().reason == WHY


def test_a_run_that_the_gateway_did_not_answer_says_so(shop: Shop) -> None:
    refunded(shop)
    shop.sandbox.api.faults.add({"fault": "rate_limit", "path": "/v1/refunds", "method": "GET", "times": 9})

    run = reconcile_lately(shop.gateway)

    assert (run.ended_at is not None, run.problem) == (True, "rate_limit")
    assert not Discrepancy.objects.exists()
