"""A dispute that no id leads to its case: finance says what it is about, and from then on it counts there."""

from datetime import timedelta

import pytest

from amends.desk import clock
from amends.desk.accounts.models import Role, User
from amends.desk.audit.models import AuditRow
from amends.desk.books import check_books
from amends.desk.cases.approving import NotAllowedError, OutdatedError
from amends.desk.cases.disputes import disputes_without_case, link_dispute, unlink_dispute
from amends.desk.cases.models import Case, RequestKind
from amends.desk.journal.models import Entry
from amends.desk.orders.models import Line
from amends.desk.payments import inbox
from amends.desk.payments.actions import request_refund, standing
from amends.desk.payments.allocation import NothingLeftError
from amends.desk.payments.gateway import GatewayEvent
from amends.desk.payments.models import Dispute, Payment, Refund
from amends.desk.payments.refund_plan import RefundPlan
from amends.desk.payments.sending import send_next
from amends.sandbox.store import Object
from shop import WHY, Shop, day, go_to, latest, now, open_tasks
from trade import make_charge


@pytest.fixture
def finance(shop: Shop) -> User:
    return shop.staff("finance", Role.FINANCE)


def disputed_elsewhere(shop: Shop) -> tuple[Case, Line, str]:
    """A granted case that waits for agreement, and a dispute of another charge of the same customer."""
    case, other = shop.ask(shop.sell(shop.annual, fee=691)), shop.sell(shop.monthly)
    shop.dispute(other)
    shop.sync(other)
    return case, other, Dispute.objects.get().gateway_ref


def unknown_charge(shop: Shop) -> Object:
    """A charge at the gateway that no order of the desk names, disputed; the desk has the notice."""
    charge = shop.sandbox.store.find(make_charge(shop.sandbox, 1900))
    assert charge
    dispute = shop.sandbox.api.disputes.open(charge)
    notice(shop, dispute, "evt_1")
    return dispute


def notice(shop: Shop, dispute: Object, event: str) -> Payment | None:
    inbox.receive(GatewayEvent(event, "charge.dispute.created", str(dispute["id"])))
    return inbox.apply_notice(shop.gateway, event)


def paid_by(case: Case) -> Payment:
    return case.line.order.payments[0]


def test_an_open_dispute_that_is_linked_holds_the_case(shop: Shop, finance: User) -> None:
    case, _other, ref = disputed_elsewhere(shop)
    assert (case.state, latest(case).outcome) == ("decided", "granted")

    link_dispute(case, finance, ref, WHY)

    assert (now(case).state, latest(case).outcome) == ("open", "needs_review")
    assert latest(case).inputs["dispute"] == "open"
    assert open_tasks(case) == ["review"]
    assert standing(paid_by(case)).is_open
    row = AuditRow.objects.get(subject=f"case:{case.id}", action="dispute_linked")
    assert (row.actor, row.detail) == (f"staff:{finance.id}", {"ref": ref, "reason": WHY})


def test_the_dispute_stands_against_its_own_payment_as_well(shop: Shop, finance: User) -> None:
    case, other, ref = disputed_elsewhere(shop)

    link_dispute(case, finance, ref, WHY)

    assert standing(other.order.payments[0]).is_open


def test_a_refund_that_was_planned_is_not_sent_once_a_dispute_is_linked(shop: Shop, finance: User) -> None:
    case, other = shop.ask(shop.sell(shop.monthly)), shop.sell(shop.monthly)
    shop.dispute(other)
    shop.sync(other)
    assert case.state == "paying"

    link_dispute(case, finance, Dispute.objects.get().gateway_ref, WHY)
    send_next(shop.gateway)
    shop.work()

    assert (Refund.objects.get().state, shop.refunded(case.line)) == ("canceled", [])


def test_what_was_lost_counts_as_returned_and_is_not_refunded_twice(shop: Shop, finance: User) -> None:
    line, other = shop.sell(shop.monthly), shop.sell(shop.monthly)
    dispute = shop.dispute(other)
    shop.sandbox.api.disputes.move(dispute, "lost")
    shop.sync(other)
    case = shop.ask(line, RequestKind.BILLING_ERROR)
    assert latest(case).plan["refund"] == 1900

    link_dispute(case, finance, Dispute.objects.get().gateway_ref, WHY)

    assert latest(case).inputs["refunded"] == 1900
    assert latest(case).inputs["dispute"] == "lost"
    with pytest.raises(NothingLeftError):
        request_refund(paid_by(case), RefundPlan(1, "correction"), case.id, "0" * 64)
    assert not Refund.objects.exists()
    assert Entry.objects.filter(kind="dispute_lost").count() == 1


def test_what_was_refunded_already_raises_the_alarm(shop: Shop, finance: User) -> None:
    case, other = shop.ask(shop.sell(shop.monthly)), shop.sell(shop.monthly)
    shop.work()
    shop.dispute(other)
    shop.sync(other)

    link_dispute(now(case), finance, Dispute.objects.get().gateway_ref, WHY)

    assert open_tasks(case) == ["over_returned"]
    assert shop.refunded(case.line) == [1815]


def test_a_dispute_of_a_charge_that_we_do_not_know_waits_for_finance(shop: Shop, finance: User) -> None:
    dispute = unknown_charge(shop)
    found = Dispute.objects.get()
    assert (found.payment, found.charge_ref, found.status) == (None, dispute["charge"], "open")
    assert [one.gateway_ref for one in disputes_without_case()] == [dispute["id"]]
    case = shop.ask(shop.sell(shop.annual, fee=691))

    link_dispute(case, finance, str(dispute["id"]), WHY)

    assert (now(case).state, latest(case).outcome) == ("open", "needs_review")
    assert not disputes_without_case().exists()


def test_how_it_ends_reaches_the_payment_that_it_was_linked_to(shop: Shop, finance: User) -> None:
    dispute = unknown_charge(shop)
    case = shop.ask(shop.sell(shop.annual, fee=691))
    link_dispute(case, finance, str(dispute["id"]), WHY)
    shop.sandbox.api.disputes.move(dispute, "lost")

    touched = notice(shop, dispute, "evt_2")

    assert touched == paid_by(case)
    assert standing(paid_by(case)).lost == 1900
    assert Entry.objects.filter(kind="dispute_lost").count() == 1
    assert list(check_books()) == []


def test_what_is_none_of_ours_takes_nothing_out_of_the_books(shop: Shop) -> None:
    dispute = unknown_charge(shop)
    shop.sandbox.api.disputes.move(dispute, "lost")

    assert notice(shop, dispute, "evt_2") is None

    assert Dispute.objects.get().status == "lost"
    assert not Entry.objects.filter(kind="dispute_lost").exists()


def test_a_wrong_link_is_put_right(shop: Shop, finance: User) -> None:
    case, _other, ref = disputed_elsewhere(shop)
    right = shop.ask(shop.sell(shop.annual, fee=691))
    link_dispute(case, finance, ref, WHY)

    link_dispute(right, finance, ref, WHY)

    assert (latest(case).outcome, now(case).state) == ("granted", "decided")
    assert latest(right).outcome == "needs_review"
    unlink_dispute(right, finance, ref, WHY)
    assert (latest(right).outcome, now(right).state) == ("granted", "decided")
    assert Dispute.objects.get().linked_payment is None


@pytest.mark.parametrize("role, reason", [(Role.AGENT, WHY), (Role.APPROVER, WHY), (Role.FINANCE, "so")])
def test_only_finance_links_and_says_why(shop: Shop, role: Role, reason: str) -> None:
    case, _other, ref = disputed_elsewhere(shop)
    by = shop.staff("other", role)

    for act in (link_dispute, unlink_dispute):
        with pytest.raises(NotAllowedError):
            act(case, by, ref, reason)

    assert (Dispute.objects.get().linked_payment, now(case).state) == (None, "decided")


def test_what_cannot_be_linked_changes_nothing(shop: Shop, finance: User) -> None:
    case, other, ref = disputed_elsewhere(shop)
    own = shop.ask(other)

    with pytest.raises(NotAllowedError, match="no dispute “dp_0”"):
        link_dispute(case, finance, "dp_0", WHY)
    with pytest.raises(OutdatedError, match="already"):
        link_dispute(own, finance, ref, WHY)
    with pytest.raises(OutdatedError, match="not linked to this case"):
        unlink_dispute(case, finance, ref, WHY)
    Dispute.objects.update(currency="JPY")
    with pytest.raises(NotAllowedError, match="in JPY, the payment in USD"):
        link_dispute(case, finance, ref, WHY)

    assert Dispute.objects.get().linked_payment is None
    assert (now(case).state, case.decisions.count()) == ("decided", 1)


def test_won_disputes_and_those_with_a_case_are_not_looked_for(shop: Shop) -> None:
    won, asked = shop.sell(shop.monthly), shop.sell(shop.monthly)
    shop.sandbox.api.disputes.move(shop.dispute(won), "won")
    shop.dispute(asked)
    for line in (won, asked):
        shop.sync(line)
    assert [one.payment for one in disputes_without_case()] == [asked.order.payments[0]]

    go_to(day(1))
    shop.ask(asked)

    assert not disputes_without_case().exists()


@pytest.mark.parametrize("days, shown", [(89, True), (91, False)])
def test_what_was_lost_long_ago_is_not_looked_for(shop: Shop, days: int, *, shown: bool) -> None:
    line = shop.sell(shop.monthly)
    shop.sandbox.api.disputes.move(shop.dispute(line), "lost")
    shop.sync(line)

    clock.advance(timedelta(days=days))

    assert disputes_without_case().exists() == shown
