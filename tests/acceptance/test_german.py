"""The desk in German: whole stories at the width of a phone, and every page of customers and staff."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Literal

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from acceptance.conftest import picture
from acceptance.test_portal import violations
from amends.desk.accounts.actions import make_link
from amends.desk.accounts.models import Customer, Role, User
from amends.desk.cases.deciding import wake_due
from amends.desk.cases.ending import appeal
from amends.desk.cases.models import Case, RequestKind
from amends.desk.cases.stating import decline, note
from amends.desk.mail.models import Draft, IncomingMail
from amends.desk.mail.receiving import Envelope, receive
from amends.desk.notices.models import Letter
from amends.desk.policies.actions import publish
from amends.desk.policies.announcing import announce
from amends.desk.usage.models import UseOutcome
from browsing import Browser as Session
from conftest import ROOT
from german import english_in, english_on
from post import letter, work
from shop import Shop, approve_by_one, day, go_to
from web import Client

PHONE = 375
POLICY = " ".join((ROOT / "policies" / "flux-kontext.md").read_text().split())
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
Open = Callable[[str], Page]
GRUND = "Der Kunde hat angerufen und es erklärt."


@pytest.fixture
def german_page(chromium: Browser, address: str) -> Iterator[Open]:
    """A German browser as wide as a phone, in a theme; nobody is signed in."""
    with ExitStack() as stack:

        def open_page(theme: str) -> Page:
            context = chromium.new_context(
                base_url=address,
                locale="de-DE",
                viewport={"width": PHONE, "height": 800},
                color_scheme="dark" if theme == "dark" else "light",
                reduced_motion="reduce",
            )
            stack.callback(context.close)
            return context.new_page()

        yield open_page


def enter(page: Page, customer: Customer) -> None:
    _link, token = make_link(customer, "test")
    page.goto(f"/enter/{token}")
    page.get_by_role("button", name="Meine Bestellungen anzeigen").click()


def enter_as_staff(page: Page, user: User, address: str) -> None:
    name = settings.SESSION_COOKIE_NAME
    session = Session(Client(0)).sign_in(user).cookies[name]
    page.context.add_cookies([{"name": name, "value": session, "url": address}])


def make_german(shop: Shop) -> None:
    shop.customer.locale = "de_DE"
    shop.customer.save(update_fields=["locale"])


def flaws(page: Page) -> list[str]:
    """English words, barriers, and what is wider than the phone."""
    width = page.evaluate("document.documentElement.scrollWidth")
    wide = [f"{width} pixels wide"] if width > PHONE else []
    return english_on(page) + wide + violations(page)


def look(page: Page, place: str) -> list[str]:
    page.goto(place)
    name = place.partition("?")[0].strip("/").replace("/", "-")[:24]
    theme = THEMES[len(place) % 2]
    page.emulate_media(color_scheme=theme)
    picture(page, f"german-{name}-{theme}")
    return flaws(page)


def test_a_refund_is_asked_for_and_paid(shop: Shop, german_page: Open) -> None:
    make_german(shop)
    line = shop.sell(shop.monthly)
    shop.use(12, day(1))
    go_to(day(3))
    page = german_page("light")
    enter(page, shop.customer)
    expect(page.get_by_text("Bis 8. Sept. 2025, 23:59 UTC.")).to_be_visible()

    page.get_by_role("link", name="Erstattung oder Änderung anfragen").click()
    page.get_by_label("Ihr Grund").fill("Es ist nicht, was ich brauche.")
    page.get_by_role("button", name="Weiter").click()
    expect(page.get_by_role("row", name="Processing fee")).to_contain_text("-0,85 $")
    expect(page.get_by_role("row", name="Sie bekommen zurück")).to_contain_text("18,15 $")
    picture(page, "german-calculation-light")
    found = flaws(page)
    assert Case.objects.count() == 0

    page.get_by_role("button", name="Anfrage senden").click()
    shop.work()
    page.reload()
    expect(page.get_by_text("Abgeschlossen: Das Geld ist gesandt.")).to_be_visible()
    expect(page.get_by_text("5 Werktage bis 10 Werktage")).to_be_visible()
    picture(page, "german-paid-light")
    assert found + flaws(page) == []
    assert shop.refunded(line) == [1815]
    assert english_in(german_letters()) == []


def test_a_denial_says_why_and_offers_the_conversion(shop: Shop, german_page: Open) -> None:
    make_german(shop)
    line = shop.sell(shop.annual, fee=691)
    go_to(day(8))
    page = german_page("dark")
    enter(page, shop.customer)

    page.get_by_role("link", name="Erstattung oder Änderung anfragen").click()
    page.get_by_label("Ihr Grund").fill("Nichts für mich.")
    page.get_by_role("button", name="Weiter").click()
    expect(page.get_by_text("Sie hätten bis zum 8. September 2025 anfragen können.")).to_be_visible()
    expect(page.get_by_text("Change to the monthly plan")).to_contain_text("Sie bekämen 202,09 $ zurück.")
    picture(page, "german-denial-dark")
    found = flaws(page)
    page.get_by_role("button", name="Anfrage senden").click()
    page.get_by_label("Was sollen wir uns noch einmal ansehen?").fill("Ich schrieb Ihnen am fünften Tag.")
    page.get_by_role("button", name="Einspruch erheben").click()

    expect(page.get_by_text("Ein Mensch wird sich Ihre Anfrage noch einmal ansehen.")).to_be_visible()
    picture(page, "german-appealed-dark")
    assert found + flaws(page) == []
    assert shop.refunded(line) == []
    assert english_in(german_letters()) == []


def german_letters() -> list[str]:
    """The letters paragraph by paragraph, without what they cite of the policy and its arithmetic."""
    texts = [part for one in Letter.objects.all() for part in (one.subject, *one.text.split("\n\n"))]
    return [text for text in texts if not _is_cited(text)]


def _is_cited(text: str) -> bool:
    return text.startswith("  “") or "  ---" in text or _plain(text) in POLICY


def _plain(text: str) -> str:
    return " ".join(text.replace("  - ", "").split())


def test_every_page_of_the_portal_is_german(shop: Shop, german_page: Open) -> None:
    make_german(shop)
    late, fault = shop.sell(shop.monthly), shop.sell(shop.annual)
    closed = shop.ask(late, RequestKind.BILLING_ERROR, reason="Doppelt belastet.")
    decline(closed, shop.staff("agnes", Role.AGENT), GRUND)
    go_to(day(9))
    waiting = shop.ask(fault, RequestKind.TECHNICAL, reason="")
    asked = shop.ask(shop.sell(shop.annual), RequestKind.CONVERT, reason="")
    draft = drafted(shop)
    publish(second_version(), None)
    versions = "before=2025-08-18&after=2025-08-30"
    page = german_page("light")
    places = ["/start", "/account/login/code/", "/enter/x", "/policy", "/policy?version=2025-08-18"]
    places += [f"/policy/changes?{versions}", f"/drafts/{draft.id}/x", "/nowhere"]
    found = {place: look(page, place) for place in places}
    page.goto("/enter/x")
    page.get_by_role("button", name="Meine Bestellungen anzeigen").click()
    found["a link that is over"] = flaws(page)

    enter(page, shop.customer)
    places = [
        "/orders",
        f"/orders/{draft.order.number}/1/request" if draft.order else "",
        f"/drafts/{draft.id}",
    ]
    places += [f"/cases/{case.number}" for case in (closed, waiting, asked)]
    found |= {f"{place} signed in": look(page, place) for place in places}

    assert {place: listed for place, listed in found.items() if listed} == {}


def drafted(shop: Shop) -> Draft:
    line = shop.sell(shop.monthly)
    text = f"Refund {line.order.number}."
    receive(
        letter(shop.customer.email, text).as_bytes(),
        Envelope("smtp", shop.customer.email, ["support@example.com"]),
    )
    work()
    return Draft.objects.get()


def second_version() -> str:
    text = (ROOT / "policies" / "flux-kontext.md").read_text()
    return text.replace("2025-08-18", "2025-08-30").replace("[7 days]", "[14 days]")


def busy_desk(shop: Shop, agent: User) -> list[Case]:
    """A case of each kind of work, letters of a customer and of a stranger."""
    paid = approve_by_one(shop, shop.ask(shop.sell(shop.annual), reason="Nichts für mich."))
    shop.work()
    go_to(day(9))
    fault = shop.ask(shop.sell(shop.monthly), RequestKind.TECHNICAL, reason="Jedes Bild ist schwarz.")
    shop.use(3, day(10), outcome=UseOutcome.FAILED)
    shop.use(2, day(11))
    go_to(day(25))
    wake_due()
    denied = shop.ask(shop.sell(shop.annual), reason="Zu teuer.")
    appeal(denied, "test", "Bitte noch einmal ansehen.")
    charged = shop.sell(shop.monthly, at=day(20))
    wrong = shop.ask(charged, RequestKind.BILLING_ERROR, reason="Doppelt belastet.")
    note(wrong, agent, "Mit der Bank sprechen.")
    drafted(shop)
    stranger = "x@elsewhere.example"
    receive(letter(stranger, "Wo ist mein Geld?").as_bytes(), Envelope("smtp", stranger, []))
    work()
    return [paid, fault, denied, wrong]


CONSOLE = (
    "/console/",
    "/console/?queue=approvals",
    "/console/?q=nichts",
    "/console/issues",
    "/console/finance",
    "/console/finance/differences",
    "/console/policies",
    "/console/policies/changes?before=2025-08-18&after=2025-08-30",
    "/console/insight?days=365",
    "/console/mail",
    "/console/mail?show=drafts",
    "/console/styleguide",
    "/account/2fa/",
    "/account/2fa/recovery-codes/",
    "/account/2fa/webauthn/add/",
)


def test_every_page_of_the_console_is_german(shop: Shop, german_page: Open, address: str) -> None:
    make_german(shop)
    agent = shop.staff("agnes", Role.AGENT, Role.APPROVER, Role.FINANCE, Role.ADMIN)
    cases = busy_desk(shop, agent)
    version = publish(second_version(), None)
    announce(version, [shop.customer])
    page = german_page("light")
    enter_as_staff(page, agent, address)
    letters = IncomingMail.objects.values_list("id", flat=True)

    found = {place: look(page, place) for place in CONSOLE}
    found |= {case.number: look(page, f"/console/cases/{case.number}") for case in cases}
    found |= {str(one): look(page, f"/console/mail/{one}") for one in letters}
    found["text"] = look(page, f"/console/policies/{version.id}")

    assert {place: listed for place, listed in found.items() if listed} == {}
    assert english_in(german_letters()) == []
