"""Exactly once, under every fault: `bin/campaign money [PART …] [--worlds N] [--first SEED]`.

Parts: answers (every short sequence, through the rules alone), worlds (seeds of the simulator), planted (defects that must be found), processes (real workers that die, freeze
and lose their database), database (its disk is full, the line to it fails), chaos (200 refunds under all of it). The report stands in var/campaigns/money.md, too.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import planting
import processes
import worlds
from simulation.database import STATE

REPORT = STATE / "money.md"
PARTS = ("answers", "worlds", "planted", "processes", "database", "chaos")


@dataclass(frozen=True, slots=True)
class Trial:
    """One line of the report."""

    name: str
    held: bool
    words: str


def main() -> None:
    """Run the parts that are named, or all; exit 1 where something did not hold."""
    asked = _read_arguments()
    results: list[str] = [f"# Campaign money, seeds from {asked.first}\n"]
    failed = 0
    for part in asked.parts or PARTS:
        begun = time.monotonic()
        print(f"== {part}", flush=True)
        results.append(f"## {part}\n\n| | | |\n|---|---|---|")
        for trial in _trials(part, asked):
            failed += not trial.held
            line = f"| {'held' if trial.held else 'BROKEN'} | {trial.name} | {trial.words} |"
            print(line, flush=True)
            results.append(line)
        results.append(f"\n{timedelta(seconds=round(time.monotonic() - begun))}\n")
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("\n".join(results), encoding="utf-8")
    sys.exit(1 if failed else 0)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/campaign money", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all if none is named"
    )
    parser.add_argument("--worlds", type=int, default=2_000, help="how many seeds (2000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once (2)")
    asked = parser.parse_args()
    if unknown := [part for part in asked.parts if part not in PARTS]:
        parser.error(f"{unknown[0]} is no part; there are {', '.join(PARTS)}")
    return asked


def _trials(part: str, asked: argparse.Namespace) -> Iterator[Trial]:
    parts: dict[str, Callable[[], Iterator[tuple[str, bool, str]]]] = {
        "answers": worlds.try_answers,
        "worlds": lambda: worlds.try_worlds(asked.first, asked.worlds, asked.jobs),
        "planted": lambda: planting.try_planted(asked.first, asked.jobs),
        "processes": processes.try_processes,
        "database": processes.try_database,
        "chaos": processes.try_chaos,
    }
    yield from (Trial(*one) for one in parts[part]())


if __name__ == "__main__":
    main()
