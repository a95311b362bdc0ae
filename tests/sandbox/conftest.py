"""A sandbox of its own for each test, spoken to by the official SDK over HTTP."""

from collections.abc import Iterator

import pytest
import stripe

from amends.sandbox.server import Sandbox
from gateways import client, serving


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with serving() as server:
        yield server


@pytest.fixture
def sdk(sandbox: Sandbox) -> stripe.StripeClient:
    return client(sandbox)
