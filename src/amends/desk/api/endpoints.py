"""Where the host product is told of events, and the journal for its accountants."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Router, Schema, Status
from pydantic import Field

from amends.desk.accounts.models import Scope
from amends.desk.announcements.actions import KnownAddressError, end, register
from amends.desk.announcements.addresses import AddressError
from amends.desk.announcements.models import Delivery, Endpoint, EventKind
from amends.desk.api.access import Needs, actor_of
from amends.desk.api.pages import Cursor, Limit, page
from amends.desk.api.problems import Fault, Problem, missing
from amends.desk.api.schemas import Body
from amends.desk.journal.export import csv_lines

router = Router(auth=Needs(Scope.WEBHOOKS), tags=["webhooks"])


class EndpointIn(Body):
    """An address and the kinds of events that it wants."""

    url: Annotated[str, Field(max_length=500)]
    events: Annotated[list[EventKind], Field(min_length=1, max_length=len(EventKind))]


class EndpointOut(Schema):
    """An endpoint as recorded."""

    id: UUID
    url: str
    events: list[str]
    created_at: datetime


class FreshEndpoint(EndpointOut):
    """An endpoint with its secret, which is shown this once."""

    secret: str


class EndpointPage(Schema):
    """Endpoints, the newest first."""

    items: list[EndpointOut]
    next_cursor: str | None


class DeliveryOut(Schema):
    """One event for one endpoint."""

    event_id: str
    kind: str
    attempts: int
    created_at: datetime
    delivered_at: datetime | None
    next_try_at: datetime | None
    problem: str | None


class DeliveryPage(Schema):
    """Deliveries, the newest first."""

    items: list[DeliveryOut]
    next_cursor: str | None


@router.post("/webhook-endpoints", response={201: FreshEndpoint})
def post_endpoint(request: HttpRequest, body: EndpointIn) -> Status[FreshEndpoint]:
    """Register an address; the secret is shown this once."""
    try:
        endpoint = register(body.url, body.events, actor_of(request))
    except AddressError as error:
        raise Problem("invalid", str(error), faults=[Fault("url", str(error))]) from error
    except KnownAddressError as error:
        raise Problem("already_recorded", "The address is registered; remove it first.") from error
    return Status(201, FreshEndpoint(**_shown(endpoint).dict(), secret=endpoint.secret))


@router.get("/webhook-endpoints", response=EndpointPage)
def list_endpoints(request: HttpRequest, cursor: Cursor, limit: Limit) -> EndpointPage:  # noqa: ARG001  # ninja's
    """The addresses that are told."""
    rows, following = page(Endpoint.objects.filter(ended_at=None), cursor, limit)
    return EndpointPage(items=[_shown(row) for row in rows], next_cursor=following)


@router.delete("/webhook-endpoints/{id}", response={204: None})
def delete_endpoint(request: HttpRequest, id: UUID) -> HttpResponse:  # noqa: A002  # the path's word
    """Tell an address nothing more."""
    end(_find(id), actor_of(request))
    return HttpResponse(status=204)


@router.get("/webhook-endpoints/{id}/deliveries", response=DeliveryPage)
def list_deliveries(
    request: HttpRequest,  # noqa: ARG001  # ninja's
    id: UUID,  # noqa: A002  # the path's word
    cursor: Cursor,
    limit: Limit,
) -> DeliveryPage:
    """What an address was told, and what waits."""
    rows, following = page(Delivery.objects.filter(endpoint=_find(id)), cursor, limit)
    items = [
        DeliveryOut(
            event_id=row.event_id,
            kind=row.kind,
            attempts=row.attempts,
            created_at=row.created_at,
            delivered_at=row.delivered_at,
            next_try_at=row.next_try_at,
            problem=row.problem or None,
        )
        for row in rows
    ]
    return DeliveryPage(items=items, next_cursor=following)


@router.get(
    "/exports/journal.csv",
    auth=Needs(Scope.EXPORTS),
    tags=["exports"],
    openapi_extra={"responses": {200: {"description": "OK", "content": {"text/csv": {}}}}},
)
def get_journal(request: HttpRequest) -> StreamingHttpResponse:  # noqa: ARG001  # ninja's
    """The journal, oldest posting first; amounts in the currency's own digits."""
    return StreamingHttpResponse(
        csv_lines(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="journal.csv"'},
    )


def _find(id_: UUID) -> Endpoint:
    endpoint = Endpoint.objects.filter(id=id_, ended_at=None).first()
    if endpoint is None:
        raise missing()
    return endpoint


def _shown(endpoint: Endpoint) -> EndpointOut:
    return EndpointOut(
        id=endpoint.id, url=endpoint.url, events=endpoint.kinds, created_at=endpoint.created_at
    )
