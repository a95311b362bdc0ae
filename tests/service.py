"""A real PostgreSQL: the tables are made once for each set of migrations, and copied for each run."""

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import django
import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection, connections
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

from amends.desk import database, embedded_postgres
from conftest import ROOT, TEST_STATE

django.setup()
(TEST_STATE / "static").mkdir(parents=True, exist_ok=True)

from amends.desk.payments.stripe_gateway import StripeGateway, connect  # noqa: E402  # needs the settings
from amends.sandbox.clock import Clock  # noqa: E402  # as above
from amends.sandbox.server import Sandbox  # noqa: E402  # as above
from shop import Shop, day, go_to  # noqa: E402  # as above


def fingerprint() -> str:
    """Changes with every migration and with the pins."""
    files = sorted((ROOT / "src" / "amends" / "desk").glob("*/migrations/*.py"))
    content = [
        path.read_bytes() for path in (*files, ROOT / "requirements" / "desk.txt", Path(database.__file__))
    ]
    return hashlib.sha256(b"".join(content)).hexdigest()[:12]


def run(address: str, statement: str, *names: str) -> list[tuple[object, ...]]:
    with psycopg.connect(address, autocommit=True) as server:
        cursor = server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
        return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    address = embedded_postgres.use(TEST_STATE / "postgres" / "18", fast=True)
    mother, own = f"mother_{fingerprint()}", f"run_{socket.gethostname()}_{os.getpid()}".lower()
    known = {str(name) for (name,) in run(address, "SELECT datname FROM pg_database")}
    if own in known:
        # Another folder of tests has made it; each that uses this fixture has a session of its own.
        yield
        return
    if mother not in known:
        for stale in known:
            if stale.startswith(("mother_", "run_")):
                run(address, "DROP DATABASE IF EXISTS {} WITH (FORCE)", stale)
        run(address, "DROP DATABASE IF EXISTS {}", "unfinished")
        run(address, "CREATE DATABASE {}", "unfinished")
        with django_db_blocker.unblock():
            use_database("unfinished")
            database.prepare(django_settings.SERVICE_ROLE, may_create_role=True)
            connections.close_all()
        run(address, "ALTER DATABASE {} RENAME TO {}", "unfinished", mother)
    run(address, "CREATE DATABASE {} TEMPLATE {}", own, mother)
    use_database(own)
    yield
    with django_db_blocker.unblock():
        connections.close_all()
    run(address, "DROP DATABASE {} WITH (FORCE)", own)


def use_database(name: str) -> None:
    connections.close_all()
    connection.settings_dict["NAME"] = name
    django_settings.DATABASES["default"]["NAME"] = name


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A gateway of its own for each test, spoken to by the official SDK over HTTP."""
    server = Sandbox(0, state=None, clock=Clock(TEST_STATE / "clock"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    connect.cache_clear()
    yield server
    connect.cache_clear()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def gateway(sandbox: Sandbox) -> StripeGateway:
    return StripeGateway("sk_test_desk", sandbox.address)


@pytest.fixture
def shop(sandbox: Sandbox, gateway: StripeGateway) -> Shop:
    """A product that sells from 31 August 2025 on."""
    go_to(day(-1))
    return Shop.open(sandbox, gateway)


# Tests commit for real; with its triggers off, the owner may empty tables that are only added to.
EMPTY = """
SET session_replication_role = replica;
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
        AND tablename NOT IN ('django_migrations', 'django_content_type') LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
END $$;
SET session_replication_role = DEFAULT;
"""


@pytest.fixture(autouse=True)
def _committed_database(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    request.getfixturevalue("django_db_setup")
    (TEST_STATE / "clock").unlink(missing_ok=True)
    with django_db_blocker.unblock():
        yield
        connection.rollback()
        with connection.cursor() as cursor:
            cursor.execute(EMPTY)
