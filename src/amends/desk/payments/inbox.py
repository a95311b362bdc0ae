"""What the gateway tells us: stored once, answered at once, applied by fetching what is true now.

A notice only says that something changed. Its content and its order are never trusted: the row is locked, the object
is fetched, and what was fetched is applied.
"""

from datetime import timedelta

from django.db import connection
from django.db.models import F, Q

from amends.desk import clock, jobs, rows
from amends.desk.audit.actions import record
from amends.desk.payments.actions import (
    import_refund,
    is_same,
    take_over_charge,
    take_over_dispute,
    take_over_refund,
)
from amends.desk.payments.comparing import (
    Comparison,
    Mismatch,
    compare_charge,
    compare_disputes,
    compare_refund,
    missing_refunds,
    stranger,
    unknown_there,
)
from amends.desk.payments.gateway import GatewayError, GatewayEvent, RefundSnapshot, Rejected
from amends.desk.payments.models import Dispute, Notice, Payment, Refund
from amends.desk.payments.states import ENDED_WITHOUT_MONEY, RefundState
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.desk.unit_of_work import unit_of_work

RECHECK_FOR = timedelta(days=30)
"""How long a refund that succeeded may still fail."""
RECHECK_EVERY = timedelta(days=1)
POLL_EVERY = timedelta(minutes=15)
ATTEMPTS_MAX = 20
CATCH_UP_OVER = timedelta(hours=26)
"""How far back missed events are looked for, every hour."""
COMPARE_AGAIN = timedelta(hours=1)
MONEY_KINDS = (
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
)
"""The events without which our books would be wrong."""
UNKNOWN_OBJECT = "unknown_object"
"""The problem of a notice about something that is not ours."""
_FRESH = "SELECT jsonb_build_object('event_id', event_id) FROM fresh"
_WAITING = """
SELECT event_id FROM payments_notice WHERE applied_at IS NULL AND attempts < %s ORDER BY received_at LIMIT 100
"""
_CHARGED = f"""
SELECT {rows.select(payment=Payment)}
FROM payments_payment AS payment JOIN payments_refund AS refund ON refund.payment_id = payment.id
WHERE refund.gateway_ref = %s FOR NO KEY UPDATE OF payment
"""  # noqa: S608  # names of our own


def receive(*events: GatewayEvent) -> int:
    """Store verified events, and have those applied that are not here yet; how many these are.

    Idempotent: by the event's id.
    """
    now = clock.now()
    notices = [
        Notice(event_id=one.id, kind=one.kind, object_id=one.object_id, received_at=now) for one in events
    ]
    applying, job = jobs.enqueueing("apply_notice", _FRESH)
    storing = f"{rows.insertion(Notice)} ON CONFLICT (event_id) DO NOTHING RETURNING event_id"
    with connection.cursor() as cursor:
        # It looks at the job, too, so that both are carried out.
        cursor.execute(
            f"WITH fresh AS ({storing}), job AS ({applying}) SELECT count(*), EXISTS (TABLE job) FROM fresh",  # noqa: S608  # SQL of our own
            [rows.as_json(notices), job],
        )
        found = cursor.fetchone()
    assert found is not None
    return int(found[0])


def apply_notice(gateway: StripeGateway, event_id: str) -> Payment | None:
    """Fetch what a notice is about and apply it; the payment that it touched, None where there is none.

    A notice about what is not ours, or what the gateway does not know, is kept with its problem and not tried again.
    Raises: GatewayError: the notice waits for the next attempt.
    """
    try:
        with unit_of_work():
            notice = rows.find_locked(Notice, event_id)
            if notice.applied_at is not None:
                return None
            payment = _apply(gateway, notice)
            _close(notice, payment)
    except Rejected:
        # The gateway has no such object: asking again gives the same answer.
        with unit_of_work():
            _close(rows.find_locked(Notice, event_id), None)
        return None
    except GatewayError as error:
        Notice.objects.filter(event_id=event_id).update(attempts=F("attempts") + 1, problem=error.code)
        raise
    return payment


def _close(notice: Notice, payment: Payment | None) -> None:
    notice.attempts += 1
    notice.problem = "" if payment or not _is_about_money(notice.kind) else UNKNOWN_OBJECT
    notice.applied_at = clock.now()
    rows.update(notice, "attempts", "problem", "applied_at")


def _is_about_money(kind: str) -> bool:
    return kind.startswith(("refund.", "charge.refund", "charge.dispute."))


def _apply(gateway: StripeGateway, notice: Notice) -> Payment | None:
    if notice.kind.startswith(("refund.", "charge.refund.")):
        return apply_refund(gateway, notice.object_id)
    if notice.kind == "charge.refunded":
        return sync_payment(gateway, notice.object_id)
    if notice.kind.startswith("charge.dispute."):
        snapshot = gateway.dispute(notice.object_id)
        payment = Payment.objects.filter(gateway_ref=snapshot.charge_ref).first()
        dispute = take_over_dispute(payment, snapshot)
        return payment or dispute.linked_payment
    return None


def apply_refund(gateway: StripeGateway, ref: str) -> Payment | None:
    """Lock the payment of a refund at the gateway, fetch the refund, apply it; one that is not ours is imported.

    Returns the payment, None where the charge is not ours.
    """
    payment = _charged_for(ref) or _locked_payment(gateway.refund(ref).charge_ref)
    if payment is None:
        return None
    # The lock is held until the state is applied: a fetch without it could be overtaken by a newer one.
    _apply_snapshot(payment, gateway.refund(ref))
    return payment


def _charged_for(ref: str) -> Payment | None:
    """The payment of a refund that we know by the gateway's id, locked."""
    with connection.cursor() as cursor:
        cursor.execute(_CHARGED, [ref])
        found = cursor.fetchone()
    payment: Payment | None = rows.instances(found, Payment)[0] if found else None
    return payment


def _locked_payment(charge_ref: str) -> Payment | None:
    return rows.look_up_locked(Payment, "gateway_ref", charge_ref)


def _apply_snapshot(payment: Payment, snapshot: RefundSnapshot) -> list[Mismatch]:
    """Bring our refund to where the gateway's is; where the two differed before."""
    own = _own_refund(payment, snapshot)
    found = list(compare_refund(own, snapshot))
    refund = own or import_refund(payment, snapshot)
    take_over_refund(refund, snapshot)
    return found


def _own_refund(payment: Payment, snapshot: RefundSnapshot) -> Refund | None:
    """The row of a refund at the gateway: by the gateway's id, else by ours.

    One that has another gateway id already, or ended before it had any, stays as it is: what the gateway reports
    beside it is a refund of its own.
    """
    known = rows.look_up_locked(Refund, "gateway_ref", snapshot.ref)
    if known is not None or not snapshot.refund_id:
        return known
    locked = Refund.objects.select_for_update(no_key=True)
    named = locked.filter(id=snapshot.refund_id, payment=payment, gateway_ref=None)
    refund = named.exclude(state__in=ENDED_WITHOUT_MONEY).first()
    return refund if refund is not None and is_same(refund, snapshot) else None


def sync_payment(gateway: StripeGateway, charge_ref: str) -> Payment | None:
    """Take over everything that the gateway holds about one charge: its fee, its refunds, its disputes."""
    compared = compare_payment(gateway, charge_ref)
    return compared.payment if compared else None


def compare_payment(gateway: StripeGateway, charge_ref: str) -> Comparison | None:
    """Take over what the gateway holds about one charge, and say where we differed; None where it is none of ours.

    Locks: the payment, before the gateway is asked.
    Raises: GatewayError: nothing was taken over; Rejected where the gateway has no such charge.
    """
    with unit_of_work():
        payment = _locked_payment(charge_ref)
        if payment is None:
            return None
        # Read first: what is sent while the gateway answers is not missing there.
        known = [one for one in rows.find_all(Refund, "payment", payment.id) if one.gateway_ref is not None]
        charge, refunds = gateway.charge(charge_ref), gateway.refunds_of(payment)
        disputes = gateway.disputes_of(payment)
        found = [
            *compare_charge(payment, charge),
            *missing_refunds(known, {refund.ref for refund in refunds}),
            *compare_disputes(rows.find_all(Dispute, "payment", payment.id), disputes),
        ]
        take_over_charge(payment, charge)
        for refund in refunds:
            found += _apply_snapshot(payment, refund)
        for dispute in disputes:
            take_over_dispute(payment, dispute)
    return Comparison(charge_ref, payment, tuple(found))


def sweep_refunds(gateway: StripeGateway, limit: int = 100) -> list[Payment]:
    """Ask about refunds that are not settled, and again about those that settled lately: notices get lost."""
    now = clock.now()
    unsettled = Q(state__in=[RefundState.PENDING, RefundState.REQUIRES_ACTION], next_try_at__lte=now)
    recent = Q(
        state=RefundState.SUCCEEDED, changed_at__gt=now - RECHECK_FOR, checked_at__lt=now - RECHECK_EVERY
    )
    due = Refund.objects.filter(unsettled | recent, gateway_ref__isnull=False).order_by("checked_at")
    touched = []
    for id_, ref in due.values_list("id", "gateway_ref")[:limit]:
        try:
            with unit_of_work():
                payment = apply_refund(gateway, str(ref))
        except GatewayError as error:
            payment = None
            record(f"refund:{id_}", "desk", "not_answered", code=error.code)
        # Also where nothing was answered: one that cannot be asked about keeps no other waiting.
        Refund.objects.filter(id=id_).update(next_try_at=now + POLL_EVERY, checked_at=now)
        if payment is not None:
            touched.append(payment)
    return touched


def catch_up(gateway: StripeGateway) -> int:
    """Store the events of the last day that no webhook brought; how many there were.

    Raises: GatewayError: nothing was stored.
    """
    return receive(*gateway.events_since(clock.now() - CATCH_UP_OVER, MONEY_KINDS))


def compare_due(gateway: StripeGateway, limit: int = 1_000) -> list[Comparison]:
    """Compare payments that moved lately with the gateway, each once a day.

    What the gateway has and we have not is imported, and our own rows follow what it says.
    """
    now = clock.now()
    moved = Q(refunds__changed_at__gt=now - RECHECK_FOR) | Q(disputes__changed_at__gt=now - RECHECK_FOR)
    stale = Q(checked_at=None) | Q(checked_at__lt=now - RECHECK_EVERY)
    refs = Payment.objects.filter(moved, stale).values_list("gateway_ref", flat=True).distinct()
    return [compared for ref in refs[:limit] if (compared := _compare_or_postpone(gateway, ref))]


def compare_unknown(gateway: StripeGateway) -> list[Comparison]:
    """Compare the payments of refunds that the gateway has and we have not, among those made lately.

    Raises: GatewayError: those before were taken over.
    """
    made = gateway.refunds_since(clock.now() - RECHECK_FOR)
    refs = [one.ref for one in made]
    known = set(Refund.objects.filter(gateway_ref__in=refs).values_list("gateway_ref", flat=True))
    charges: dict[str, list[RefundSnapshot]] = {}
    for one in made:
        if one.ref not in known:
            charges.setdefault(one.charge_ref, []).append(one)
    return [
        compare_payment(gateway, ref) or Comparison(ref, None, tuple(stranger(one) for one in strange))
        for ref, strange in charges.items()
    ]


def _compare_or_postpone(gateway: StripeGateway, ref: str) -> Comparison | None:
    try:
        return compare_payment(gateway, ref)
    except GatewayError as error:
        payment = _postpone_comparison(ref, error)
        return unknown_there(payment) if isinstance(error, Rejected) else None


def _postpone_comparison(ref: str, error: GatewayError) -> Payment:
    """Leave it for an hour, so that one that cannot be asked about keeps no other waiting."""
    payment = Payment.objects.get(gateway_ref=ref)
    later = clock.now() - RECHECK_EVERY + COMPARE_AGAIN
    Payment.objects.filter(id=payment.id).update(checked_at=later)
    record(f"payment:{payment.id}", "desk", "not_compared", code=error.code)
    return payment


def waiting_notices() -> list[str]:
    """Notices that no job has applied, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [ATTEMPTS_MAX])
        return [event_id for (event_id,) in cursor]
