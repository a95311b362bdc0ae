"""Parts of pages that are exchanged without loading the page: queues, and who else is in a case."""

from playwright.sync_api import Page, expect

from acceptance.conftest import picture
from acceptance.test_console import Enter, enter
from amends.desk.accounts.models import Role
from amends.desk.cases.models import RequestKind
from amends.desk.console.presence import look_at
from shop import Shop

__all__ = ["enter"]


def mark(page: Page) -> None:
    page.evaluate("window.isSame = true")


def is_same(page: Page) -> bool:
    return page.evaluate("window.isSame === true") is True


def test_a_queue_is_exchanged_in_the_page_and_stands_in_the_address(shop: Shop, enter: Enter) -> None:
    wrong = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    annual = shop.ask(shop.sell(shop.annual, fee=691))
    page = enter(shop.staff("agent", Role.AGENT))
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    page.goto("/console/")
    mark(page)

    page.get_by_role("link", name="Approvals 1").click()
    expect(page.get_by_role("link", name=wrong.number)).to_have_count(0)
    expect(page.get_by_role("link", name=annual.number)).to_be_visible()
    expect(page.get_by_role("link", name="Approvals 1")).to_have_attribute("aria-current", "page")
    assert (page.url.partition("/console/")[2], is_same(page)) == ("?queue=approvals", True)

    page.keyboard.press("j")
    expect(page.get_by_role("link", name=annual.number)).to_be_focused()
    page.get_by_label("Kind").select_option("convert")
    expect(page.get_by_text("No case waits in this queue.")).to_be_visible()
    assert (page.url.partition("/console/")[2], is_same(page)) == ("?queue=approvals&kind=convert", True)
    picture(page, "queue-exchanged")

    page.go_back()
    expect(page.get_by_role("link", name=annual.number)).to_be_visible()
    assert [text for text in refused if "favicon" not in text and "404" not in text] == []
    # Pages of cases are not kept in the browser, only where one was.
    assert page.evaluate("[...Object.keys(sessionStorage), ...Object.keys(localStorage)]") == [
        "htmx-current-path-for-history"
    ]


def test_a_case_link_of_an_exchanged_queue_opens_the_case(shop: Shop, enter: Enter) -> None:
    annual = shop.ask(shop.sell(shop.annual, fee=691))
    page = enter(shop.staff("approver", Role.APPROVER))
    page.get_by_role("link", name="Approvals 1").click()
    expect(page.get_by_role("link", name="Approvals 1")).to_have_attribute("aria-current", "page")

    page.get_by_label(f"Choose {annual.number}").check()
    page.get_by_role("button", name="Assign to me").click()
    expect(page.get_by_text("It is yours.")).to_be_visible()
    page.goto("/console/?queue=mine")
    page.get_by_role("link", name=annual.number).click()

    expect(page.get_by_role("heading", name=annual.number)).to_be_visible()


def test_somebody_who_opens_a_case_later_is_named_in_the_page(shop: Shop, enter: Enter) -> None:
    case = shop.ask(shop.sell(shop.annual, fee=691))
    page = enter(shop.staff("agent", Role.AGENT))
    page.clock.install()
    page.goto(f"/console/cases/{case.number}")
    page.get_by_text("Internal note").first.click()
    page.get_by_label("Note").fill("Half a sentence")
    expect(page.get_by_text("has this case open, too")).to_have_count(0)

    look_at(case, shop.staff("ada", Role.AGENT))
    page.clock.run_for(21_000)

    expect(page.get_by_text("ada has this case open, too; last seen")).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("Half a sentence")
    picture(page, "presence")
