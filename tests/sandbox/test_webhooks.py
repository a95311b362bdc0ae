"""Events arrive signed, and go wrong in every way that a receiver has to bear."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import stripe

from amends.sandbox.server import Sandbox
from gateways import client, control, pay, serving


@dataclass
class Receiver:
    """A merchant's endpoint: what arrived, with the signature."""

    answers: list[int] = field(default_factory=list)
    """Status of the next answers; 200 after them."""
    arrived: list[tuple[bytes, str]] = field(default_factory=list)
    url: str = ""

    def wait_for(self, count: int) -> list[tuple[bytes, str]]:
        end = time.monotonic() + 5
        while len(self.arrived) < count and time.monotonic() < end:
            time.sleep(0.01)
        return list(self.arrived)

    def read(self, count: int, secret: str) -> list[str]:
        """The kinds of events, each verified by the SDK."""
        found = self.wait_for(count)
        return [stripe.Webhook.construct_event(body, signature, secret).type for body, signature in found]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Arrival(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.arrived.append((body, self.headers["Stripe-Signature"]))
            self.send_response(made.answers.pop(0) if made.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Arrival)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def listen(sdk: stripe.StripeClient, receiver: Receiver, *kinds: str) -> str:
    """The secret of a fresh endpoint."""
    form = {"url": receiver.url, "enabled_events": list(kinds)}
    return str(sdk.v1.webhook_endpoints.create(form).secret)  # type: ignore[arg-type]  # kinds of events


def refund(sdk: stripe.StripeClient) -> str:
    return sdk.v1.refunds.create({"charge": pay(sdk)}).id


def test_an_endpoint_hears_of_what_it_asked_for_until_it_is_disabled(
    sdk: stripe.StripeClient, receiver: Receiver
) -> None:
    secret = listen(sdk, receiver, "refund.created", "charge.refunded")
    refund(sdk)

    assert receiver.read(2, secret) == ["refund.created", "charge.refunded"]
    (endpoint,) = sdk.v1.webhook_endpoints.list().data
    assert "secret" not in endpoint
    sdk.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    refund(sdk)
    time.sleep(0.1)
    assert len(receiver.arrived) == 2


def test_what_is_not_answered_is_told_again_and_known_as_not_delivered(
    sdk: stripe.StripeClient, receiver: Receiver
) -> None:
    receiver.answers = [500, 500]
    listen(sdk, receiver, "refund.created")
    refund(sdk)
    waiting = sdk.v1.events.list({"delivery_success": False}).data

    assert len(receiver.wait_for(3)) == 3
    assert [one.type for one in waiting] == ["refund.created"]
    assert len({body for body, _ in receiver.arrived}) == 1
    time.sleep(0.1)
    assert sdk.v1.events.list({"delivery_success": False}).data == []


def test_events_come_twice_late_and_in_another_order(
    sandbox: Sandbox, sdk: stripe.StripeClient, receiver: Receiver
) -> None:
    secret = listen(sdk, receiver, "refund.created", "charge.refunded")
    control(sandbox, "webhooks", "copies=2&reorder=4&delay_seconds=1")
    begun = time.monotonic()
    refund(sdk)

    assert receiver.read(4, secret) == [
        "charge.refunded",
        "charge.refunded",
        "refund.created",
        "refund.created",
    ]
    assert time.monotonic() - begun >= 1


def test_a_dropped_event_never_comes_and_can_be_listed(
    sandbox: Sandbox, sdk: stripe.StripeClient, receiver: Receiver
) -> None:
    listen(sdk, receiver, "refund.created")
    control(sandbox, "webhooks", "drop=1")
    first, second = refund(sdk), refund(sdk)

    ((body, _),) = receiver.wait_for(1)
    assert second.encode() in body
    # What arrived is noted as delivered once it was answered.
    end = time.monotonic() + 5
    while len(lost := sdk.v1.events.list({"delivery_success": False}).data) > 1 and time.monotonic() < end:
        time.sleep(0.01)
    assert [one.to_dict()["data"]["object"]["id"] for one in lost] == [first]


@pytest.mark.parametrize("mishap", ["forge", "stale"])
def test_a_wrong_or_old_signature_does_not_verify(
    sandbox: Sandbox, sdk: stripe.StripeClient, receiver: Receiver, mishap: str
) -> None:
    secret = listen(sdk, receiver, "refund.created")
    control(sandbox, "webhooks", f"{mishap}=1")
    refund(sdk)

    ((body, signature),) = receiver.wait_for(1)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, secret)


def test_a_thin_event_leads_to_its_object(
    sandbox: Sandbox, sdk: stripe.StripeClient, receiver: Receiver
) -> None:
    secret = listen(sdk, receiver, "refund.created")
    control(sandbox, "webhooks", "thin=true")
    made = refund(sdk)

    ((body, signature),) = receiver.wait_for(1)
    notice = sdk.parse_event_notification(body, signature, secret)
    assert notice.type == "v1.refund.created"
    related = notice.fetch_related_object()
    assert (related.id, related.object) == (made, "refund")


def test_after_a_restart_the_rest_is_told(tmp_path: Path, receiver: Receiver) -> None:
    file = tmp_path / "sandbox.sqlite"
    with serving(file) as first:
        secret = listen(client(first), receiver, "refund.created")
        control(first, "webhooks", "muted=true")
        refund(client(first))
    assert receiver.arrived == []

    with serving(file):
        assert receiver.read(1, secret) == ["refund.created"]
