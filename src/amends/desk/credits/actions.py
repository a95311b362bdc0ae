"""Grant, spend and restore credits."""

from datetime import datetime

from django.db.models import Case, F, IntegerField, Q, QuerySet, Sum, When

from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.credits.models import Lot, LotSource, Move, MoveKind


class TooFewCreditsError(Exception):
    """The customer has fewer credits than the job needs."""


def grant(
    customer: Customer,
    source: LotSource,
    meter: str,
    quantity: int,
    reference: str,
    *,
    expires_at: datetime | None = None,
) -> Lot:
    """Give credits.

    Idempotent: by `reference`; a second call returns the first lot.
    """
    lot, _ = Lot.objects.get_or_create(
        reference=reference,
        defaults={
            "customer": customer,
            "source": source,
            "meter": meter,
            "quantity": quantity,
            "remaining": quantity,
            "created_at": clock.now(),
            "expires_at": expires_at,
        },
    )
    return lot


def spend(customer: Customer, meter: str, quantity: int, reference: str) -> None:
    """Take credits for a job, from several lots where one is too small.

    Locks: the customer's open lots, in the order in which they burn.
    Idempotent: by `reference`.
    Raises: TooFewCreditsError: nothing is taken.
    """
    if Move.objects.filter(kind=MoveKind.SPEND, reference=reference).exists():
        return
    lots = list(open_lots(customer, meter).select_for_update())
    if sum(lot.remaining for lot in lots) < quantity:
        raise TooFewCreditsError
    for lot in lots:
        taken = min(lot.remaining, quantity)
        if taken:
            _move(lot, MoveKind.SPEND, -taken, reference)
        quantity -= taken


def restore(reference: str) -> int:
    """Give back what a failed job took, into the lots it came from (reading R9).

    Idempotent: by `reference`. Returns how many credits came back.
    """
    taken = Move.objects.filter(kind=MoveKind.SPEND, reference=reference).order_by("lot_id")
    if Move.objects.filter(kind=MoveKind.RESTORE, reference=reference).exists():
        return 0
    lots = Lot.objects.select_for_update().in_bulk([move.lot_id for move in taken])
    for move in taken:
        _move(lots[move.lot_id], MoveKind.RESTORE, -move.quantity, reference)
    return -sum(move.quantity for move in taken)


def open_lots(customer: Customer, meter: str | None = None) -> QuerySet[Lot]:
    """The lots that a job of a meter, or any job, may take from, in the order in which they burn."""
    promotional_first = Case(
        When(source__in=[LotSource.PROMOTIONAL, LotSource.GOODWILL], then=0),
        default=1,
        output_field=IntegerField(),
    )
    unexpired = Q(expires_at=None) | Q(expires_at__gt=clock.now())
    lots = Lot.objects.filter(unexpired, customer=customer, remaining__gt=0)
    if meter is not None:
        lots = lots.filter(meter=meter)
    return lots.order_by(F("expires_at").asc(nulls_last=True), promotional_first, "created_at", "id")


def wallet(customer: Customer, meter: str) -> int:
    """How many credits the customer can spend; always the sum of the lots, never stored."""
    return open_lots(customer, meter).aggregate(total=Sum("remaining"))["total"] or 0


def _move(lot: Lot, kind: MoveKind, quantity: int, reference: str) -> None:
    Move.objects.create(lot=lot, kind=kind, quantity=quantity, reference=reference, at=clock.now())
    lot.remaining += quantity
    lot.save(update_fields=["remaining"])
