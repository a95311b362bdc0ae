"""Write audit rows, and prove that none was changed."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day

from django.db import transaction

from amends.desk import clock, logs
from amends.desk.audit.models import AuditRow, DayRoot
from amends.desk.unit_of_work import Part, write_at_end
from amends.policy.answer import canonical_json


def record(subject: str, actor: str, action: str, **detail: object) -> None:
    """Add a row to the chain of a subject, at the end of the unit of work."""
    # Canonical JSON sorts its keys: `previous` and `sequence` will stand between these two pieces.
    before = {"action": action, "actor": actor, "at": clock.now().isoformat(), "detail": detail}
    pieces = {
        "subject": subject,
        "before": canonical_json(before).decode().removesuffix("}"),
        "behind": canonical_json({"subject": subject}).decode().removeprefix("{"),
    }
    write_at_end(_append, pieces)
    transaction.on_commit(lambda: logs.tell(action, subject=subject, actor=actor))


def _append(added: list[dict[str, str]]) -> Part:
    """Give each row its place in its chain, in the database.

    Locks: the chains, in the order of their names, until the transaction ends: two writers cannot take one place.
    """
    return Part({"audit_append": "SELECT audit_append(%s)"}, [json.dumps(added, ensure_ascii=False)])


def row_sha256(row: AuditRow) -> str:
    """The hash that a row must carry: over its content and the hash before it."""
    content = {
        "subject": row.subject,
        "sequence": row.sequence,
        "at": row.at.isoformat(),
        "actor": row.actor,
        "action": row.action,
        "detail": row.detail,
        "previous": row.previous_sha256,
    }
    return hashlib.sha256(canonical_json(content)).hexdigest()


def broken_rows() -> Iterator[str]:
    """Every place at which a chain does not hold, in words."""
    previous: AuditRow | None = None
    for row in AuditRow.objects.order_by("subject", "sequence").iterator():
        before = previous if previous and previous.subject == row.subject else None
        expected = (before.sequence + 1, before.sha256) if before else (1, "")
        if (row.sequence, row.previous_sha256) != expected:
            yield f"{row.subject}: row {row.sequence} does not follow row {expected[0] - 1}"
        if row.sha256 != row_sha256(row):
            yield f"{row.subject}: row {row.sequence} was changed"
        previous = row


def close_day(day: date) -> DayRoot:
    """Keep the root of a day that is over; a second call returns the first root."""
    kept = DayRoot.objects.filter(day=day).first()
    if kept is None:
        rows, root = day_root(day)
        kept, _ = DayRoot.objects.get_or_create(day=day, defaults={"rows": rows, "sha256": root})
    return kept


def day_root(day: date) -> tuple[int, str]:
    """How many rows a day has, and what they hash to together."""
    start = datetime.combine(day, time_of_day.min, UTC)
    hashes = AuditRow.objects.filter(at__gte=start, at__lt=start + timedelta(days=1))
    found = list(hashes.order_by("id").values_list("sha256", flat=True))
    return len(found), hashlib.sha256("".join(found).encode()).hexdigest()


def broken_days() -> Iterator[str]:
    """Every closed day whose rows no longer hash to its root."""
    for kept in DayRoot.objects.order_by("day").iterator():
        if (kept.rows, kept.sha256) != day_root(kept.day):
            yield f"{kept.day}: the rows of the day are not those that its root was made of"
