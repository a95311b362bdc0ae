"""Send refunds exactly once.

The row is claimed with a lease and its send is counted before the call; the parameters come from the row alone; an
answer that cannot be read leaves the refund `unknown`, and only the gateway's own word ends that. What follows from
an answer is said by `protocol`; here it is done. Measured in `docs/money.md`.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from amends.desk import clock
from amends.desk.audit.actions import record
from amends.desk.payments.actions import STANDING, is_same, move, read_standing, standing, take_over_refund
from amends.desk.payments.gateway import GatewayError, Misuse, RefundSnapshot
from amends.desk.payments.models import Payment, Refund
from amends.desk.payments.protocol import (
    DISPUTED,
    NEEDS_PERSON,
    Absence,
    Step,
    after_absence,
    next_step,
    turn,
    wait,
)
from amends.desk.payments.states import ENDED_WITHOUT_MONEY, RefundState, in_sql
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.desk.rows import find_locked, instances, select, update
from amends.desk.unit_of_work import unit_of_work

LEASE = timedelta(seconds=90)
"""Longer than the longest call."""
_QUEUE = (RefundState.PLANNED, RefundState.SENDING, RefundState.UNKNOWN)
_NEXT = f"""
SELECT {select(refund=Refund, payment=Payment)}, ({STANDING.format(payments="ARRAY[payment.id]")})
FROM payments_refund AS refund JOIN payments_payment AS payment ON payment.id = refund.payment_id
WHERE refund.state IN ({in_sql(_QUEUE)})
    AND NOT refund.is_held
    AND (refund.leased_until IS NULL OR refund.leased_until < statement_timestamp())
    AND refund.next_try_at <= %s AND refund.reason <> %s
ORDER BY refund.next_try_at LIMIT 1 FOR NO KEY UPDATE OF refund SKIP LOCKED
"""  # noqa: S608  # names of our own
_LEASE = """
UPDATE payments_refund SET leased_until = statement_timestamp() + make_interval(secs => %s),
    state = %s, sends = %s, first_sent_at = %s, last_sent_at = %s, changed_at = %s
WHERE id = %s
"""


def send_next(gateway: StripeGateway) -> Refund | None:
    """Take the next refund that is due, through one call; None where nothing is due."""
    claimed = claim_next()
    if claimed is None:
        return None
    refund, step = claimed
    match step:
        case Step.SEND:
            return _send(gateway, refund)
        case Step.LOOK:
            return _look(gateway, refund)
        case Step.CANCEL:
            return refund


def claim_next() -> tuple[Refund, Step] | None:
    """Lease the next refund, and count the send that will follow, before anything is sent.

    Locks: the row; rows that another worker holds are skipped. Leases run on the database's clock.
    """
    with unit_of_work():
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, [clock.now(), NEEDS_PERSON])
            found = cursor.fetchone()
        if found is None:
            return None
        refund, refund.payment = instances(found, Refund, Payment)
        step = next_step(refund, clock.now(), is_disputed=read_standing(found[-1]).is_disputed)
        if step is Step.CANCEL:
            move(refund, RefundState.CANCELED, reason=DISPUTED)
        else:
            _lease(refund, is_sent=step is Step.SEND)
    return refund, step


def _lease(refund: Refund, *, is_sent: bool) -> None:
    if is_sent:
        now = clock.now()
        refund.state, refund.sends = RefundState.SENDING, refund.sends + 1
        refund.first_sent_at = refund.first_sent_at or now
        refund.last_sent_at = refund.changed_at = now
    counted = (refund.state, refund.sends, refund.first_sent_at, refund.last_sent_at, refund.changed_at)
    with connection.cursor() as cursor:
        cursor.execute(_LEASE, [LEASE.seconds, *counted, refund.id])


def _send(gateway: StripeGateway, refund: Refund) -> Refund:
    try:
        snapshot = gateway.submit_refund(refund, refund.payment)
    except GatewayError as error:
        return _not_accepted(refund, error)
    if not is_same(refund, snapshot):
        return _not_accepted(refund, Misuse("other_amount"))
    return _accepted(refund, snapshot)


def _accepted(refund: Refund, snapshot: RefundSnapshot) -> Refund:
    with unit_of_work():
        locked = _lock(refund)
        if locked.state in _QUEUE:
            take_over_refund(locked, snapshot)
    return locked


def _lock(refund: Refund) -> Refund:
    return find_locked(Refund, refund.id)


def _not_accepted(refund: Refund, error: GatewayError) -> Refund:
    with unit_of_work():
        locked = _lock(refund)
        if locked.state != RefundState.SENDING:
            # A notice was faster than the answer, and knows more.
            return locked
        next_turn = turn(locked, error)
        locked.refusals += next_turn.is_key_spent
        if next_turn.state is RefundState.PLANNED:
            # Its key is as good as fresh.
            locked.first_sent_at = None
        if next_turn.wait is not None:
            locked.next_try_at = _later(next_turn.wait)
        move(locked, next_turn.state, reason=next_turn.reason, learned=["refusals", "first_sent_at"])
        if isinstance(error, Misuse):
            record(f"refund:{refund.id}", "desk", "misuse", code=error.code)
    return locked


def _later(longest: timedelta) -> datetime:
    """When to try again, with a random part, so that many refunds do not come back together."""
    return clock.now() + longest * random.uniform(0.5, 1)  # noqa: S311  # spreads load, hides nothing


def _try_later(refund: Refund) -> None:
    refund.next_try_at, refund.leased_until = _later(wait(refund)), None
    update(refund, "next_try_at", "leased_until")


def _look(gateway: StripeGateway, refund: Refund) -> Refund:
    """Find out what became of a refund without sending anything."""
    try:
        snapshots = gateway.refunds_of(refund.payment)
    except GatewayError:
        return _postpone(refund)
    own = [one for one in snapshots if one.refund_id == str(refund.id) and is_same(refund, one)]
    if own:
        return _accepted(refund, own[0])
    locked, may_send = _absent(refund, living(snapshots))
    # At once: what was seen may be otherwise later.
    return _send(gateway, locked) if may_send else locked


def _absent(refund: Refund, held: frozenset[str]) -> tuple[Refund, bool]:
    """The gateway does not have it; whether it may be sent with a second key.

    Locks: the payment, then the refund.
    """
    with unit_of_work():
        payment = Payment.objects.select_for_update(no_key=True).get(id=refund.payment_id)
        locked = _lock(refund)
        if locked.state not in _QUEUE:
            return locked, False
        follows = after_absence(
            locked,
            clock.now(),
            is_all_known=known_at_gateway(payment) == held,
            is_disputed=standing(payment).is_disputed,
        )
        match follows:
            case Absence.WAIT:
                _try_later(locked)
            case Absence.CANCEL:
                move(locked, RefundState.CANCELED, reason=DISPUTED)
            case Absence.SECOND_KEY:
                _take_second_key(locked)
            case Absence.PERSON:
                locked.reason, locked.leased_until = NEEDS_PERSON, None
                update(locked, "reason", "leased_until")
                record(f"refund:{locked.id}", "desk", "needs_person")
    return locked, follows is Absence.SECOND_KEY


def living(snapshots: Sequence[RefundSnapshot]) -> frozenset[str]:
    """The refunds that return money or may still do, of the gateway's own list.

    Sums would not do: one that failed and one that nobody has heard of may be of one amount.
    """
    return frozenset(one.ref for one in snapshots if one.state not in ENDED_WITHOUT_MONEY)


def known_at_gateway(payment: Payment) -> frozenset[str]:
    """The same by our own rows; refunds that nobody has heard of yet are not in it."""
    heard_of = payment.refunds.filter(gateway_ref__isnull=False).exclude(state__in=ENDED_WITHOUT_MONEY)
    return frozenset(str(ref) for ref in heard_of.values_list("gateway_ref", flat=True))


def _take_second_key(refund: Refund) -> None:
    refund.generation += 1
    refund.first_sent_at, refund.reason = None, ""
    update(refund, "generation", "reason")
    _lease(refund, is_sent=True)
    record(f"refund:{refund.id}", "desk", "second_key", generation=refund.generation)


def _postpone(refund: Refund) -> Refund:
    with unit_of_work():
        locked = _lock(refund)
        _try_later(locked)
    return locked
