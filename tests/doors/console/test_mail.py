"""Letters that wait for a person: staff say what becomes of them, by name."""

import pytest
from django.core import mail

from amends.desk.accounts.models import Role
from amends.desk.audit.models import AuditRow
from amends.desk.cases.models import Case, RequestKind
from amends.desk.mail.models import Draft, IncomingMail, MailState
from amends.desk.mail.receiving import Envelope, receive
from browsing import Browser
from post import letter, work
from shop import Shop, nothing_moved, open_tasks
from web import Client


@pytest.fixture
def waiting(shop: Shop) -> IncomingMail:  # noqa: ARG001  # the tables
    """A stranger's letter in quarantine."""
    return take(letter("other@elsewhere.example", "My price was $15.", subject="Price"))


def take(written: object) -> IncomingMail:
    sender, to = str(written["From"]), str(written["To"])  # type: ignore[index]  # a letter
    mail_taken = receive(written.as_bytes(), Envelope("smtp", sender, [to]))  # type: ignore[attr-defined]  # as above
    work()
    mail_taken.refresh_from_db()
    return mail_taken


def agent(shop: Shop, web: Client, *roles: Role) -> Browser:
    return Browser(web).sign_in(shop.staff("member", *(roles or (Role.AGENT,))))


def test_a_person_puts_a_letter_into_a_case_by_name(shop: Shop, web: Client, waiting: IncomingMail) -> None:
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    browser = agent(shop, web)
    assert "Price" in browser.page("/console/mail")
    assert "My price was $15." in browser.page(f"/console/mail/{waiting.id}")

    page = browser.submit(f"/console/mail/{waiting.id}/put", {"number": case.number.lower()})

    assert f"The letter is in {case.number} now." in page
    assert case.messages.get(channel="mail").text == "My price was $15."
    assert "answer" in open_tasks(case)
    rows = AuditRow.objects.filter(action__in=("mail_joined", "put_into_case"))
    assert {(row.subject.partition(":")[0], row.actor.partition(":")[0]) for row in rows} == {
        ("case", "staff"),
        ("mail", "staff"),
    }
    assert "Price" in browser.page(f"/console/cases/{case.number}")


def test_a_number_that_is_no_case_changes_nothing(shop: Shop, web: Client, waiting: IncomingMail) -> None:
    page = agent(shop, web).submit(f"/console/mail/{waiting.id}/put", {"number": "R-0000-0000"})

    waiting.refresh_from_db()
    assert "There is no case “R-0000-0000”." in page
    assert waiting.state == MailState.QUARANTINED


@pytest.mark.parametrize("action, state", [("discard", MailState.DISCARDED), ("spam", MailState.SPAM)])
def test_a_letter_is_set_aside_and_kept(
    shop: Shop, web: Client, waiting: IncomingMail, action: str, state: MailState
) -> None:
    browser = agent(shop, web)

    browser.submit(f"/console/mail/{waiting.id}/{action}", {})

    waiting.refresh_from_db()
    assert (waiting.state, waiting.ended_by.name if waiting.ended_by else "") == (state, "member")
    assert AuditRow.objects.filter(subject=f"mail:{waiting.id}", action=state.value).count() == 1
    assert b"My price was $15." in browser.get(f"/console/mail/{waiting.id}/original").body
    assert "Price" in browser.page("/console/mail?show=discarded")


@pytest.mark.parametrize("role", [Role.FINANCE, Role.POLICY_OWNER, Role.ADMIN])
def test_who_does_not_work_on_cases_only_reads(
    shop: Shop, web: Client, waiting: IncomingMail, role: Role
) -> None:
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    browser = agent(shop, web, role)

    for action in ("put", "discard", "spam"):
        page = browser.submit(f"/console/mail/{waiting.id}/{action}", {"number": case.number})
        assert "Your role does not include this." in page

    waiting.refresh_from_db()
    assert (waiting.state, case.messages.filter(channel="mail").count()) == (MailState.QUARANTINED, 0)


def test_a_letter_in_a_case_stays_there(shop: Shop, web: Client, waiting: IncomingMail) -> None:
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    browser = agent(shop, web)
    browser.submit(f"/console/mail/{waiting.id}/put", {"number": case.number})

    page = browser.submit(f"/console/mail/{waiting.id}/spam", {})

    waiting.refresh_from_db()
    assert "in a case or in a draft already" in page
    assert waiting.state == MailState.JOINED


def test_a_draft_is_shown_with_what_was_read_and_can_be_discarded(shop: Shop, web: Client) -> None:
    number = shop.sell(shop.monthly).order.number
    came = take(letter(shop.customer.email, f"Refund {number}, bought 2025-09-01."))
    browser = agent(shop, web)
    page = browser.page("/console/mail?show=drafts")
    assert number in page
    assert "1 Sept 2025" in page or "1 Sep 2025" in page

    page = browser.submit(f"/console/drafts/{came.draft_id}/discard", {})

    came.refresh_from_db()
    assert "Discarded." in page
    assert (came.state, Draft.objects.get().state) == (MailState.DISCARDED, "discarded")
    assert (Case.objects.count(), nothing_moved()) == (0, True)


def test_what_a_letter_says_is_shown_as_text(shop: Shop, web: Client) -> None:
    came = take(letter("x@elsewhere.example", "<script>alert(1)</script>", subject="<b>bold</b>"))
    browser = agent(shop, web)

    for page in ("/console/mail", f"/console/mail/{came.id}"):
        body = browser.get(page).body
        assert b"<b>bold" not in body
        assert b"<script>alert" not in body
    answer = browser.get(f"/console/mail/{came.id}/original")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert len(mail.outbox) == 1
