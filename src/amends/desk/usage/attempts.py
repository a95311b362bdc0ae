"""What a customer tried on the plan's own quota, and what of it failed: how a fault looks from the jobs."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

ATTEMPTS_MAX = 10_000
"""Reading stops here: as many jobs say nothing that a person could not see sooner."""

_OF_ONE_OUTCOME = """
SELECT e.at, e.id, e.outcome, e.source, e.event_id FROM usage_usageevent e
WHERE e.customer_id = %(customer)s AND e.meter = %(meter)s AND e.at >= %(since)s AND e.at < %(until)s
    AND e.outcome = {outcome} AND e.paid_by = 'quota'
    AND NOT EXISTS (
        SELECT FROM usage_usageevent c
        WHERE c.customer_id = e.customer_id AND c.corrects <> ''
            AND c.source = e.source AND c.corrects = e.event_id)
ORDER BY e.at, e.id LIMIT %(most)s
"""
# Each outcome has an index in this order, so that neither is read further than both together need.
_TRIED = f"""
SELECT seen.at, seen.outcome, seen.source, seen.event_id, newest.id
FROM (SELECT coalesce(max(id), 0) AS id FROM usage_usageevent) newest
LEFT JOIN (
    ({_OF_ONE_OUTCOME.format(outcome="'succeeded' AND e.corrects = ''")})
    UNION ALL
    ({_OF_ONE_OUTCOME.format(outcome="'failed'")})
) seen ON true
ORDER BY seen.at, seen.id LIMIT %(most)s
"""  # noqa: S608  # the outcomes above


@dataclass(frozen=True, slots=True)
class Day:
    """The jobs of one day."""

    on: date
    tried: int
    failed: int


@dataclass(frozen=True, slots=True)
class Attempts:
    """The jobs that ended between two instants by succeeding or failing, without those taken back.

    A failure that takes back a success is the job's real end, and counts.
    What was moderated is no attempt: otherwise a customer could make failures by asking for what is not allowed.
    """

    days: tuple[Day, ...]
    """Those with jobs."""
    is_whole: bool
    """There were no more than are read."""
    watermark: int
    """The newest row of all that was there."""
    sha256: str
    """Over source, id and outcome of each job, in order."""

    @property
    def tried(self) -> int:
        """How many jobs there were."""
        return sum(day.tried for day in self.days)

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return sum(day.failed for day in self.days)


def count_attempts(
    customer_id: UUID, meter: str, since: datetime, until: datetime, zone: ZoneInfo
) -> Attempts:
    """The jobs of an account in [since, until) by day, at most `ATTEMPTS_MAX` of them.

    Time: days of the zone.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _TRIED,
            {
                "customer": customer_id,
                "meter": meter,
                "since": since,
                "until": until,
                "most": ATTEMPTS_MAX + 1,
            },
        )
        found = cursor.fetchall()
    watermark = found[0][-1]
    jobs = [(at, outcome, source, id_) for at, outcome, source, id_, _ in found[:ATTEMPTS_MAX] if at]
    names = "\n".join(f"{source} {id_} {outcome}" for _, outcome, source, id_ in jobs)
    return Attempts(
        days=_by_day([(at.astimezone(zone).date(), outcome == "failed") for at, outcome, _, _ in jobs]),
        is_whole=len(found) <= ATTEMPTS_MAX,
        watermark=watermark,
        sha256=hashlib.sha256(names.encode()).hexdigest(),
    )


def _by_day(jobs: Sequence[tuple[date, bool]]) -> tuple[Day, ...]:
    tried = Counter(on for on, _ in jobs)
    failed = Counter(on for on, has_failed in jobs if has_failed)
    return tuple(Day(on, count, failed[on]) for on, count in tried.items())
