"""Send refunds exactly once.

The row is claimed with a lease and its send is counted before the call; the parameters come from the row alone; an
answer that cannot be read leaves the refund `unknown`, and only the gateway's own word ends that. Measured elsewhere
under kills, lost answers and stored errors: one key for one intent, then looking, never a new key on suspicion.
"""

import random
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from amends.desk import clock
from amends.desk.audit.actions import record
from amends.desk.payments.actions import move, standing, take_over_refund
from amends.desk.payments.gateway import (
    GatewayError,
    Misuse,
    NoFunds,
    OutcomeUnknown,
    RefundSnapshot,
    Rejected,
    Transient,
)
from amends.desk.payments.models import Payment, Refund
from amends.desk.payments.states import RefundState
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.desk.unit_of_work import unit_of_work

LEASE = timedelta(seconds=90)
"""Longer than the longest call."""
KEY_WINDOW = timedelta(hours=23)
"""How long a key is safely known to the gateway; Stripe forgets it after 24 hours."""
QUIET = timedelta(hours=1)
"""How long after a send its effect may still appear."""
GENERATIONS_MAX = 2
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=15)
NEEDS_PERSON = "needs_person"
"""The reason of an unknown refund that no automatic step may touch any more."""
_QUEUE = (RefundState.PLANNED, RefundState.SENDING, RefundState.UNKNOWN)


def send_next(gateway: StripeGateway) -> Refund | None:
    """Take the next refund that is due, through one call; None where nothing is due."""
    refund = claim_next()
    if refund is None:
        return None
    if refund.state == RefundState.CANCELED:
        return refund
    if _must_look_first(refund):
        return _look(gateway, refund)
    return _send(gateway, refund)


def claim_next() -> Refund | None:
    """Lease the next refund, and count the send that will follow, before anything is sent.

    Locks: the row; rows that another worker holds are skipped. Leases run on the database's clock.
    """
    with unit_of_work():
        due = Refund.objects.filter(
            Q(leased_until=None) | Q(leased_until__lt=Now()),
            state__in=_QUEUE,
            is_held=False,
            next_try_at__lte=clock.now(),
        ).exclude(reason=NEEDS_PERSON)
        waiting = due.order_by("next_try_at").select_related("payment")
        refund = waiting.select_for_update(skip_locked=True, of=("self",), no_key=True).first()
        if refund is None:
            return None
        if refund.state == RefundState.PLANNED and standing(refund.payment).is_disputed:
            move(refund, RefundState.CANCELED, reason="disputed")
            return refund
        _lease(refund)
    return refund


def _lease(refund: Refund) -> None:
    refund.leased_until = Now() + LEASE
    changed = ["leased_until"]
    if not _must_look_first(refund):
        now = clock.now()
        refund.state, refund.sends = RefundState.SENDING, refund.sends + 1
        refund.first_sent_at = refund.first_sent_at or now
        refund.last_sent_at = refund.changed_at = now
        changed += ["state", "sends", "first_sent_at", "last_sent_at", "changed_at"]
    refund.save(update_fields=changed)


def _must_look_first(refund: Refund) -> bool:
    """Whether sending the key again could do harm, or could tell nothing new."""
    if refund.first_sent_at is None:
        return False
    return refund.reason == "stored_answer" or clock.now() - refund.first_sent_at > KEY_WINDOW


def _send(gateway: StripeGateway, refund: Refund) -> Refund:
    try:
        snapshot = gateway.submit_refund(refund, refund.payment)
    except GatewayError as error:
        return _not_accepted(refund, error)
    return _accepted(refund, snapshot)


def _accepted(refund: Refund, snapshot: RefundSnapshot) -> Refund:
    with unit_of_work():
        locked = Refund.objects.select_for_update(no_key=True).get(id=refund.id)
        take_over_refund(locked, snapshot)
    return locked


def _not_accepted(refund: Refund, error: GatewayError) -> Refund:
    with unit_of_work():
        locked = Refund.objects.select_for_update(no_key=True).get(id=refund.id)
        if locked.state != RefundState.SENDING:
            # A notice was faster than the answer, and knows more.
            return locked
        match error:
            case Rejected():
                move(locked, RefundState.REJECTED, reason=error.code)
            case OutcomeUnknown():
                move(locked, RefundState.UNKNOWN, reason="stored_answer" if error.is_stored else error.code)
                _try_later(locked)
            case Transient() | NoFunds():
                move(locked, RefundState.PLANNED, reason=error.code)
                _try_later(locked, at_least_seconds=error.retry_after_seconds or 0)
            case Misuse():
                move(locked, RefundState.UNKNOWN, reason=NEEDS_PERSON)
                record(f"refund:{refund.id}", "desk", "misuse", code=error.code)
    return locked


def _try_later(refund: Refund, *, at_least_seconds: int = 0) -> None:
    """Wait longer each time, with a random part, so that many refunds do not come back together."""
    factor = 2 ** min(refund.sends, 12)
    wait = min(FIRST_WAIT * factor, LONGEST_WAIT) * random.uniform(0.5, 1)  # noqa: S311  # spreads load, hides nothing
    refund.next_try_at = clock.now() + max(wait, timedelta(seconds=at_least_seconds))
    refund.leased_until = None
    refund.save(update_fields=["next_try_at", "leased_until"])


def _look(gateway: StripeGateway, refund: Refund) -> Refund:
    """Find out what became of a refund without sending anything."""
    try:
        snapshots = gateway.refunds_of(refund.payment)
    except GatewayError:
        return _postpone(refund)
    found = next((snapshot for snapshot in snapshots if snapshot.refund_id == str(refund.id)), None)
    if found is not None:
        return _accepted(refund, found)
    return _absent(refund, sum(s.amount for s in snapshots if s.state not in _ENDED))


_ENDED = (RefundState.FAILED, RefundState.CANCELED)


def _absent(refund: Refund, returned_at_gateway: int) -> Refund:
    """The gateway does not have it: one more key if that is certain, then a person."""
    with unit_of_work():
        payment = Payment.objects.select_for_update(no_key=True).get(id=refund.payment_id)
        locked = Refund.objects.select_for_update(no_key=True).get(id=refund.id)
        if locked.state not in _QUEUE:
            return locked
        others = sum(amount for _, amount in standing(payment).refunds) - locked.amount
        assert locked.last_sent_at is not None
        is_quiet = clock.now() - locked.last_sent_at > QUIET
        if not is_quiet or others != returned_at_gateway:
            _try_later(locked)
        elif locked.generation + 1 < GENERATIONS_MAX:
            locked.generation += 1
            locked.first_sent_at = None
            locked.reason = ""
            locked.next_try_at = clock.now()
            locked.leased_until = None
            locked.save(
                update_fields=["generation", "first_sent_at", "reason", "next_try_at", "leased_until"]
            )
            record(f"refund:{locked.id}", "desk", "second_key", generation=locked.generation)
        else:
            locked.reason, locked.leased_until = NEEDS_PERSON, None
            locked.save(update_fields=["reason", "leased_until"])
            record(f"refund:{locked.id}", "desk", "needs_person")
    return locked


def _postpone(refund: Refund) -> Refund:
    with unit_of_work():
        locked = Refund.objects.select_for_update(no_key=True).get(id=refund.id)
        _try_later(locked)
    return locked
