"""Instants, days and months of a policy's zone.

An instant is a whole number of microseconds since 1970-01-01T00:00:00Z. A day is a proleptic Gregorian day number.
Time zones come from the pinned `tzdata` package, so that a decision replays on any machine.
"""

import re
from calendar import monthrange
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

MICROSECONDS_PER_DAY = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()
INSTANT_MIN = 0
INSTANT_MAX = ((date(2200, 1, 1)).toordinal() - _EPOCH_DAY) * MICROSECONDS_PER_DAY - 1

_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)


def parse_instant(text: str) -> int:
    """Read an RFC 3339 timestamp; stricter than `datetime.fromisoformat` (semantics, rule 21).

    Time: microseconds since the epoch.
    Raises: ValueError: another form, no offset, a leap second, or outside 1970-2199.

    >>> parse_instant("1970-01-02T01:00:00+01:00") == MICROSECONDS_PER_DAY
    True
    """
    if not _RFC_3339.fullmatch(text):
        raise ValueError("not an RFC 3339 time")
    elapsed = datetime.fromisoformat(text) - _EPOCH
    instant = (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
    if not INSTANT_MIN <= instant <= INSTANT_MAX:
        raise ValueError("outside the years 1970 to 2199")
    return instant


def format_instant(at: datetime) -> str:
    """An instant as `parse_instant` reads it, in UTC.

    >>> format_instant(datetime(2025, 9, 1, 10, tzinfo=UTC))
    '2025-09-01T10:00:00Z'
    """
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=64)
def load_zone(name: str) -> ZoneInfo:
    """A zone from the pinned time-zone data.

    Raises: ValueError: no such zone.
    """
    parts = name.split("/")
    if not all(re.fullmatch(r"[A-Za-z0-9_+-]+", part) for part in parts):
        raise ValueError(f"{name} is no time zone")
    try:
        with resources.files("tzdata").joinpath("zoneinfo", *parts).open("rb") as file:
            return ZoneInfo.from_file(file, key=name)
    except (OSError, ValueError):
        raise ValueError(f"{name} is no time zone") from None


def local_time(instant: int, zone: str) -> datetime:
    """The wall-clock time of an instant in a zone."""
    return (_EPOCH + timedelta(microseconds=instant)).astimezone(load_zone(zone))


@lru_cache(maxsize=65_536)
def _zone_day(instant: int, zone: str) -> int:
    return local_time(instant, zone).toordinal()


def day_number(instant: int, zone: str) -> int:
    """The day on which an instant falls in the zone."""
    if zone == "UTC":
        return instant // MICROSECONDS_PER_DAY + _EPOCH_DAY
    return _zone_day(instant, zone)


def day_start(day: int, zone: str) -> int:
    """The first instant of a day in the zone."""
    if zone == "UTC":
        return (day - _EPOCH_DAY) * MICROSECONDS_PER_DAY
    midnight = datetime.fromordinal(day).replace(tzinfo=load_zone(zone))
    start = (midnight - _EPOCH) // timedelta(microseconds=1)
    # A zone that moves its clocks at midnight has no 00:00 on that day.
    return start if day_number(start, zone) == day else start + 3_600_000_000


def days_between(start: int, end: int, zone: str) -> int:
    """Calendar days from one instant to another; negative when `end` is earlier (reading R1).

    Time: days of the zone; the day of `start` is day 0.
    """
    return day_number(end, zone) - day_number(start, zone)


def months_started(start: int, end: int, zone: str) -> int:
    """Months begun from one instant to another, at least 1 (semantics, rule 22).

    Time: days of the zone; the anniversary day still belongs to the month before.

    >>> at = parse_instant
    >>> months_started(at("2025-01-31T00:00:00Z"), at("2025-02-28T23:59:59Z"), "UTC")
    1
    >>> months_started(at("2025-01-31T00:00:00Z"), at("2025-03-01T00:00:00Z"), "UTC")
    2
    """
    first = date.fromordinal(day_number(start, zone))
    last = date.fromordinal(day_number(end, zone))
    months = 12 * (last.year - first.year) + last.month - first.month
    anniversary = min(first.day, monthrange(last.year, last.month)[1])
    return max(1, months + (last.day > anniversary))


def add_business_days(start: date, days: int, holidays: Collection[date] = ()) -> date:
    """The day that lies `days` business days after `start` (reading R14).

    Time: Monday to Friday without the holidays; day 1 is the first business day after `start`.

    >>> add_business_days(date(2025, 5, 9), 5)
    datetime.date(2025, 5, 16)
    """
    saturday = 5
    day = start
    while days > 0:
        day += timedelta(days=1)
        days -= day.weekday() < saturday and day not in holidays
    return day
