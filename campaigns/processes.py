"""Real workers that die, freeze and lose their database; each trial beside a canary that must fail.

The canary is a planted defect under the same fault: where it is not caught, the trial proves nothing.
"""

import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from itertools import product
from pathlib import Path

from database_faults import Prepared, cut_line, full_disk, silent_line
from disk import NotAllowedError
from planted_money import PLANTED
from planting import plant
from simulation import database
from simulation.network import FAULTS
from stage import OWN_SOURCE, Stage, stage, wait_until

DEATHS = ("before", "after", "written")
NEW_KEY, NO_WINDOW, TIMEOUT_FAILS = (
    "a new key for each send",
    "the window of a key forgotten",
    "a time-out is a failure",
)
CHAOS_REFUNDS, CHAOS_THREADS, CHAOS_SECONDS = 200, 8, 40
Trial = Callable[[Stage, Path], list[str]]


def try_processes() -> Iterator[tuple[str, bool, str]]:
    """Every trial with our code, and then with the defect that it must catch."""
    trials: dict[str, tuple[Trial, str]] = {
        "kill -9 at a call, in pairs": (_die_in_pairs, NEW_KEY),
        "a frozen worker wakes up after its lease": (_freeze, NEW_KEY),
        "the clock jumps over the window of the key": (_jump, NO_WINDOW),
        "the database restarts at once, five times": (_restart_database, NEW_KEY),
        "a gateway that accepts and never answers": (_fall_silent, TIMEOUT_FAILS),
    }
    for name, (trial, defect) in trials.items():
        yield from _with_canary(name, partial(_prepared, trial), defect)


def try_database() -> Iterator[tuple[str, bool | None, str]]:
    """Its disk is full, and the line to it fails; None where a fault cannot be made here."""
    faults: dict[str, Callable[[], AbstractContextManager[Prepared]]] = {
        "the line to the database is slow, and cut around every commit": cut_line,
        "the line to the database swallows everything": silent_line,
        "the disk of the database is full": full_disk,
        "the disk is full until the server stops": partial(full_disk, stops_server=True),
    }
    for name, fault in faults.items():
        try:
            yield from _with_canary(name, fault, NEW_KEY)
        except NotAllowedError as error:
            yield name, None, str(error)


@contextmanager
def _prepared(trial: Trial) -> Iterator[Prepared]:
    with stage("processes") as made:
        yield made, partial(trial, made)


def try_chaos() -> Iterator[tuple[str, bool, str]]:
    """Two hundred refunds under every fault at once."""
    name = f"{CHAOS_REFUNDS} refunds, {CHAOS_THREADS} threads, a kill every second or two, all faults"
    yield from _with_canary(name, partial(_prepared, _chaos), NEW_KEY)


def _with_canary(
    name: str, prepared: Callable[[], AbstractContextManager[Prepared]], defect: str
) -> Iterator[tuple[str, bool, str]]:
    with prepared() as (made, trial):
        begun = time.monotonic()
        wrong = trial(OWN_SOURCE)
        done = sum(made.states().values())
    words = "; ".join(wrong[:3]) or f"{done} of {done} exactly once"
    yield name, not wrong, f"{words} ({time.monotonic() - begun:.0f} s)"
    with prepared() as (_, trial), _defective(defect) as source:
        caught = trial(source)
    yield f"canary: {name}, with {defect}", bool(caught), f"{len(caught)} caught" if caught else "not caught"


@contextmanager
def _defective(name: str) -> Iterator[Path]:
    (planted,) = [one for one in PLANTED if one.name == name]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        shutil.copytree(OWN_SOURCE, source)
        plant(planted, Path(folder))
        yield source


def _die_in_pairs(made: Stage, source: Path) -> list[str]:
    """One worker dies at each point, the next one at each point again, the third lives."""
    refunds = []
    for deaths in product(DEATHS, DEATHS):
        refunds += made.ask(1)
        for death in deaths:
            _live_until(made, source, death)
    made.heal(source)
    return made.verdict(refunds)


def _live_until(made: Stage, source: Path, death: str) -> None:
    worker = made.start(source, death=death)
    with suppress(TimeoutError):
        wait_until(lambda: worker.poll() is not None or not made.are_open(), seconds=5)
    made.end(worker)
    made.pass_time(minutes=16)


def _freeze(made: Stage, source: Path) -> list[str]:
    """A worker stands still in the middle of its call; another one does its work; then it goes on."""
    refunds = made.ask(1)
    made.call("/_sandbox/faults", fault="slow", path="/v1/refunds", seconds="2")
    frozen = made.start(source)
    wait_until(lambda: made.states().get("sending") == 1)
    time.sleep(0.3)
    frozen.send_signal(signal.SIGSTOP)
    made.age_leases()
    other = made.start(source)
    wait_until(lambda: not made.are_open())
    frozen.send_signal(signal.SIGCONT)
    time.sleep(3)
    made.end(frozen, other)
    return made.verdict(refunds)


def _jump(made: Stage, source: Path) -> list[str]:
    """The answer is lost, and the next worker's clock is 26 hours ahead."""
    refunds = made.ask(3)
    made.call("/_sandbox/faults", fault="lose_answer", path="/v1/refunds", count="3")
    worker = made.start(source)
    wait_until(lambda: made.states().get("unknown") == len(refunds))
    made.end(worker)
    made.pass_time(hours=26)
    made.heal(source)
    return made.verdict(refunds)


def _restart_database(made: Stage, source: Path) -> list[str]:
    """The server is stopped as if its power failed, while refunds are sent."""
    refunds = made.ask(60)
    made.start(source, threads=2)
    for _ in range(5):
        time.sleep(0.4)
        _crash_database()
        made.age_leases()
        made.pass_time(minutes=16)
    made.end()
    made.heal(source)
    return made.verdict(refunds)


def _crash_database() -> None:
    """All its processes are killed; the durable ones of its files must be enough."""
    from amends.desk import embedded_postgres

    folder = database.DURABLE
    process = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    subprocess.run(["kill", "-QUIT", str(process)], check=True)  # noqa: S607  # found on PATH
    wait_until(lambda: not (folder / "data" / "postmaster.pid").exists())
    embedded_postgres.use(folder)


def _fall_silent(made: Stage, source: Path) -> list[str]:
    """The gateway takes the connection and says nothing: after its deadline the worker knows that it knows nothing."""
    refunds = made.ask(1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        worker = made.start(source, gateway=f"http://127.0.0.1:{silent.getsockname()[1]}")
        wait_until(
            lambda: made.states().get("sending", 0) == 0 and not made.states().get("planned"), seconds=45
        )
        made.end(worker)
    made.pass_time(minutes=16)
    made.heal(source)
    return made.verdict(refunds)


def _chaos(made: Stage, source: Path) -> list[str]:
    """Kills, faults of every kind, time that passes: at the end each refund is there once."""
    dice = random.Random(200)
    refunds = made.ask(CHAOS_REFUNDS)
    until = time.monotonic() + CHAOS_SECONDS
    while time.monotonic() < until and made.are_open():
        for fault in dice.sample(FAULTS, 4):
            made.call("/_sandbox/faults", fault=fault, path="/v1/refunds", count=str(dice.randrange(1, 6)))
        made.start(source, threads=CHAOS_THREADS)
        time.sleep(dice.uniform(1, 2))
        made.end()
        made.pass_time(minutes=dice.choice((1, 5, 20)))
    made.heal(source, threads=CHAOS_THREADS)
    # Faults without end use up both keys of some; people see to those, and the gateway is asked whether they are right.
    if made.clear_up():
        made.heal(source, threads=CHAOS_THREADS)
    return made.verdict(refunds)
