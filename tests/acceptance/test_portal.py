"""Whole stories of customers, in a browser."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from acceptance.conftest import picture
from amends.desk.accounts.models import Role
from amends.desk.cases.models import Case, RequestKind
from amends.desk.cases.stating import decline
from amends.desk.payments.models import Refund
from shop import WHY, Shop, day, go_to
from trade import make_customer

Visit = Callable[..., Page]
LOOKS = [(1200, "light", True), (1200, "dark", True), (390, "light", True), (390, "dark", False)]


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:120]} {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("width, theme, scripts", LOOKS)
def test_a_customer_sees_the_calculation_before_asking_and_gets_the_money(
    shop: Shop,
    visit: Visit,
    width: int,
    theme: str,
    scripts: bool,  # noqa: FBT001  # a parameter of the table above
) -> None:
    line = shop.sell(shop.monthly)
    shop.use(12, day(1))
    go_to(day(3))
    page = visit(shop.customer, width=width, theme=theme, scripts=scripts)
    expect(
        page.get_by_text("Until 8 Sept 2025, 23:59 UTC").or_(page.get_by_text("Until 8 Sep 2025, 23:59 UTC"))
    ).to_be_visible()
    picture(page, f"orders-{width}-{theme}")

    page.get_by_role("link", name="Ask for a refund").click()
    page.get_by_label("Your reason").fill("It is not what I need.")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("row", name="Processing fee")).to_contain_text("-$0.85")
    expect(page.get_by_role("row", name="You get back")).to_contain_text("$18.15")
    picture(page, f"calculation-{width}-{theme}")
    assert Case.objects.count() == 0

    page.get_by_role("button", name="Send the request").click()
    shop.work()
    page.reload()
    expect(page.get_by_text("Closed: the money was sent.")).to_be_visible()
    picture(page, f"paid-{width}-{theme}")
    assert shop.refunded(line) == [1815]


def test_a_denial_names_its_sentences_offers_the_conversion_and_can_be_appealed(
    shop: Shop, visit: Visit
) -> None:
    line = shop.sell(shop.annual, fee=691)
    go_to(day(8))
    page = visit(shop.customer)

    page.get_by_role("link", name="Ask for a refund").click()
    page.get_by_label("Your reason").fill("Not for me.")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Change to the monthly plan")).to_contain_text("$202.09 would come back")
    page.get_by_role("button", name="Send the request").click()
    page.get_by_label("What should we look at again?").fill("I wrote to you on day 5.")
    page.get_by_role("button", name="Appeal to a person").click()

    expect(page.get_by_text("A person will look at your request again.")).to_be_visible()
    picture(page, "appealed")
    assert (shop.refunded(line), Refund.objects.count()) == ([], 0)


def test_the_wizard_asks_what_the_policy_asks(shop: Shop, visit: Visit) -> None:
    shop.sell(shop.annual, fee=691)
    go_to(day(6))
    page = visit(shop.customer)

    page.get_by_role("link", name="Ask for a refund").click()
    page.get_by_text("I bought the annual plan by mistake").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Yes").check()
    page.get_by_label("Your reason").fill("I meant the monthly one.")
    picture(page, "question")
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("row", name="You get back")).to_contain_text("$202.09")


def test_a_picture_of_a_fault_is_taken_and_a_wrong_file_is_refused(shop: Shop, visit: Visit) -> None:
    shop.sell(shop.monthly)
    shop.use(60, day(1))
    go_to(day(4))
    case = shop.ask(shop.customer.orders.get().lines.get(), RequestKind.TECHNICAL, reason="Black images.")
    page = visit(shop.customer)
    page.goto(f"/cases/{case.number}")

    page.set_input_files("input[type=file]", picture(page, "fault"))
    page.get_by_role("button", name="Send the pictures").click()
    expect(page.get_by_text("We have your pictures.")).to_be_visible()
    page.set_input_files("input[type=file]", {"name": "a.png", "mimeType": "image/png", "buffer": b"<svg/>"})
    page.get_by_role("button", name="Send the pictures").click()

    expect(page.get_by_text("no picture that we can read")).to_be_visible()
    assert case.evidence.count() == 1


def test_nobody_sees_what_is_not_theirs(shop: Shop, visit: Visit) -> None:
    case = shop.ask(shop.sell(shop.monthly))
    page = visit(make_customer())

    foreign, missing = page.goto(f"/cases/{case.number}"), page.goto("/cases/R-0000-0000")

    assert foreign
    assert missing
    assert (foreign.status, missing.status) == (404, 404)


def test_a_link_works_once(shop: Shop, visit: Visit, address: str) -> None:
    page = visit(shop.customer)
    used = page.context.pages[0].url

    page.goto("/enter/not-a-token")
    page.get_by_role("button", name="Show my orders").click()

    assert used == f"{address}/orders"
    expect(page.get_by_text("This link is over")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_have_no_barriers_that_a_machine_can_find(shop: Shop, visit: Visit, theme: str) -> None:
    line = shop.sell(shop.monthly)
    case = shop.ask(line, RequestKind.BILLING_ERROR)
    decline(case, shop.staff("agent", Role.AGENT), WHY)
    page = visit(shop.customer, theme=theme)
    addresses = ["/orders", f"/orders/{line.order.number}/1/request", f"/cases/{case.number}", "/policy"]
    addresses += ["/start", "/account/login/code/"]

    found = {}
    for place in addresses:
        page.goto(place)
        found[place] = violations(page)

    assert {place: listed for place, listed in found.items() if listed} == {}


def test_a_page_comes_with_its_style(shop: Shop, visit: Visit) -> None:
    page = visit(shop.customer)

    refused = []
    page.on(
        "response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None
    )  # where refusals begin
    page.goto("/start")

    assert refused == []
    assert page.evaluate("document.styleSheets[0].cssRules.length") > 0


def test_a_page_may_run_and_load_only_what_is_ours(shop: Shop, visit: Visit) -> None:
    shop.sell(shop.monthly)
    page = visit(shop.customer)

    answer = page.goto("/orders")

    assert answer
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert page.evaluate("document.querySelectorAll('script:not([src]), style, [style]').length") == 0
