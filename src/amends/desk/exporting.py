"""Past requests and past orders as the inputs of the policy, so that a policy can be tried on what really happened.

One row for each, in the columns of the policy in force, with `id` and `currency`; what nobody knows is left empty.
"""

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TextIO

from django.conf import settings

from amends.desk import clock
from amends.desk.cases.facts import gather
from amends.desk.cases.models import Case, Channel, DecisionRecord, RequestKind
from amends.desk.orders import actions as orders
from amends.desk.orders.models import Line
from amends.desk.payments.models import Dispute, DisputeStatus, Refund
from amends.desk.payments.states import ENDED_WITHOUT_MONEY
from amends.desk.policies import actions as policies

Inputs = Mapping[str, object]


def write_requests(file: TextIO) -> int:
    """Write what was asked: each case as it was first decided, and each refund that somebody made at the gateway.

    Returns how many rows there are.
    Raises: NoPolicyError: nothing was written.
    """
    return _write(file, _requests())


def write_orders(file: TextIO, after: timedelta) -> int:
    """Write every purchase as if a refund had been asked for so long after it, where that is past.

    Returns how many rows there are.
    Raises: NoPolicyError: nothing was written.
    """
    return _write(file, _orders(after))


def _write(file: TextIO, rows: Iterator[tuple[str, Inputs]]) -> int:
    policy = policies.read(policies.version_at(settings.POLICY_NAME, clock.now()))
    names = [name for name in policy.inputs if name != "currency"]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["id", "currency", *names])
    written = 0
    for id_, inputs in rows:
        writer.writerow([id_, inputs["currency"], *(_cell(inputs.get(name)) for name in names)])
        written += 1
    return written


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _requests() -> Iterator[tuple[str, Inputs]]:
    decided = (
        DecisionRecord.objects.filter(sequence=1)
        .select_related("case")
        .order_by("case__opened_at", "case_id")
    )
    for record in decided.iterator():
        yield record.case.number, record.inputs
    made = Refund.objects.filter(case_id=None).exclude(state__in=sorted(ENDED_WITHOUT_MONEY))
    for refund in made.order_by("created_at", "id").iterator():
        lines = Line.objects.filter(order__payment=refund.payment_id).order_by("position")
        for line in lines.select_related("plan", "subscription", "order__payment", "order__customer"):
            yield f"{refund.gateway_ref}/{line.position}", _at(line, refund.created_at)


def _orders(after: timedelta) -> Iterator[tuple[str, Inputs]]:
    paid = Line.objects.filter(amount__gt=0, purchased_at__lte=clock.now() - after)
    whole = paid.select_related("plan", "subscription", "order__payment", "order__customer")
    for line in whole.order_by("purchased_at", "id").iterator():
        yield f"{line.order.number}/{line.position}", _at(line, line.purchased_at + after)


def _at(line: Line, moment: datetime) -> Inputs:
    """What was known of a purchase at a moment, with what had been returned of it by then."""
    case = Case(
        customer=line.order.customer,
        line=line,
        request=RequestKind.REFUND,
        channel=Channel.API,
        is_identified=True,
        opened_at=moment,
        first_contact_at=moment,
        complete_at=moment,
    )
    return gather(case).inputs | {"refunded": _returned(line, moment), "dispute": _dispute(line, moment)}


def _returned(line: Line, moment: datetime) -> int:
    payment = line.order.payment
    if payment is None:
        return 0
    refunds = payment.refunds.filter(created_at__lt=moment).exclude(state__in=sorted(ENDED_WITHOUT_MONEY))
    lost = Dispute.objects.about(payment).filter(opened_at__lt=moment, status=DisputeStatus.LOST)
    taken = sum(refunds.values_list("amount", flat=True)) + sum(lost.values_list("amount", flat=True))
    return orders.taken_share(line, 0, taken)


def _dispute(line: Line, moment: datetime) -> str:
    """How a dispute that had begun by then came out."""
    payment = line.order.payment
    begun = Dispute.objects.about(payment).filter(opened_at__lt=moment) if payment else None
    states = set(begun.values_list("status", flat=True)) if begun is not None else set()
    if DisputeStatus.OPEN in states:
        return "open"
    return "lost" if DisputeStatus.LOST in states else "none"
