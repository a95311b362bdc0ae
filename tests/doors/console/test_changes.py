"""What changed between two versions, for customers and for staff."""

import pytest

from amends.desk.accounts.models import Role
from amends.desk.policies.actions import publish
from browsing import Browser
from conftest import ROOT
from shop import Shop
from web import Client

LATER = "2026-01-01"


@pytest.fixture
def versions(shop: Shop) -> Shop:
    """A second version, with 14 days instead of 7."""
    text = (ROOT / "policies" / "flux-kontext.md").read_text()
    publish(text.replace("2025-08-18", LATER).replace("[7 days]", "[14 days]"), None)
    return shop


QUESTION = f"?before=2025-08-18&after={LATER}"


def test_everybody_reads_what_was_added_and_removed(web: Client, versions: Shop) -> None:  # noqa: ARG001  # the two versions
    browser = Browser(web)
    assert f"What changed in {LATER}" in browser.page("/policy")

    page = browser.get(f"/policy/changes{QUESTION}").body.decode()

    assert page.count('<section class="card stack tight change"') == 4
    assert ">7<" in page.split("<del>")[1].split("</del>")[0]
    assert ">14<" in page.split("<ins>")[1].split("</ins>")[0]
    assert "removed:" in page


def test_staff_compare_any_two_versions(web: Client, versions: Shop) -> None:
    browser = Browser(web).sign_in(versions.staff("owner", Role.POLICY_OWNER))
    assert f"what changed in {LATER}" in browser.page("/console/policies")

    assert "<ins>" in browser.get(f"/console/policies/changes{QUESTION}").body.decode()
    same = browser.page(f"/console/policies/changes?before={LATER}&after={LATER}")
    assert "The text that customers read is the same." in same


@pytest.mark.parametrize("question", ["", "?before=2025-08-18", f"?before=1999-01-01&after={LATER}"])
def test_a_version_that_is_not_there_is_not_compared(web: Client, versions: Shop, question: str) -> None:
    staff = Browser(web).sign_in(versions.staff("owner", Role.POLICY_OWNER))

    assert Browser(web).get(f"/policy/changes{question}").status == 404
    assert staff.get(f"/console/policies/changes{question}").status == 404


def test_the_first_version_alone_has_nothing_to_compare(web: Client, shop: Shop) -> None:  # noqa: ARG001  # its version
    assert "What changed in" not in Browser(web).page("/policy")
