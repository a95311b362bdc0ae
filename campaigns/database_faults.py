"""What becomes of refunds when their database has no room, or cannot be reached."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from disk import Disk, small_disk
from line import Line, line_to
from stage import Stage, stage, wait_until

Prepared = tuple[Stage, Callable[[Path], list[str]]]
"""A stage, and what is tried on it with the code of a folder; it gives what is wrong."""
BEFORE, THREADS = 40, 4
REFUSALS, ASKED_MAX = 5, 1_000
CUTS, ROUNDS = 0.1, 20
GIVES_UP_SECONDS = 40
SLOW = {"fault": "slow", "path": "/v1/refunds", "count": "1000"}
"""So that calls are under way when something happens to the database."""


@contextmanager
def full_disk(*, stops_server: bool = False) -> Iterator[Prepared]:
    """The database's files are on a disk that fills, up to where its log cannot grow and the server stops.

    Raises: NotAllowedError.
    """
    with small_disk() as disk, stage("processes", disk.server) as made:
        yield made, partial(_fill, made, disk, stops_server)


def _fill(made: Stage, disk: Disk, stops_server: bool, source: Path) -> list[str]:  # noqa: FBT001  # bound by partial
    """Nothing has room while refunds are sent; then there is room, and the same worker goes on."""
    refunds = made.ask(BEFORE)
    made.call("/_sandbox/faults", **SLOW, seconds="0.3")
    worker = made.start(source, threads=THREADS)
    wait_until(lambda: made.states().get("succeeded", 0) >= THREADS)
    disk.fill()
    asked = _ask_without_room(made)
    if stops_server:
        made.run_out_of_log()
        wait_until(lambda: not disk.is_served)
    time.sleep(1)
    disk.make_room()
    made.use_server(disk.server)
    made.settle()
    wrong = made.verdict([*refunds, *asked.taken])
    there = {str(id_) for (id_,) in made.run("SELECT id::text FROM payments_refund")}
    wrong += [f"{id_}: was refused, and is there" for id_ in there - {*refunds, *asked.taken}]
    wrong += [f"refused without its reason: {words}" for words in asked.refused if "space" not in words]
    if not asked.refused:
        wrong.append("nothing was refused, so the disk was not full")
    return wrong if worker.poll() is None else [*wrong, "the worker ended"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of requests."""

    taken: list[str] = field(default_factory=list)
    """The refunds."""
    refused: list[str] = field(default_factory=list)
    """The errors."""


def _ask_without_room(made: Stage) -> Asked:
    """Until some are refused, because what is half full takes a few more."""
    from django.db import OperationalError

    asked = Asked()
    while len(asked.refused) < REFUSALS and len(asked.taken) < ASKED_MAX:
        try:
            asked.taken.extend(made.ask(1))
        except OperationalError as error:
            asked.refused.append(str(error))
    return asked


@contextmanager
def cut_line() -> Iterator[Prepared]:
    """The line to the database is slow, and cut."""
    with stage("processes") as made, line_to(made.socket()) as line:
        yield made, partial(_cut, made, line)
        made.end()


def _cut(made: Stage, line: Line, source: Path) -> list[str]:
    """Before a COMMIT, between a COMMIT and its answer, and at any moment."""
    refunds = made.ask(BEFORE)
    line.behave(cut_before=CUTS, cut_after=CUTS, delay_seconds=0.002)
    worker = made.start(source, threads=THREADS, port=line.port)
    for _ in range(ROUNDS):
        time.sleep(0.5)
        line.cut()
        made.age_leases()
        made.pass_time(minutes=1)
    cuts = line.cuts
    line.behave()
    made.settle()
    wrong = made.verdict(refunds)
    if not cuts:
        wrong.append("nothing was cut")
    return wrong if worker.poll() is None else [*wrong, "the worker ended"]


@contextmanager
def silent_line() -> Iterator[Prepared]:
    """The line to the database swallows every packet, and says nothing."""
    with stage("processes") as made, line_to(made.socket()) as line:
        yield made, partial(_fall_silent, made, line)
        made.end()


def _fall_silent(made: Stage, line: Line, source: Path) -> list[str]:
    """While calls are under way; the worker has to give up its connections by itself."""
    refunds = made.ask(THREADS)
    made.call("/_sandbox/faults", **SLOW, seconds="2")
    worker = made.start(source, threads=THREADS, port=line.port)
    wait_until(lambda: made.states().get("sending") == len(refunds))
    line.fall_silent()
    time.sleep(GIVES_UP_SECONDS)
    line.speak()
    made.settle()
    wrong = made.verdict(refunds)
    return wrong if worker.poll() is None else [*wrong, "the worker ended"]
