"""What the desk costs: a whole refund beside a plain view, usage beside a bare COPY, counting among a million rows."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
STATE = ROOT / "var" / "benchmarks-desk"
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "amends.desk.settings",
    "AMENDS_DEMO": "1",
    "AMENDS_STATE": str(STATE),
}

import django  # noqa: E402 -- the settings come first
from django.conf import settings  # noqa: E402 -- as above

from amends.desk import database, embedded_postgres  # noqa: E402 -- as above

REFUNDS, WARM_UP, ROUNDS = 60, 20, 5
EVENTS, BATCH = 10_000, 1_000
ROWS, HEAVY = 1_000_000, 500_000
START = datetime(2025, 9, 1, tzinfo=UTC)


@contextmanager
def served() -> Iterator[str]:
    """A gateway in a process of its own, so that its work is not counted as ours."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"AMENDS_STATE": folder}
        command = [sys.executable, "-m", "amends", "sandbox", "--port", str(port)]
        child = subprocess.Popen(command, env=environment)  # noqa: S603 -- our own program
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            child.terminate()
            child.wait()


def _wait_for(port: int) -> None:
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)


def prepare(name: str = "benchmark") -> None:
    """Make an empty desk on a durable server."""
    server = embedded_postgres.use(STATE / "postgres" / "18")
    import psycopg  # noqa: PLC0415 -- the first use

    with psycopg.connect(server, autocommit=True) as postgres:
        postgres.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        postgres.execute(f"CREATE DATABASE {name}")
    os.environ["DATABASE_URL"] = server.replace("/postgres?", f"/{name}?")
    django.setup()
    settings.CLOCK_FILE = None  # A desk that is no demo runs on the machine's clock and reads no file for it.
    database.prepare("amends_service", may_create_role=True)


def main() -> None:
    """Print one table for each comparison."""
    prepare()
    from desk_refunds import Refunds  # noqa: PLC0415 -- needs the settings

    with served() as gateway:
        refunds = Refunds(gateway)
        refunds.run(WARM_UP)
        measured = [refunds.run(REFUNDS) for _ in range(ROUNDS)]
    print(f"{'a refund':<22}{'CPU ms':>9}{'in database':>13}{'statements':>12}{'WAL bytes':>11}")
    for name in ("rooms", "plain view", "by hand"):
        costs = [one[name] for one in measured]
        cpu, in_database, statements, wal = (median(values) for values in zip(*costs, strict=True))
        print(f"{name:<22}{cpu:>9.2f}{in_database:>13.2f}{statements:>12.1f}{wal:>11.0f}")
    ratios = [one["rooms"][0] / one["plain view"][0] for one in measured]
    print(f"CPU, rooms to plain view: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    kept = refunds.kept_bytes()
    listed = ", ".join(f"{what} {size:,}" for what, size in kept.items())
    print(f"bytes of the rows of one refund: {sum(kept.values()):,} ({listed})\n")

    from desk_usage import compare_counts, compare_intake  # noqa: PLC0415 -- as above

    intake = compare_intake(ROUNDS, EVENTS, BATCH)
    print(
        f"intake of {EVENTS:,} jobs: {median(a for a, _ in intake):.3f} s, COPY {median(b for _, b in intake):.3f} s"
    )
    print(f"COPY to intake: {median(b / a for a, b in intake):.2f}\n")
    for name, milliseconds in compare_counts(ROWS, HEAVY).items():
        print(f"{name:<44}{milliseconds:>9.2f} ms")


if __name__ == "__main__":
    main()
