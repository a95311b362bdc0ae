"""Days, months and zones as terms, over the years that a proof covers."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from amends.policy import dates
from amends.policy.checker.smt import Prover, Term, both, choose, either, equal, greatest, identity, least
from amends.policy.checker.values import Moment

SECONDS_PER_DAY = 86_400
YEARS_COVERED = 11


class Calendar:
    """The years that a proof covers: the one in which a version begins, and the ten that follow."""

    def __init__(self, prover: Prover, zone: str, effective: str) -> None:
        self._prover = prover
        self._months: dict[int, tuple[Term, Term, Term, Term]] = {}
        year = date.fromisoformat(effective).year
        self.first = date(year, 1, 1).toordinal()
        self.last = date(year + YEARS_COVERED, 1, 1).toordinal() - 1
        starts = [date(year + n // 12, n % 12 + 1, 1).toordinal() for n in range(12 * YEARS_COVERED + 2)]
        self._starts = list(pairwise(starts))
        self._shifts = list(_shifts(zone, self.first, self.last))

    def moment(self, name: str) -> Moment:
        """A free instant, in whole seconds."""
        day = self._prover.whole(f"{name} day", self.first, self.last)
        second = self._prover.whole(f"{name} second", 0, SECONDS_PER_DAY - 1)
        return Moment(day, second, self.local_day(name, day, second))

    def local_day(self, name: str, day: Term, second: Term) -> Term:
        """The day in the zone of an instant in UTC."""
        if self._shifts == [(self.first, 0, 0)]:
            return day
        shift: Term = self._shifts[0][2]
        for since_day, since_second, seconds in self._shifts[1:]:
            has_begun = either(day > since_day, both(equal(day, since_day), second >= since_second))
            shift = choose(has_begun, seconds, shift)
        local = self._prover.whole(f"{name} local day", self.first - 1, self.last + 1)
        rest = SECONDS_PER_DAY * (day - local) + second + shift
        self._prover.require(rest >= 0, rest < SECONDS_PER_DAY)
        return local

    def months_started(self, start: Term, end: Term) -> Term:
        """Months begun between two days of the zone, at least 1 (semantics, rule 22)."""
        first_month, first_day, _ = self._month(start)
        last_month, last_day, length = self._month(end)
        is_past = last_day > least(first_day, length)
        return greatest(1, last_month - first_month + choose(is_past, 1, 0))

    def _month(self, day: Term) -> tuple[Term, Term, Term]:
        """The number of its month, its day in it, and how many days the month has."""
        key = identity(day)
        if key not in self._months:
            month = self._prover.whole("month", 0, len(self._starts) - 1)
            of_month = self._prover.whole("day of month", 1, 31)
            length = self._prover.whole("length of month", 28, 31)
            rows = [
                both(
                    day >= start,
                    day < following,
                    equal(month, number),
                    equal(of_month, day - start + 1),
                    equal(length, following - start),
                )
                for number, (start, following) in enumerate(self._starts)
            ]
            self._prover.require(either(*rows))
            self._months[key] = (day, month, of_month, length)
        return self._months[key][1:]


def _shifts(zone: str, first: int, last: int) -> list[tuple[int, int, int]]:
    """Since which day and second in UTC the clocks of a zone are how many seconds ahead."""
    at = datetime.fromordinal(first).replace(tzinfo=UTC)
    end = datetime.fromordinal(last + 1).replace(tzinfo=UTC)
    found = [(first, 0, _ahead(at, zone))]
    while at < end:
        later = at + timedelta(days=1)
        if _ahead(later, zone) != found[-1][2]:
            at = _change(at, later, zone)
            found.append((at.toordinal(), at.hour * 3600 + at.minute * 60 + at.second, _ahead(at, zone)))
        at = later
    return found


def _change(before: datetime, after: datetime, zone: str) -> datetime:
    """The second at which the clocks change between two instants."""
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if _ahead(middle, zone) == _ahead(before, zone):
            before = middle
        else:
            after = middle
    return after


def _ahead(at: datetime, zone: str) -> int:
    offset = at.astimezone(dates.load_zone(zone)).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
