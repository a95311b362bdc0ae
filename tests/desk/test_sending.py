"""A refund reaches the customer exactly once, whatever happens to the calls."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from threading import Thread

import pytest
from django.db import DatabaseError, connection, transaction

from amends.desk import clock
from amends.desk.journal.actions import balances
from amends.desk.journal.models import Entry
from amends.desk.payments.actions import AlreadyRequestedError, request_refund
from amends.desk.payments.allocation import NothingLeftError
from amends.desk.payments.gateway import GatewayEvent
from amends.desk.payments.inbox import apply_notice, receive, sweep_refunds, sync_payment
from amends.desk.payments.models import Refund
from amends.desk.payments.refund_plan import RefundPlan
from amends.desk.payments.sending import claim_next, send_next
from amends.desk.payments.states import RefundState
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.sandbox.server import Sandbox
from refunding import ask, send_until_quiet, settled
from trade import make_payment, refunds_at, sdk


def at_once(*steps: Callable[[], object]) -> list[str]:
    """Take each step six times in a thread of its own; what the database objected to."""
    problems: list[str] = []

    def work(step: Callable[[], object]) -> None:
        try:
            for _ in range(6):
                step()
        except DatabaseError as error:
            problems.append(str(error))
        finally:
            connection.close()

    threads = [Thread(target=work, args=[step]) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return problems


def test_a_refund_is_sent_and_booked(sandbox: Sandbox, gateway: StripeGateway) -> None:
    payment = make_payment(sandbox, gateway)
    refund = ask(payment)

    send_until_quiet(gateway)

    (made,) = [one.to_dict() for one in refunds_at(sandbox, payment)]
    assert (made["amount"], made["metadata"]["refund_id"]) == (1815, str(refund.id))
    assert settled(refund).state == RefundState.SUCCEEDED
    assert balances() == {
        ("fees_retained", "USD"): -85,
        ("gateway_cash", "USD"): -1815,
        ("refunds_in_transit", "USD"): 0,
        ("subscription_revenue", "USD"): 1900,
    }


@pytest.mark.parametrize(
    "fault",
    [
        "refuse",
        "lose_answer",
        "error_before",
        "stored_error",
        "stored_error_after",
        "rate_limit",
        "lock_timeout",
        "key_in_use",
        "truncate",
        "garbage",
        "empty",
        "no_funds",
        "unauthorised",
    ],
)
@pytest.mark.parametrize("times", [1, 2])
def test_a_fault_of_the_call_neither_loses_nor_doubles_the_refund(
    sandbox: Sandbox, gateway: StripeGateway, fault: str, times: int
) -> None:
    payment = make_payment(sandbox, gateway)
    refund = ask(payment)
    sandbox.api.faults.add({"fault": fault, "path": "/v1/refunds", "count": str(times)})

    send_until_quiet(gateway)

    assert [one.amount for one in refunds_at(sandbox, payment)] == [1815]
    assert settled(refund).state == RefundState.SUCCEEDED
    assert Entry.objects.filter(kind="refund_settled").count() == 1


def test_after_two_keys_without_effect_a_person_is_asked_and_nothing_more_is_sent(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    payment = make_payment(sandbox, gateway)
    refund = ask(payment)
    sandbox.api.faults.add({"fault": "stored_error", "path": "/v1/refunds", "count": "9"})

    send_until_quiet(gateway)

    assert (settled(refund).state, refund.reason, refund.generation) == (
        RefundState.UNKNOWN,
        "needs_person",
        1,
    )
    assert refunds_at(sandbox, payment) == []
    assert Entry.objects.count() == 0


def test_no_second_key_goes_out_beside_a_refund_that_nobody_has_heard_of(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    payment = make_payment(sandbox, gateway)
    in_dashboard = {"charge": payment.gateway_ref, "amount": 40}
    heard_of = sdk(sandbox).v1.refunds.create(in_dashboard)  # type: ignore[arg-type]  # as a form has it
    sync_payment(gateway, payment.gateway_ref)
    refund = ask(payment)
    sandbox.api.faults.add({"fault": "stored_error", "path": "/v1/refunds", "count": "1"})
    send_next(gateway)
    # The sums stay equal: what we know of failed, and as much was returned without our knowing.
    at_gateway = sandbox.store.find(heard_of.id)
    assert at_gateway
    sandbox.api.refunds.fail(at_gateway, "declined")
    sdk(sandbox).v1.refunds.create(in_dashboard)  # type: ignore[arg-type]  # as above

    for _ in range(6):
        send_next(gateway)
        clock.advance(timedelta(hours=1))
    assert (settled(refund).state, refund.generation) == (RefundState.UNKNOWN, 0)
    sync_payment(gateway, payment.gateway_ref)
    send_until_quiet(gateway)

    assert (settled(refund).state, refund.generation) == (RefundState.SUCCEEDED, 1)
    assert sorted(one.amount for one in refunds_at(sandbox, payment) if one.status != "failed") == [40, 1815]


def test_an_outage_longer_than_the_key_lives_is_looked_into_before_anything_is_sent(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    payment = make_payment(sandbox, gateway)
    refund = ask(payment)
    sandbox.api.faults.add({"fault": "lose_answer", "path": "/v1/refunds", "count": "1"})
    send_next(gateway)
    clock.advance(timedelta(days=2))

    send_until_quiet(gateway)

    assert [one.amount for one in refunds_at(sandbox, payment)] == [1815]
    assert (settled(refund).state, refund.sends) == (RefundState.SUCCEEDED, 1)


def test_workers_at_the_same_moment_send_every_refund_once(sandbox: Sandbox, gateway: StripeGateway) -> None:
    payments = [make_payment(sandbox, gateway) for _ in range(4)]
    refunds = [ask(payment) for payment in payments]

    problems = at_once(*[lambda: send_next(gateway)] * 4)

    assert problems == []
    assert [(settled(one).state, one.sends) for one in refunds] == [(RefundState.SUCCEEDED, 1)] * 4
    assert [len(refunds_at(sandbox, payment)) for payment in payments] == [1] * 4
    assert Entry.objects.filter(kind="refund_settled").count() == 4


def test_a_worker_that_died_before_it_wrote_the_answer_down_has_not_paid_twice(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    payment = make_payment(sandbox, gateway)
    refund = ask(payment)
    taken = claim_next()
    assert taken
    claimed, _ = taken
    gateway.submit_refund(claimed, claimed.payment)
    meanwhile = send_next(gateway)
    # Leases run on the database's clock, which no test moves.
    Refund.objects.update(leased_until=claimed.created_at - timedelta(days=1))

    send_until_quiet(gateway)

    assert meanwhile is None
    assert (settled(refund).state, refund.sends) == (RefundState.SUCCEEDED, 2)
    assert [one.amount for one in refunds_at(sandbox, payment)] == [1815]
    assert Entry.objects.filter(kind="refund_settled").count() == 1


def test_a_refusal_frees_the_amount_and_books_nothing(sandbox: Sandbox, gateway: StripeGateway) -> None:
    payment = make_payment(sandbox, gateway)
    refund = ask(payment)
    sdk(sandbox).v1.refunds.create({"charge": payment.gateway_ref})

    send_until_quiet(gateway)

    assert (settled(refund).state, refund.reason) == (RefundState.REJECTED, "charge_already_refunded")
    assert Entry.objects.count() == 0


def test_our_reservations_never_exceed_what_is_left(sandbox: Sandbox, gateway: StripeGateway) -> None:
    payment = make_payment(sandbox, gateway)
    ask(payment)

    with pytest.raises(NothingLeftError):
        ask(payment, RefundPlan(amount=86, purpose="refund"))
    ask(payment, RefundPlan(amount=85, purpose="refund"))

    assert Refund.objects.count() == 2


def test_a_case_has_one_live_refund_of_a_payment_for_a_purpose(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    payment = make_payment(sandbox, gateway)
    case_id = uuid.uuid4()
    plan = RefundPlan(amount=100, purpose="refund")
    with transaction.atomic():
        request_refund(payment, plan, case_id, "0" * 64)

    with pytest.raises(AlreadyRequestedError), transaction.atomic():
        request_refund(payment, plan, case_id, "0" * 64)

    assert Refund.objects.count() == 1


def test_what_a_refund_pays_cannot_be_changed(sandbox: Sandbox, gateway: StripeGateway) -> None:
    ask(make_payment(sandbox, gateway))

    with pytest.raises(DatabaseError, match="what it pays is fixed"), transaction.atomic():
        Refund.objects.update(amount=1)
    with pytest.raises(DatabaseError, match="what it pays is fixed"), transaction.atomic():
        connection.cursor().execute("DELETE FROM payments_refund")


def test_a_dispute_stops_a_refund_that_was_not_sent(sandbox: Sandbox, gateway: StripeGateway) -> None:
    payment = make_payment(sandbox, gateway)
    refund = ask(payment)
    charge = sandbox.store.find(payment.gateway_ref)
    assert charge is not None
    sandbox.api.disputes.open(charge)
    sync_payment(gateway, payment.gateway_ref)

    send_until_quiet(gateway)

    assert (settled(refund).state, refund.reason) == (RefundState.CANCELED, "disputed")
    assert refunds_at(sandbox, payment) == []


def test_a_bank_return_days_later_mirrors_every_posting(sandbox: Sandbox, gateway: StripeGateway) -> None:
    payment = make_payment(sandbox, gateway, method="pm_card_refundFail")
    refund = ask(payment)
    send_until_quiet(gateway)
    assert settled(refund).state == RefundState.SUCCEEDED

    clock.advance(timedelta(days=21))
    sandbox.api.refunds.settle()
    sweep_refunds(gateway)

    assert settled(refund).state == RefundState.FAILED
    assert set(balances().values()) == {0}


def test_a_refund_made_in_the_dashboard_reduces_what_is_left(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    payment = make_payment(sandbox, gateway)
    made = sdk(sandbox).v1.refunds.create({"charge": payment.gateway_ref, "amount": 1000})
    receive(GatewayEvent("evt_1", "refund.created", made.id))
    apply_notice(gateway, "evt_1")

    with pytest.raises(NothingLeftError):
        ask(payment, RefundPlan(amount=901, purpose="refund"))

    assert Refund.objects.get().origin == "gateway"


def test_a_notice_told_twice_is_applied_once(sandbox: Sandbox, gateway: StripeGateway) -> None:
    payment = make_payment(sandbox, gateway)
    ask(payment)
    send_until_quiet(gateway)
    event = GatewayEvent("evt_1", "refund.updated", refunds_at(sandbox, payment)[0].id)

    assert [receive(event), receive(event)] == [True, False]
    apply_notice(gateway, "evt_1")
    apply_notice(gateway, "evt_1")

    assert Entry.objects.filter(kind="refund_settled").count() == 1


def test_answers_and_notices_of_many_refunds_at_once_lock_each_other_out_of_nothing(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    payments = [make_payment(sandbox, gateway) for _ in range(4)]
    for payment in payments:
        ask(payment)

    def tell() -> None:
        for payment in payments:
            sync_payment(gateway, payment.gateway_ref)

    problems = at_once(lambda: send_next(gateway), tell, tell)

    assert problems == []
    assert {refund.state for refund in Refund.objects.all()} == {RefundState.SUCCEEDED}
    assert all(len(refunds_at(sandbox, payment)) == 1 for payment in payments)
