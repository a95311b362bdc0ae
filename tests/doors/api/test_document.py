"""The OpenAPI document against the running desk: generated requests, good and bad, and every answer as it is described."""

import json
import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytest_django import Settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import negative_data_rejection
from schemathesis.core.result import Ok

from amends.desk.api.contract import api
from amends.desk.api.problems import CONTENT_TYPE, KINDS
from amends.desk.cases.models import RequestKind
from amends.desk.issues.models import Issue
from amends.desk.payments.models import Refund
from shop import Shop, day, go_to
from trade import make_charge
from web import Client, with_key

DOCUMENT: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/"), default=str))
CONFIG = schemathesis.Config.from_dict(
    {
        "checks": {
            # What a request names may not be there, and some rules join members; `ask` looks at those.
            "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "422"]},
            "negative_data_rejection": {"expected-statuses": ["4xx"]},
        }
    }
)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)}
AnyCase = Case[Any]
BEYOND = {
    "answers": "questions are the policy's",
    "data": "1.0 is no whole number to us, and is one to a schema",
    "email": "our check of a mail address is narrower than the format",
    "file": "a picture is looked at",
    "first_contact_at": "lies in the past",
    "fixed_at": "lies between the report and now",
    "lines": "members of a line depend on each other",
    "locale": "has to be known",
    "prices": "as data",
    "url": "has to be public",
}
"""Members that are refused for what a schema cannot say, or can say only at length."""
INSTANTS = (
    st.datetimes(timezones=st.timezones())
    .filter(lambda at: 1971 <= at.year <= 2198)
    .map(lambda at: at.isoformat())
)
"""The part of RFC 3339 that the desk takes is narrower than the format: years from 1970 to 2199."""
schemathesis.openapi.format("date-time", st.just("2025-09-04T10:00:00Z") | INSTANTS)


@pytest.fixture
def desk(program: Client, settings: Settings) -> Client:
    """A desk that does not mind how often it is asked."""
    settings.API_REQUESTS_PER_MINUTE = 10**9
    return program


@pytest.fixture
def known(desk: Client, shop: Shop) -> dict[str, str]:
    """Names of things that are there, by the words of the API."""
    line = shop.sell(shop.monthly)
    other = shop.sell(shop.monthly)
    go_to(day(9))
    case = shop.ask(other, RequestKind.TECHNICAL, reason="Nothing comes out.")
    made = desk.post("/api/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/", "events": ["case.opened"]})
    assert made.status == 201
    assert line.subscription
    return {
        "customers": shop.customer.external_id,
        "orders": line.order.number,
        "plans": "monthly",
        "subscriptions": line.subscription.gateway_ref,
        "cases": case.number,
        "issues": str(Issue.objects.get().id),
        "webhook-endpoints": made.json["id"],
        "subject": shop.customer.external_id,
        "charge": make_charge(shop.sandbox, 1900),
    }


def aimed(case: AnyCase, known: dict[str, str]) -> AnyCase:
    """The same request about things that are there."""
    room = case.path.split("/")[3]
    case.path_parameters = dict.fromkeys(case.path_parameters or {}, known.get(room, ""))
    if isinstance(case.body, dict):
        there = {name: known.get(f"{name}s", known.get(name)) for name in case.body}
        case.body |= {
            name: value for name, value in there.items() if value and isinstance(case.body[name], str)
        }
    return case


def ask(desk: Client, case: AnyCase, *, is_good: bool) -> None:
    """Send a request, and hold the answer against the document."""
    answer = case.call(base_url=f"http://127.0.0.1:{desk.port}", headers=desk.headers)
    # A case that was aimed at something is no longer known to be good or bad.
    case.validate_response(answer, headers=desk.headers, excluded_checks=[negative_data_rejection] * is_good)
    if answer.status_code >= 400:
        problem = answer.json()
        assert answer.headers["content-type"] == [CONTENT_TYPE]
        assert KINDS[problem["code"]][0] == problem["status"] == answer.status_code
        if is_good and problem["code"] == "invalid":
            places = {one["where"].partition(".")[0] for one in problem["errors"]}
            assert places <= BEYOND.keys(), problem["detail"]


@pytest.fixture
def bounded(request: pytest.FixtureRequest) -> settings:
    """The same requests in every run; `--requests` asks for more."""
    return settings(
        max_examples=request.config.getoption("--requests"),
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_one_that_the_document_describes(desk: Client, bounded: settings, label: str) -> None:
    good, bad = (OPERATIONS[label].as_strategy(generation_mode=mode) for mode in GenerationMode)

    bounded(given(good)(lambda case: ask(desk, case, is_good=True)))()
    bounded(given(bad)(lambda case: ask(desk, case, is_good=False)))()

    assert not Refund.objects.exists()


@pytest.mark.parametrize("label", [label for label in OPERATIONS if "{" in label or label.startswith("POST")])
def test_answers_about_things_that_are_there_are_described_too(
    desk: Client, known: dict[str, str], bounded: settings, label: str
) -> None:
    cases = OPERATIONS[label].as_strategy().map(lambda case: aimed(case, known))

    bounded(given(cases)(lambda case: ask(desk, case, is_good=True)))()


def refusals(web: Client, label: str, headers: dict[str, str], known: dict[str, str]) -> set[bytes]:
    """The answers about something that is there and about something that is not, without what differs by design."""
    method, _, path = label.partition(" ")
    room = path.split("/")[3]
    body: dict[str, str] | None = {} if method == "POST" else None
    found = set()
    for id_ in (known.get(room, "x"), "nobody"):
        answer = web.send(method, re.sub(r"{\w+}", id_, path), body, headers)
        assert answer.headers["content-type"] == CONTENT_TYPE
        found.add(answer.body)
    return found


@pytest.mark.parametrize(
    "headers, code",
    [
        ({}, "key_required"),
        ({"Authorization": "Bearer amk_nobody"}, "key_unknown"),
        ({"Authorization": "Basic YTpi"}, "key_required"),
    ],
)
def test_without_a_key_every_address_answers_the_same_whatever_is_there(
    web: Client, known: dict[str, str], headers: dict[str, str], code: str
) -> None:
    answers = {answer for label in OPERATIONS for answer in refusals(web, label, headers, known)}

    assert [json.loads(answer)["code"] for answer in answers] == [code]


def test_a_key_without_the_scope_is_refused_alike_whatever_is_there(
    web: Client, known: dict[str, str]
) -> None:
    stranger = with_key(web)
    for label in OPERATIONS.keys() - {"GET /api/v1/policy"}:
        answers = refusals(web, label, stranger.headers, known)
        assert [json.loads(answer)["code"] for answer in answers] == ["scope_missing"], label


def test_everything_that_the_document_refers_to_is_in_it() -> None:
    referred = set(re.findall(r'"\$ref": "([^"]*)"', json.dumps(DOCUMENT)))

    missing = {
        ref
        for ref in referred
        if ref.removeprefix("#/components/schemas/") not in DOCUMENT["components"]["schemas"]
    }
    assert referred
    assert missing == set()


def test_no_operation_of_the_document_is_left_out() -> None:
    described = {
        f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods
    }

    assert described == OPERATIONS.keys()
