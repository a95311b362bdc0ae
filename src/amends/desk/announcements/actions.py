"""Register endpoints, and put events in line for them."""

import json
import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from amends.desk import clock, ids
from amends.desk.announcements.addresses import check_form
from amends.desk.announcements.models import Delivery, Endpoint, EventKind
from amends.desk.audit.actions import record
from amends.desk.unit_of_work import write_at_end

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Event:
    """What endpoints are told of one thing."""

    kind: EventKind
    reference: str
    event_id: str
    body: str
    at: datetime


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
    event = Event(kind, f"{kind.value}:{subject}", f"msg_{ids.make_id().hex}", body, now)
    write_at_end(_put_in_line, event)


def _put_in_line(events: list[Event]) -> None:
    endpoints = list(Endpoint.objects.filter(ended_at=None, kinds__overlap=[event.kind for event in events]))
    deliveries = [
        Delivery(
            endpoint=endpoint,
            event_id=event.event_id,
            reference=event.reference,
            kind=event.kind,
            body=event.body,
            created_at=event.at,
            next_try_at=event.at,
        )
        for event in events
        for endpoint in endpoints
        if event.kind in endpoint.kinds
    ]
    Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)
