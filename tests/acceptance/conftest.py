"""A real browser in front of the desk, with the worker's steps taken by hand."""

from service import _committed_database, django_db_setup, gateway, sandbox, shop

# isort: split
# The service sets Django up; everything below needs that.

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, Page, expect, sync_playwright

from amends.desk.accounts.actions import make_link
from amends.desk.accounts.models import Customer
from conftest import ROOT
from web import serve_desk

__all__ = ["_committed_database", "django_db_setup", "gateway", "sandbox", "shop"]

PICTURES = ROOT / "var" / "pictures"
"""What the pages looked like in the last run."""

# A busy machine takes its time; what never comes is missed all the same.
expect.set_options(timeout=20_000)

# Playwright keeps a loop in the thread of the test, which Django takes for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("No browser: as root, apt-get install --no-install-recommends chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def _static() -> None:
    call_command("collectstatic", interactive=False, verbosity=0)


@pytest.fixture
def address(_static: None) -> Iterator[str]:
    with serve_desk() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Opens the portal as a customer, in a width, a theme, with or without scripts."""
    with ExitStack() as stack:

        def open_page(
            customer: Customer, *, width: int = 1200, theme: str = "light", scripts: bool = True
        ) -> Page:
            context = chromium.new_context(
                base_url=address,
                viewport={"width": width, "height": 900},
                color_scheme="dark" if theme == "dark" else "light",
                java_script_enabled=scripts,
                reduced_motion="reduce",
                timezone_id="UTC",
            )
            stack.callback(context.close)
            page = context.new_page()
            _, token = make_link(customer, "test")
            page.goto(f"/enter/{token}")
            page.get_by_role("button", name="Show my orders").click()
            return page

        yield open_page


def picture(page: Page, name: str) -> Path:
    """Keep what a page looks like, for people to see."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    return path
