"""The service behind its doors: the desk over HTTP, the gateway it talks to, and a shop with something to sell."""

from collections.abc import Iterator

import django
import pytest
from pytest_django import Settings

django.setup()

# All of these need the settings.
from amends.desk.accounts.models import Scope  # noqa: E402
from amends.desk.payments.stripe_gateway import StripeGateway  # noqa: E402
from amends.sandbox.server import Sandbox  # noqa: E402
from service import _committed_database, django_db_setup, gateway, sandbox  # noqa: E402
from shop import Shop, day, go_to  # noqa: E402
from web import Client, serve_desk, with_key  # noqa: E402

__all__ = ["_committed_database", "django_db_setup", "gateway", "sandbox"]

GATEWAY_SECRET = "whsec_of_the_gateway"  # noqa: S105  # of a sandbox


@pytest.fixture
def shop(sandbox: Sandbox, gateway: StripeGateway) -> Shop:
    go_to(day(-1))
    return Shop.open(sandbox, gateway)


@pytest.fixture
def web(sandbox: Sandbox, settings: Settings) -> Iterator[Client]:
    """Somebody without a key."""
    settings.STRIPE_API_BASE = sandbox.address
    settings.STRIPE_SECRET_KEY = "sk_test_desk"  # noqa: S105  # of a sandbox
    settings.STRIPE_WEBHOOK_SECRET = GATEWAY_SECRET
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    with serve_desk() as port:
        yield Client(port)


@pytest.fixture
def program(web: Client) -> Client:
    """The host product's program, with every scope."""
    return with_key(web, *Scope)
