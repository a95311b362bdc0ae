"""Whole stories of staff, in a browser: four eyes, a fault of two weeks, a refund that came back; and no barriers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from acceptance.conftest import picture
from acceptance.test_portal import violations
from amends.desk.accounts.models import Role, User
from amends.desk.cases.answering import Speaker, write_message
from amends.desk.cases.deciding import wake_due
from amends.desk.cases.ending import appeal
from amends.desk.cases.evidence import add_evidence
from amends.desk.cases.models import Channel, RequestKind
from amends.desk.cases.stating import decline
from amends.desk.notices.models import Letter
from amends.desk.payments.models import Refund
from amends.desk.usage.models import UseOutcome
from asking import picture as screenshot
from browsing import Browser as SignedIn
from shop import WHY, Shop, day, go_to, now
from web import Client

Enter = Callable[..., Page]


@pytest.fixture
def enter(chromium: Browser, address: str) -> Iterator[Enter]:
    """Opens the console as a member of staff, in a width, a theme, with or without scripts."""
    with ExitStack() as stack:

        def open_console(
            user: User, *, width: int = 1200, theme: str = "light", scripts: bool = True
        ) -> Page:
            context = chromium.new_context(
                base_url=address,
                viewport={"width": width, "height": 900},
                color_scheme="dark" if theme == "dark" else "light",
                java_script_enabled=scripts,
                reduced_motion="reduce",
            )
            stack.callback(context.close)
            session = (
                SignedIn(Client(int(address.rpartition(":")[2])))
                .sign_in(user)
                .cookies[settings.SESSION_COOKIE_NAME]
            )
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}])
            page = context.new_page()
            page.goto("/console/")
            return page

        yield open_console


@pytest.mark.parametrize("width, theme, scripts", [(1200, "light", True), (390, "dark", False)])
def test_a_clause_set_aside_by_one_person_is_paid_when_another_agrees(
    shop: Shop,
    enter: Enter,
    width: int,
    theme: str,
    scripts: bool,  # noqa: FBT001  # a parameter of the table above
) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(9))
    case = shop.ask(line)
    look = {"width": width, "theme": theme, "scripts": scripts}
    agent = enter(shop.staff("agent", Role.AGENT), **look)
    approver = enter(shop.staff("approver", Role.APPROVER), **look)

    agent.goto(f"/console/cases/{case.number}")
    agent.get_by_text("Reopen by setting clauses aside").click()
    agent.locator("input[name=clause][value=late]").check()
    agent.locator("#grant").select_option("full")
    agent.locator("#waive-reason").fill(WHY)
    agent.get_by_role("button", name="Set aside and compute").click()
    expect(agent.get_by_text("somebody else has to agree").first).to_be_visible()
    expect(agent.get_by_role("button", name="Approve")).to_have_count(0)
    assert Refund.objects.count() == 0

    approver.goto("/console/?queue=approvals")
    approver.get_by_role("link", name=case.number).click()
    expect(approver.get_by_text(WHY).first).to_be_visible()
    picture(approver, f"four-eyes-{width}-{theme}")
    approver.get_by_role("button", name="Approve $18.15").click()
    expect(approver.get_by_text("You agreed to the plan.")).to_be_visible()

    shop.work()
    assert (shop.refunded(line), now(case).closing) == ([1815], "paid")


def test_a_fault_with_its_evidence_waits_fourteen_days_and_decides_itself(shop: Shop, enter: Enter) -> None:
    line = shop.sell(shop.monthly)
    shop.use(60, day(0, 12))
    go_to(day(2))
    case = shop.ask(line, RequestKind.TECHNICAL, reason="Every image is black.")
    add_evidence(case, Speaker(f"customer:{shop.customer.id}", Channel.PORTAL), "black.png", screenshot())
    page = enter(shop.staff("agent", Role.AGENT))
    page.goto(f"/console/cases/{case.number}")
    page.get_by_label("What it shows").fill("The image is black.")
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("day 0 of 14").first).to_be_visible()
    picture(page, "fault-day-0")

    for late in range(3, 17):
        shop.use(4, day(late, 9), outcome=UseOutcome.FAILED)
    go_to(day(16))
    wake_due()
    page.goto("/console/issues")
    expect(page.get_by_text("day 14 of 14")).to_be_visible()
    picture(page, "fault-day-14")
    assert Refund.objects.count() == 0

    go_to(day(17))
    wake_due()
    shop.work()
    page.goto(f"/console/cases/{case.number}")
    expect(page.get_by_text("Closed: the money was sent.").first).to_be_visible()
    picture(page, "fault-paid")
    assert len(shop.refunded(line)) == 1


def test_a_refund_that_came_back_waits_for_finance(shop: Shop, enter: Enter) -> None:
    line = shop.sell(shop.monthly)
    case = shop.ask(line)
    shop.work()
    page = enter(shop.staff("finance", Role.FINANCE))
    sent = Refund.objects.get()
    at_gateway = shop.sandbox.store.find(sent.gateway_ref or "")
    assert at_gateway
    shop.sandbox.api.refunds.fail(at_gateway, "lost_or_stolen_card")
    shop.sync(line)

    page.goto("/console/?queue=failed")
    page.get_by_role("link", name=case.number).click()

    expect(page.get_by_text("The bank sent the money back").first).to_be_visible()
    picture(page, "came-back")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_of_the_console_has_barriers_that_a_machine_can_find(
    shop: Shop, enter: Enter, theme: str
) -> None:
    denied, wrong = shop.sell(shop.monthly), shop.sell(shop.monthly)
    annual, broken = shop.sell(shop.annual, fee=691), shop.sell(shop.monthly)
    shop.use(60, day(0, 12))
    go_to(day(1))
    cases = [
        shop.ask(wrong, RequestKind.BILLING_ERROR),
        shop.ask(annual),
        shop.ask(broken, RequestKind.TECHNICAL),
    ]
    appealed = shop.ask(denied, RequestKind.BILLING_ERROR)
    decline(appealed, shop.staff("decliner", Role.AGENT), WHY)
    appeal(now(appealed), f"customer:{shop.customer.id}", "I was charged twice.")
    page = enter(shop.staff("all", *Role), theme=theme)
    places = ["/console/", "/console/?queue=faults", "/console/?queue=mine", "/console/?q=nobody"]
    places += [f"/console/cases/{case.number}" for case in (*cases, appealed)]
    places += [f"/console/{name}" for name in ("issues", "finance", "insight", "policies", "styleguide")]

    found = {}
    for place in places:
        page.goto(place)
        for folded in page.locator("summary").all():
            if folded.is_visible():
                folded.click()
        picture(page, f"console-{place.strip('/').replace('/', '-').replace('?', '-')}-{theme}")
        found[place] = violations(page)

    assert {place: listed for place, listed in found.items() if listed} == {}


def test_a_queue_is_walked_by_keyboard_alone(shop: Shop, enter: Enter) -> None:
    first, second = (shop.ask(shop.sell(shop.annual, fee=691)) for _ in range(2))
    page = enter(shop.staff("approver", Role.APPROVER))
    page.goto("/console/?queue=approvals")

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=second.number)).to_be_visible()
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You agreed to the plan.")).to_be_visible()

    assert (now(first).state, now(second).state) == ("decided", "paying")


def test_a_letter_to_a_closed_case_is_answered_by_keyboard_alone(shop: Shop, enter: Enter) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(9))
    case = shop.ask(line)
    write_message(case, Speaker(f"customer:{shop.customer.id}", Channel.PORTAL), "Where is the invoice?")
    page = enter(shop.staff("agent", Role.AGENT))
    page.goto("/console/?queue=answer")

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=case.number)).to_be_visible()
    page.keyboard.press("r")
    page.keyboard.type("It is on the page of your order.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Answered. The customer has it by mail")).to_be_visible()
    picture(page, "letter-answered")

    assert (now(case).state, Letter.objects.filter(kind="reply").count()) == ("closed", 1)
