"""What staff do in a case, through its forms: each success, and each refusal with proof that nothing happened."""

import pytest
from pytest_django import Settings

from amends.desk.accounts.models import Role
from amends.desk.cases.models import Approval, Case, DecisionRecord, Message, RequestKind, Statement
from amends.desk.credits.models import Lot
from amends.desk.journal.models import Entry
from browsing import Browser
from shop import WHY, Shop, day, go_to, latest, letters, nothing_moved, now
from web import Client


def member(web: Client, shop: Shop, *roles: Role, name: str = "member") -> Browser:
    return Browser(web).sign_in(shop.staff(name, *roles))


def of(case: Case, action: str = "") -> str:
    return f"/console/cases/{case.number}/{action}".rstrip("/")


def waiting_for_approval(shop: Shop) -> Case:
    """221.09 of an annual plan, which one person has to agree to."""
    return shop.ask(shop.sell(shop.annual, fee=691))


def denied(shop: Shop) -> Case:
    line = shop.sell(shop.monthly)
    go_to(day(9))
    return shop.ask(line)


def for_person(shop: Shop) -> Case:
    return shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)


def test_the_plan_is_shown_with_its_hash_and_approved(web: Client, shop: Shop) -> None:
    case = waiting_for_approval(shop)
    browser = member(web, shop, Role.APPROVER)
    plan = latest(case).plan_sha256

    shown = browser.page(of(case))
    said = browser.submit(of(case, "approve"), {"plan_sha256": plan})
    shop.work()

    assert plan[:16] in shown
    assert "Approve $221.09" in shown
    assert "You agreed to the plan." in said
    assert (shop.refunded(case.line), now(case).closing) == ([22109], "paid")


def test_an_agent_cannot_approve(web: Client, shop: Shop) -> None:
    case = waiting_for_approval(shop)

    said = member(web, shop, Role.AGENT).submit(
        of(case, "approve"), {"plan_sha256": latest(case).plan_sha256}
    )

    assert "Only approvers agree to payments." in said
    assert (Approval.objects.count(), now(case).state) == (0, "decided")
    assert nothing_moved()


def test_another_plan_than_the_one_shown_is_not_approved(web: Client, shop: Shop) -> None:
    case = waiting_for_approval(shop)

    said = member(web, shop, Role.APPROVER).submit(of(case, "approve"), {"plan_sha256": "0" * 64})

    assert "The case has moved on; look at it again." in said
    assert Approval.objects.count() == 0
    assert nothing_moved()


def test_two_approvers_agree_to_what_is_above_the_limit(web: Client, shop: Shop, settings: Settings) -> None:
    settings.APPROVAL_LIMITS = {"USD": (1000, 1500)}
    case = waiting_for_approval(shop)
    form = {"plan_sha256": latest(case).plan_sha256}
    first = member(web, shop, Role.APPROVER, name="first")
    second = member(web, shop, Role.APPROVER, name="second")

    assert "2 people have to agree to it." in first.page(of(case))
    first.submit(of(case, "approve"), form)
    again = first.submit(of(case, "approve"), form)

    assert "You have agreed already; somebody else has to." in again
    assert (Approval.objects.count(), now(case).state) == (1, "decided")
    assert nothing_moved()

    second.submit(of(case, "approve"), form)
    shop.work()
    assert shop.refunded(case.line) == [22109]


def test_a_case_is_declined_with_a_reason(web: Client, shop: Shop) -> None:
    case = for_person(shop)

    said = member(web, shop, Role.AGENT).submit(of(case, "decline"), {"reason": "The charge is right."})

    assert "Declined." in said
    assert (now(case).closing, letters()[-1]) == ("declined", "decision")
    assert nothing_moved()


def test_nobody_declines_without_a_reason_or_a_role(web: Client, shop: Shop) -> None:
    case = for_person(shop)
    before = letters()

    mute = member(web, shop, Role.AGENT).submit(of(case, "decline"), {"reason": "no"})
    foreign = member(web, shop, Role.FINANCE, name="finance").submit(of(case, "decline"), {"reason": WHY})

    assert "Please say why, in a few words." in mute
    assert "Your role does not include this." in foreign
    assert (now(case).state, letters()) == ("open", before)


def test_what_is_closed_is_not_declined_again(web: Client, shop: Shop) -> None:
    case = denied(shop)

    said = member(web, shop, Role.AGENT).submit(of(case, "decline"), {"reason": WHY})

    assert "Nothing in this case waits for a person." in said
    assert now(case).closing == "denied"


def test_a_question_pauses_the_clock_and_stands_in_the_thread(web: Client, shop: Shop) -> None:
    case = for_person(shop)

    said = member(web, shop, Role.AGENT).submit(of(case, "ask"), {"question": "Which charge do you mean?"})

    assert "Which charge do you mean?" in said
    assert (now(case).state, now(case).paused_at is not None) == ("waiting_on_customer", True)


def test_no_question_is_asked_without_words_or_after_the_end(web: Client, shop: Shop) -> None:
    case, over = for_person(shop), denied(shop)
    browser = member(web, shop, Role.AGENT)

    browser.submit(of(case, "ask"), {"question": "  "})
    late = browser.submit(of(over, "ask"), {"question": "Which charge do you mean?"})

    assert "does not wait for anything that the customer could answer" in late
    assert (now(case).state, Message.objects.filter(author__startswith="staff").count()) == ("open", 0)


def test_a_fact_is_stated_by_name_and_the_case_is_decided_again(web: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(9))
    case = shop.ask(line, RequestKind.TECHNICAL)
    browser = member(web, shop, Role.AGENT)

    browser.submit(of(case, "state"), {"name": "prevents_use", "value": "no", "reason": WHY})
    said = browser.submit(of(case, "state"), {"name": "continuous", "value": "no", "reason": WHY})

    assert f"prevents_use: no. {WHY}" in said
    assert (now(case).closing, case.decisions.count()) == ("denied", 3)
    assert "minor" in {part["id"] for part in latest(case).core["clauses"]}


@pytest.mark.parametrize(
    "form, why",
    [
        ({"name": "prevents_use", "value": "perhaps", "reason": WHY}, "Please choose yes or no."),
        ({"name": "prevents_use", "value": "yes", "reason": ""}, "Please say why"),
        ({"name": "paid", "value": "yes", "reason": WHY}, "is no fact that staff state"),
        ({"name": "issue_resolved_at", "at": "yesterday", "reason": WHY}, "Please give the day and the time"),
        ({"name": "prevents_use", "value": "yes", "reason": "x" * 5001}, "at most 5000 characters"),
        ({"name": "prevents_use", "value": "yes", "reason": f"{WHY}\0"}, "a character that cannot be kept"),
    ],
)
def test_a_fact_that_cannot_be_taken_is_refused(
    web: Client, shop: Shop, form: dict[str, object], why: str
) -> None:
    case = for_person(shop)

    said = member(web, shop, Role.AGENT).submit(of(case, "state"), form)

    assert why in said
    assert (Statement.objects.count(), case.decisions.count()) == (0, 1)


def test_clauses_are_set_aside_and_somebody_else_agrees(web: Client, shop: Shop) -> None:
    case = denied(shop)
    both = member(web, shop, Role.AGENT, Role.APPROVER, name="both")

    said = both.submit(of(case, "waive"), {"clause": ["late"], "grant": "full", "reason": WHY})
    plan = {"plan_sha256": latest(case).plan_sha256}
    own = both.submit(of(case, "approve"), plan)

    assert "The policy now gives $18.15; somebody else has to agree." in said
    assert "late true set aside by a person" in said
    assert "full false grants" in said
    assert "You proposed this; somebody else has to agree." in own
    assert nothing_moved()

    member(web, shop, Role.APPROVER, name="other").submit(of(case, "approve"), plan)
    shop.work()
    assert shop.refunded(case.line) == [1815]


@pytest.mark.parametrize(
    "form, why",
    [
        ({"grant": "full", "reason": WHY}, "Name at least one clause."),
        ({"clause": "late", "reason": "so"}, "Please say why"),
        ({"clause": "lately", "reason": WHY}, "is no clause that can be set aside"),
        ({"clause": "late", "grant": "credits", "reason": WHY}, "is no clause that grants something"),
    ],
)
def test_a_waiver_that_names_nothing_leaves_the_case_closed(
    web: Client, shop: Shop, form: dict[str, object], why: str
) -> None:
    case = denied(shop)

    said = member(web, shop, Role.AGENT).submit(of(case, "waive"), form)

    assert why in said
    assert (now(case).state, now(case).closing, DecisionRecord.objects.count()) == ("closed", "denied", 1)


def test_a_note_is_for_staff_only(web: Client, shop: Shop) -> None:
    case = for_person(shop)

    said = member(web, shop, Role.FINANCE).submit(of(case, "note"), {"text": "Seen twice at the bank."})

    assert "Seen twice at the bank." in said
    assert "internal note" in said
    assert (Message.objects.get(author__startswith="staff").audience, now(case).state) == ("internal", "open")


def test_a_case_is_taken_and_given_back(web: Client, shop: Shop) -> None:
    case = for_person(shop)
    browser = member(web, shop, Role.AGENT, name="ada")

    taken = browser.submit(of(case, "assign"), {"to": "me"})
    mine = browser.page("/console/?queue=mine")
    browser.submit(of(case, "assign"), {"to": "nobody"})

    assert "Assigned to ada" in taken
    assert case.number in mine
    assert case.number not in browser.page("/console/?queue=mine")


def test_goodwill_is_a_gift_with_a_posting_of_its_own(web: Client, shop: Shop) -> None:
    case = denied(shop)

    said = member(web, shop, Role.APPROVER).submit(
        of(case, "goodwill"), {"number": "1", "quantity": "100", "value": "2.50", "reason": WHY}
    )

    assert "The credits are in the customer's wallet." in said
    assert (Lot.objects.get().remaining, Lot.objects.get().source) == (100, "goodwill")
    postings = Entry.objects.get(kind="goodwill").postings.values_list("account", "amount")
    assert sorted(postings) == [("credit_liability_promotional", 250), ("goodwill", 250)]


@pytest.mark.parametrize(
    "form, why",
    [
        ({"quantity": "many", "value": "1"}, "is no number of credits"),
        ({"quantity": "²", "value": "1"}, "is no number of credits"),
        ({"quantity": "9" * 30, "value": "1"}, "is no number of credits"),
        ({"quantity": "0", "value": "1"}, "at least one credit"),
        ({"quantity": "10", "value": "1.005"}, "is no amount in USD"),
        ({"quantity": "10", "value": "-1"}, "not worth less than nothing"),
    ],
)
def test_a_gift_that_is_no_gift_is_refused(
    web: Client, shop: Shop, form: dict[str, object], why: str
) -> None:
    case = denied(shop)

    said = member(web, shop, Role.APPROVER).submit(
        of(case, "goodwill"), form | {"number": "1", "reason": WHY}
    )

    assert why in said
    assert Lot.objects.count() == 0
    assert nothing_moved()


def test_an_agent_gives_no_gifts(web: Client, shop: Shop) -> None:
    case = denied(shop)

    said = member(web, shop, Role.AGENT).submit(
        of(case, "goodwill"), {"number": "1", "quantity": "10", "value": "1", "reason": WHY}
    )

    assert "Your role does not include this." in said
    assert Lot.objects.count() == 0
    assert nothing_moved()


def test_an_unknown_action_or_case_is_not_there(web: Client, shop: Shop) -> None:
    case = for_person(shop)
    browser = member(web, shop, Role.ADMIN)

    assert browser.post(of(case, "destroy"), {}).status == 404
    assert browser.post("/console/cases/R-0000-0000/note", {"text": WHY}).status == 404
