"""The log tells a whole story by ids, and nothing that is secret or personal."""

import json
import logging

import pytest
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from amends.desk import logs
from amends.desk.accounts.actions import create_key
from amends.desk.accounts.models import Scope
from amends.desk.audit.actions import record
from shop import Shop, day, go_to

REASON = "It was meant for my aunt Augusta."


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What is logged from here on, as the settings would write it."""
    caplog.handler.setFormatter(logs.JsonLines())
    caplog.set_level(logging.INFO, logger="amends")
    return caplog


def read(lines: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [json.loads(lines.handler.format(one)) for one in lines.records if one.name.startswith("amends")]


def test_a_whole_story_is_told_by_ids_without_a_secret_or_a_person(
    shop: Shop, lines: pytest.LogCaptureFixture
) -> None:
    key, secret = create_key("shop", [Scope.CASES])
    line = shop.sell(shop.monthly)
    go_to(day(3))
    case = shop.ask(line, reason=REASON)
    shop.work()
    answer = Client().get(
        "/api/v1/cases?token=tok_secret",
        headers={"authorization": f"Bearer {secret}", "x-request-id": "proxy-0001"},
    )

    told = read(lines)
    text = lines.text + json.dumps(told)
    of_case = [one["event"] for one in told if one.get("subject") == f"case:{case.id}"]
    assert of_case == ["opened", "decided", "approved", "carried_out", "closed"]
    assert (answer.status_code, answer["X-Request-ID"]) == (422, "proxy-0001")
    assert [one["status"] for one in told if one["event"] == "request"] == [422]
    assert f"key:{key.id}" in text
    hidden = (secret, "tok_secret", shop.customer.email, "Ada", "Augusta", "sk_test", "whsec")
    assert [word for word in hidden if word in text] == []


def test_what_was_rolled_back_is_not_told(lines: pytest.LogCaptureFixture) -> None:
    with transaction.atomic():
        record("case:1", "desk", "opened")
        transaction.set_rollback(True)

    assert read(lines) == []


@pytest.mark.parametrize(
    "written, told",
    [
        ("Key (email)=(ada@mail.example.com) exists", "Key (email)=(…@mail.example.com) exists"),
        ("401 for sk_live_51Habc", "401 for …"),
        ("Authorization: Bearer amk_abc-def", "Authorization: …"),
        ("postgresql://desk:pa55word@db/desk", "postgresql…db/desk"),
    ],
)
def test_an_error_is_told_without_addresses_keys_and_passwords(written: str, told: str) -> None:
    record = logging.LogRecord("psycopg", logging.ERROR, "", 0, written, None, None)

    assert json.loads(logs.JsonLines().format(record))["message"] == told


def test_a_request_without_a_usable_id_gets_one(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = False

    answers = [Client().get("/healthz", headers={"x-request-id": given}) for given in ("", "a b", "x" * 65)]

    assert {len(answer["X-Request-ID"]) for answer in answers} == {32}
