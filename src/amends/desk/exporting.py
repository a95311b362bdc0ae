"""Past requests and past orders as the inputs of the policy, so that a policy can be tried on what really happened.

One row for each, in the columns of the policy in force, with `id` and `currency`; what nobody knows is left empty.
"""

import csv
from collections.abc import Iterator
from datetime import timedelta
from typing import TextIO

from django.conf import settings

from amends.desk import clock
from amends.desk.cases.hindsight import Inputs, asking_after, known_at, purchases_by
from amends.desk.cases.models import DecisionRecord
from amends.desk.orders.models import Line
from amends.desk.payments.models import Refund
from amends.desk.payments.states import ENDED_WITHOUT_MONEY
from amends.desk.policies import actions as policies


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
    return _write(file, asking_after(purchases_by(after).reverse(), after))


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
        lines = Line.objects.filter(order__paid_by__payment=refund.payment_id).order_by("position")
        for line in lines.select_related("plan", "subscription", "order__customer"):
            yield f"{refund.gateway_ref}/{line.position}", known_at(line, refund.created_at)
