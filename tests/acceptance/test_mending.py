"""What staff mend by hand, in a browser on a phone: two cases that are one, a dispute, a difference."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from acceptance.conftest import picture
from acceptance.test_console import Enter, enter
from acceptance.test_portal import violations
from amends.desk.accounts.models import Role
from amends.desk.cases.models import RequestKind
from amends.desk.payments.models import Dispute, Payment
from amends.desk.reconciliation.actions import open_discrepancies, reconcile
from shop import WHY, Shop, now

__all__ = ["enter"]

LOOKS = [(375, "light", True), (1280, "dark", False)]


def inspect(page: Page, name: str) -> None:
    """A picture; with scripts also that there are no barriers, and nothing sticks out at the side."""
    picture(page, name)
    if name.endswith("without-scripts"):
        return
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
    assert violations(page) == [], name


@pytest.mark.parametrize("width, theme, scripts", LOOKS)
def test_two_cases_are_merged_a_dispute_linked_and_a_difference_seen_to(
    shop: Shop,
    enter: Enter,
    settings: Settings,
    width: int,
    theme: str,
    scripts: bool,  # noqa: FBT001  # a parameter of the table above
) -> None:
    settings.STRIPE_API_BASE = shop.sandbox.address
    first, second = (shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR) for _ in range(2))
    unasked = shop.sell(shop.monthly)
    shop.dispute(unasked)
    shop.sync(unasked)
    Payment.objects.filter(of_order__order__lines__cases=second).update(captured=2000)
    reconcile()
    look = f"{width}-{theme}" if scripts else f"{width}-{theme}-without-scripts"
    page = enter(shop.staff("all", Role.AGENT, Role.FINANCE), width=width, theme=theme, scripts=scripts)

    page.goto(f"/console/cases/{first.number}")
    page.get_by_text("Merge into another case").click()
    page.get_by_label("It goes on in").select_option(second.number)
    page.locator("#merge-reason").fill(WHY)
    inspect(page, f"merge-{look}")
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_text(f"Merged: it goes on in {second.number}").first).to_be_visible()
    inspect(page, f"merged-{look}")
    page.locator("p.banner").get_by_role("link", name=second.number).click()
    expect(page.get_by_text(f"{first.number} was merged into this case")).to_be_visible()

    page.goto("/console/finance")
    page.get_by_text("Link it to a case").click()
    page.get_by_label("Number of the case").fill(second.number)
    page.get_by_label("Why").fill(WHY)
    inspect(page, f"finance-{look}")
    page.get_by_role("button", name="Link").click()
    expect(page.get_by_text("Linked by hand.")).to_be_visible()
    inspect(page, f"linked-{look}")

    page.goto("/console/finance/differences")
    page.get_by_text("I have seen to it").click()
    page.get_by_label("What it was, or what was done").fill(WHY)
    inspect(page, f"differences-{look}")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("Our books and the payment provider say the same.")).to_be_visible()
    inspect(page, f"differences-settled-{look}")

    assert (now(first).merged_into_id, Dispute.objects.get().linked_payment) == (
        second.id,
        second.line.order.payments[0],
    )
    assert not open_discrepancies().exists()
