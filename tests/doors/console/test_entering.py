"""Who comes in: members of staff, and nobody else."""

import pytest

from amends.desk.accounts.models import Role
from browsing import Browser
from shop import Shop, latest, nothing_moved, now
from web import Client

PAGES = (
    "",
    "finance",
    "finance/journal.csv",
    "insight",
    "policies",
    "issues",
    "styleguide",
    "cases/R-0000-0000",
)


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_is_asked_to_sign_in(web: Client, page: str) -> None:
    answer = Browser(web).get(f"/console/{page}")

    assert (answer.status, answer.headers["location"].split("?")[0]) == (302, "/account/login/code/")


@pytest.mark.parametrize("page", PAGES)
def test_a_customer_finds_nothing(web: Client, shop: Shop, page: str) -> None:
    customer = Browser(web).sign_in(shop.staff("customer"))

    assert customer.get(f"/console/{page}").status == 404


def test_a_person_who_left_finds_nothing(web: Client, shop: Shop) -> None:
    gone = shop.staff("gone", Role.AGENT)
    browser = Browser(web).sign_in(gone)
    gone.is_active = False
    gone.save(update_fields=["is_active"])

    assert browser.get("/console/").status == 302


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_every_page(web: Client, shop: Shop, role: Role) -> None:
    case = shop.ask(shop.sell(shop.annual))
    browser = Browser(web).sign_in(shop.staff("member", role))

    for page in ("", "finance", "insight", "policies", "issues", "styleguide", f"cases/{case.number}"):
        assert browser.get(f"/console/{page}").status == 200, page


def test_pages_of_staff_are_kept_by_no_cache(web: Client, shop: Shop) -> None:
    answer = Browser(web).sign_in(shop.staff("agent", Role.AGENT)).get("/console/")

    assert answer.headers["cache-control"] == "no-store"


def test_staff_who_sign_in_land_in_the_console(web: Client, shop: Shop) -> None:
    answer = Browser(web).sign_in(shop.staff("agent", Role.AGENT)).get("/")

    assert answer.headers["location"] == "/console/"


def test_a_form_without_its_token_does_nothing(web: Client, shop: Shop) -> None:
    case = shop.ask(shop.sell(shop.annual))
    browser = Browser(web).sign_in(shop.staff("approver", Role.APPROVER))

    answer = browser.post(
        f"/console/cases/{case.number}/approve", {"plan_sha256": latest(case).plan_sha256}, token=False
    )

    assert (answer.status, now(case).state) == (403, "decided")
    assert nothing_moved()


def test_a_link_does_nothing(web: Client, shop: Shop) -> None:
    case = shop.ask(shop.sell(shop.annual))

    answer = (
        Browser(web).sign_in(shop.staff("agent", Role.AGENT)).get(f"/console/cases/{case.number}/decline")
    )

    assert (answer.status, now(case).state) == (405, "decided")


@pytest.mark.parametrize(
    "action",
    [
        "approve",
        "decline",
        "ask",
        "state",
        "waive",
        "note",
        "assign",
        "goodwill",
        "answer-appeal",
        "reopen",
        "reply",
        "mark-read",
    ],
)
def test_a_customer_can_do_nothing(web: Client, shop: Shop, action: str) -> None:
    case = shop.ask(shop.sell(shop.annual))
    customer = Browser(web).sign_in(shop.staff("customer"))

    answer = customer.post(f"/console/cases/{case.number}/{action}", {"reason": "I would like to have it."})

    assert (answer.status, now(case).state, now(case).assignee) == (404, "decided", None)
    assert nothing_moved()
