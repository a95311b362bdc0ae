"""Usage: taking it in beside a bare COPY, and counting it where there is much."""

import time
from collections.abc import Callable, Sequence
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from statistics import median
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.usage.actions import ReportedJob, count_used, take_in
from amends.desk.usage.attempts import count_attempts
from amends.desk.usage.models import PaidBy, UseOutcome

START = datetime(2025, 9, 1, tzinfo=UTC)
COUNTS = 41
UTC_ZONE = ZoneInfo("UTC")
NOBODY = UUID(int=0)
ACCOUNTS = 10_000
COLUMNS = "source, event_id, customer_id, meter, at, received_at, outcome, paid_by, quantity, corrects, payload_sha256"
FILL = f"""
INSERT INTO usage_usageevent ({COLUMNS})
SELECT 'fill', n::text, (%s::uuid[])[CASE WHEN n %% 2 = 0 THEN 1 ELSE 2 + n %% %s END], 'generation',
    %s::timestamptz + n * interval '1 second', now(), 'succeeded', 'quota', 1, '', repeat('0', 64)
FROM generate_series(1, %s) n
"""  # noqa: S608 -- the names of columns above
WHOLE = "SELECT count(*) FROM usage_usageevent WHERE customer_id = %s AND meter = 'generation' AND at >= %s"


def compare_intake(rounds: int, events: int, batch: int) -> list[tuple[float, float]]:
    """Seconds of the desk and of a COPY of the same rows into a table of the same form, in turn."""
    customers = [_customer(f"intake-{number}") for number in range(100)]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE plain_event (LIKE usage_usageevent INCLUDING ALL)")
        cursor.execute("ALTER TABLE plain_event ADD FOREIGN KEY (customer_id) REFERENCES accounts_customer")
    return [_intake(customers, number, events, batch) for number in range(rounds)]


def _intake(customers: Sequence[Customer], number: int, events: int, batch: int) -> tuple[float, float]:
    jobs = [
        ReportedJob(
            "app",
            f"{number}-{n}",
            str(customers[n % len(customers)].id),
            "generation",
            START + timedelta(seconds=n),
            UseOutcome.SUCCEEDED,
            PaidBy.QUOTA,
        )
        for n in range(events)
    ]
    batches = [jobs[first : first + batch] for first in range(0, events, batch)]
    taken = _seconds(lambda: [take_in(one) for one in batches])
    received = clock.now()
    rows = [[(*_head(job), received, *_tail(job)) for job in one] for one in batches]
    return taken, _seconds(lambda: _copy(rows))


def _head(job: ReportedJob) -> tuple[object, ...]:
    return astuple(job)[:5]


def _tail(job: ReportedJob) -> tuple[object, ...]:
    return job.outcome.value, job.paid_by.value, job.quantity, job.corrects, job.payload_sha256


def _copy(batches: Sequence[Sequence[tuple[object, ...]]]) -> None:
    for rows in batches:
        with connection.cursor() as cursor, cursor.copy(f"COPY plain_event ({COLUMNS}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def compare_counts(rows: int, heavy: int) -> dict[str, float]:
    """Median milliseconds of counting, for an account with `heavy` rows and for one with few, among `rows`."""
    now = clock.now()
    customers = Customer.objects.bulk_create(
        Customer(external_id=f"count-{number}", email=f"count-{number}@example.com", created_at=now)
        for number in range(ACCOUNTS + 1)
    )
    ids = [one.id for one in customers]
    with connection.cursor() as cursor:
        cursor.execute(FILL, [ids, ACCOUNTS, START, rows])
        cursor.execute("VACUUM (ANALYZE) usage_usageevent")
    end = START + timedelta(days=400)
    return {
        f"count, {heavy:,} jobs of one account": _milliseconds(
            lambda: count_used(ids[0], "generation", START, end)
        ),
        f"count, {_whole(ids[2])} jobs of one account": _milliseconds(
            lambda: count_used(ids[2], "generation", START, end)
        ),
        "count, no jobs": _milliseconds(lambda: count_used(NOBODY, "generation", START, end)),
        f"a fault's jobs, {heavy:,} of one account": _milliseconds(
            lambda: count_attempts(ids[0], "generation", START, end, UTC_ZONE)
        ),
        f"a fault's jobs, {_whole(ids[2])} of one account": _milliseconds(
            lambda: count_attempts(ids[2], "generation", START, end, UTC_ZONE)
        ),
        f"count(*), {heavy:,} jobs of one account": _milliseconds(lambda: _whole(ids[0])),
    }


def _whole(customer: UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute(WHOLE, [customer, START])
        (number,) = cursor.fetchone() or (0,)
    return int(number)


def _customer(name: str) -> Customer:
    return Customer.objects.create(external_id=name, email=f"{name}@example.com", created_at=clock.now())


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _milliseconds(work: Callable[[], object]) -> float:
    return median(_seconds(work) for _ in range(COUNTS)) * 1000
