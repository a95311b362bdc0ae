"""Take in usage, and count what the policy counts."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import connection, transaction

from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.credits.actions import restore, spend
from amends.desk.questions import Question
from amends.desk.usage.models import PaidBy, UsageEvent, UseOutcome
from amends.policy.answer import canonical_json

COUNT_MAX = 1_000
"""Counting stops here: no policy counts further, and an account may have millions."""
_COLUMNS = "source, event_id, customer_id, meter, at, received_at, outcome, paid_by, quantity, corrects, payload_sha256"

_INCOMING = """
CREATE TEMP TABLE incoming (LIKE usage_usageevent) ON COMMIT DROP;
ALTER TABLE incoming DROP COLUMN id;
"""
_COPY = f"COPY incoming ({_COLUMNS}) FROM STDIN"
_STORE = f"""
INSERT INTO usage_usageevent ({_COLUMNS}) SELECT {_COLUMNS} FROM incoming
ON CONFLICT (source, event_id) DO NOTHING RETURNING source, event_id, payload_sha256
"""  # noqa: S608  # the names of columns above
_COUNT = """
SELECT jsonb_build_array(ARRAY(
SELECT e.event_id FROM usage_usageevent e
WHERE e.customer_id = %s AND e.meter = %s AND e.at >= %s AND e.at <= %s
    AND e.outcome = 'succeeded' AND e.paid_by = 'quota' AND e.corrects = ''
    AND NOT EXISTS (
        SELECT FROM usage_usageevent c
        WHERE c.customer_id = e.customer_id AND c.corrects <> ''
            AND c.source = e.source AND c.corrects = e.event_id)
ORDER BY e.at, e.id LIMIT %s
), (SELECT coalesce(max(id), 0) FROM usage_usageevent))
"""


@dataclass(frozen=True, slots=True)
class ReportedJob:
    """One job as the host product reports it."""

    source: str
    event_id: str
    customer_id: str
    meter: str
    at: datetime
    outcome: UseOutcome
    paid_by: PaidBy
    quantity: int = 1
    corrects: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What an event is known by."""
        return self.source, self.event_id

    @property
    def payload_sha256(self) -> str:
        """Tells the same event told twice from another one with the same id."""
        content = [self.customer_id, self.meter, self.at.isoformat(), self.outcome.value, self.paid_by.value]
        return hashlib.sha256(canonical_json([*content, self.quantity, self.corrects])).hexdigest()


class Fate(StrEnum):
    """What became of an event."""

    TAKEN = "taken"
    REPEATED = "repeated"
    """It is here already."""
    CONFLICTING = "conflicting"
    """Its id came before with another content; nothing of it was taken."""


@dataclass(frozen=True, slots=True)
class Count:
    """What was counted, so that it can be shown again."""

    count: int
    watermark: int
    """The newest row of all that was there."""
    sha256: str
    """Over the ids of the counted events, in order."""


def take_in(events: Sequence[ReportedJob]) -> list[Fate]:
    """Store a batch by COPY, each id of a source once; jobs on credits take or restore them.

    Returns the fate of each event, in order.
    Idempotent: by source and event id.
    Raises: TooFewCreditsError: nothing was stored.
    """
    with transaction.atomic():
        fresh = _copy(events)
        known = fresh | _known_payloads([event for event in events if event.key not in fresh])
        for event in {event.key: event for event in reversed(events)}.values():
            if event.paid_by is PaidBy.CREDITS and event.key in fresh:
                _charge_credits(event)
    untold = set(fresh)
    fates = []
    for event in events:
        if known[event.key] != event.payload_sha256:
            fates.append(Fate.CONFLICTING)
        else:
            fates.append(Fate.TAKEN if event.key in untold else Fate.REPEATED)
            untold.discard(event.key)
    return fates


def _copy(events: Sequence[ReportedJob]) -> dict[tuple[str, str], str]:
    """Stores the events that are new; returns their payloads' hashes."""
    received_at = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_INCOMING)
        with cursor.copy(_COPY) as copy:
            for event in events:
                copy.write_row(
                    (
                        event.source,
                        event.event_id,
                        event.customer_id,
                        event.meter,
                        event.at,
                        received_at,
                        event.outcome.value,
                        event.paid_by.value,
                        event.quantity,
                        event.corrects,
                        event.payload_sha256,
                    )
                )
        cursor.execute(_STORE)
        return {(source, event_id): sha256 for source, event_id, sha256 in cursor.fetchall()}


def _known_payloads(events: Sequence[ReportedJob]) -> dict[tuple[str, str], str]:
    known = UsageEvent.objects.filter(event_id__in=[event.event_id for event in events])
    return {
        (source, event_id): sha256
        for source, event_id, sha256 in known.values_list("source", "event_id", "payload_sha256")
    }


def _charge_credits(event: ReportedJob) -> None:
    """A job takes its credits; one that failed gives back what its start took (reading R9)."""
    reference = f"event:{event.source}/{event.corrects or event.event_id}"
    if event.outcome is UseOutcome.SUCCEEDED:
        customer = Customer.objects.get(id=event.customer_id)
        spend(customer, event.meter, event.quantity, reference)
    else:
        restore(reference)


def ask_used(customer_id: UUID, meter: str, since: datetime, until: datetime) -> Question[Count]:
    """Jobs that succeeded on the plan's own quota in [since, until], without those taken back (reading R2).

    The index is read in order and only as far as needed.
    """
    return Question(_COUNT, [customer_id, meter, since, until, COUNT_MAX], _read_count)


def _read_count(text: str) -> Count:
    counted, watermark = json.loads(text)
    return Count(len(counted), watermark, hashlib.sha256("\n".join(counted).encode()).hexdigest())


def count_used(customer_id: UUID, meter: str, since: datetime, until: datetime) -> Count:
    """As `ask_used`, asked alone."""
    return ask_used(customer_id, meter, since, until).ask()


def count_failed(customer_id: UUID, meter: str, since: datetime, until: datetime) -> int:
    """Jobs that failed in [since, until]; they count for nothing, and are counted as far as people look."""
    failed = UsageEvent.objects.filter(customer=customer_id, outcome=UseOutcome.FAILED, meter=meter)
    return failed.filter(at__gte=since, at__lte=until)[:COUNT_MAX].count()
