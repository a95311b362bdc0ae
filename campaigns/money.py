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
from arguments import add_choices, at_least, reader
from simulation.database import STATE

REPORT = STATE / "money.md"
PARTS = ("answers", "worlds", "planted", "processes", "database", "chaos")


@dataclass(frozen=True, slots=True)
class Trial:
    """One line of the report."""

    name: str
    held: bool | None
    """None where it was not tried."""
    words: str

    def line(self) -> str:
        """As it stands in the report."""
        mark = {True: "held", False: "BROKEN", None: "left out"}[self.held]
        return f"| {mark} | {self.name} | {self.words} |"


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
            failed += trial.held is False
            print(trial.line(), flush=True)
            results.append(trial.line())
        results.append(f"\n{timedelta(seconds=round(time.monotonic() - begun))}\n")
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("\n".join(results), encoding="utf-8")
    sys.exit(1 if failed else 0)


def _read_arguments() -> argparse.Namespace:
    parser = reader("money", __doc__)
    add_choices(parser, "parts", PARTS)
    parser.add_argument("--worlds", type=at_least(1), default=2_000, help="how many seeds (2000)")
    parser.add_argument("--first", type=at_least(0), default=0, help="the first seed (0)")
    parser.add_argument("--jobs", type=at_least(1), default=2, help="processes at once (2)")
    return parser.parse_args()


def _trials(part: str, asked: argparse.Namespace) -> Iterator[Trial]:
    parts: dict[str, Callable[[], Iterator[tuple[str, bool | None, str]]]] = {
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
