"""When a request is answered: business days of a named calendar, with the days that did not count (reading R14)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

import holidays
from django.conf import settings

from amends.policy import dates

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class DueDates:
    """The day that is aimed at, the last day, and the weekdays in between that did not count."""

    target_on: date
    due_on: date
    skipped: tuple[tuple[date, str], ...]


@cache
def calendar() -> holidays.HolidayBase:
    """The holidays of the desk's country."""
    return holidays.country_holidays(settings.HOLIDAY_CALENDAR)


def due_dates(start: datetime, zone: str, target_days: int, due_days: int) -> DueDates:
    """From the complete request: business day 1 is the first one after it.

    Time: days of the policy's zone.
    """
    day = _day(start, zone)
    target_on = dates.add_business_days(day, target_days, calendar())
    due_on = dates.add_business_days(day, due_days, calendar())
    return DueDates(target_on, due_on, tuple(skipped(day, due_on)))


def skipped(start: date, end: date) -> list[tuple[date, str]]:
    """The weekdays after `start`, up to `end`, that are holidays, with their names."""
    days = (start + timedelta(days=number) for number in range(1, (end - start).days + 1))
    return [(day, str(calendar()[day])) for day in days if day.weekday() < SATURDAY and day in calendar()]


def pause_days(paused_at: datetime, resumed_at: datetime, zone: str) -> int:
    """How many business days passed while the customer's answer was awaited."""
    day, end = _day(paused_at, zone), _day(resumed_at, zone)
    count = 0
    while day < end:
        day += timedelta(days=1)
        count += day.weekday() < SATURDAY and day not in calendar()
    return count


def _day(at: datetime, zone: str) -> date:
    return at.astimezone(dates.load_zone(zone)).date()
