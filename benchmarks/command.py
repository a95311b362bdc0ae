"""How long whole processes take: the import, the command, its first answer, and ten thousand cases."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from workload import complete_cases

ROOT = Path(__file__).parents[1]
AMENDS = str(ROOT / "bin" / "amends")
POLICY = str(ROOT / "policies" / "flux-kontext.md")
RUNS = 7
MANY = 10_000


def main() -> None:
    """Print the median seconds of each command."""
    with tempfile.TemporaryDirectory() as folder:
        one, many = Path(folder, "one.jsonl"), Path(folder, "many.jsonl")
        lines = [json.dumps(case) for case in complete_cases(MANY)]
        one.write_text(lines[0] + "\n")
        many.write_text("\n".join(lines) + "\n")
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "python -c 'import amends'": [sys.executable, "-c", "import amends"],
            "bin/amends --version": [AMENDS, "--version"],
            "bin/amends decide, 1 case": [AMENDS, "decide", POLICY, str(one)],
            f"bin/amends decide, {MANY:,} cases": [AMENDS, "decide", POLICY, str(many)],
        }
        for name, command in commands.items():
            print(f"{name:<36}{_seconds(command):>8.3f} s")


def _seconds(command: list[str]) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times = []
    for _ in range(RUNS + 1):
        begun = perf_counter()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 -- our own programs
        times.append(perf_counter() - begun)
    return median(times[1:])  # The first run only warms the disk cache.


if __name__ == "__main__":
    main()
