"""A bank transfer in a browser: two people of finance, the customer on a telephone, and no barriers on their pages."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from acceptance.conftest import picture
from acceptance.test_console import enter
from acceptance.test_portal import violations
from amends.desk.books import check_books
from amends.desk.payments.models import Refund
from amends.desk.payouts.models import Payout
from payouts import IBAN, WHY, finance, refused
from shop import Shop, now

__all__ = ["enter"]

Open = Callable[..., Page]


def barriers(page: Page, name: str) -> list[str]:
    """What a machine finds wrong with a page, its folded parts opened, and whether it is wider than its window."""
    for folded in page.locator("main summary").all():
        folded.click()
    picture(page, name)
    too_wide = int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))
    return [*violations(page), *([f"{too_wide} pixels too wide"] if too_wide > 0 else [])]


@pytest.mark.parametrize("width, theme", [(1200, "light"), (375, "dark")])
def test_a_refused_refund_goes_by_bank_transfer(
    shop: Shop, enter: Open, visit: Open, width: int, theme: str
) -> None:
    case = refused(shop)
    look = {"width": width, "theme": theme}
    first, second = (enter(person, **look) for person in finance(shop))
    found = []
    first.goto(f"/console/refunds/{Refund.objects.get().id}")
    found += barriers(first, f"refund-refused-{theme}")
    first.get_by_label("Why the payment provider cannot pay it").fill(WHY)
    first.get_by_role("button", name="Ask the customer for an account").click()
    expect(first.get_by_text("The customer is asked for an account, by mail")).to_be_visible()

    customer = visit(shop.customer, **look)
    customer.goto(f"/cases/{case.number}")
    customer.get_by_role("link", name="Name your account").click()
    customer.get_by_label("Holder of the account").fill("Ada Lovelace")
    customer.get_by_label("IBAN").fill(IBAN[:-1] + "1")
    customer.get_by_role("button", name="Send my refund to this account").click()
    expect(customer.get_by_text("The check digits do not fit")).to_be_visible()
    found += barriers(customer, f"account-{theme}")
    customer.get_by_label("IBAN").fill(IBAN)
    customer.get_by_role("button", name="Send my refund to this account").click()
    expect(customer.get_by_role("heading", name="We send your refund to DE… 3000")).to_be_visible()
    found += barriers(customer, f"account-given-{theme}")

    place = f"/console/refunds/{Payout.objects.get().refund_id}"
    for page, button in ((first, "Propose to pay"), (second, "Release $18.15")):
        page.goto(place)
        found += barriers(page, f"payout-{button.split(' ')[0].lower()}-{theme}")
        page.get_by_role("button", name=button).click()
    first.goto("/console/finance")
    first.get_by_role("button", name="Make a file for the bank").click()
    found += barriers(first, f"finance-with-file-{theme}")
    with first.expect_download() as downloaded:
        first.get_by_role("link", name="CSV", exact=True).click()
    assert IBAN in downloaded.value.path().read_text()
    second.goto(place)
    second.get_by_label("Reference on the bank's statement").fill("STMT-7")
    found += barriers(second, f"payout-exported-{theme}")
    second.get_by_role("button", name="The bank has booked it").click()
    expect(second.get_by_text("Noted. The customer has a letter.")).to_be_visible()

    customer.goto(f"/cases/{case.number}")
    expect(customer.get_by_text("Sent by bank transfer.")).to_be_visible()
    assert (now(case).closing, list(check_books()), found) == ("paid", [], [])


def test_the_page_of_a_refund_that_needs_a_person_has_no_barriers(shop: Shop, enter: Open) -> None:
    refused(shop)
    refund = Refund.objects.get()
    Refund.objects.create(
        payment=refund.payment,
        case_id=refund.case_id,
        purpose="lost",
        amount=85,
        currency="USD",
        state="unknown",
        reason="needs_person",
        next_try_at=refund.created_at,
        created_at=refund.created_at,
        changed_at=refund.created_at,
    )
    page = enter(finance(shop)[0], width=375, theme="dark")

    page.goto(f"/console/refunds/{Refund.objects.get(purpose='lost').id}")

    expect(page.get_by_role("heading", name="What became of it?")).to_be_visible()
    page.locator("summary").click()
    assert barriers(page, "refund-unknown") == []
