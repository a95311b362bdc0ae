"""What the cases of a period come to: requests, outcomes, money, clauses, time. Each is one query over the period.

A case that was merged into another one counts once, as the one in which it went on.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count

from amends.desk.cases.models import Case

_LATEST = """
WITH latest AS (
    SELECT DISTINCT ON (d.case_id) d.case_id, d.outcome, d.amount, d.currency, d.core, d.inputs, d.decided_at
    FROM cases_decisionrecord d JOIN cases_case c ON c.id = d.case_id
    WHERE c.opened_at >= %s AND c.merged_into_id IS NULL ORDER BY d.case_id, d.sequence DESC)
"""
_OUTCOMES = (
    _LATEST
    + """
SELECT outcome, currency, count(*), coalesce(sum(amount), 0)::bigint FROM latest GROUP BY 1, 2 ORDER BY 1, 2
"""
)
# A denial decides about what was paid and not yet returned, a grant about what it gives.
_CLAUSES = (
    _LATEST
    + """
SELECT part->>'id', part->>'role', currency, count(*),
    coalesce(sum(CASE WHEN part->>'role' = 'grants' THEN amount
        ELSE (inputs->>'paid')::bigint - coalesce((inputs->>'refunded')::bigint, 0) END), 0)::bigint
FROM latest, jsonb_array_elements(core->'clauses') part
WHERE part->>'role' IN ('grants', 'denies', 'refers') GROUP BY 1, 2, 3 ORDER BY 5 DESC, 1
"""
)
_TIMES = """
WITH answered AS (
    SELECT c.id, c.opened_at, c.complete_at, c.due_on, min(d.decided_at) AS at
    FROM cases_case c JOIN cases_decisionrecord d ON d.case_id = c.id
    WHERE c.opened_at >= %s AND c.merged_into_id IS NULL AND d.outcome IN ('granted', 'denied') GROUP BY c.id)
SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY at - opened_at),
    percentile_cont(0.9) WITHIN GROUP (ORDER BY at - opened_at),
    count(*) FILTER (WHERE due_on IS NOT NULL),
    count(*) FILTER (WHERE (at AT TIME ZONE 'UTC')::date <= due_on)
FROM answered
"""
_WEEKS = """
WITH asked AS (
    SELECT c.id, c.opened_at, min(d.decided_at) FILTER (WHERE d.outcome IN ('granted', 'denied')) AS at
    FROM cases_case c LEFT JOIN cases_decisionrecord d ON d.case_id = c.id
    WHERE c.opened_at >= %s AND c.merged_into_id IS NULL GROUP BY c.id)
SELECT date_trunc('week', opened_at AT TIME ZONE 'UTC')::date, count(*), count(at),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY at - opened_at)
FROM asked GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class OutcomeSum:
    """How many cases came to an outcome, and what they give.

    Amounts: minor units of `currency`.
    """

    outcome: str
    currency: str
    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class ClauseSum:
    """How often a clause decided, and about how much: what a grant gives, what a denial keeps.

    Amounts: minor units of `currency`.
    """

    clause: str
    role: str
    currency: str
    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class Times:
    """How long answers take."""

    answered: int
    median: timedelta | None
    slow: timedelta | None
    """Nine of ten are faster."""
    with_due_day: int
    in_time: int


@dataclass(frozen=True, slots=True)
class Week:
    """The requests that came in from a Monday to a Sunday, in UTC."""

    begins_on: date
    requests: int
    answered: int
    """Those that have a yes or no."""
    median: timedelta | None
    """Until then."""

    @property
    def median_minutes(self) -> int | None:
        """The same in whole minutes."""
        return self.median // timedelta(minutes=1) if self.median is not None else None


def count_requests(since: datetime) -> dict[str, int]:
    """Requests by kind."""
    found = Case.objects.filter(opened_at__gte=since, merged_into=None).values_list("request")
    return dict(found.annotate(count=Count("id")).order_by("-count", "request"))


def sum_outcomes(since: datetime) -> list[OutcomeSum]:
    """The latest decisions by outcome."""
    return [OutcomeSum(*row) for row in _fetch(_OUTCOMES, since)]


def sum_clauses(since: datetime) -> list[ClauseSum]:
    """The clauses that decided, the most money first."""
    return [ClauseSum(*row) for row in _fetch(_CLAUSES, since)]


def measure_times(since: datetime) -> Times:
    """From the request to the first yes or no, and whether that was within the day that was promised."""
    (row,) = _fetch(_TIMES, since)
    return Times(*row)


def count_by_week(since: datetime) -> list[Week]:
    """The weeks in which requests came in, the earliest first."""
    return [Week(*row) for row in _fetch(_WEEKS, since)]


def _fetch(query: str, since: datetime) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, [since])
        return list(cursor.fetchall())
