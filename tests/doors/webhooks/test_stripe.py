"""Events of the gateway: signed, stored once, answered at once, applied by fetching."""

import hashlib
import hmac
import json
import time

import pytest
from pytest_django import Settings

from amends.desk.payments.gateway import Transient
from amends.desk.payments.inbox import UNKNOWN_OBJECT, apply_notice, waiting_notices
from amends.desk.payments.models import Notice, Payment, Refund
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.desk.schedule.tasks import look_around
from amends.sandbox.server import Sandbox
from cutting import ask_and_cut
from trade import make_charge, make_payment, sdk
from web import Answer, Client

SECRET = "whsec_of_the_gateway"  # noqa: S105  # of a sandbox
PATH = "/webhooks/stripe"


def signed(body: bytes, *, secret: str = SECRET, age_seconds: int = 0) -> dict[str, str]:
    at = int(time.time()) - age_seconds
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={at},v1={digest}"}


def event(kind: str, object_id: str, id_: str = "evt_1") -> bytes:
    return json.dumps({"id": id_, "type": kind, "data": {"object": {"id": object_id}}}).encode()


def tell(web: Client, body: bytes, **how: str | int) -> Answer:
    return web.send("POST", PATH, body, signed(body, **how))  # type: ignore[arg-type]  # as signed() takes them


def events_of(sandbox: Sandbox) -> list[bytes]:
    return [json.dumps(one.to_dict()).encode() for one in sdk(sandbox).v1.events.list({"limit": 100}).data]


def test_events_told_twice_and_in_any_order_are_stored_once_and_leave_the_true_state(
    sandbox: Sandbox, gateway: StripeGateway, web: Client
) -> None:
    payment = make_payment(sandbox, gateway)
    made = sdk(sandbox).v1.refunds.create({"charge": payment.gateway_ref, "amount": 500})
    told = events_of(sandbox)

    answers = [tell(web, body).status for body in (*reversed(told), *told)]
    for event_id in waiting_notices():
        apply_notice(gateway, event_id)

    assert set(answers) == {200}
    assert Notice.objects.count() == len(told)
    assert Refund.objects.get().gateway_ref == made.id
    assert (Refund.objects.get().state, Refund.objects.get().origin) == ("succeeded", "gateway")


@pytest.mark.parametrize(
    "how", [{"secret": "whsec_other"}, {"age_seconds": 301}, {"age_seconds": 3600}], ids=str
)
def test_an_event_with_a_bad_or_stale_signature_is_refused(web: Client, how: dict[str, str | int]) -> None:
    answer = tell(web, event("refund.updated", "re_1"), **how)

    assert answer.status == 400
    assert answer.body.startswith(b"Not signed by the gateway")
    assert Notice.objects.count() == 0


def test_a_signature_holds_for_its_own_bytes_only(web: Client) -> None:
    body = event("refund.updated", "re_1")

    answer = web.send("POST", PATH, body + b" ", signed(body))

    assert (answer.status, Notice.objects.count()) == (400, 0)


def test_an_event_without_a_signature_is_refused(web: Client) -> None:
    answer = web.send("POST", PATH, event("refund.updated", "re_1"))

    assert (answer.status, Notice.objects.count()) == (400, 0)


def test_nothing_is_believed_where_the_desk_has_no_secret(web: Client, settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRET = ""

    answer = tell(web, event("refund.updated", "re_1"), secret="")

    assert (answer.status, Notice.objects.count()) == (400, 0)


def test_the_thin_form_names_its_object(sandbox: Sandbox, gateway: StripeGateway, web: Client) -> None:
    payment = make_payment(sandbox, gateway)
    made = sdk(sandbox).v1.refunds.create({"charge": payment.gateway_ref, "amount": 500})
    body = json.dumps(
        {
            "id": "evt_thin",
            "object": "v2.core.event",
            "type": "v1.refund.updated",
            "related_object": {"id": made.id, "type": "refund", "url": f"/v1/refunds/{made.id}"},
        }
    ).encode()

    answer = tell(web, body)
    apply_notice(gateway, "evt_thin")

    assert answer.status == 200
    assert Refund.objects.get().gateway_ref == made.id


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "evt_b", "type": "balance.available", "data": {"object": {"object": "balance"}}}',
        b'{"id": "evt_c", "type": "customer.created", "data": {"object": {"id": "cus_1"}}}',
    ],
    ids=["object without an id", "kind that is not ours"],
)
def test_events_that_are_not_ours_are_taken_and_applied_to_nothing(
    web: Client, gateway: StripeGateway, body: bytes
) -> None:
    answer = tell(web, body)
    for event_id in waiting_notices():
        apply_notice(gateway, event_id)

    assert answer.status == 200
    assert (Notice.objects.get().problem, Refund.objects.count()) == ("", 0)


def test_a_refund_of_a_charge_that_is_not_ours_is_set_aside(
    sandbox: Sandbox, gateway: StripeGateway, web: Client
) -> None:
    foreign = sdk(sandbox).v1.refunds.create({"charge": make_charge(sandbox, 900)})

    tell(web, event("refund.created", foreign.id))
    apply_notice(gateway, "evt_1")

    assert (Notice.objects.get().problem, Refund.objects.count()) == (UNKNOWN_OBJECT, 0)


def test_a_refund_that_the_gateway_does_not_know_is_set_aside_and_not_asked_for_again(
    gateway: StripeGateway, web: Client
) -> None:
    tell(web, event("refund.updated", "re_nowhere"))
    apply_notice(gateway, "evt_1")

    assert Notice.objects.get().problem == UNKNOWN_OBJECT
    assert waiting_notices() == []


def test_a_charge_of_ours_that_the_gateway_does_not_know_is_set_aside_with_nothing_written(
    sandbox: Sandbox, gateway: StripeGateway, web: Client
) -> None:
    payment = make_payment(sandbox, gateway)
    Payment.objects.update(gateway_ref="ch_nowhere")

    tell(web, event("charge.refunded", "ch_nowhere"))
    assert apply_notice(gateway, "evt_1") is None

    notice = Notice.objects.get()
    assert (notice.problem, notice.attempts, waiting_notices()) == (UNKNOWN_OBJECT, 1, [])
    assert Payment.objects.values_list("checked_at", flat=True).get() == payment.checked_at


def test_a_notice_that_cannot_be_fetched_now_counts_its_attempts_and_holds_up_no_other(
    sandbox: Sandbox, gateway: StripeGateway, web: Client
) -> None:
    payment = make_payment(sandbox, gateway)
    made = sdk(sandbox).v1.refunds.create({"charge": payment.gateway_ref, "amount": 500})
    tell(web, event("refund.updated", "re_slow", "evt_0"))
    tell(web, event("refund.updated", made.id, "evt_1"))
    sandbox.api.faults.add(
        {"fault": "rate_limit", "method": "GET", "path": "/v1/refunds/re_slow", "count": "1"}
    )

    with pytest.raises(Transient):
        apply_notice(gateway, "evt_0")
    sandbox.api.faults.add(
        {"fault": "rate_limit", "method": "GET", "path": "/v1/refunds/re_slow", "count": "1"}
    )
    look_around()

    assert Refund.objects.filter(payment=payment).count() == 1
    waiting = Notice.objects.get(event_id="evt_0")
    assert (waiting.attempts, waiting.applied_at, waiting.problem) == (2, None, "rate_limit")


def test_an_event_beyond_the_limit_is_refused_unread(web: Client) -> None:
    answer = tell(web, b" " * (256 * 1024 + 1))

    assert (answer.status, Notice.objects.count()) == (413, 0)


def test_a_length_that_is_no_number_is_refused(web: Client) -> None:
    answer = web.send("POST", PATH, b"{}", signed(b"{}") | {"Content-Length": "many"})

    assert (answer.status, Notice.objects.count()) == (413, 0)


def test_the_address_takes_events_only(web: Client) -> None:
    assert web.get(PATH).status == 405


def test_an_event_that_the_database_did_not_take_is_told_again(web: Client) -> None:
    body = event("refund.updated", "re_1")

    refused = ask_and_cut("payments_notice", lambda: tell(web, body))

    assert (refused.status, Notice.objects.count()) == (503, 0)
    assert (tell(web, body).status, Notice.objects.count()) == (200, 1)
