"""Whose language is spoken: what was chosen, what is on file, what the browser asks for, and English to programs."""

import re

import pytest
from django.conf import settings
from django.core import mail
from procrastinate.contrib.django.models import ProcrastinateJob

from amends.desk.accounts.models import Customer, Role
from amends.desk.audit.models import AuditRow
from amends.desk.cases.deciding import judge_now
from amends.desk.cases.models import Case, RequestKind
from amends.desk.languages import speaking
from amends.desk.mail.answering import acknowledge
from amends.desk.mail.models import IncomingMail
from amends.desk.mail.receiving import Envelope, receive
from amends.desk.notices.models import Letter
from amends.desk.orders.guests import invite_guest
from amends.desk.portal.access import user_of
from browsing import Browser, code_by_mail
from post import letter
from shop import Shop, approve_by_one, day, go_to
from web import Client

GERMAN = {"Accept-Language": "de-DE,de;q=0.9,en;q=0.5"}


def signed_in(web: Client, customer: Customer, **headers: str) -> Browser:
    return Browser(Client(web.port, headers)).sign_in(user_of(customer))


def speak_to(customer: Customer, locale: str) -> None:
    customer.locale = locale
    customer.save(update_fields=["locale"])


def choose(browser: Browser, language: str, place: str = "/start") -> int:
    answer = browser.post("/language", {"language": language, "next": place})
    kept = re.search(rf"{settings.LANGUAGE_COOKIE_NAME}=(\w+)", answer.headers.get("set-cookie", ""))
    if kept:
        browser.cookies[settings.LANGUAGE_COOKIE_NAME] = kept[1]
    return answer.status


def test_a_stranger_is_spoken_to_as_the_browser_asks(web: Client, shop: Shop) -> None:  # noqa: ARG001  # a policy
    german, other = Browser(Client(web.port, GERMAN)), Browser(Client(web.port, {"Accept-Language": "fr"}))

    assert "Oder mit einer Bestellung beginnen" in german.page("/start")
    assert "Or start with an order" in other.page("/start")


def test_a_customer_is_spoken_to_in_the_language_on_file(web: Client, shop: Shop) -> None:
    speak_to(shop.customer, "de_DE")
    shop.sell(shop.monthly)

    page = signed_in(web, shop.customer, **{"Accept-Language": "en"}).page("/orders")

    assert "Ihre Bestellungen" in page
    assert "19,00\xa0$" in signed_in(web, shop.customer).get("/orders").body.decode()


def test_a_choice_comes_before_what_is_on_file_and_is_kept_with_the_customer(web: Client, shop: Shop) -> None:
    browser = signed_in(web, shop.customer)
    assert "Your orders" in browser.page("/orders")

    assert choose(browser, "de") == 302
    assert "Ihre Bestellungen" in browser.page("/orders")
    shop.customer.refresh_from_db()
    assert shop.customer.locale == "de"
    assert AuditRow.objects.filter(action="chose_language").count() == 1
    shop.ask(shop.sell(shop.monthly))
    first = Letter.objects.order_by("created_at")[0]
    assert first.subject.startswith("Ihre Anfrage R-")


def test_a_choice_of_the_same_language_leaves_the_country(web: Client, shop: Shop) -> None:
    speak_to(shop.customer, "de_AT")

    assert choose(signed_in(web, shop.customer), "de") == 302

    shop.customer.refresh_from_db()
    assert shop.customer.locale == "de_AT"
    assert not AuditRow.objects.filter(action="chose_language").exists()


def test_a_choice_before_signing_in_is_taken_along(web: Client, shop: Shop) -> None:
    browser = Browser(web)
    choose(browser, "de")
    browser.post("/account/login/code/", {"email": shop.customer.email})
    browser.post("/account/login/code/confirm/", {"code": code_by_mail()})

    shop.customer.refresh_from_db()
    assert mail.outbox[-1].subject == "Ihr Code zum Anmelden"
    assert shop.customer.locale == "de"
    assert "Ihre Bestellungen" in browser.page("/orders")


@pytest.mark.parametrize("language", ["fr", "", "de_DE", "../de", "x" * 200])
def test_a_language_that_is_not_offered_changes_nothing(web: Client, shop: Shop, language: str) -> None:
    assert choose(signed_in(web, shop.customer), language) == 404

    shop.customer.refresh_from_db()
    assert shop.customer.locale == "en_US"
    assert not AuditRow.objects.filter(action="chose_language").exists()


@pytest.mark.parametrize(
    "place", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""]
)
def test_a_choice_leads_nowhere_but_here(web: Client, shop: Shop, place: str) -> None:
    answer = signed_in(web, shop.customer).post("/language", {"language": "de", "next": place})

    assert answer.headers["location"] == "/"


def test_a_program_that_tells_no_locale_leaves_the_choice_and_one_that_does_overwrites_it(
    program: Client, shop: Shop
) -> None:
    choose(signed_in(program, shop.customer), "de")
    body = {"id": shop.customer.external_id, "email": shop.customer.email}

    assert program.post("/api/v1/customers", body).json["locale"] == "de"
    assert program.post("/api/v1/customers", body | {"locale": "en_GB"}).json["locale"] == "en_GB"
    assert (
        program.post("/api/v1/customers", {"id": "u-2", "email": "b@example.com"}).json["locale"] == "en_US"
    )


def test_a_choice_takes_a_form_of_ours(web: Client, shop: Shop) -> None:
    answer = signed_in(web, shop.customer).post("/language", {"language": "de"}, token=False)

    shop.customer.refresh_from_db()
    assert (answer.status, shop.customer.locale) == (403, "en_US")


def test_programs_read_english_whatever_they_accept(program: Client, shop: Shop) -> None:
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    missing = program.get("/api/v1/cases/R-0000-0000", **GERMAN)
    found = program.get(f"/api/v1/cases/{case.number}", **GERMAN)

    assert found.json["state_in_words"] == "A person is looking at the request."
    assert missing.status == 404
    assert missing.json["detail"] == program.get("/api/v1/cases/R-0000-0000").json["detail"]


def test_letters_and_decisions_are_in_the_customers_language_with_the_formats_of_the_country(
    shop: Shop,
) -> None:
    speak_to(shop.customer, "de_AT")
    line = shop.sell(shop.monthly)
    go_to(day(3))
    case = shop.ask(line)
    shop.work()

    texts = "\n".join(Letter.objects.order_by("created_at").values_list("text", flat=True))
    html = Letter.objects.get(kind="decision").html
    said = case.decisions.get().explanation
    assert "Guten Tag Ada," in texts
    assert "$\xa018,15" in texts or "$ 18,15" in texts
    assert said["headline"] == "Ihrer Anfrage wird entsprochen."
    assert '<html lang="de-at">' in html
    assert '<blockquote lang="en">' in html


def test_who_speaks_a_language_that_is_not_there_reads_english_throughout(shop: Shop) -> None:
    speak_to(shop.customer, "fr_FR")
    go_to(day(3))
    shop.ask(shop.sell(shop.monthly))

    text = Letter.objects.order_by("-created_at")[0].text
    assert "Your request is granted." in text
    assert "$18.15" in text or "$18.15" in text.replace("\xa0", " ")


def test_a_decision_keeps_the_words_in_which_it_was_said(web: Client, shop: Shop) -> None:
    case = shop.ask(shop.sell(shop.monthly))
    core = case.decisions.get().core_sha256
    browser = signed_in(web, shop.customer)
    choose(browser, "de")

    page = browser.page(f"/cases/{case.number}")
    assert "Your request is granted." in page
    assert "Was daran" not in page
    assert case.decisions.get().core_sha256 == core


def test_a_decision_has_the_same_core_in_every_language(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    case = shop.ask(line, RequestKind.BILLING_ERROR)
    cores = set()
    for language in ("en", "de"):
        speak_to(shop.customer, language)
        fresh = Case.objects.get(id=case.id)
        cores.add(judge_now(fresh)[1].decision.core_sha256)

    assert len(cores) == 1


def test_a_guest_gets_the_link_in_the_language_of_the_page(web: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    browser = Browser(Client(web.port, GERMAN))

    browser.post("/start", {"email": shop.customer.email, "reference": line.order.number})
    job = ProcrastinateJob.objects.get(task_name="invite_guest")
    invite_guest(job.args["key"])

    assert mail.outbox[-1].subject == "Ihr Link zu Ihren Bestellungen"
    assert mail.outbox[-1].body.startswith("Hier sind Ihre Bestellungen.")


def test_whoever_writes_unknown_is_answered_in_every_language(shop: Shop) -> None:  # noqa: ARG001  # a policy
    receive(letter("x@elsewhere.example").as_bytes(), Envelope("smtp", "x@elsewhere.example", []))

    acknowledge(IncomingMail.objects.get().id)

    (sent,) = mail.outbox
    assert sent.subject == "We have your letter / Ihre E-Mail ist bei uns"
    assert "We have your letter." in sent.body
    assert "Ihre E-Mail ist bei uns." in sent.body


def test_a_task_is_read_in_the_language_of_its_reader(web: Client, shop: Shop) -> None:
    speak_to(shop.customer, "de_DE")
    go_to(day(3))
    case = shop.ask(shop.sell(shop.annual))
    (task,) = case.tasks.filter(done_at=None)
    agent = shop.staff("agnes", Role.AGENT)

    assert task.detail == "1 to agree"
    with speaking("de"):
        assert task.in_words == "Zustimmungen, die noch fehlen: 1"
    english, german = Browser(web), Browser(Client(web.port, GERMAN))
    assert "1 to agree" in english.sign_in(agent).page(f"/console/cases/{case.number}")
    assert "Zustimmungen, die noch fehlen: 1" in german.sign_in(agent).page(f"/console/cases/{case.number}")
    approve_by_one(shop, case)


def test_staff_are_refused_in_their_language(web: Client, shop: Shop) -> None:
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    agent = Browser(Client(web.port, GERMAN)).sign_in(shop.staff("agnes", Role.AGENT))

    page = agent.submit(f"/console/cases/{case.number}/decline", {"reason": "no"})

    assert "Bitte begründen Sie es in ein paar Worten." in page
    case.refresh_from_db()
    assert case.closing == ""
