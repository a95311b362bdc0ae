"""Our rows beside what the gateway holds: where the two say different things of one charge."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _

from amends.desk.payments.gateway import ChargeSnapshot, DisputeSnapshot, RefundSnapshot
from amends.desk.payments.models import Dispute, Payment, Refund
from amends.desk.payments.protocol import is_older
from amends.desk.payments.states import ENDED_WITHOUT_MONEY, RefundState


class MismatchKind(models.TextChoices):
    """What differs."""

    REFUND_UNKNOWN_HERE = "refund_unknown_here", _("A refund that the desk did not make")
    REFUND_UNKNOWN_THERE = "refund_unknown_there", _("A refund that the payment provider does not have")
    REFUND_STATE = "refund_state", _("A refund that stands elsewhere at the payment provider")
    REFUND_OF_STRANGER = "refund_of_stranger", _("A refund of a charge that we do not know")
    CHARGE_UNKNOWN_THERE = "charge_unknown_there", _("A charge that the payment provider does not have")
    CHARGE_AMOUNT = "charge_amount", _("A charge of another amount")
    FEE = "fee", _("A processing fee of another amount")
    DISPUTE_UNKNOWN_HERE = "dispute_unknown_here", _("A dispute that we had not heard of")
    DISPUTE_UNKNOWN_THERE = "dispute_unknown_there", _("A dispute that the payment provider does not have")
    DISPUTE_STATE = "dispute_state", _("A dispute that stands elsewhere at the payment provider")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing about which we and the gateway differ.

    Amounts: minor units of `currency`, what stands on each side; equal where only the states differ.
    """

    kind: MismatchKind
    ref: str
    """The gateway's id of what it is about."""
    currency: str
    ours: int
    theirs: int
    our_state: str = ""
    their_state: str = ""
    refund_id: UUID | None = None
    is_taken_over: bool = False
    """Whether our row follows the gateway's by itself, so that nobody has to see to it."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A charge that was compared; no payment where the charge is none that we know."""

    charge_ref: str
    payment: Payment | None
    mismatches: tuple[Mismatch, ...]


def compare_charge(payment: Payment, held: ChargeSnapshot) -> Iterator[Mismatch]:
    """What was charged, and what the gateway kept of it; an unknown fee is no difference."""
    if (payment.captured, payment.currency) != (held.captured, held.currency):
        yield Mismatch(
            MismatchKind.CHARGE_AMOUNT, held.ref, payment.currency, payment.captured, held.captured
        )
    if payment.fee is not None and held.fee is not None and payment.fee != held.fee.amount:
        yield Mismatch(MismatchKind.FEE, held.ref, payment.currency, payment.fee, held.fee.amount)


def compare_refund(own: Refund | None, held: RefundSnapshot) -> Iterator[Mismatch]:
    """A refund that the gateway holds, and the row that is ours, before it follows."""
    if own is None:
        yield Mismatch(
            MismatchKind.REFUND_UNKNOWN_HERE,
            held.ref,
            held.currency,
            0,
            held.amount,
            their_state=held.state.value,
            is_taken_over=True,
        )
    elif own.state != held.state:
        state = RefundState(own.state)
        yield Mismatch(
            MismatchKind.REFUND_STATE,
            held.ref,
            held.currency,
            0 if state in ENDED_WITHOUT_MONEY else own.amount,
            0 if held.state in ENDED_WITHOUT_MONEY else held.amount,
            state.value,
            held.state.value,
            own.id,
            is_taken_over=not is_older(state, held.state),
        )


def missing_refunds(known: Sequence[Refund], held: Collection[str]) -> Iterator[Mismatch]:
    """Our refunds with an id of the gateway's that it does not have; `known` was read before it was asked."""
    for refund in known:
        if refund.gateway_ref not in held:
            yield Mismatch(
                MismatchKind.REFUND_UNKNOWN_THERE,
                str(refund.gateway_ref),
                refund.currency,
                refund.amount,
                0,
                our_state=refund.state,
                refund_id=refund.id,
            )


def compare_disputes(known: Sequence[Dispute], held: Sequence[DisputeSnapshot]) -> Iterator[Mismatch]:
    """Disputes on either side."""
    ours, theirs = {one.gateway_ref: one for one in known}, {one.ref: one for one in held}
    for ref, dispute in theirs.items():
        own = ours.get(ref)
        if own is None or own.status != dispute.status:
            yield Mismatch(
                MismatchKind.DISPUTE_STATE if own else MismatchKind.DISPUTE_UNKNOWN_HERE,
                ref,
                dispute.currency,
                own.amount if own else 0,
                dispute.amount,
                own.status if own else "",
                dispute.status,
                is_taken_over=True,
            )
    for ref in ours.keys() - theirs.keys():
        kind = MismatchKind.DISPUTE_UNKNOWN_THERE
        yield Mismatch(kind, ref, ours[ref].currency, ours[ref].amount, 0, ours[ref].status)


def stranger(held: RefundSnapshot) -> Mismatch:
    """A refund that the gateway made of a charge that is none of ours."""
    kind = MismatchKind.REFUND_OF_STRANGER
    return Mismatch(kind, held.ref, held.currency, 0, held.amount, their_state=held.state.value)


def unknown_there(payment: Payment) -> Comparison:
    """A charge of ours that the gateway says it does not have."""
    kind = MismatchKind.CHARGE_UNKNOWN_THERE
    mismatch = Mismatch(kind, payment.gateway_ref, payment.currency, payment.captured, 0)
    return Comparison(payment.gateway_ref, payment, (mismatch,))
