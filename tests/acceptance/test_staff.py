"""Members of staff come in, in a browser: an app, recovery codes, a passkey; and the letters that wait for them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from acceptance.conftest import picture
from acceptance.test_portal import violations
from amends.cli.totp import code_at
from amends.desk import clock
from amends.desk.accounts.models import Role, User
from amends.desk.mail.receiving import Envelope, receive
from amends.desk.policies.actions import publish
from browsing import code_by_mail
from conftest import ROOT
from post import letter, work
from shop import Shop


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, chromium: Browser, address: str) -> Iterator[Page]:
    """A browser with a built-in authenticator; passkeys need a name, and no number, as the host."""
    width = 1200 if request.param == "light" else 390
    context = chromium.new_context(
        base_url=address.replace("127.0.0.1", "localhost"),
        viewport={"width": width, "height": 900},
        color_scheme=request.param,
    )
    opened = context.new_page()
    devices = context.new_cdp_session(opened)
    devices.send("WebAuthn.enable")
    device = {"protocol": "ctap2", "transport": "internal", "hasUserVerification": True}
    devices.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": device | {"isUserVerified": True, "automaticPresenceSimulation": True}},
    )
    yield opened
    context.close()


def width_of(page: Page) -> int:
    assert page.viewport_size
    return page.viewport_size["width"]


def enter_mail_code(page: Page, user: User) -> None:
    page.goto("/console/")
    page.get_by_role("textbox").first.fill(user.email)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_role("textbox").first.fill(code_by_mail())
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("page", ["dark"], indirect=True)
def test_staff_set_up_an_app_then_a_passkey_and_sign_in_with_it(shop: Shop, page: Page) -> None:
    agent = shop.staff("agent", Role.AGENT, Role.ADMIN)
    found = {}
    enter_mail_code(page, agent)
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    box = page.locator(".qr svg").bounding_box()
    assert box
    assert box["width"] > 150
    picture(page, f"set-up-{width_of(page)}")
    found["set up"] = violations(page)
    secret = page.get_by_role("textbox", name="The secret").input_value()
    page.get_by_role("textbox", name="code").fill(code_at(secret, clock.machine_now()))
    page.get_by_role("button", name="Set it up").click()
    expect(page.locator(".codes li")).to_have_count(10)
    picture(page, f"codes-{width_of(page)}")
    found["codes"] = violations(page)

    page.get_by_role("link", name="To the console").click()
    page.get_by_role("link", name="agent").click()
    found["factors"] = violations(page)
    picture(page, f"factors-{width_of(page)}")
    page.get_by_role("link", name="Add a passkey").click()
    found["passkey"] = violations(page)
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    enter_mail_code(page, agent)
    found["ask"] = violations(page)
    picture(page, f"ask-{width_of(page)}")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Cases")).to_be_visible()
    page.goto("/account/2fa/recovery-codes/")
    page.get_by_role("link", name="Use a passkey instead").click()
    found["ask again"] = violations(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("10 codes are left")).to_be_visible()
    assert {name: listed for name, listed in found.items() if listed} == {}


def test_letters_and_changes_of_the_policy_have_no_barriers(shop: Shop, page: Page) -> None:
    agent = shop.staff("agent", Role.AGENT)
    line = shop.sell(shop.monthly)
    for sender, text in (
        ("x@elsewhere.example", "Where is my money?"),
        (shop.customer.email, f"Refund {line.order.number}."),
    ):
        receive(letter(sender, text).as_bytes(), Envelope("smtp", sender, ["support@example.com"]))
        work()
    enter_mail_code(page, agent)
    secret = page.get_by_role("textbox", name="The secret").input_value()
    page.get_by_role("textbox", name="code").fill(code_at(secret, clock.machine_now()))
    page.get_by_role("button", name="Set it up").click()

    text = (ROOT / "policies" / "flux-kontext.md").read_text()
    publish(text.replace("2025-08-18", "2025-08-30").replace("[7 days]", "[14 days]"), None)
    versions = "?before=2025-08-18&after=2025-08-30"
    found = {}
    for place in (
        "/console/mail",
        "/console/mail?show=drafts",
        f"/console/policies/changes{versions}",
        f"/policy/changes{versions}",
    ):
        page.goto(place)
        picture(page, f"{place.partition('?')[0].strip('/').replace('/', '-')}-{width_of(page)}")
        found[place] = violations(page)
    page.goto("/console/mail")
    page.get_by_role("link", name="My order").click()
    expect(page.get_by_text("Where is my money?")).to_be_visible()
    found["letter"] = violations(page)

    assert {name: listed for name, listed in found.items() if listed} == {}
