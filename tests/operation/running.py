"""Programs of the desk as real processes, and a look at what is left of them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from conftest import ROOT

WAIT_SECONDS = 20


def wait_until(holds: Callable[[], bool], seconds: float = WAIT_SECONDS) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def environment(state: Path, **changes: str) -> dict[str, str]:
    """The caller's, without what would lead to another desk."""
    ours = ("AMENDS_", "STRIPE_", "DATABASE_URL", "DJANGO_", "SECRET_KEY", "PUBLIC_URL", "ALLOWED_HOSTS")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(ours)}
    return kept | {"AMENDS_STATE": str(state), "PYTHONUNBUFFERED": "1"} | changes


def processes_of(state: Path) -> dict[int, str]:
    """What runs on a state folder, by number, apart from the database that lingers a moment."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"AMENDS_STATE={state}".encode() in variables and "postgres" not in command:
            found[int(folder.name)] = command
    return found


def is_alive(number: int) -> bool:
    """A process that has ended and that nobody has asked about yet is not alive."""
    try:
        status = Path(f"/proc/{number}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@contextmanager
def amends(state: Path, *words: str, **changes: str) -> Iterator[subprocess.Popen[str]]:
    """The command, with its output in the state folder's file `output`; it is gone when the block ends."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "output").open("w") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "amends", *words],
            cwd=ROOT,
            env=environment(state, **changes),
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield child
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
            child.wait(WAIT_SECONDS)


def output(state: Path) -> str:
    return (state / "output").read_text()


def run(state: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "amends", *words],
        cwd=ROOT,
        env=environment(state, **changes),
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )


def status_of(address: str) -> int:
    """The status of an answer; 0 where nobody answers."""
    try:
        with urlopen(address, timeout=5) as answer:  # noqa: S310  # loopback
            return int(answer.status)
    except URLError as error:
        return int(getattr(error, "code", 0))
