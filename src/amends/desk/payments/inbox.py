"""What the gateway tells us: stored once, answered at once, applied by fetching what is true now.

A notice only says that something changed. Its content and its order are never trusted: the row is locked, the object
is fetched, and what was fetched is applied.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q

from amends.desk import clock, jobs
from amends.desk.audit.actions import record
from amends.desk.payments.actions import (
    import_refund,
    take_over_charge,
    take_over_dispute,
    take_over_refund,
)
from amends.desk.payments.gateway import GatewayError, GatewayEvent, RefundSnapshot, Rejected
from amends.desk.payments.models import Notice, Payment, Refund
from amends.desk.payments.states import RefundState
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.desk.unit_of_work import unit_of_work

RECHECK_FOR = timedelta(days=30)
"""How long a refund that succeeded may still fail."""
RECHECK_EVERY = timedelta(days=1)
POLL_EVERY = timedelta(minutes=15)
ATTEMPTS_MAX = 20
UNKNOWN_OBJECT = "unknown_object"
"""The problem of a notice about something that is not ours."""


def receive(event: GatewayEvent) -> bool:
    """Store a verified event; False where it is here already.

    Idempotent: by the event's id.
    """
    notice, is_fresh = Notice.objects.get_or_create(
        event_id=event.id,
        defaults={"kind": event.kind, "object_id": event.object_id, "received_at": clock.now()},
    )
    if is_fresh:
        jobs.enqueue("apply_notice", event_id=notice.event_id)
    return is_fresh


def apply_notice(gateway: StripeGateway, event_id: str) -> Payment | None:
    """Fetch what a notice is about and apply it; the payment that it touched, None where there is none.

    A notice about what is not ours, or what the gateway does not know, is kept with its problem and not tried again.
    Raises: GatewayError: the notice waits for the next attempt.
    """
    try:
        with transaction.atomic():
            notice = Notice.objects.select_for_update(no_key=True).get(event_id=event_id)
            if notice.applied_at is not None:
                return None
            payment = _apply_known(gateway, notice)
            notice.attempts += 1
            notice.problem = "" if payment or not _is_about_money(notice.kind) else UNKNOWN_OBJECT
            notice.applied_at = clock.now()
            notice.save(update_fields=["attempts", "problem", "applied_at"])
    except GatewayError as error:
        Notice.objects.filter(event_id=event_id).update(attempts=F("attempts") + 1, problem=error.code)
        raise
    return payment


def _apply_known(gateway: StripeGateway, notice: Notice) -> Payment | None:
    try:
        return _apply(gateway, notice)
    except Rejected:
        # The gateway has no such object: asking again gives the same answer.
        return None


def _is_about_money(kind: str) -> bool:
    return kind.startswith(("refund.", "charge.refund", "charge.dispute."))


def _apply(gateway: StripeGateway, notice: Notice) -> Payment | None:
    if notice.kind.startswith(("refund.", "charge.refund.")):
        return apply_refund(gateway, gateway.refund(notice.object_id).charge_ref, notice.object_id)
    if notice.kind == "charge.refunded":
        return sync_payment(gateway, notice.object_id)
    if notice.kind.startswith("charge.dispute."):
        snapshot = gateway.dispute(notice.object_id)
        payment = _payment(snapshot.charge_ref)
        if payment is not None:
            take_over_dispute(payment, snapshot)
        return payment
    return None


def _payment(charge_ref: str) -> Payment | None:
    return Payment.objects.filter(gateway_ref=charge_ref).first()


def apply_refund(gateway: StripeGateway, charge_ref: str, ref: str) -> Payment | None:
    """Lock a refund, fetch it, apply it; one that is not ours is imported."""
    payment = _payment(charge_ref)
    if payment is None:
        return None
    # Held until the state is applied: a fetch without it could be overtaken by a newer one.
    Payment.objects.select_for_update(no_key=True).get(id=payment.id)
    _apply_snapshot(payment, gateway.refund(ref))
    return payment


def _apply_snapshot(payment: Payment, snapshot: RefundSnapshot) -> None:
    own = Q(gateway_ref=snapshot.ref)
    if snapshot.refund_id:
        own |= Q(id=snapshot.refund_id, payment=payment)
    refund = Refund.objects.select_for_update(no_key=True).filter(own).first()
    if refund is None:
        refund = import_refund(payment, snapshot)
    take_over_refund(refund, snapshot)


def sync_payment(gateway: StripeGateway, charge_ref: str) -> Payment | None:
    """Take over everything that the gateway holds about one charge: its fee, its refunds, its disputes."""
    with unit_of_work():
        payment = Payment.objects.select_for_update(no_key=True).filter(gateway_ref=charge_ref).first()
        if payment is None:
            return None
        take_over_charge(payment, gateway.charge(charge_ref))
        for refund in gateway.refunds_of(payment):
            _apply_snapshot(payment, refund)
        for dispute in gateway.disputes_of(payment):
            take_over_dispute(payment, dispute)
    return payment


def sweep_refunds(gateway: StripeGateway, limit: int = 100) -> list[Payment]:
    """Ask about refunds that are not settled, and again about those that settled lately: notices get lost."""
    now = clock.now()
    unsettled = Q(state__in=[RefundState.PENDING, RefundState.REQUIRES_ACTION], next_try_at__lte=now)
    recent = Q(
        state=RefundState.SUCCEEDED, changed_at__gt=now - RECHECK_FOR, checked_at__lt=now - RECHECK_EVERY
    )
    touched = []
    for refund in Refund.objects.filter(unsettled | recent, gateway_ref__isnull=False)[:limit]:
        try:
            with transaction.atomic():
                payment = apply_refund(gateway, refund.payment.gateway_ref, str(refund.gateway_ref))
                Refund.objects.filter(id=refund.id).update(next_try_at=now + POLL_EVERY)
        except GatewayError as error:
            record(f"refund:{refund.id}", "desk", "not_answered", code=error.code)
            continue
        if payment is not None:
            touched.append(payment)
    return touched


def waiting_notices() -> list[str]:
    """Notices that no job has applied, oldest first."""
    waiting = Notice.objects.filter(applied_at=None, attempts__lt=ATTEMPTS_MAX).order_by("received_at")
    return list(waiting.values_list("event_id", flat=True)[:100])
