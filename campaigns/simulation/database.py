"""A PostgreSQL of its own for campaigns, without durability where only logic is tried."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
STATE = ROOT / "var" / "campaigns"


def configure() -> None:
    """Set what the desk's settings read; before Django is set up."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "amends.desk.settings",
        "AMENDS_DEMO": "1",
        "AMENDS_STATE": str(STATE),
    }


def prepare(name: str, *, is_durable: bool = False) -> str:
    """Make an empty desk in a fresh database, connect this process to it, and return its address."""
    configure()
    import django
    import psycopg

    from amends.desk import embedded_postgres

    folder = "durable" if is_durable else "postgres"
    server = embedded_postgres.use(STATE / folder / "18", fast=not is_durable)
    with psycopg.connect(server, autocommit=True) as postgres:
        postgres.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        postgres.execute(f"CREATE DATABASE {name}")
    os.environ["DATABASE_URL"] = server.replace("/postgres?", f"/{name}?")
    django.setup()
    from amends.desk import database

    database.prepare("amends_service", may_create_role=True)
    return os.environ["DATABASE_URL"]
