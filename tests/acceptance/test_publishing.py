"""A version of the policy from the first word to its day, by keyboard, in both widths and themes."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from acceptance.conftest import picture
from acceptance.test_portal import violations
from amends.desk.accounts.models import Role, User
from amends.desk.policies.models import PolicyVersion
from authoring import CHANGED, broken, install, small, work_on_policies
from browsing import session_of
from shop import Shop, day, go_to


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, chromium: Browser, address: str) -> Iterator[Page]:
    width = 1200 if request.param == "light" else 375
    context = chromium.new_context(
        base_url=address,
        viewport={"width": width, "height": 900},
        color_scheme=request.param,
    )
    yield context.new_page()
    context.close()


def look(page: Page, name: str, found: dict[str, list[str]]) -> None:
    assert page.viewport_size
    picture(page, f"publishing-{name}-{page.viewport_size['width']}")
    found[name] = violations(page)
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0, (name, wider)


def sell_and_ask(shop: Shop) -> None:
    """Requests of several months, in time and late."""
    for number in range(6):
        line = shop.sell(shop.monthly, at=day(30 * number - 180))
        go_to(day(30 * number - 176 + number))
        shop.ask(line)


def loaded(page: Page, label: str) -> Locator:
    """A field of a page whose scripts are there."""
    field = page.get_by_label(label)
    field.wait_for()
    page.wait_for_load_state()
    return field


def test_a_version_is_written_proved_and_published_by_keyboard(shop: Shop, page: Page, address: str) -> None:
    sell_and_ask(shop)
    install(small("2025-08-18", window="7 days"))
    owner, second = shop.staff("owner", Role.POLICY_OWNER), shop.staff("second", Role.ADMIN)
    found: dict[str, list[str]] = {}

    def come_in(user: User) -> None:
        page.context.clear_cookies()
        page.context.add_cookies([{"name": "sessionid", "value": session_of(user), "url": address}])

    come_in(owner)
    page.goto("/console/policies")
    look(page, "versions", found)
    page.get_by_text("Start a draft").press("Enter")
    page.get_by_label("What it is for").fill("A longer window")
    page.get_by_role("button", name="Start", exact=True).press("Enter")

    editor = loaded(page, "Text of the policy")
    editor.fill(small("2025-12-01").replace("age <= window", "age <= windw"))
    expect(page.get_by_text("does not read: 1 problem")).to_be_visible()
    look(page, "unread", found)
    page.get_by_role("link", name="line ").first.press("Enter")
    assert "windw" in editor.evaluate("it => it.value.slice(it.selectionStart, it.selectionEnd)")

    editor.fill(broken("2025-12-01"))
    expect(page.get_by_text("The text reads: version 2025-12-01")).to_be_visible()
    page.get_by_role("button", name="Save and check").press("Enter")
    expect(page.get_by_text("A worker has been asked")).to_be_visible()
    work_on_policies()
    # Found by the page itself, without loading it again.
    expect(page.get_by_text("No clause decides this case.")).to_be_visible()
    look(page, "findings", found)

    editor.fill(small("2025-12-01"))
    page.get_by_role("button", name="Save and check").press("Enter")
    work_on_policies()
    expect(page.get_by_text("every clause can decide a case")).to_be_visible()
    page.get_by_text("The case").first.press("Enter")
    page.get_by_label("Why the policy changes").fill(CHANGED)
    look(page, "proved", found)
    page.get_by_role("button", name="Propose it to a second person").press("Enter")
    expect(page.get_by_text("You proposed it; somebody else has to agree.")).to_be_visible()
    place = page.url

    come_in(second)
    page.goto(place)
    look(page, "proposed", found)
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Agree, and publish 2025-12-01")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Published. Version 2025-12-01")).to_be_visible()
    page.goto(f"/console/policies/{PolicyVersion.objects.get(version='2025-12-01').id}")
    expect(page.get_by_text("Proof report")).to_be_visible()
    look(page, "version", found)
    page.goto("/console/policies")
    look(page, "scheduled", found)

    assert {name: listed for name, listed in found.items() if listed} == {}
