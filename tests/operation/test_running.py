"""The desk as one command: it starts, says where it is, and leaves nothing behind however it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from amends.desk import embedded_postgres
from operation.running import amends, environment, output, processes_of, run, status_of, wait_until

START_SECONDS_MAX = 30
SECRETS = {
    "SECRET_KEY": "k" * 60,
    "STRIPE_SECRET_KEY": "sk_test_tried",
    "STRIPE_WEBHOOK_SECRET": "whsec_tried",
}


def free_ports() -> tuple[str, str]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1]), str(two.getsockname()[1])


@contextmanager
def demo(state: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A demo that has said that it is up, and its port."""
    port, sandbox_port = free_ports()
    with amends(state, "demo", "--port", port, "--sandbox-port", sandbox_port, *words) as command:
        assert wait_until(lambda: "docs/contract.md" in output(state), START_SECONDS_MAX), output(state)
        yield command, port


@contextmanager
def up(state: Path, **changes: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A desk on its own database that has said that it is up, and its port."""
    port, _ = free_ports()
    with amends(state, "up", "--port", port, **SECRETS | changes) as command:
        assert wait_until(lambda: "The desk is up" in output(state), START_SECONDS_MAX), output(state)
        yield command, port


def child(state: Path, part: str) -> int:
    """The number of the process whose command has a part."""
    return next(number for number, command in processes_of(state).items() if part in command)


def is_left(state: Path) -> bool:
    return bool(processes_of(state))


def test_a_demo_starts_ends_with_ctrl_c_and_starts_again_from_what_it_had(tmp_path: Path) -> None:
    with demo(tmp_path) as (command, port):
        assert "20 customers, 20 purchases" in output(tmp_path)
        assert status_of(f"http://127.0.0.1:{port}/readyz") == 200
        begun = time.monotonic()
        os.killpg(command.pid, signal.SIGINT)
        assert command.wait(15) == 0
        assert time.monotonic() - begun < 8
        assert not is_left(tmp_path), processes_of(tmp_path)
        kept = (tmp_path / "sandbox.sqlite").stat().st_ino

    begun = time.monotonic()
    with demo(tmp_path) as (command, _):
        assert time.monotonic() - begun < 8
        assert (tmp_path / "sandbox.sqlite").stat().st_ino == kept
        command.kill()
        command.wait()
        assert wait_until(lambda: not is_left(tmp_path)), processes_of(tmp_path)


def test_a_fresh_demo_forgets_what_there_was_and_nothing_before_its_port_is_free(tmp_path: Path) -> None:
    tmp_path.joinpath("mail").mkdir()
    tmp_path.joinpath("mail", "earlier").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        done = run(tmp_path, "demo", "--port", port, "--fresh")

    assert done.returncode == 1
    assert (
        f"Port {port} is taken (Address already in use). End what uses it, or choose another port."
        in done.stderr
    )
    assert tmp_path.joinpath("mail", "earlier").exists()


@pytest.mark.parametrize("name", SECRETS)
def test_a_desk_says_what_is_not_set_before_anything_starts(name: str, tmp_path: Path) -> None:
    done = run(tmp_path, "up", **{one: text for one, text in SECRETS.items() if one != name})

    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {name} is not set: ")
    assert done.stderr.endswith("`bin/demo` sets everything for a trial.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_desk_says_that_its_database_does_not_answer(tmp_path: Path) -> None:
    address = f"postgresql://amends@/desk?host={tmp_path}"

    done = run(tmp_path, "up", DATABASE_URL=address, **SECRETS)

    assert done.returncode == 1
    assert "The database cannot be prepared: connection is bad" in done.stderr
    assert "Traceback" not in done.stderr


def ask(address: str, found: list[int]) -> None:
    found.append(status_of(address))


def test_a_request_in_flight_is_answered_and_every_line_of_the_log_is_json(tmp_path: Path) -> None:
    answers: list[int] = []
    with up(tmp_path, PUBLIC_URL="https://desk.example") as (command, port):
        assert status_of(f"http://127.0.0.1:{port}/healthz") == 200
        assert status_of(f"http://127.0.0.1:{port}/nothing-here") in (0, 301, 404)
        with psycopg.connect(embedded_postgres.address(tmp_path / "postgres" / "18")) as database:
            database.execute("LOCK TABLE cases_case IN ACCESS EXCLUSIVE MODE")
            asking = Thread(target=ask, args=(f"http://127.0.0.1:{port}/metrics", answers))
            asking.start()
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            assert wait_until(lambda: database.execute(waiting).fetchone() != (0,))
            os.killpg(command.pid, signal.SIGINT)
            wait_until(lambda: False, 1)
        asking.join()
        code = command.wait(15)

    lines = [line for line in output(tmp_path).splitlines() if line.startswith("{")]
    assert (code, answers) == (0, [200])
    assert {json.loads(line)["event"] for line in lines} >= {"request"}
    assert not is_left(tmp_path)


def test_the_death_of_one_program_ends_the_others(tmp_path: Path) -> None:
    with up(tmp_path) as (command, port):
        os.kill(child(tmp_path, "amends.desk.schedule"), signal.SIGKILL)

        assert command.wait(15) == 1
        assert not is_left(tmp_path), processes_of(tmp_path)
        assert status_of(f"http://127.0.0.1:{port}/healthz") == 0


def test_a_database_that_is_away_is_said_within_two_seconds(tmp_path: Path) -> None:
    address = f"postgresql://amends@/desk?host={tmp_path}"
    ask_ready = (
        "import time, django; django.setup()\n"
        "from django.test import Client\n"
        "client = Client(headers={'host': 'localhost'})\n"
        "alive = client.get('/healthz').status_code; begun = time.monotonic()\n"
        "print(alive, client.get('/readyz').status_code, time.monotonic() - begun < 2.5)"
    )
    with socket.socket(socket.AF_UNIX) as silent:
        # Somebody takes the call and never says a word: what a server that hangs looks like.
        silent.bind(str(tmp_path / ".s.PGSQL.5432"))
        silent.listen()
        done = subprocess.run(
            [sys.executable, "-c", ask_ready],
            env=environment(
                tmp_path, DJANGO_SETTINGS_MODULE="amends.desk.settings", DATABASE_URL=address, **SECRETS
            ),
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.stdout.splitlines()[-1] == "200 503 True", done.stderr


def test_the_settings_of_a_public_desk_have_nothing_to_warn_of(tmp_path: Path) -> None:
    settings = SECRETS | {
        "SECRET_KEY": "f4-qz81-ls0c-9whb-77ye-kd3m-xvo2-5tga-u6rn-jip-zxcv-mnbq",
        "PUBLIC_URL": "https://desk.example",
        "ALLOWED_HOSTS": "desk.example",
        "DJANGO_SETTINGS_MODULE": "amends.desk.settings",
    }

    done = subprocess.run(
        [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING"],
        env=environment(tmp_path, **settings),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "System check identified no issues (0 silenced).\n"
