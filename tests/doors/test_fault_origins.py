"""Every door says where the facts of a fault came from."""

from urllib.parse import urlparse

from amends.desk.accounts.models import Role
from amends.desk.cases.deciding import wake_due
from amends.desk.cases.models import Case, CaseState
from amends.desk.cases.stating import state_fact
from amends.desk.issues.models import Issue
from amends.desk.usage.models import UseOutcome
from asking import opened, picture, request_of, send_file
from browsing import Browser
from shop import WHY, Shop, day, go_to, nothing_moved
from web import Client

BETWEEN = "between 5 September 2025, 10:00 UTC and 20 September 2025, 00:00 UTC."
DERIVED = [
    f"The fault prevents proper use: yes, derived from 14 failed of 15 jobs {BETWEEN}",
    f"The fault is continuous: yes, derived from 3 bad and 0 good of 3 days with jobs {BETWEEN}",
]


def failing(program: Client, shop: Shop, *, good: int = 1) -> Case:
    """A fault with its proof, late and heavy, and 15 jobs on three days after the report."""
    line = shop.sell(shop.monthly)
    shop.use(60, day(1))
    go_to(day(4))
    number = opened(program, line, "technical", reason="Nothing comes out.")["number"]
    assert send_file(program, number, picture()).status == 201
    shop.use(good, day(5, 9))
    for failed, number_of_day in ((5 - good, 5), (5, 6), (5, 7)):
        shop.use(failed, day(number_of_day), outcome=UseOutcome.FAILED)
    return Case.objects.get(number=number)


def on_its_day(case: Case) -> Case:
    go_to(day(19, 0))
    wake_due()
    case.refresh_from_db()
    return case


def test_the_api_says_from_which_jobs_a_fault_was_derived(program: Client, shop: Shop) -> None:
    case = failing(program, shop)
    before = program.get(f"/api/v1/cases/{case.number}").json

    on_its_day(case)
    after = program.get(f"/api/v1/cases/{case.number}").json

    assert (before["decision"]["outcome"], before["decision"]["origins"]) == ("denied", [])
    assert (after["decision"]["outcome"], after["decision"]["origins"]) == ("granted", DERIVED)


def test_a_preview_asks_only_for_the_proof_where_jobs_show_the_fault(program: Client, shop: Shop) -> None:
    case = failing(program, shop)
    assert program.post(f"/api/v1/cases/{case.number}/cancel", None).status == 200
    go_to(day(25))

    shown = program.post("/api/v1/decisions/preview", request_of(case.line, "technical")).json

    assert shown["missing"] == ["evidence"]
    assert case.decisions.count() == 2
    assert nothing_moved()


def test_a_fault_that_a_preview_would_report_afresh_has_no_jobs_yet(program: Client, shop: Shop) -> None:
    case = failing(program, shop)
    issue = Issue.objects.get()
    go_to(day(21))
    assert program.post(f"/api/v1/issues/{issue.id}/fixed", {}).status == 200
    go_to(day(25))

    shown = program.post("/api/v1/decisions/preview", request_of(case.line, "technical")).json

    assert (shown["outcome"], shown["origins"]) == ("denied", [])
    denying = [clause["id"] for clause in shown["clauses"] if clause["role"] == "denies"]
    assert denying == ["late", "heavy", "not_yet"]


def test_the_card_shows_the_jobs_and_who_stated_otherwise(web: Client, program: Client, shop: Shop) -> None:
    case = on_its_day(failing(program, shop, good=4))
    agent = shop.staff("agnes", Role.AGENT)
    browser = Browser(web).sign_in(agent)
    page = browser.page(f"/console/cases/{case.number}")
    assert case.state == CaseState.OPEN
    assert "Jobs failed since 11 of 15" in page
    assert "Bad days 2 of 3, 1 good" in page
    assert "11 failed of 15 jobs, 2 bad and 1 good of 3 days with jobs" in page

    state_fact(case, agent, "prevents_use", value=False, reason=WHY)

    page = browser.page(f"/console/cases/{case.number}")
    assert "The fault prevents proper use: no, as a member of our team found." in page
    assert f"The fault prevents proper use no agnes: {WHY}" in page
    assert nothing_moved()


def test_the_card_names_the_jobs_as_the_source_of_a_fact(web: Client, program: Client, shop: Shop) -> None:
    case = on_its_day(failing(program, shop))
    browser = Browser(web).sign_in(shop.staff("agnes", Role.AGENT))

    page = browser.page(f"/console/cases/{case.number}")

    assert all(sentence in page for sentence in DERIVED)
    assert (
        "The fault prevents proper use yes 14 failed of 15 jobs between 5 September 2025, 10:00 UTC" in page
    )


def test_failing_jobs_stand_beside_the_report(web: Client, program: Client, shop: Shop) -> None:
    failing(program, shop)
    go_to(day(8))
    browser = Browser(web).sign_in(shop.staff("agnes", Role.AGENT))

    page = browser.page("/console/issues")

    assert "Jobs failed since 14 of 15" in page
    assert "Bad days 3 of 3, 0 good" in page


def test_the_customer_reads_the_jobs_in_the_portal(web: Client, program: Client, shop: Shop) -> None:
    case = on_its_day(failing(program, shop))
    link = program.post("/api/v1/portal-sessions", {"customer": shop.customer.external_id}).json["url"]
    browser = Browser(web)
    browser.submit(urlparse(link).path, {})

    page = browser.page(f"/cases/{case.number}")

    assert "How we know" in page
    assert all(sentence in page for sentence in DERIVED)
