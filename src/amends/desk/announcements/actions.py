"""Register endpoints, and put events in line for them."""

import json
import secrets
from base64 import b64encode
from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction

from amends.desk import clock, ids
from amends.desk.announcements.addresses import check_form
from amends.desk.announcements.models import Endpoint, EventKind
from amends.desk.audit.actions import record
from amends.desk.unit_of_work import Part, write_at_end

SECRET_BYTES = 32
# The id of a delivery is a UUID of version 7, too: the time and version of its event's id, and random bits.
_PUT_IN_LINE = """
INSERT INTO announcements_delivery
    (id, endpoint_id, event_id, reference, kind, body, created_at, attempts, next_try_at, problem)
SELECT (left(event.id::text, 15) || substr(gen_random_uuid()::text, 16))::uuid, endpoint.id,
    'msg_' || replace(event.id::text, '-', ''), event.reference, event.kind, event.body, event.at, 0, event.at, ''
FROM jsonb_to_recordset(%s) AS event(id uuid, kind text, reference text, body text, at timestamptz)
    JOIN announcements_endpoint AS endpoint ON endpoint.ended_at IS NULL AND event.kind = ANY (endpoint.kinds)
ON CONFLICT DO NOTHING RETURNING 1
"""


class KnownAddressError(Exception):
    """There is an endpoint with this address already."""


def register(url: str, kinds: Sequence[EventKind], actor: str) -> Endpoint:
    """Register an endpoint.

    Raises: AddressError, KnownAddressError: nothing was written.
    """
    check_form(url)
    endpoint = Endpoint(
        url=url,
        secret=f"whsec_{b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}",
        kinds=sorted(set(kinds)),
        created_at=clock.now(),
    )
    try:
        with transaction.atomic():
            endpoint.save(force_insert=True)
            record(f"endpoint:{endpoint.id}", actor, "registered", url=url, kinds=endpoint.kinds)
    except IntegrityError as error:
        raise KnownAddressError(url) from error
    return endpoint


def end(endpoint: Endpoint, actor: str) -> None:
    """Tell an endpoint nothing more, what waits for it included."""
    with transaction.atomic():
        endpoint.ended_at = clock.now()
        endpoint.save(update_fields=["ended_at"])
        endpoint.deliveries.filter(next_try_at__isnull=False).update(
            next_try_at=None, problem="endpoint ended"
        )
        record(f"endpoint:{endpoint.id}", actor, "ended")


def announce(kind: EventKind, subject: UUID | str, told: dict[str, object]) -> None:
    """Put an event in line for every endpoint that wants its kind; it is sent once the transaction is there.

    Idempotent: by kind and subject.
    """
    now = clock.now()
    body = json.dumps({"type": kind.value, "timestamp": now.isoformat(), "data": told}, ensure_ascii=False)
    event = {
        "id": ids.make_id(),
        "kind": kind,
        "reference": f"{kind.value}:{subject}",
        "body": body,
        "at": now,
    }
    write_at_end(_put_in_line, event)


def _put_in_line(events: list[dict[str, object]]) -> Part:
    return Part({"delivery": _PUT_IN_LINE}, [json.dumps(events, ensure_ascii=False, default=str)])
