"""Merging as staff do it and as its customer and programs see it."""

from amends.desk.accounts.models import Role, Scope
from amends.desk.cases.answering import Speaker, write_message
from amends.desk.cases.evidence import add_evidence
from amends.desk.cases.models import Case, Channel, RequestKind
from amends.desk.cases.stating import note
from amends.desk.portal.access import user_of
from asking import picture
from browsing import Browser
from shop import WHY, Shop, now
from web import Client, with_key


def two_cases(shop: Shop) -> tuple[Case, Case]:
    first, second = (shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR) for _ in range(2))
    speaker = Speaker(f"customer:{shop.customer.id}", Channel.PORTAL)
    write_message(first, speaker, "The first bill is the wrong one.")
    add_evidence(first, speaker, "bill.png", picture())
    return first, second


def test_an_agent_merges_and_reads_everything_in_the_case_that_goes_on(web: Client, shop: Shop) -> None:
    first, second = two_cases(shop)
    note(first, shop.staff("noter", Role.FINANCE), "Seen twice at the bank.")
    browser = Browser(web).sign_in(shop.staff("agent", Role.AGENT))
    offered = browser.page(f"/console/cases/{first.number}")
    assert f"{second.number}: Billing Error" in offered
    assert "This customer has another open case. Is it about the same thing?" in offered

    said = browser.submit(f"/console/cases/{first.number}/merge", {"number": second.number, "reason": WHY})
    goes_on = browser.page(f"/console/cases/{second.number}")

    assert f"Merged: it goes on in {second.number}, and the customer has a letter." in said
    assert f"It goes on in {second.number} . Reopen it where that was a mistake." in said
    for words in ("The first bill is the wrong one.", "Seen twice at the bank.", "bill.png"):
        assert words in goes_on
    assert f"{first.number} was merged into this case" in goes_on
    assert first.number not in browser.page("/console/?queue=unassigned")
    assert browser.get(f"/console/cases/{first.number}").body.count(b"merge-into") == 0


def test_a_refused_merge_says_why_and_changes_nothing(web: Client, shop: Shop) -> None:
    first, second = two_cases(shop)
    agent = Browser(web).sign_in(shop.staff("agent", Role.AGENT))
    finance = Browser(web).sign_in(shop.staff("finance", Role.FINANCE))
    path = f"/console/cases/{first.number}/merge"

    assert "no other case" in agent.submit(path, {"number": "R-0000-0000", "reason": WHY})
    assert "Please say why" in agent.submit(path, {"number": second.number, "reason": ""})
    assert "Your role does not include this." in finance.submit(
        path, {"number": second.number, "reason": WHY}
    )
    assert "Merge into another case" not in finance.page(f"/console/cases/{first.number}")

    assert [now(case).state for case in (first, second)] == ["open", "open"]
    assert now(first).merged_into_id is None


def test_a_picture_of_a_merged_case_is_judged_from_the_one_that_goes_on(web: Client, shop: Shop) -> None:
    first, second = two_cases(shop)
    browser = Browser(web).sign_in(shop.staff("agent", Role.AGENT))
    browser.submit(f"/console/cases/{first.number}/merge", {"number": second.number, "reason": WHY})
    kept = first.evidence.get()

    form = {"evidence": str(kept.id), "verdict": "accept", "reason": WHY}
    said = browser.submit(f"/console/cases/{second.number}/judge", form)

    kept.refresh_from_db()
    assert "decided again with it" in said
    assert (kept.state, now(first).state) == ("accepted", "closed")


def test_the_customer_sees_where_it_went_and_goes_on_there(web: Client, shop: Shop) -> None:
    first, second = two_cases(shop)
    agent = Browser(web).sign_in(shop.staff("agent", Role.AGENT))
    agent.submit(f"/console/cases/{first.number}/merge", {"number": second.number, "reason": WHY})
    customer = Browser(web).sign_in(user_of(shop.customer))

    gone = customer.page(f"/cases/{first.number}")
    goes_on = customer.page(f"/cases/{second.number}")

    assert f"Closed: it goes on in {second.number}." in gone
    assert f"Go on in {second.number}" in gone
    assert "The first bill is the wrong one." in goes_on
    assert WHY not in gone + goes_on


def test_a_program_sees_where_it_went_and_writes_there(web: Client, shop: Shop) -> None:
    first, second = two_cases(shop)
    agent = Browser(web).sign_in(shop.staff("agent", Role.AGENT))
    agent.submit(f"/console/cases/{first.number}/merge", {"number": second.number, "reason": WHY})
    program = with_key(web, *Scope)

    gone = program.get(f"/api/v1/cases/{first.number}").json
    written = program.post(f"/api/v1/cases/{first.number}/messages", {"text": "One more thing."})
    goes_on = program.get(f"/api/v1/cases/{second.number}").json

    assert (gone["state"], gone["closing"], gone["merged_into"]) == ("closed", "merged", second.number)
    assert written.status == 201
    assert goes_on["merged_into"] is None
    assert {"The first bill is the wrong one.", "One more thing."} <= {
        one["text"] for one in goes_on["messages"]
    }
    assert [one["name"] for one in goes_on["evidence"]] == ["bill.png"]
