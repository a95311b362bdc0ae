"""Record payments, ask for refunds, and take over what the gateway says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError

from amends.desk import clock
from amends.desk.audit.actions import record
from amends.desk.payments.allocation import NothingLeftError, allocate, divide
from amends.desk.payments.bookkeeping import post_dispute, post_fee, post_refund
from amends.desk.payments.gateway import ChargeSnapshot, DisputeSnapshot, RefundSnapshot
from amends.desk.payments.models import Dispute, DisputeStatus, Origin, Payment, Refund
from amends.desk.payments.protocol import is_older
from amends.desk.payments.refund_plan import RefundPlan
from amends.desk.payments.states import ENDED_WITHOUT_MONEY, RefundState, check_transition, in_sql
from amends.desk.payments.stripe_gateway import step
from amends.desk.questions import Question
from amends.desk.rows import insert, update

POLL_EVERY = timedelta(minutes=15)


class AlreadyRequestedError(Exception):
    """The case has a refund of this payment for this purpose already."""


def request_refunds(
    charged: Sequence[Payment], plan: RefundPlan, case_id: UUID, plan_sha256: str, *, is_held: bool = False
) -> list[Refund]:
    """Write the intents of a refund over the payments of an order, the last charged first.

    A payment from which the case has money already, or on its way, gives no second part.
    Locks: the payments by their ids, where there are several.
    Raises: NothingLeftError, AlreadyRequestedError: the transaction is over, nothing of it was written.
    """
    if len(charged) == 1:
        return [request_refund(charged[0], plan, case_id, plan_sha256, is_held=is_held)]
    locked = Payment.objects.filter(id__in=[payment.id for payment in charged])
    list(locked.order_by("id").select_for_update(no_key=True))
    parts = allocate(plan.amount, [_left_for(case_id, payment) for payment in charged])
    return [
        request_refund(payment, part, case_id, plan_sha256, is_held=is_held)
        for payment, part in zip(charged, divide(plan, parts, charged[0].currency), strict=True)
        if part.amount
    ]


def _left_for(case_id: UUID, payment: Payment) -> int:
    """What a case may take of a payment: steps that its gateway can move, none twice."""
    stands = standing(payment)
    if any(own == case_id for own, _ in stands.refunds):
        return 0
    left = max(payment.captured - stands.taken, 0)
    return left - left % step(payment.currency)


def request_refund(
    payment: Payment, plan: RefundPlan, case_id: UUID, plan_sha256: str, *, is_held: bool = False
) -> Refund:
    """Write the intent of a refund, which reserves its amount; the worker sends it once the transaction is there.

    Locks: the payment, in the database's own check.
    Idempotent: one live refund for each case, payment and purpose.
    Raises: NothingLeftError, AlreadyRequestedError: the transaction is over, nothing of it was written.
    """
    now = clock.now()
    refund = Refund(
        payment=payment,
        case_id=case_id,
        purpose=plan.purpose,
        amount=plan.amount,
        currency=payment.currency,
        account=plan.account,
        tax=plan.tax,
        fee_retained=plan.fee_retained,
        rounding=plan.rounding,
        plan_sha256=plan_sha256,
        is_held=is_held,
        next_try_at=now,
        created_at=now,
        changed_at=now,
    )
    try:
        insert(refund)
    except IntegrityError as error:
        if "refund_within_what_is_left" in str(error) or "exceeds what is left" in str(error):
            raise NothingLeftError(str(refund.amount)) from error
        if "one_live_refund_per_purpose" in str(error):
            raise AlreadyRequestedError from error
        raise
    record(f"refund:{refund.id}", "desk", "planned", amount=plan.amount, currency=payment.currency)
    return refund


def release(case_id: UUID) -> None:
    """Let the refunds of a case go that waited for another effect."""
    held = Refund.objects.filter(case_id=case_id, is_held=True, by_bank=False)
    held.update(is_held=False, next_try_at=clock.now())


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands against payments of one order.

    Amounts: minor units of their currency.
    """

    refunds: tuple[tuple[UUID | None, int], ...] = ()
    """Those that returned money or may still do: the case and the amount."""
    lost: int = 0
    """What disputes took back."""
    is_open: bool = False
    """Whether a bank is looking at it."""

    @property
    def taken(self) -> int:
        """What was returned or is on its way, lost disputes included (readings R17, R18)."""
        return self.lost + sum(amount for _, amount in self.refunds)

    @property
    def is_disputed(self) -> bool:
        """Whether a bank is looking at the payment, or has taken it back."""
        return self.is_open or self.lost > 0


STANDING = f"""
SELECT jsonb_build_object(
    'refunds', (SELECT jsonb_agg(jsonb_build_array(case_id, amount)) FROM payments_refund
        WHERE payment_id = ANY({{payments}}) AND state NOT IN ({in_sql(ENDED_WITHOUT_MONEY)})),
    'disputes', (SELECT jsonb_agg(jsonb_build_array(status, amount)) FROM payments_dispute
        WHERE payment_id = ANY({{payments}}) OR linked_payment_id = ANY({{payments}})))
"""  # noqa: S608  # names of our own
"""What `read_standing` reads, of payments that are named by an expression, an array of their ids."""


def read_standing(text: str) -> Standing:
    """What stands against payments, from the answer to `STANDING`."""
    found = json.loads(text)
    disputes = found["disputes"] or []
    return Standing(
        tuple((UUID(case_id) if case_id else None, amount) for case_id, amount in found["refunds"] or []),
        sum(amount for status, amount in disputes if status == DisputeStatus.LOST),
        any(status == DisputeStatus.OPEN for status, _ in disputes),
    )


def ask_standing(charged: Sequence[Payment]) -> Question[Standing]:
    """What stands against the payments of an order now; nothing where there are none."""
    ids_ = [payment.id for payment in charged]
    return Question(STANDING.format(payments="%s::uuid[]"), [ids_] * 3, read_standing)


def standing(payment: Payment) -> Standing:
    """As `ask_standing`, asked alone."""
    return ask_standing([payment]).ask()


def move(
    refund: Refund,
    state: RefundState,
    *,
    reason: str = "",
    learned: Sequence[str] = (),
    actor: str = "gateway",
) -> None:
    """Bring a locked refund into a state, with its postings and its audit row.

    `learned` names the fields that were set before and are saved with it.
    """
    before = RefundState(refund.state)
    if before is state:
        return
    check_transition(before, state)
    refund.state, refund.reason = state, reason
    refund.changed_at = clock.now()
    refund.leased_until = None
    if state in (RefundState.PENDING, RefundState.REQUIRES_ACTION):
        refund.next_try_at = refund.changed_at + POLL_EVERY
    update(refund, "state", "reason", "changed_at", "leased_until", "next_try_at", *learned)
    post_refund(refund, before)
    record(f"refund:{refund.id}", actor, state.value, before=before.value, reason=reason)


def is_same(refund: Refund, snapshot: RefundSnapshot) -> bool:
    """Whether the gateway's refund moves what ours says."""
    return (snapshot.amount, snapshot.currency) == (refund.amount, refund.currency)


def take_over_refund(refund: Refund, snapshot: RefundSnapshot) -> None:
    """Apply what the gateway holds to a locked refund of the same amount."""
    assert is_same(refund, snapshot)
    refund.gateway_ref = snapshot.ref
    refund.trace = snapshot.trace or refund.trace
    refund.checked_at = clock.now()
    learned = ("gateway_ref", "trace", "checked_at")
    state = RefundState(refund.state)
    if state is snapshot.state:
        refund.reason = snapshot.reason
        update(refund, *learned, "reason")
    elif is_older(state, snapshot.state):
        update(refund, *learned)
    else:
        move(refund, snapshot.state, reason=snapshot.reason, learned=learned)


def import_refund(payment: Payment, snapshot: RefundSnapshot) -> Refund:
    """Store a refund that somebody made at the gateway; it reduces what is left."""
    now = clock.now()
    refund, is_fresh = Refund.objects.get_or_create(
        gateway_ref=snapshot.ref,
        defaults={
            "payment": payment,
            "purpose": "external",
            "origin": Origin.GATEWAY,
            "amount": snapshot.amount,
            "currency": snapshot.currency,
            "state": RefundState.PENDING,
            "instead_of": _named(payment, snapshot.refund_id),
            "next_try_at": now,
            "created_at": snapshot.created_at,
            "changed_at": now,
        },
    )
    if is_fresh:
        post_refund(refund)
        record(f"refund:{refund.id}", "gateway", "imported", amount=snapshot.amount, ref=snapshot.ref)
    return refund


def _named(payment: Payment, refund_id: str) -> Refund | None:
    """The refund of ours that a refund at the gateway names: it may have ended here before it appeared there."""
    try:
        return payment.refunds.filter(id=UUID(refund_id), by_bank=False).first()
    except ValueError:
        return None


def take_over_charge(payment: Payment, snapshot: ChargeSnapshot) -> None:
    """Apply what the gateway holds to a payment: above all the fee, once it is known."""
    payment.checked_at = clock.now()
    changed = ["checked_at"]
    if payment.fee is None and snapshot.fee is not None:
        payment.fee = snapshot.fee.amount
        payment.fee_settled = snapshot.fee.settled
        payment.settlement_currency = snapshot.fee.currency
        payment.exchange_rate = snapshot.fee.exchange_rate
        changed += ["fee", "fee_settled", "settlement_currency", "exchange_rate"]
        post_fee(payment)
        record(f"payment:{payment.id}", "gateway", "fee_known", fee=payment.fee)
    update(payment, *changed)


def take_over_dispute(payment: Payment | None, snapshot: DisputeSnapshot) -> Dispute:
    """Store a dispute as the gateway holds it; one that opens stops every refund that was not sent.

    One of a charge that we do not know is kept, too, so that somebody can say what it is about.
    """
    dispute, _ = Dispute.objects.update_or_create(
        gateway_ref=snapshot.ref,
        defaults={
            "payment": payment,
            "charge_ref": "" if payment else snapshot.charge_ref,
            "status": snapshot.status,
            "amount": snapshot.amount,
            "currency": snapshot.currency,
            "opened_at": snapshot.opened_at,
            "changed_at": clock.now(),
        },
    )
    post_dispute(dispute)
    subject = f"payment:{payment.id}" if payment else f"dispute:{dispute.gateway_ref}"
    record(subject, "gateway", f"dispute_{snapshot.status}", ref=snapshot.ref)
    return dispute


def link_dispute(dispute: Dispute, payment: Payment | None, actor: str, reason: str) -> None:
    """Say which payment a locked dispute is about, or that it is about none but its own.

    Locks: the payment, so that no refund of it is planned meanwhile.
    """
    before = dispute.linked_payment
    for touched in sorted({one.id for one in (before, payment) if one}):
        Payment.objects.select_for_update(no_key=True).get(id=touched)
    dispute.linked_payment = payment
    dispute.save(update_fields=["linked_payment"])
    post_dispute(dispute)
    words = {"ref": dispute.gateway_ref, "reason": reason}
    if before is not None:
        record(f"payment:{before.id}", actor, "dispute_unlinked", **words)
    if payment is not None:
        record(f"payment:{payment.id}", actor, "dispute_linked", **words)


def linked_with(payment: Payment) -> list[Payment]:
    """The payments that disputes of this one are about, too, as finance says."""
    linked = Dispute.objects.filter(payment=payment, linked_payment__isnull=False)
    return [
        dispute.linked_payment
        for dispute in linked.select_related("linked_payment")
        if dispute.linked_payment
    ]


def is_over_returned(payment: Payment) -> bool:
    """Whether more went back than was charged: somebody has to look."""
    return standing(payment).taken > payment.captured
