"""Plant each defect into a copy of the source, and see it found: by a sequence of answers, else by a world."""

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from planted_money import PLANTED, Planted
from worlds import ROOT, run, simulate

SEEDS_MAX = 300


class StalePatchError(Exception):
    """A patch does not fit the source any more: it has to be written again."""


def try_planted(first: int, jobs: int) -> Iterator[tuple[str, bool, str]]:
    """Every defect, found within the first seeds or known to be redundant."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(
            lambda numbered: _try(numbered[1], first, f"planted_{numbered[0]}"), enumerate(PLANTED)
        )


def _try(planted: Planted, first: int, database: str) -> tuple[str, bool, str]:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        shutil.copytree(ROOT / "src", source)
        try:
            plant(planted, Path(folder))
        except StalePatchError as error:
            return planted.name, False, str(error)
        found = _find(source, first, database)
    if planted.redundant and not found:
        return planted.name, True, f"redundant: {planted.redundant}"
    return planted.name, bool(found) and not planted.redundant, found or "not found"


def _find(source: Path, first: int, database: str) -> str:
    """What shows the defect; empty where nothing does."""
    held, said = run(source, "answers", "3")
    if held:
        held, said = simulate(first, first + SEEDS_MAX, database, source)
    if held:
        return ""
    lines = said.splitlines()
    return f"found: {next((line for line in lines if line.startswith('seed ')), lines[-1])[:160]}"


def plant(planted: Planted, folder: Path) -> None:
    """Change the source.

    Raises: StalePatchError: a place is not there exactly once.
    """
    for patch in planted.patches:
        path = folder / patch.file
        text = path.read_text(encoding="utf-8")
        if text.count(patch.before) != 1:
            raise StalePatchError(f"{patch.file} has {text.count(patch.before)} such places")
        path.write_text(text.replace(patch.before, patch.after), encoding="utf-8")
