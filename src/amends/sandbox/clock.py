"""The sandbox's time: the machine's, moved by what a shared file says, so that the desk can follow it."""

import time
from pathlib import Path


def machine_seconds() -> int:
    """The machine's own time, which no trial moves: signatures carry it."""
    return int(time.time())


class Clock:
    """Seconds since the epoch, which a test may move forward."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._moved_seconds = 0.0

    def now(self) -> int:
        """Whole seconds, as Stripe writes them."""
        return int(time.time() + self.moved_seconds())

    def moved_seconds(self) -> float:
        """How far the clock was moved."""
        if self._file is None:
            return self._moved_seconds
        try:
            return float(self._file.read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0.0

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        total = self.moved_seconds() + seconds
        if self._file is None:
            self._moved_seconds = total
            return
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(total), encoding="ascii")
        fresh.replace(self._file)
