"""An import is a process: it is killed, run again, and waits its turn."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from django.db import connection

from amends.desk import embedded_postgres
from amends.desk.accounts.models import Customer
from amends.desk.books import check_books
from amends.desk.importing.models import Cursor, Fetched
from amends.desk.importing.turn import turn
from amends.desk.orders.models import Order
from amends.desk.payments.gateway import OutcomeUnknown
from amends.desk.payments.models import Payment
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.sandbox.scenarios import play
from amends.sandbox.server import Sandbox
from conftest import TEST_STATE
from past import MONTHLY, bring_in, sell


def test_a_process_that_is_killed_in_the_middle_of_two_thousand_objects_goes_on_when_it_is_run_again(
    sandbox: Sandbox,
) -> None:
    customer = {
        "payment_method": "pm_card_visa",
        "invoice_settings": {"default_payment_method": "pm_card_visa"},
    }
    price = {
        "product_data": {"name": "Fluxpaint"},
        "currency": "usd",
        "unit_amount": 1900,
        "metadata": MONTHLY,
    }
    steps: list[object] = [
        {"call": "POST /v1/prices", "with": price | {"recurring": {"interval": "month"}}, "as": "monthly"},
        {
            "repeat": 100,
            "steps": [
                {"call": "POST /v1/customers", "with": customer, "as": "customer"},
                {
                    "call": "POST /v1/subscriptions",
                    "with": {"customer": "$customer.id", "items": [{"price": "$monthly.id"}]},
                },
            ],
        },
        {"call": "POST /_sandbox/clock/advance", "with": {"days": 95}},
    ]
    play(sandbox.account, json.dumps({"steps": steps}))
    sandbox.api.faults.add({"fault": "slow", "method": "GET", "path": "/v1/charges", "seconds": "30"})

    first = importing(sandbox)
    wait_until(lambda: any(one["path"] == "/v1/charges" for one in list(sandbox.account.log)))
    first.kill()
    first.communicate(timeout=10)
    half = Fetched.objects.count()
    second = importing(sandbox)
    wait_until(lambda: Order.objects.count() > 100)
    second.kill()
    second.communicate(timeout=10)
    said = importing(sandbox).communicate(timeout=50)[0]

    assert half == 1_001
    assert Fetched.objects.count() == 1_401
    assert said.strip().splitlines()[-1].endswith("Not told: 0.")
    assert (Order.objects.count(), Payment.objects.count(), Customer.objects.count()) == (400, 400, 100)
    assert list(check_books()) == []


def test_two_imports_do_not_run_at_once(sandbox: Sandbox) -> None:
    with turn():
        said = importing(sandbox).communicate(timeout=30)[0]

    assert said == "Error: Another import is under way. Wait until it has ended.\n"
    assert Fetched.objects.count() == 0


def test_a_page_after_what_was_deleted_is_fetched_from_the_beginning(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    sell(sandbox, **MONTHLY)
    sandbox.api.faults.add({"fault": "error_before", "method": "GET", "path": "/v1/customers"})
    with pytest.raises(OutcomeUnknown):
        bring_in(gateway)
    Cursor.objects.filter(kind="customer").update(after="cus_deleted", count=100)

    assert bring_in(gateway).untold == {}
    assert Cursor.objects.get(kind="customer").count == 1


def importing(sandbox: Sandbox) -> subprocess.Popen[str]:
    """The command, at the database of this run."""
    server = embedded_postgres.address(TEST_STATE / "postgres" / "18")
    address = server.replace("/postgres?", f"/{connection.settings_dict['NAME']}?")
    told = {
        "DATABASE_URL": address,
        "STRIPE_API_BASE": sandbox.address,
        "DJANGO_SETTINGS_MODULE": "amends.desk.settings",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "amends", "import", "stripe"],
        env=os.environ | told,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_until(is_there: Callable[[], bool]) -> None:
    end = time.monotonic() + 40
    while not is_there():
        assert time.monotonic() < end
        time.sleep(0.02)
