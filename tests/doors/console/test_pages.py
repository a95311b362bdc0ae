"""What the pages of the console show: the card, the context, the books, the numbers, the policy."""

from datetime import timedelta

import pytest

from amends.desk.accounts.models import Role
from amends.desk.cases import statistics
from amends.desk.cases.models import Case, RequestKind
from amends.desk.journal.actions import balances
from amends.desk.policies.actions import publish
from amends.desk.policies.models import PolicyVersion
from amends.desk.usage.models import UseOutcome
from browsing import Browser
from conftest import ROOT
from shop import MONTHLY, Shop, approve_by_one, day, go_to, latest
from web import Client

SHIPPED = (ROOT / "policies" / "flux-kontext.md").read_text()

ACTIONS = (
    "Approve $",
    "Ask the customer",
    "Decline",
    "State a fact",
    "Set clauses aside",
    "Goodwill credits",
)


def look(web: Client, shop: Shop, *roles: Role) -> Browser:
    return Browser(web).sign_in(shop.staff("member", *(roles or (Role.AGENT,))))


def late_and_heavy(shop: Shop) -> Case:
    line = shop.sell(shop.monthly)
    shop.use(60, day(1))
    shop.use(4, day(2), outcome=UseOutcome.FAILED)
    go_to(day(9))
    return shop.ask(line)


def test_the_card_shows_every_clause_with_its_facts(web: Client, shop: Shop) -> None:
    case = late_and_heavy(shop)

    shown = look(web, shop).page(f"/console/cases/{case.number}")

    assert "late true denies" in shown
    assert "age is above 7 days (age = 9 days)" in shown
    assert "heavy true denies" in shown
    assert "generations is above 50 generations (generations = 60)" in shown
    assert "13 clauses that do not hold" in shown
    assert "Not so: age is at most 7 days (age = 9 days" in shown
    assert "Processing fee kept by the payment provider $0.85 desk" in shown
    assert "It is the version in force." in shown


@pytest.mark.parametrize(
    "role, offered",
    [
        (Role.AGENT, {"Ask the customer", "Decline", "State a fact", "Set clauses aside"}),
        (Role.APPROVER, set(ACTIONS)),
        (Role.FINANCE, {"Goodwill credits"}),
        (Role.POLICY_OWNER, set()),
    ],
)
def test_the_card_offers_what_the_role_may_do(web: Client, shop: Shop, role: Role, offered: set[str]) -> None:
    case = shop.ask(shop.sell(shop.annual, fee=691))

    shown = look(web, shop, role).page(f"/console/cases/{case.number}")

    assert {action for action in ACTIONS if action in shown} == offered
    assert ("Approvers agree to payments." in shown) == (role != Role.APPROVER)


def test_what_is_overridden_names_what_overrides_it(web: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(2))
    case = shop.ask(line, RequestKind.TECHNICAL)

    shown = look(web, shop).page(f"/console/cases/{case.number}")

    assert "full true grants" in shown
    assert "not_yet true overridden by full" in shown


def test_usage_is_shown_counted_and_not_counted(web: Client, shop: Shop) -> None:
    case = late_and_heavy(shop)

    shown = look(web, shop).page(f"/console/cases/{case.number}")

    assert "Counted 60 allowed: 50 generations" in shown
    assert "Failed, not counted 4" in shown


@pytest.mark.parametrize("used, full", [(0, 50), (20, 50), (50, 50), (51, 51)])
def test_the_bar_of_usage_is_full_where_the_allowance_ends(
    web: Client, shop: Shop, used: int, full: int
) -> None:
    line = shop.sell(shop.monthly)
    shop.use(used, day(1))
    go_to(day(2))
    case = shop.ask(line)

    body = look(web, shop).get(f"/console/cases/{case.number}").body.decode()

    assert f'max="{full}" value="{used}"' in body


def test_what_a_person_wrote_is_never_markup(web: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    case = shop.ask(line, RequestKind.BILLING_ERROR, reason="<script>alert(1)</script>")

    body = look(web, shop).get(f"/console/cases/{case.number}").body

    assert b"<script>alert" not in body
    assert b"&lt;script&gt;alert(1)" in body


def test_a_case_of_an_earlier_version_says_which_is_in_force(web: Client, shop: Shop) -> None:
    case = late_and_heavy(shop)
    publish(SHIPPED.replace("2025-08-18", "2025-09-05").replace("[7 days]", "[8 days]"), None)

    shown = look(web, shop).page(f"/console/cases/{case.number}")

    assert "by version 2025-08-18" in shown
    assert "In force is 2025-09-05" in shown


def test_usage_of_an_incomplete_request_is_counted_until_now(web: Client, shop: Shop) -> None:
    case = shop.ask(shop.sell(shop.annual), RequestKind.CONVERT)

    shown = look(web, shop).page(f"/console/cases/{case.number}")

    assert case.complete_at is None
    assert "Counted until now; the request is not complete." in shown


def test_finance_shows_what_is_in_transit_and_what_was_kept(web: Client, shop: Shop) -> None:
    case = shop.ask(shop.sell(shop.monthly))
    browser = look(web, shop, Role.FINANCE)

    before = browser.page("/console/finance")
    shop.work()
    after = browser.page("/console/finance")

    assert f"{case.number} $18.15 planned About to be sent." in before
    assert case.number not in after
    assert "fees retained credit $0.85" in after
    assert balances()["fees_retained", "USD"] == -85


def test_the_journal_is_a_file_for_finance_only(web: Client, shop: Shop) -> None:
    shop.sell(shop.monthly)

    taken = look(web, shop, Role.FINANCE).get("/console/finance/journal.csv")
    refused = Browser(web).sign_in(shop.staff("agent", Role.AGENT)).get("/console/finance/journal.csv")

    assert taken.headers["content-type"] == "text/csv; charset=utf-8"
    assert taken.body.decode().splitlines()[0].startswith("posted_at,entry,kind")
    assert (refused.status, refused.headers["location"]) == (302, "/console/finance")
    assert b"posted_at" not in refused.body


def test_insight_counts_requests_money_and_clauses(web: Client, shop: Shop) -> None:
    late_and_heavy(shop)
    annual = shop.sell(shop.annual, fee=691, at=day(8))
    case = shop.ask(annual)
    approve_by_one(shop, case)
    since = day(-1)

    outcomes = [(one.outcome, one.count, one.amount) for one in statistics.sum_outcomes(since)]
    clauses = [(one.clause, one.role, one.count, one.amount) for one in statistics.sum_clauses(since)]
    shown = look(web, shop).page("/console/insight")

    assert outcomes == [("denied", 1, 0), ("granted", 1, 22109)]
    assert clauses == [
        ("full", "grants", 1, 22109),
        ("heavy", "denies", 1, MONTHLY),
        ("late", "denies", 1, MONTHLY),
    ]
    assert "full grants $221.09 1" in shown
    silent = shown.partition("Which sentence never decides")[2]
    assert "on_purpose An annual plan" in silent
    assert "heavy" not in silent


def test_the_time_to_a_decision_and_the_due_day_are_measured(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    case = shop.ask(line, RequestKind.TECHNICAL)
    late = shop.ask(shop.sell(shop.monthly, at=day(0)), RequestKind.BILLING_ERROR)
    assert late.due_on

    times = statistics.measure_times(day(-1))

    assert (times.answered, times.with_due_day, times.in_time) == (1, 1, 1)
    assert times.median is not None
    assert timedelta(0) <= times.median < timedelta(minutes=1)
    assert latest(case).outcome == "granted"


def test_a_period_that_is_not_offered_is_not_there(web: Client, shop: Shop) -> None:
    browser = look(web, shop)

    assert [browser.get(f"/console/insight?days={days}").status for days in ("90", "7", "x")] == [
        200,
        404,
        404,
    ]


def test_versions_are_listed_and_read_as_they_decide(web: Client, shop: Shop) -> None:
    publish(SHIPPED.replace("2025-08-18", "2026-01-01"), None)
    version = PolicyVersion.objects.get(version="2025-08-18")
    browser = look(web, shop)

    listed = browser.page("/console/policies")
    shown = browser.page(f"/console/policies/{version.id}")

    assert listed.index("2026-01-01") < listed.index("2025-08-18 in force")
    assert version.sha256 in shown
    assert "policy: flux-kontext-refunds" in shown
    assert browser.get("/console/policies/01932e6a-0000-7000-8000-000000000000").status == 404


def test_weeks_count_what_came_in_and_how_long_the_answer_took(shop: Shop) -> None:
    early, asked, late = (shop.sell(shop.monthly) for _ in range(3))
    shop.ask(early)
    go_to(day(8))
    shop.ask(asked, RequestKind.BILLING_ERROR)
    go_to(day(14))
    shop.ask(late)

    weeks = statistics.count_by_week(day(-2))

    found = [(one.begins_on, one.requests, one.answered, one.median_minutes) for one in weeks]
    mondays = [day(number).date() for number in (-7, 7, 14)]
    assert found == [(mondays[0], 1, 1, 0), (mondays[1], 1, 0, None), (mondays[2], 1, 1, 0)]


def test_no_page_brings_scripts_or_styles_of_its_own(web: Client, shop: Shop) -> None:
    case = late_and_heavy(shop)
    browser = look(web, shop)

    for page in ("", "finance", "insight", "policies", "issues", "styleguide", f"cases/{case.number}"):
        body = browser.get(f"/console/{page}").body
        assert b" style=" not in body, page
        assert b" onclick=" not in body, page
        own = body.count(b'<script defer src="/static/')
        assert body.count(b"<script") == own == (4 if page == "insight" else 2), page
