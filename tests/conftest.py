"""Hypothesis runs the same examples everywhere under CI; the shipped policy is read once; the desk has settings."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from amends import read_policy
from amends.policy.model import Policy

ROOT = Path(__file__).parent.parent

TEST_STATE = ROOT / "var" / "test" / os.environ.get("PYTEST_XDIST_WORKER", "")
"""Each worker of a run has a database server, a clock and files of its own."""

os.environ |= {
    "AMENDS_DEMO": "1",
    "AMENDS_STATE": str(TEST_STATE),
    "DJANGO_SETTINGS_MODULE": "amends.desk.settings",
}

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("local", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Workers read the settings by this file, not by what they inherit: their database server is their own."""
    del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record", action="store_true", help="Write what the corpus gets now as what it should get."
    )
    parser.addoption(
        "--requests", type=int, default=4, help="How many requests to generate for each operation of the API."
    )


@pytest.fixture(scope="session")
def shipped() -> Policy:
    return read_policy(ROOT / "policies" / "flux-kontext.md")
