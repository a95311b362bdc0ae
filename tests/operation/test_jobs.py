"""A worker that is killed in the middle loses no job, and one whose database was away goes on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from amends.desk import embedded_postgres
from operation.running import environment, wait_until

SETTINGS = {"AMENDS_DEMO": "1", "DJANGO_SETTINGS_MODULE": "amends.desk.settings"}
PREPARE = """
import django; django.setup()
from amends.desk import database
database.prepare("amends_service", may_create_role=True)
"""
WRITE = """
import django; django.setup()
from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.notices.actions import write
from amends.desk.notices.composition import Paragraph
customer = Customer.objects.create(external_id="1", email="ada@example.com", created_at=clock.now())
write(customer, "received", "once", "Received", [Paragraph("We have your request.")])
"""
REVIVE = """
import django; django.setup()
from asgiref.sync import async_to_sync
from amends.desk.schedule.tasks import revive_stalled
async_to_sync(revive_stalled)()
"""
REGULAR = "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, status) VALUES ('default', 'pay', 'pay', %s)"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    embedded_postgres.use(tmp_path / "postgres" / "18")  # durable: a lost job gives its number to the next
    run(tmp_path, PREPARE)
    return tmp_path


@contextmanager
def connected(state: Path) -> Iterator[psycopg.Connection]:
    with psycopg.connect(embedded_postgres.address(state / "postgres" / "18"), autocommit=True) as database:
        yield database


def run(state: Path, program: str) -> None:
    subprocess.run([sys.executable, "-c", program], env=environment(state, **SETTINGS), check=True)


@contextmanager
def worker(state: Path) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "amends.desk.schedule"], env=environment(state, **SETTINGS)
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def statuses(database: psycopg.Connection, task: str) -> list[str]:
    rows = database.execute("SELECT status::text FROM procrastinate_jobs WHERE task_name = %s", [task])
    return [name for (name,) in rows.fetchall()]


def mails(state: Path) -> int:
    return len(list((state / "mail").glob("*")))


def test_a_letter_whose_worker_was_killed_is_sent_by_the_next_one(state: Path) -> None:
    run(state, WRITE)
    with connected(state) as database:
        with connected(state) as blocker, worker(state) as first, blocker.transaction():
            blocker.execute("LOCK TABLE notices_letter IN ACCESS EXCLUSIVE MODE")
            assert wait_until(lambda: statuses(database, "send_letters") == ["doing"])
            first.send_signal(signal.SIGKILL)
            first.wait()
        database.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
        assert (statuses(database, "send_letters"), mails(state)) == (["doing"], 0)

        run(state, REVIVE)

        with worker(state):
            assert wait_until(lambda: mails(state) == 1 and statuses(database, "send_letters") == [])
    assert mails(state) == 1


def test_a_regular_task_that_was_killed_makes_room_for_the_one_that_waits(state: Path) -> None:
    with connected(state) as database:
        for status in ("doing", "todo"):
            database.execute(REGULAR, [status])

        run(state, REVIVE)

        assert statuses(database, "pay") == ["todo"]


@pytest.mark.timeout(120)  # a pool that met a database on its way up looks again after half a minute
def test_a_worker_whose_database_was_away_goes_on_by_itself_and_ends_when_asked(state: Path) -> None:
    with worker(state) as one:
        with connected(state) as database:
            assert wait_until(lambda: count(database, "procrastinate_workers") == 1)
        restart_database(state)

        run(state, WRITE)

        assert wait_until(lambda: mails(state) == 1, 60)
        assert one.poll() is None
        one.send_signal(signal.SIGTERM)
        assert one.wait(timeout=20) == 0
    assert mails(state) == 1


def count(database: psycopg.Connection, table: str) -> int:
    ((number,),) = database.execute(
        sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    ).fetchall()
    return int(number)


def restart_database(state: Path) -> None:
    """All its processes end at once, as where the power fails; nobody starts it before a second has passed."""
    folder = state / "postgres" / "18"
    pid = folder / "data" / "postmaster.pid"
    os.kill(int(pid.read_text().splitlines()[0]), signal.SIGQUIT)
    assert wait_until(lambda: not pid.exists())
    time.sleep(1)
    embedded_postgres.use(folder)
