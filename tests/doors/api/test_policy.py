"""The policy for programs and for people, who was shown it, and the journal for accountants."""

import csv
import io

import pytest
from django.db import transaction
from jsonschema import Draft202012Validator

from amends import read_policy
from amends.desk.journal.actions import credit, debit, post
from amends.desk.journal.models import Account
from amends.desk.policies.models import Acknowledgement
from amends.policy.page.html import render_article
from conftest import ROOT
from shop import Shop
from web import Client

TEXT = (ROOT / "policies" / "flux-kontext.md").read_text()


@pytest.mark.usefixtures("shop")
def test_the_policy_in_force_is_shown_with_the_schema_of_its_facts(program: Client) -> None:
    shown = program.get("/api/v1/policy").json

    assert (shown["version"], shown["text"]) == ("2025-08-18", TEXT)
    schema = shown["inputs"]
    assert isinstance(schema, dict)
    Draft202012Validator.check_schema(schema)
    assert schema["properties"]["accidental"]["x-from"] == "customer"


def test_without_a_policy_there_is_none_to_show(program: Client) -> None:
    assert (program.get("/api/v1/policy").status, program.get("/policy").status) == (404, 404)


@pytest.mark.usefixtures("shop")
def test_the_page_is_public_and_is_the_kernels_own(web: Client) -> None:
    page = web.get("/policy")

    assert page.status == 200
    assert render_article(read_policy(ROOT / "policies" / "flux-kontext.md")) in page.body.decode()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert web.send("POST", "/policy").status in (403, 405)


def test_the_first_acknowledgement_of_a_version_stays(program: Client, shop: Shop) -> None:
    told = {"customer": shop.customer.external_id, "how": "checkout"}

    first = program.post("/api/v1/acknowledgements", told)
    second = program.post("/api/v1/acknowledgements", told | {"how": "portal", "version": "2025-08-18"})
    unknown = program.post("/api/v1/acknowledgements", told | {"version": "1999-01-01"})

    assert (first.status, second.status, second.json["how"]) == (201, 200, "checkout")
    assert (unknown.status, unknown.json["code"]) == (422, "reference_unknown")
    assert Acknowledgement.objects.count() == 1


def test_the_journal_is_a_csv_in_which_nothing_is_a_formula(program: Client, shop: Shop) -> None:
    shop.sell(shop.monthly)
    lines = [debit(Account.GOODWILL, 5), credit(Account.CREDIT_LIABILITY_PROMOTIONAL, 5)]
    with transaction.atomic():
        post("goodwill", "=HYPERLINK(1)", "JPY", lines)

    answer = program.get("/api/v1/exports/journal.csv")
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    charge = {(row["account"], row["side"], row["amount"]) for row in rows if row["kind"] == "charge"}
    assert charge == {("gateway_cash", "debit", "19.00"), ("subscription_revenue", "credit", "19.00")}
    gift = [row for row in rows if row["kind"] == "goodwill"]
    assert [(row["reference"], row["amount"]) for row in gift] == [("'=HYPERLINK(1)", "5")] * 2
