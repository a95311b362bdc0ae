"""Customers and payments of tests: made at the gateway through the official SDK, then recorded at the desk."""

from itertools import count

import stripe

from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.payments.models import Payment
from amends.desk.payments.stripe_gateway import API_VERSION, StripeGateway
from amends.sandbox.server import Sandbox

_NUMBERS = count(1)


def sdk(sandbox: Sandbox) -> stripe.StripeClient:
    return stripe.StripeClient(
        "sk_test_shop",
        stripe_version=API_VERSION,
        base_addresses={"api": sandbox.address},
        max_network_retries=0,
    )


def make_customer(**changes: object) -> Customer:
    number = next(_NUMBERS)
    return Customer.objects.create(
        **{
            "external_id": f"user-{number}",
            "email": f"user-{number}@example.com",
            "name": "Ada",
            "created_at": clock.now(),
        }
        | changes
    )


def make_charge(sandbox: Sandbox, amount: int, *, method: str = "pm_card_visa", **metadata: str) -> str:
    """A charge at the gateway; `fee` in the metadata sets what is kept of it."""
    intent = sdk(sandbox).v1.payment_intents.create(
        {"amount": amount, "currency": "usd", "confirm": True, "payment_method": method, "metadata": metadata}
    )
    return str(intent.latest_charge)


def make_payment(
    sandbox: Sandbox,
    gateway: StripeGateway,
    amount: int = 1900,
    *,
    method: str = "pm_card_visa",
    **metadata: str,
) -> Payment:
    charge = gateway.charge(make_charge(sandbox, amount, method=method, **metadata))
    return Payment.objects.create(
        customer=make_customer(),
        gateway="stripe",
        gateway_ref=charge.ref,
        captured=charge.captured,
        currency=charge.currency,
        captured_at=charge.captured_at,
        method=charge.method,
        method_hint=charge.method_hint,
        fee=charge.fee.amount if charge.fee else None,
    )


def refunds_at(sandbox: Sandbox, payment: Payment) -> list[stripe.Refund]:
    """What the gateway holds, asked with the SDK."""
    return list(sdk(sandbox).v1.refunds.list({"charge": payment.gateway_ref}).auto_paging_iter())
