"""The only place that asks the machine for the time.

A demo and a test may move the clock: `CLOCK_FILE` names a file that holds the seconds to add.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from django.conf import settings

_stopped: datetime | None = None


def now() -> datetime:
    """The current instant, in UTC."""
    if _stopped is not None:
        return _stopped
    return datetime.now(UTC) + timedelta(seconds=offset_seconds())


def machine_now() -> datetime:
    """The machine's own instant, for signatures whose age others check by their clock."""
    return datetime.now(UTC)


def offset_seconds() -> float:
    """How far the clock was moved; 0 where it is the machine's own."""
    if settings.CLOCK_FILE is None:
        return 0.0
    try:
        return float(Path(settings.CLOCK_FILE).read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0.0


def advance(by: timedelta) -> None:
    """Move the clock forward, for every process that shares the file."""
    if settings.CLOCK_FILE is None:
        raise ValueError("This desk runs on the machine's own clock; only a demo or a test moves it.")
    path = Path(settings.CLOCK_FILE)
    moved = path.with_suffix(".new")
    moved.write_text(str(offset_seconds() + by.total_seconds()), encoding="ascii")
    moved.replace(path)


def stop_at(instant: datetime | None) -> None:
    """Stand still at an instant, in this process only, so that a simulation can be repeated; None runs again."""
    global _stopped  # noqa: PLW0603  # time is one for all that ask
    if settings.CLOCK_FILE is None:
        raise ValueError("This desk runs on the machine's own clock; only a demo or a test stops it.")
    _stopped = instant


def yesterday() -> date:
    """The last day that is over, in UTC."""
    return now().date() - timedelta(days=1)
