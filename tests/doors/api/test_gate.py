"""What every request passes: key, scope, rate, size, idempotency; and the form of every refusal."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from amends.desk import clock
from amends.desk.accounts.actions import create_key
from amends.desk.accounts.models import ApiKey, Customer, Scope
from amends.desk.api.models import KeptAnswer
from amends.desk.api.problems import KINDS
from conftest import ROOT
from shop import Shop
from web import Answer, Client, with_key

ADA = {"id": "user-ada", "email": "ada@example.com", "name": "Ada"}


def code_of(answer: Answer) -> tuple[int, object]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json
    assert {"type", "title", "status", "detail", "code"} <= set(problem)
    assert problem["type"] == f"urn:amends:problem:{problem['code']}"
    assert problem["status"] == answer.status
    return answer.status, problem["code"]


@pytest.mark.parametrize(
    "headers, code",
    [
        ({}, "key_required"),
        ({"Authorization": "amk_without_a_scheme"}, "key_required"),
        ({"Authorization": "Basic YTpi"}, "key_required"),
        ({"Authorization": "Bearer amk_nobody"}, "key_unknown"),
    ],
    ids=["none", "no scheme", "another scheme", "unknown"],
)
def test_without_a_valid_key_nothing_is_done(web: Client, headers: dict[str, str], code: str) -> None:
    answer = web.send("POST", "/api/v1/customers", ADA, headers)

    assert code_of(answer) == (401, code)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert Customer.objects.count() == 0


def test_a_revoked_key_is_an_unknown_one(program: Client) -> None:
    ApiKey.objects.update(revoked_at=clock.now())

    assert code_of(program.post("/api/v1/customers", ADA)) == (401, "key_unknown")
    assert Customer.objects.count() == 0


@pytest.mark.parametrize(
    "method, path, scope",
    [
        ("POST", "/customers", "customers"),
        ("GET", "/customers/user-1/wallet", "customers"),
        ("POST", "/portal-sessions", "customers"),
        ("POST", "/acknowledgements", "customers"),
        ("POST", "/plans", "orders"),
        ("GET", "/subscriptions", "orders"),
        ("POST", "/orders", "orders"),
        ("POST", "/usage/events", "usage"),
        ("POST", "/decisions/preview", "decisions"),
        ("POST", "/cases", "cases"),
        ("POST", "/cases/R-1/cancel", "cases"),
        ("GET", "/webhook-endpoints", "webhooks"),
        ("GET", "/exports/journal.csv", "exports"),
    ],
    ids=str,
)
def test_a_key_does_what_its_scopes_say_and_nothing_else(
    web: Client, method: str, path: str, scope: str
) -> None:
    others = [one for one in Scope if one != scope]

    refused = with_key(web, *others).send(method, f"/api/v1{path}", {} if method == "POST" else None)
    allowed = with_key(web, Scope(scope)).send(method, f"/api/v1{path}", {} if method == "POST" else None)

    assert code_of(refused) == (403, "scope_missing")
    assert f"`{scope}`" in str(refused.json["detail"])
    assert allowed.status != 403


@pytest.mark.parametrize(
    "path", ["/nothing", "/customers/", "/customers/a/b", "/cases/../x", "/%00"], ids=str
)
def test_an_address_that_is_not_there_is_a_problem(program: Client, path: str) -> None:
    assert code_of(program.get(f"/api/v1{path}")) == (404, "not_found")


def test_another_version_is_not_there(program: Client) -> None:
    assert code_of(program.get("/api/v2/customers")) == (404, "not_found")


def test_another_method_is_refused_with_those_that_work(program: Client) -> None:
    answer = program.send("DELETE", "/api/v1/customers")

    assert code_of(answer) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "POST"}


@pytest.mark.parametrize("path", ["/customers", "/orders", "/cases", "/subscriptions", "/plans"])
@pytest.mark.parametrize(
    "id_", ["nobody", "a%00b", "%F0%9F%98%80", "x" * 101], ids=["unknown", "nul", "emoji", "long"]
)
def test_what_is_not_there_answers_the_same_whatever_the_id(program: Client, path: str, id_: str) -> None:
    answer = program.get(f"/api/v1{path}/{id_}")

    assert code_of(answer) == (404, "not_found")
    assert answer.body == program.get(f"/api/v1{path}/other").body


@pytest.mark.parametrize(
    "body, expected",
    [
        (b"{", (400, "malformed")),
        (b"\xff\xfe", (400, "malformed")),
        (b"[]", (422, "invalid")),
        (b"null", (422, "invalid")),
        (b'{"id": "u", "email": "a@example.com", "emial": 1}', (422, "invalid")),
        (b'{"id": "u", "email": "a@example.com", "name": "a\\u0000"}', (422, "invalid")),
        (b'{"id": "u", "email": "a@example.com", "name": "\\ud800"}', (422, "invalid")),
        (b'{"id": "u u", "email": "a@example.com"}', (422, "invalid")),
        (b'{"id": "u", "email": "nowhere"}', (422, "invalid")),
        (b'{"id": "u", "email": "a@example.com", "locale": "xx_YY"}', (422, "invalid")),
        (b'{"id": "u", "email": "a@example.com", "country": "usa"}', (422, "invalid")),
    ],
    ids=["cut", "bytes", "list", "null", "typo", "nul", "surrogate", "id", "mail", "locale", "country"],
)
def test_a_body_that_is_wrong_is_refused_with_its_place(
    program: Client, body: bytes, expected: tuple[int, str]
) -> None:
    answer = program.post("/api/v1/customers", body)

    assert code_of(answer) == expected
    assert Customer.objects.count() == 0


def test_each_fault_names_its_place(program: Client) -> None:
    answer = program.post("/api/v1/customers", {"id": "u", "email": "nowhere", "emial": 1})

    assert answer.json["errors"] == [
        {"where": "email", "why": "not a mail address"},
        {"where": "emial", "why": "Extra inputs are not permitted"},
    ]


def test_a_body_beyond_the_limit_is_refused_unread(program: Client) -> None:
    answer = program.post("/api/v1/customers", b" " * (1024 * 1024 + 1))

    assert code_of(answer) == (413, "too_large")


def test_the_rate_is_counted_for_each_key_and_starts_again_each_minute(
    web: Client, settings: Settings
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    one, other = with_key(web, Scope.CUSTOMERS), with_key(web, Scope.CUSTOMERS)

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(lambda _: one.get("/api/v1/customers").status, range(8)))
    refused = one.post("/api/v1/customers", ADA)

    assert statuses == [200, 200, 200, 429, 429, 429, 429, 429]
    assert code_of(refused) == (429, "too_many_requests")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert Customer.objects.count() == 0
    assert other.get("/api/v1/customers").status == 200
    clock.advance(timedelta(minutes=1))
    assert one.get("/api/v1/customers").status == 200


def test_the_same_key_and_body_get_the_same_answer_once(program: Client) -> None:
    first = program.post("/api/v1/customers", ADA, Idempotency_Key="k1")
    second = program.post("/api/v1/customers", ADA, Idempotency_Key="k1")

    assert (first.status, second.status) == (201, 201)
    assert second.body == first.body
    assert second.headers["idempotent-replayed"] == "true"


def test_the_same_key_with_another_body_is_refused(program: Client) -> None:
    program.post("/api/v1/customers", ADA, Idempotency_Key="k1")

    answer = program.post("/api/v1/customers", ADA | {"id": "user-2"}, Idempotency_Key="k1")

    assert code_of(answer) == (409, "idempotency_key_reused")
    assert Customer.objects.count() == 1


def test_the_same_name_of_two_programs_names_two_intents(web: Client) -> None:
    one, other = with_key(web, Scope.CUSTOMERS), with_key(web, Scope.CUSTOMERS)

    one.post("/api/v1/customers", ADA, Idempotency_Key="k1")
    answer = other.post("/api/v1/customers", ADA | {"id": "user-2"}, Idempotency_Key="k1")

    assert answer.status == 201


def test_an_idempotency_key_is_kept_for_a_day(program: Client) -> None:
    program.post("/api/v1/customers", ADA, Idempotency_Key="k1")
    clock.advance(timedelta(hours=23))
    kept = program.post("/api/v1/customers", ADA, Idempotency_Key="k1")
    clock.advance(timedelta(hours=1, seconds=1))
    fresh = program.post("/api/v1/customers", ADA | {"name": "B"}, Idempotency_Key="k1")

    assert (kept.status, fresh.status) == (201, 200)
    assert KeptAnswer.objects.count() == 1


def test_a_refusal_is_not_kept(program: Client) -> None:
    first = program.post("/api/v1/customers", ADA | {"email": "nowhere"}, Idempotency_Key="k1")
    second = program.post("/api/v1/customers", ADA, Idempotency_Key="k1")

    assert (first.status, second.status) == (422, 201)


@pytest.mark.parametrize("name", ["", "a b", "x" * 256, "é"], ids=["empty", "space", "long", "accent"])
def test_an_idempotency_key_that_is_none_is_refused(program: Client, name: str) -> None:
    answer = program.send("POST", "/api/v1/customers", ADA, {"Idempotency-Key": name})

    assert code_of(answer) == (400, "malformed")
    assert Customer.objects.count() == 0


def test_requests_at_once_with_one_key_have_one_effect_and_one_answer(program: Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: program.post("/api/v1/customers", ADA, Idempotency_Key="k1"), range(8))
        )

    assert {(one.status, one.body) for one in answers} == {(201, answers[0].body)}
    assert sum("idempotent-replayed" in one.headers for one in answers) == 7


def test_the_document_describes_every_address_and_its_refusals(web: Client) -> None:
    document = web.get("/api/v1/openapi.json").json

    assert document["openapi"] == "3.1.0"
    paths = document["paths"]
    assert isinstance(paths, dict)
    for methods in paths.values():
        for operation in methods.values():
            assert "application/problem+json" in operation["responses"]["default"]["content"]


def test_every_refusal_is_listed_in_the_contract() -> None:
    text = (ROOT / "docs" / "contract.md").read_text()

    assert [code for code in KINDS if f"`{code}`" not in text] == []


def test_every_address_is_in_the_contract(web: Client) -> None:
    document = web.get("/api/v1/openapi.json").json
    text = (ROOT / "docs" / "contract.md").read_text()
    paths = document["paths"]
    assert isinstance(paths, dict)
    operations = [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]

    assert [one for one in operations if one not in text] == []


def test_a_fault_of_ours_is_a_problem_without_a_trace(web: Client, shop: Shop) -> None:
    key, secret = create_key("Shop", list(Scope))
    ApiKey.objects.filter(id=key.id).update(scopes=["customers"])
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE credits_lot RENAME TO credits_lot_away")
    try:
        answer = Client(web.port, {"Authorization": f"Bearer {secret}"}).get(
            f"/api/v1/customers/{shop.customer.external_id}/wallet"
        )
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE credits_lot_away RENAME TO credits_lot")

    assert code_of(answer) == (500, "internal")
    assert b"credits_lot" not in answer.body


@pytest.mark.parametrize(
    "path", ["cases?custommer=nobody", "customers?Limit=1", "policy?version=1", "plans?x"]
)
def test_a_parameter_that_the_address_does_not_take_is_refused(program: Client, path: str) -> None:
    answer = program.get(f"/api/v1/{path}")

    name = path.partition("?")[2].partition("=")[0]
    assert code_of(answer) == (422, "invalid")
    assert answer.json["errors"][0]["where"] == name


def test_a_refused_parameter_changes_nothing(program: Client) -> None:
    assert code_of(program.post("/api/v1/customers?dry_run=1", ADA)) == (422, "invalid")
    assert not Customer.objects.exists()
