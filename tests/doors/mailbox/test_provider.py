"""A mail provider hands letters over by HTTP: with the secret they are taken, without it nothing is."""

import base64
import json

import pytest
from pytest_django import Settings

from amends.desk.mail.models import Draft, IncomingMail, MailState, Why
from amends.desk.notices.reply_address import reply_address
from doors.mailbox.test_hostile import nested
from post import work
from shop import Shop
from web import Answer, Client

SECRET = "provider:a-long-secret"  # noqa: S105  # of a test
ADDRESS = "/webhooks/mail/postmark"


@pytest.fixture(autouse=True)
def _secret(settings: Settings) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}


def hand_over(web: Client, told: object, secret: str = SECRET, address: str = ADDRESS) -> Answer:
    proof = {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"} if secret else {}
    return web.send("POST", address, told, proof)


def told_by_postmark(sender: str, text: str, **more: object) -> dict[str, object]:
    """What Postmark posts, shortened."""
    return {
        "FromFull": {"Email": sender, "Name": "Ada", "MailboxHash": ""},
        "ToFull": [{"Email": "support@example.com", "Name": "", "MailboxHash": ""}],
        "OriginalRecipient": "support@example.com",
        "Subject": "My order",
        "MessageID": "22c74902-a0c1-4511-804f2-341342852c90",
        "TextBody": text,
        "HtmlBody": "",
        "Headers": [
            {"Name": "Return-Path", "Value": f"<{sender}>"},
            {"Name": "Message-ID", "Value": "<1@mail.example>"},
        ],
        "Attachments": [],
    } | more


def test_a_letter_of_the_provider_becomes_a_draft_as_any_other(shop: Shop, web: Client) -> None:
    number = shop.sell(shop.monthly).order.number

    answer = hand_over(web, told_by_postmark(shop.customer.email, f"Refund {number}."))
    work()

    came = IncomingMail.objects.get()
    assert (answer.status, came.via, came.state) == (200, "postmark", MailState.DRAFTED)
    assert (came.message_id, came.envelope_from) == ("<1@mail.example>", shop.customer.email)


def test_an_answer_to_a_case_joins_it_with_its_token(shop: Shop, web: Client) -> None:
    case = shop.ask(shop.sell(shop.monthly), reason="")
    to = reply_address(case.id)

    hand_over(web, told_by_postmark(case.customer.email, "Too slow.", OriginalRecipient=to))
    work()

    assert (IncomingMail.objects.get().case, IncomingMail.objects.get().state) == (case, MailState.JOINED)


def test_the_same_letter_told_twice_is_one(shop: Shop, web: Client) -> None:
    for _ in range(2):
        hand_over(web, told_by_postmark(shop.customer.email, "Refund me."))
    work()

    assert (IncomingMail.objects.get().deliveries, Draft.objects.count()) == (2, 1)


@pytest.mark.parametrize("secret", ["", "provider:wrong", "wrong:a-long-secret", "provider:"])
def test_without_the_secret_nothing_is_taken(shop: Shop, web: Client, secret: str) -> None:
    answer = hand_over(web, told_by_postmark(shop.customer.email, "Refund me."), secret)

    assert (answer.status, IncomingMail.objects.count()) == (403, 0)


def test_a_desk_without_a_secret_has_no_such_way_in(shop: Shop, web: Client, settings: Settings) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": ""}

    answer = hand_over(web, told_by_postmark(shop.customer.email, "Refund me."), "")

    assert (answer.status, IncomingMail.objects.count()) == (404, 0)


def test_a_bounce_that_the_provider_tells_is_no_request(shop: Shop, web: Client) -> None:
    told = told_by_postmark(shop.customer.email, "Undeliverable.")
    told["Headers"] = [{"Name": "Return-Path", "Value": "<>"}]

    hand_over(web, told)
    work()

    assert (IncomingMail.objects.get().why, Draft.objects.count()) == (Why.BOUNCE, 0)


def test_a_letter_too_deep_for_the_reader_of_the_provider_is_kept(shop: Shop, web: Client) -> None:
    raw = nested(2_000).decode()

    answer = hand_over(web, told_by_postmark(shop.customer.email, "", RawEmail=raw))
    work()

    came = IncomingMail.objects.get()
    assert (answer.status, came.state) == (200, MailState.QUARANTINED)
    assert json.loads(bytes(came.original.content))["RawEmail"] == raw
