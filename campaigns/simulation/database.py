"""A PostgreSQL of its own for campaigns, without durability where only logic is tried."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
STATE = ROOT / "var" / "campaigns"
DURABLE = STATE / "durable" / "18"


def configure() -> None:
    """Set what the desk's settings read; before Django is set up."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "amends.desk.settings",
        "AMENDS_DEMO": "1",
        "AMENDS_STATE": str(STATE),
    }


def prepare(name: str, durable: Path | None = None) -> str:
    """Make an empty desk in a fresh database, connect this process to it, and return its address.

    `durable` is the folder of a server that keeps what was committed.
    """
    configure()
    import django
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    from amends.desk import embedded_postgres

    server = embedded_postgres.use(durable or STATE / "postgres" / "18", fast=durable is None)
    with psycopg.connect(server, autocommit=True) as postgres:
        postgres.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        postgres.execute(f"CREATE DATABASE {name}")
    address = os.environ["DATABASE_URL"] = server.replace("/postgres?", f"/{name}?")
    django.setup()
    from django.db import connection

    from amends.desk import database

    # Settings are read once in a process, which may see several servers.
    connection.settings_dict |= {"HOST": conninfo_to_dict(address)["host"], "NAME": name}
    database.prepare("amends_service", may_create_role=True)
    return address
