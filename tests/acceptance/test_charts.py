"""Charts in a browser: drawn from their tables, in both themes, and whole without scripts."""

import pytest
from playwright.sync_api import Page, expect

from acceptance.conftest import picture
from acceptance.test_console import Enter, enter
from acceptance.test_portal import violations
from amends.desk.accounts.models import Role
from shop import Shop, day, go_to

__all__ = ["enter"]


@pytest.fixture
def decided(shop: Shop) -> None:
    """Two weeks with a grant and a denial."""
    early, late = shop.sell(shop.monthly), shop.sell(shop.monthly)
    shop.ask(early)
    go_to(day(9))
    shop.ask(late)


def drawn(page: Page) -> list[dict[str, object]]:
    """What stands in the drawings: their labels and values."""
    found = page.evaluate(
        """[...document.querySelectorAll("canvas")].map((canvas) => {
            const chart = Chart.getChart(canvas);
            return { name: canvas.getAttribute("aria-label"), labels: chart.data.labels,
                values: chart.data.datasets.map((one) => one.data), tone: chart.data.datasets[0].backgroundColor[0] };
        })"""
    )
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.usefixtures("decided")
def test_the_charts_say_what_their_tables_say(shop: Shop, enter: Enter, theme: str) -> None:
    page = enter(shop.staff("member", Role.FINANCE), theme=theme)
    refused: list[str] = []
    page.on(
        "console",
        lambda message: refused.append(message.text) if "Content Security" in message.text else None,
    )
    page.goto("/console/insight")
    weeks, times, clauses = drawn(page)
    picture(page, f"charts-{theme}")

    assert weeks["labels"] == ["Aug 11", "Aug 18", "Aug 25", "Sep 1", "Sep 8"]
    assert weeks["values"] == [[0, 0, 1, 0, 1], [0, 0, 1, 0, 1]]
    assert times["values"] == [[None, None, 0, None, 0]]
    assert (clauses["labels"], clauses["values"]) == (["late", "full"], [[1900, 1815]])
    assert clauses["name"] == "Money that each clause decided about, USD"
    expect(page.locator("canvas[role=img]")).to_have_count(3)
    expect(page.locator("#by-clause")).not_to_be_visible()
    assert violations(page) == []
    assert refused == []


@pytest.mark.usefixtures("decided")
def test_a_change_of_the_theme_draws_anew(shop: Shop, enter: Enter) -> None:
    page = enter(shop.staff("member", Role.FINANCE))
    page.goto("/console/insight")
    before = drawn(page)[2]["tone"]

    page.emulate_media(color_scheme="dark")

    page.wait_for_function(
        "before => Chart.getChart(document.querySelectorAll('canvas')[2]).data.datasets[0].backgroundColor[0] !== before",
        arg=before,
    )
    assert len(drawn(page)) == 3


@pytest.mark.usefixtures("decided")
def test_without_scripts_the_tables_are_open(shop: Shop, enter: Enter) -> None:
    page = enter(shop.staff("member", Role.FINANCE), scripts=False)
    page.goto("/console/insight")

    expect(page.locator("#by-clause")).to_be_visible()
    expect(page.locator("#by-week")).to_be_visible()
    expect(page.locator("canvas")).to_have_count(0)
    assert page.locator("#by-clause tbody tr").first.inner_text().split("\t")[:2] == ["late denies", "$19.00"]
