"""Faults in the console, in a browser."""

import pytest
from django.conf import settings
from playwright.sync_api import Browser, expect

from acceptance.conftest import picture
from acceptance.test_portal import violations
from amends.desk.accounts.models import Role
from amends.desk.cases.deciding import wake_due
from amends.desk.cases.models import RequestKind
from amends.desk.usage.models import UseOutcome
from browsing import Browser as Session
from shop import Shop, day, go_to
from web import Client


@pytest.mark.parametrize("width, theme", [(1200, "light"), (390, "dark")])
def test_staff_see_the_failing_jobs_beside_the_report(
    shop: Shop, chromium: Browser, address: str, width: int, theme: str
) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(9))
    case = shop.ask(line, RequestKind.TECHNICAL, reason="Every image comes out black.")
    for number, (good, bad) in enumerate([(1, 4), (0, 5), (0, 5), (3, 0)], 10):
        shop.use(good, day(number, 9))
        shop.use(bad, day(number), outcome=UseOutcome.FAILED)
    go_to(day(25))
    wake_due()
    staff = Session(Client(0)).sign_in(shop.staff("agnes", Role.AGENT))
    context = chromium.new_context(
        base_url=address,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": staff.cookies[name], "url": address}])
    page = context.new_page()

    page.goto("/console/issues")
    expect(page.get_by_text("14 of 18")).to_be_visible()
    assert violations(page) == []
    picture(page, f"issues-{width}-{theme}")
    page.goto(f"/console/cases/{case.number}")
    expect(page.get_by_text("3 of 4, 1 good")).to_be_visible()
    assert violations(page) == []
    picture(page, f"fault-{width}-{theme}")
    context.close()
