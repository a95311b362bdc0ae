"""What host products are told: signed, once for each event, to allowed addresses only, again until it arrives."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from wsgiref.simple_server import make_server
from wsgiref.types import StartResponse

import pytest
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from amends.desk import clock
from amends.desk.announcements.addresses import AddressError, find
from amends.desk.announcements.delivering import WAITS, deliver_next
from amends.desk.announcements.models import Delivery, Endpoint
from amends.desk.cases.paying import follow_payment
from amends.desk.payments.inbox import sync_payment
from amends.sandbox.server import Sandbox
from shop import Shop, day, go_to
from web import Client, QuietCall

ALL = ["case.opened", "case.decided", "case.closed", "refund.sent", "refund.failed"]


@dataclass(slots=True)
class Receiver:
    """The host product's end."""

    port: int = 0
    status: str = "200 OK"
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?shop=1"

    def hear(self, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        names = {name: name.removeprefix("HTTP_").replace("_", "-").lower() for name in environ}
        self.heard.append(
            ({names[name]: str(text) for name, text in environ.items() if name.startswith("HTTP_")}, body)
        )
        start_response(self.status, [("Location", self.url)])
        return []


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    server = make_server("127.0.0.1", 0, found.hear, handler_class=QuietCall)
    found.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def listen(program: Client, receiver: Receiver, *events: str) -> str:
    answer = program.post("/api/v1/webhook-endpoints", {"url": receiver.url, "events": events or ALL})
    assert answer.status == 201, answer.body
    return str(answer.json["secret"])


def deliver_all() -> None:
    while deliver_next():
        pass


def told(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in receiver.heard]


def refund_one(program: Client, shop: Shop) -> str:
    line = shop.sell(shop.monthly)
    go_to(day(3))
    body = {
        "customer": shop.customer.external_id,
        "order": line.order.number,
        "request": "refund",
        "reason": "Not for me.",
    }
    number = str(program.post("/api/v1/cases", body).json["number"])
    shop.work()
    shop.sync(line)
    return number


def test_a_host_product_is_told_the_way_of_a_request(program: Client, shop: Shop, receiver: Receiver) -> None:
    secret = listen(program, receiver)

    number = refund_one(program, shop)
    deliver_all()

    events = told(receiver)
    assert [one["type"] for one in events] == ["case.opened", "case.decided", "refund.sent", "case.closed"]
    assert {one["data"]["case"] for one in events} == {number}
    decided = events[1]["data"]
    assert isinstance(decided, dict)
    assert (decided["outcome"], decided["amount"], decided["currency"]) == ("granted", 1815, "USD")
    for headers, body in receiver.heard:
        assert Webhook(secret).verify(body, headers) == json.loads(body)
    headers, body = receiver.heard[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)


def test_nothing_personal_is_told(program: Client, shop: Shop, receiver: Receiver) -> None:
    listen(program, receiver)
    refund_one(program, shop)
    deliver_all()

    bodies = b"".join(body for _, body in receiver.heard)
    assert shop.customer.email.encode() not in bodies
    assert b"Not for me" not in bodies


def test_money_that_comes_back_is_told(
    program: Client, shop: Shop, receiver: Receiver, sandbox: Sandbox
) -> None:
    listen(program, receiver, "refund.failed")
    refund_one(program, shop)
    (made,) = sandbox.store.all("refund")
    sandbox.api.refunds.fail(made, "account_closed")
    payment = sync_payment(shop.gateway, str(made["charge"]))
    assert payment
    follow_payment(payment)
    follow_payment(payment)
    deliver_all()

    (event,) = told(receiver)
    assert (event["type"], event["data"]["state"]) == ("refund.failed", "failed")


def test_only_wanted_events_are_told(program: Client, shop: Shop, receiver: Receiver) -> None:
    listen(program, receiver, "case.closed")
    refund_one(program, shop)
    deliver_all()

    assert [one["type"] for one in told(receiver)] == ["case.closed"]


def test_an_event_is_told_again_until_it_arrives_under_the_same_id(
    program: Client, shop: Shop, receiver: Receiver
) -> None:
    listen(program, receiver, "case.opened")
    receiver.status = "500 Broken"
    refund_one(program, shop)

    deliver_all()
    deliver_all()
    early = len(receiver.heard)
    clock.advance(WAITS[0] + timedelta(seconds=1))
    receiver.status = "204 Nothing"
    deliver_all()
    clock.advance(timedelta(days=2))
    deliver_all()

    assert (early, len(receiver.heard)) == (1, 2)
    first, second = (headers["webhook-id"] for headers, _ in receiver.heard)
    assert first == second
    delivery = Delivery.objects.get()
    assert (delivery.attempts, delivery.next_try_at, delivery.problem) == (2, None, "")


def test_after_the_last_wait_it_is_given_up(program: Client, shop: Shop, receiver: Receiver) -> None:
    listen(program, receiver, "case.opened")
    receiver.status = "500 Broken"
    refund_one(program, shop)

    for _ in range(len(WAITS) + 3):
        deliver_all()
        clock.advance(timedelta(days=2))

    delivery = Delivery.objects.get()
    assert len(receiver.heard) == delivery.attempts == len(WAITS) + 1
    assert (delivery.next_try_at, delivery.delivered_at, delivery.problem) == (None, None, "answered 500")


def test_a_redirect_is_not_followed(program: Client, shop: Shop, receiver: Receiver) -> None:
    listen(program, receiver, "case.opened")
    receiver.status = "307 Elsewhere"
    refund_one(program, shop)
    deliver_all()

    assert len(receiver.heard) == 1
    assert Delivery.objects.get().problem == "answered 307"


def test_an_endpoint_that_is_gone_is_told_nothing_more(
    program: Client, shop: Shop, receiver: Receiver
) -> None:
    listen(program, receiver)
    receiver.status = "410 Gone"
    refund_one(program, shop)
    deliver_all()

    assert len(receiver.heard) == 1
    assert program.get("/api/v1/webhook-endpoints").json["items"] == []
    assert not Delivery.objects.filter(next_try_at__isnull=False).exists()


def test_a_removed_endpoint_is_told_nothing_more_and_may_come_back(
    program: Client, shop: Shop, receiver: Receiver
) -> None:
    listen(program, receiver)
    again = program.post("/api/v1/webhook-endpoints", {"url": receiver.url, "events": ["case.closed"]})
    id_ = Endpoint.objects.get().id
    removed = program.send("DELETE", f"/api/v1/webhook-endpoints/{id_}")
    refund_one(program, shop)
    deliver_all()

    assert (again.status, removed.status) == (409, 204)
    assert receiver.heard == []
    assert program.send("DELETE", f"/api/v1/webhook-endpoints/{id_}").status == 404
    listen(program, receiver)


def test_deliveries_are_listed_with_what_went_wrong(program: Client, shop: Shop, receiver: Receiver) -> None:
    listen(program, receiver, "case.opened")
    receiver.status = "503 Busy"
    refund_one(program, shop)
    deliver_all()

    (row,) = program.get(f"/api/v1/webhook-endpoints/{Endpoint.objects.get().id}/deliveries").json["items"]
    assert (row["kind"], row["attempts"], row["problem"]) == ("case.opened", 1, "answered 503")


def test_a_secret_is_shown_once(program: Client, receiver: Receiver) -> None:
    secret = listen(program, receiver)

    assert secret.startswith("whsec_")
    assert secret.encode() not in program.get("/api/v1/webhook-endpoints").body


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hook",
        "ftp://shop.example/hook",
        "https://",
        "//shop.example",
        "https://user:pass@shop.example/hook",
        "https://shop.example/hook#part",
        "https://shop.example:99999/hook",
        "https://shop.example/a b",
        "https://10.0.0.1/hook",
        "https://192.168.1.1/hook",
        "https://169.254.169.254/latest",
        "https://[fd00::1]/hook",
        "https://[::ffff:10.0.0.1]/hook",
        "https://0.0.0.0/hook",
        "https://224.0.0.1/hook",
        "https://" + "a" * 500,
    ],
)
def test_an_address_that_is_not_public_and_encrypted_is_refused(program: Client, url: str) -> None:
    answer = program.post("/api/v1/webhook-endpoints", {"url": url, "events": ["case.opened"]})

    assert (answer.status, answer.json["code"]) == (422, "invalid")
    assert Endpoint.objects.count() == 0


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/", "https://localhost/", "http://127.0.0.1/", "https://[::1]/", "https://0x7f.1/"],
)
def test_outside_a_trial_loopback_is_refused_also_behind_a_name(settings: Settings, url: str) -> None:
    settings.IS_DEMO = False

    with pytest.raises(AddressError):
        find(url)


def test_what_is_called_is_the_number_that_was_checked() -> None:
    target = find("http://localhost:8123/hook?a=1")

    assert target.number in ("127.0.0.1", "::1")
    assert (target.host, target.port, target.path) == ("localhost", 8123, "/hook?a=1")


def test_where_nobody_listens_nothing_is_kept(program: Client, shop: Shop) -> None:
    refund_one(program, shop)

    assert Delivery.objects.count() == 0
