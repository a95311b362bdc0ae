"""Many seeds, spread over processes, each with a database of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

CAMPAIGNS = Path(__file__).parent
ROOT = CAMPAIGNS.parent


LENGTH = 4


def try_answers() -> Iterator[tuple[str, bool, str]]:
    """Every sequence of answers, through the rules alone."""
    held, said = run(ROOT / "src", "answers", str(LENGTH))
    yield f"every sequence of {LENGTH} answers, pauses and disputes", held, said


def try_worlds(first: int, number: int, jobs: int) -> Iterator[tuple[str, bool, str]]:
    """Every seed of the range; the first that breaks ends its process and prints what led there."""
    bounds = [first + number * job // jobs for job in range(jobs + 1)]
    begun = time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        runs = list(
            pool.map(lambda bound: simulate(bound[0], bound[1], f"worlds_{bound[0]}"), pairwise(bounds))
        )
    minutes = (time.monotonic() - begun) / 60
    for (low, high), (held, said) in zip(pairwise(bounds), runs, strict=True):
        yield f"seeds {low} to {high - 1}", held, said if held else said.replace("\n", "<br>")
    speed = (
        f"{number / minutes:,.0f} worlds a minute in {jobs} processes, the set-up of their databases included"
    )
    yield "speed", True, speed


def simulate(low: int, high: int, database: str, source: Path = ROOT / "src") -> tuple[bool, str]:
    """Run seeds over the code of a folder; whether all held, and what was said."""
    return run(source, "worlds", str(low), str(high), database)


def run(source: Path, *words: str) -> tuple[bool, str]:
    """Run the simulation over the code of a folder; whether all held, and what was said.

    Raises: RuntimeError: it did not come to an end by itself.
    """
    path = os.pathsep.join([str(source), str(CAMPAIGNS)])
    environment = os.environ | {"PYTHONPATH": path}
    command = [sys.executable, "-m", "simulation", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise RuntimeError(done.stderr)
    return done.returncode == 0, done.stdout.strip()
