"""A request whose database goes away is told so, with what to do, and leaves nothing half done."""

import pytest

from amends.desk.accounts.models import Customer
from cutting import ask_and_cut
from web import Client

ADA = {"id": "user-ada", "email": "ada@example.com", "name": "Ada"}


@pytest.mark.parametrize("table", ["accounts_apikey", "accounts_customer"], ids=["the gate", "the address"])
def test_a_program_is_told_to_send_it_again_later(program: Client, table: str) -> None:
    refused = ask_and_cut(table, lambda: program.post("/api/v1/customers", ADA, Idempotency_Key="k1"))

    assert (refused.status, refused.json["code"]) == (503, "database_unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert not Customer.objects.filter(external_id="user-ada").exists()
    assert program.post("/api/v1/customers", ADA, Idempotency_Key="k1").status == 201
    assert Customer.objects.filter(external_id="user-ada").count() == 1


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "language, words", [("en", "Its database does not answer"), ("de", "Die Datenbank antwortet nicht")]
)
def test_a_reader_is_told_in_their_language_to_look_before_sending_again(
    web: Client, language: str, words: str
) -> None:
    refused = ask_and_cut(
        "policies_policyversion", lambda: web.send("GET", "/policy", headers={"Accept-Language": language})
    )

    assert (refused.status, words in refused.body.decode()) == (503, True)
    assert int(refused.headers["retry-after"]) > 0
