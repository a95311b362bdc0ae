"""What was known of a purchase at a moment of the past, as if somebody had asked for a refund then."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.db.models import QuerySet

from amends.desk import clock
from amends.desk.cases.facts import gather
from amends.desk.cases.models import Case, Channel, RequestKind
from amends.desk.orders import actions as orders
from amends.desk.orders.models import Line
from amends.desk.payments.models import Dispute, DisputeStatus, Refund
from amends.desk.payments.states import ENDED_WITHOUT_MONEY

Inputs = Mapping[str, object]


def purchases_by(after: timedelta) -> QuerySet[Line]:
    """Everything bought for money at least so long ago, the latest first."""
    paid = Line.objects.filter(amount__gt=0, purchased_at__lte=clock.now() - after)
    whole = paid.select_related("plan", "subscription", "order__customer")
    return whole.order_by("-purchased_at", "-id")


def asking_after(lines: QuerySet[Line], after: timedelta, reason: str = "") -> Iterator[tuple[str, Inputs]]:
    """Each purchase with its id, as if somebody had asked for a refund so long after it."""
    for line in lines.iterator():
        yield f"{line.order.number}/{line.position}", known_at(line, line.purchased_at + after, reason)


def known_at(line: Line, moment: datetime, reason: str = "") -> Inputs:
    """The inputs of a request for a refund at a moment, with what had been returned by then."""
    case = Case(
        customer=line.order.customer,
        line=line,
        request=RequestKind.REFUND,
        channel=Channel.API,
        reason=reason,
        is_identified=True,
        opened_at=moment,
        first_contact_at=moment,
        complete_at=moment,
    )
    return gather(case).inputs | {"refunded": _returned(line, moment), "dispute": _dispute(line, moment)}


def _returned(line: Line, moment: datetime) -> int:
    charged = line.order.payments
    made = Refund.objects.filter(payment__in=charged, created_at__lt=moment)
    refunds = made.exclude(state__in=sorted(ENDED_WITHOUT_MONEY))
    lost = Dispute.objects.about(*charged).filter(opened_at__lt=moment, status=DisputeStatus.LOST)
    taken = sum(refunds.values_list("amount", flat=True)) + sum(lost.values_list("amount", flat=True))
    return orders.taken_share(line, 0, taken)


def _dispute(line: Line, moment: datetime) -> str:
    """How a dispute that had begun by then came out."""
    begun = Dispute.objects.about(*line.order.payments).filter(opened_at__lt=moment)
    states = set(begun.values_list("status", flat=True))
    if DisputeStatus.OPEN in states:
        return "open"
    return "lost" if DisputeStatus.LOST in states else "none"
