"""Work on many cases: one action on a chosen few, views that are saved, and who else looks at a case."""

from datetime import timedelta

from pytest_django import Settings

from amends.desk import clock
from amends.desk.accounts.models import Role, SavedView
from amends.desk.audit.models import AuditRow
from amends.desk.cases.models import Approval, Case
from browsing import Browser
from shop import Shop, latest, nothing_moved, now
from web import Client


def member(web: Client, shop: Shop, *roles: Role, name: str = "member") -> Browser:
    return Browser(web).sign_in(shop.staff(name, *roles))


def cases_to_approve(shop: Shop, number: int) -> list[Case]:
    return [shop.ask(shop.sell(shop.annual, fee=691)) for _ in range(number)]


def form_of(action: str, *cases: Case) -> dict[str, object]:
    plans: dict[str, object] = {f"plan-{case.number}": latest(case).plan_sha256 for case in cases}
    return plans | {"action": action, "case": [case.number for case in cases]}


def say(browser: Browser, form: dict[str, object]) -> str:
    answer = browser.post("/console/bulk", form)
    assert answer.status == 200, answer.status
    return answer.body.decode()


def test_chosen_cases_are_approved_each_by_the_plan_that_was_shown(web: Client, shop: Shop) -> None:
    first, second, third = cases_to_approve(shop, 3)
    browser = member(web, shop, Role.APPROVER)
    shown = browser.get("/console/?queue=approvals").body.decode()
    form = form_of("approve", first, second, third) | {f"plan-{second.number}": "0" * 64}

    said = say(browser, form)

    assert all(latest(case).plan_sha256 in shown for case in (first, second, third))
    assert "2 cases are done." in said
    assert "The case has moved on; look at it again." in said
    assert [now(case).state for case in (first, second, third)] == ["paying", "decided", "paying"]
    assert not Approval.objects.filter(decision__case=second).exists()


def test_an_agent_approves_nothing_however_many_cases_are_chosen(web: Client, shop: Shop) -> None:
    cases = cases_to_approve(shop, 2)

    said = say(member(web, shop, Role.AGENT), form_of("approve", *cases))

    assert "0 cases are done." in said
    assert said.count("Only approvers agree to payments.") == 2
    assert Approval.objects.count() == 0
    assert nothing_moved()


def test_chosen_cases_are_taken_and_given_back(web: Client, shop: Shop) -> None:
    first, second = cases_to_approve(shop, 2)
    agent = shop.staff("agent", Role.AGENT)
    browser = Browser(web).sign_in(agent)

    say(browser, form_of("take", first, second))
    assert {now(first).assignee, now(second).assignee} == {agent}
    say(browser, form_of("give-back", second))

    assert (now(first).assignee, now(second).assignee) == (agent, None)
    assert AuditRow.objects.filter(action="assigned").count() == 3


def test_nothing_is_done_to_no_case_a_missing_case_or_by_an_unknown_action(web: Client, shop: Shop) -> None:
    (case,) = cases_to_approve(shop, 1)
    browser = member(web, shop, Role.APPROVER)

    nothing = browser.submit("/console/bulk", {"action": "approve"})
    missing = say(browser, {"action": "approve", "case": "R-0000-0000"})
    unknown = browser.post("/console/bulk", {"action": "pay", "case": case.number})
    too_many = browser.post("/console/bulk", {"action": "take", "case": [f"R-{n}" for n in range(51)]})

    assert "Choose at least one case." in nothing
    assert "There is no such case." in missing
    assert (unknown.status, too_many.status) == (404, 404)
    assert Approval.objects.count() == 0
    assert nothing_moved()


def test_a_view_is_saved_under_a_name_and_removed_by_its_owner_only(web: Client, shop: Shop) -> None:
    browser = member(web, shop, Role.AGENT)
    other = member(web, shop, Role.AGENT, name="other")
    view = {"name": "Late faults", "queue": "overdue", "kind": "technical"}

    said = browser.submit("/console/views", view)
    browser.submit("/console/views", view | {"queue": "today"})
    kept = SavedView.objects.get()
    other.submit(f"/console/views/{kept.id}/remove", {})

    assert "Late faults" in said
    assert kept.query == "queue=today&kind=technical"
    assert "Late faults" in browser.page("/console/")
    assert "Late faults" not in other.page("/console/")
    assert "Late faults" not in browser.submit(f"/console/views/{kept.id}/remove", {})
    assert SavedView.objects.count() == 0


def test_a_view_needs_a_name_and_there_are_at_most_twenty(web: Client, shop: Shop) -> None:
    browser = member(web, shop, Role.AGENT)

    assert "A view has a name of at most 60 letters." in browser.submit("/console/views", {"name": " "})
    assert "A view has a name" in browser.submit("/console/views", {"name": "x" * 61})
    for number in range(20):
        browser.submit("/console/views", {"name": f"View {number}"})
    assert "remove one first" in browser.submit("/console/views", {"name": "One more"})
    assert SavedView.objects.count() == 20


def test_somebody_who_opens_a_case_sees_who_else_has_it_open(web: Client, shop: Shop) -> None:
    (case,) = cases_to_approve(shop, 1)
    ada, ben = member(web, shop, Role.AGENT, name="ada"), member(web, shop, Role.AGENT, name="ben")

    alone = ada.page(f"/console/cases/{case.number}")
    together = ben.page(f"/console/cases/{case.number}")
    clock.advance(timedelta(minutes=6))
    later = ben.page(f"/console/cases/{case.number}")

    assert "has this case open, too" not in alone
    assert "ada has this case open, too; last seen" in together
    assert "ben opened" not in together
    assert "has this case open, too" not in later


def test_two_who_hold_the_same_plan_pay_once(web: Client, shop: Shop, settings: Settings) -> None:
    settings.APPROVAL_LIMITS = {"USD": (1000, 50_000)}
    cases = cases_to_approve(shop, 2)
    form = form_of("approve", *cases)
    first, second = (member(web, shop, Role.APPROVER, name=name) for name in ("first", "second"))

    say(first, form)
    said = say(second, form)
    shop.work()

    assert "0 cases are done." in said
    assert [shop.refunded(case.line) for case in cases] == [[22109], [22109]]
