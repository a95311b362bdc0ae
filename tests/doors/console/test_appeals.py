"""Appeals and closed cases in the console: shown with their day, answered once, opened again."""

from amends.desk.accounts.models import Role, User
from amends.desk.cases.ending import appeal
from amends.desk.cases.models import Case, RequestKind
from amends.desk.cases.stating import decline
from browsing import Browser
from shop import WHY, Shop, day, go_to, letters, nothing_moved, now
from web import Client

FOUND = "We looked again, and the charge was made once."


def appealed(shop: Shop) -> Case:
    """Declined by `first`, and appealed by the customer."""
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    decline(case, shop.staff("first", Role.APPROVER), WHY)
    appeal(case, f"customer:{shop.customer.id}", "The renewal was cancelled.")
    return case


def visitor(web: Client, shop: Shop, name: str, *roles: Role) -> Browser:
    return Browser(web).sign_in(shop.staff(name, *roles))


def test_an_appeal_is_read_and_answered(web: Client, shop: Shop) -> None:
    case = appealed(shop)
    browser = visitor(web, shop, "second", Role.APPROVER)

    shown = browser.page(f"/console/cases/{case.number}")
    said = browser.submit(f"/console/cases/{case.number}/answer-appeal", {"result": FOUND})

    assert "The renewal was cancelled." in shown
    assert "Answer the appeal" in shown
    assert "Answered. The customer has a letter" in said
    assert FOUND in said
    assert "Answer the appeal" not in said
    assert (now(case).state, letters().count("appeal_result")) == ("closed", 1)
    assert nothing_moved()


def test_an_answer_is_sent_once(web: Client, shop: Shop) -> None:
    case = appealed(shop)
    browser = visitor(web, shop, "second", Role.APPROVER)
    address = f"/console/cases/{case.number}/answer-appeal"

    browser.submit(address, {"result": FOUND})
    again = browser.submit(address, {"result": FOUND})

    assert "No appeal waits for an answer." in again
    assert letters().count("appeal_result") == 1
    assert nothing_moved()


def test_whoever_declined_does_not_answer(web: Client, shop: Shop) -> None:
    case = appealed(shop)
    browser = Browser(web).sign_in(User.objects.get(email="first@desk.example"))

    said = browser.submit(f"/console/cases/{case.number}/answer-appeal", {"result": FOUND})

    assert "somebody else has to look at the appeal" in said
    assert (now(case).state, letters().count("appeal_result")) == ("open", 0)
    assert nothing_moved()


def test_an_agent_reads_an_appeal_and_does_not_answer_it(web: Client, shop: Shop) -> None:
    case = appealed(shop)
    browser = visitor(web, shop, "agent", Role.AGENT)

    shown = browser.page(f"/console/cases/{case.number}")
    said = browser.submit(f"/console/cases/{case.number}/answer-appeal", {"result": FOUND})

    assert "Approvers answer appeals." in shown
    assert "Answer the appeal" not in shown
    assert "Your role does not include this." in said
    assert (now(case).state, letters().count("appeal_result")) == ("open", 0)
    assert nothing_moved()


def test_a_closed_case_is_opened_again_once(web: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(9))
    case = shop.ask(line)
    browser = visitor(web, shop, "agent", Role.AGENT)
    address = f"/console/cases/{case.number}/reopen"

    said = browser.submit(address, {"reason": WHY})
    again = browser.submit(address, {"reason": WHY})

    assert "The case is open again" in said
    assert "The case is open." in again
    assert now(case).state == "open"
    assert nothing_moved()


def test_a_case_is_not_opened_again_without_a_reason(web: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(9))
    case = shop.ask(line)

    said = visitor(web, shop, "agent", Role.AGENT).submit(
        f"/console/cases/{case.number}/reopen", {"reason": "  "}
    )

    assert "Please say why" in said
    assert now(case).state == "closed"
    assert nothing_moved()
