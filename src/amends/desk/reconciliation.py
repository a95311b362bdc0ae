"""Compare with the gateway, payment by payment: what it did that we do not know of, above all after a restore."""

from dataclasses import dataclass

from amends.desk.cases.paying import follow_payment
from amends.desk.payments.inbox import sync_payment
from amends.desk.payments.models import Payment, Refund
from amends.desk.payments.stripe_gateway import connect


@dataclass(frozen=True, slots=True)
class Compared:
    """How much was looked at, and how many refunds the gateway had that we had not sent."""

    payments: int
    refunds: int


def reconcile() -> Compared:
    """Take over charges, refunds and disputes of every payment, and bring their cases along.

    Idempotent: what is known already stays as it is.
    Raises: GatewayError: those before were compared, and a second run goes on where it matters.
    """
    gateway = connect()
    known = Refund.objects.filter(gateway_ref__isnull=False)
    before, payments = known.count(), 0
    refs = Payment.objects.order_by("-captured_at").values_list("gateway_ref", flat=True)
    for ref in refs.iterator():
        payment = sync_payment(gateway, ref)
        assert payment is not None
        follow_payment(payment)
        payments += 1
    return Compared(payments, known.count() - before)
