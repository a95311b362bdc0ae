"""A sandbox on loopback, and what a merchant does there with the official SDK."""

import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import stripe

from amends.sandbox.clock import Clock
from amends.sandbox.server import Sandbox
from amends.sandbox.store import Object
from amends.sandbox.world import API_VERSION


@contextmanager
def serving(state: Path | None = None, **webhooks: str) -> Iterator[Sandbox]:
    server = Sandbox(0, state=state, clock=Clock(None), **webhooks)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def client(sandbox: Sandbox) -> stripe.StripeClient:
    return stripe.StripeClient(
        "sk_test_shop",
        stripe_version=API_VERSION,
        base_addresses={"api": sandbox.address},
        max_network_retries=0,
    )


def control(sandbox: Sandbox, path: str, form: str) -> None:
    """What a person at the terminal would do with curl."""
    request = urllib.request.Request(  # noqa: S310  # our own server
        f"{sandbox.address}/_sandbox/{path}", data=form.encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # as above
        assert answer.status == 200


def error_of(raised: pytest.ExceptionInfo[stripe.StripeError]) -> Object:
    """Status, type and code of a refusal, as they came over the wire."""
    error = raised.value
    assert isinstance(error.json_body, dict)
    said = error.json_body["error"]
    return {
        "status": error.http_status,
        "type": said["type"],
        "code": said.get("code"),
        "param": said.get("param"),
    }


def payer(sdk: stripe.StripeClient, method: str = "pm_card_visa") -> str:
    """A customer whose invoices are paid with a method."""
    customer = sdk.v1.customers.create({"email": "ada@example.com"})
    attached = sdk.v1.payment_methods.attach(method, {"customer": customer.id})
    sdk.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": attached.id}})
    return customer.id


def price(sdk: stripe.StripeClient, amount: int, interval: str) -> str:
    made = sdk.v1.prices.create(
        {
            "currency": "usd",
            "product_data": {"name": f"A {interval}"},
            "recurring": {"interval": "year" if interval == "year" else "month"},
            "unit_amount": amount,
        }
    )
    return made.id


def pay(sdk: stripe.StripeClient, amount: int = 1900, method: str = "pm_card_visa") -> str:
    """A charge."""
    intent = sdk.v1.payment_intents.create(
        {"amount": amount, "currency": "usd", "confirm": True, "payment_method": method}
    )
    return str(intent.latest_charge)
