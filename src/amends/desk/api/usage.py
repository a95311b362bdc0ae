"""Usage as CloudEvents 1.0: one event, or a batch of which each has its own result."""

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import ConfigDict, Field, StrictInt, TypeAdapter, ValidationError

from amends.desk.accounts.models import Customer, Scope
from amends.desk.api.access import Needs
from amends.desk.api.problems import Problem, faults_of, invalid
from amends.desk.api.schemas import Body, Id, Instant, Name
from amends.desk.credits.actions import TooFewCreditsError
from amends.desk.usage.actions import Fate, ReportedJob, take_in
from amends.desk.usage.models import PaidBy, UseOutcome

BATCH_MAX = 1_000
SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
EVENT_TYPE = "amends.usage"
router = Router(auth=Needs(Scope.USAGE), tags=["usage"])


class UseIn(Body):
    """One job."""

    meter: Id
    outcome: UseOutcome
    paid_by: PaidBy
    quantity: Annotated[StrictInt, Field(ge=1, le=10**12)] = 1
    corrects: Name = ""
    """The id, of the same source, of an event that this one takes back."""


class EventIn(Schema):
    """A CloudEvent; attributes that the desk does not know are allowed, as the standard says."""

    model_config = ConfigDict(extra="ignore")
    specversion: Literal["1.0"]
    id: Annotated[Name, Field(min_length=1)]
    source: Annotated[Name, Field(min_length=1)]
    type: Literal["amends.usage"]
    subject: Id
    """The customer."""
    time: Instant
    data: UseIn


class EventResult(Schema):
    """What became of one event: 201 taken, 200 repeated, 409 and 422 refused."""

    id: str | None
    source: str | None
    status: int
    code: str | None = None
    detail: str | None = None


class BatchResult(Schema):
    """One result for each event, in order."""

    results: list[EventResult]


_FATES = {
    Fate.TAKEN: (201, None, None),
    Fate.REPEATED: (200, None, None),
    Fate.CONFLICTING: (409, "event_conflict", "The id came before with another content; nothing was taken."),
}
_FEW = (422, "too_few_credits", "The customer has too few credits; nothing was taken.")
_EVENT = TypeAdapter(EventIn)
_ITEMS = TypeAdapter(list[dict[str, object]])


@router.post(
    "/usage/events",
    response={200: BatchResult | EventResult, 201: EventResult},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                SINGLE: {"schema": {"$ref": "#/components/schemas/Event"}},
                BATCH: {
                    "schema": {
                        "type": "array",
                        "maxItems": BATCH_MAX,
                        "items": {
                            "type": "object",
                            "description": "An `Event`; one that is not is refused alone, in its result",
                        },
                    }
                },
            },
        }
    },
)
def post_events(request: HttpRequest) -> Status[BatchResult] | Status[EventResult]:
    """Take usage in; each id of a source once."""
    kind = (request.content_type or "").lower()
    if kind == BATCH:
        return Status(200, BatchResult(results=_take(_read_batch(request.body))))
    if kind != SINGLE:
        raise Problem(
            "unsupported_media_type", f"Send one event as `{SINGLE}`, or a list of them as `{BATCH}`."
        )
    item = _read_one(request.body)
    try:
        _EVENT.validate_python(item)
    except ValidationError as error:
        raise invalid(faults_of(error.errors(include_url=False))) from error
    (result,) = _take([item])
    if result.code is not None:
        raise Problem(result.code, result.detail or "")
    return Status(result.status, result)


def _read_one(raw: bytes) -> dict[str, object]:
    try:
        return TypeAdapter(dict[str, object]).validate_json(raw)
    except ValidationError as error:
        raise Problem("malformed", "The body is no JSON object.") from error


def _read_batch(raw: bytes) -> list[dict[str, object]]:
    try:
        items = _ITEMS.validate_json(raw)
    except ValidationError as error:
        raise Problem("malformed", "The body is no JSON list of objects.") from error
    if len(items) > BATCH_MAX:
        raise Problem("too_large", f"A batch has at most {BATCH_MAX} events; this one has {len(items)}.")
    return items


def _take(items: list[dict[str, object]]) -> list[EventResult]:
    """What can be read is taken together; where credits run out, one by one, so that the others are taken."""
    read = [_read(item) for item in items]
    customers = dict(
        Customer.objects.filter(
            external_id__in={one.subject for one in read if isinstance(one, EventIn)}, erased_at=None
        ).values_list("external_id", "id")
    )
    results = [_refusal(one, customers) for one in read]
    wanted = [
        (place, one) for place, one in enumerate(read) if isinstance(one, EventIn) and results[place] is None
    ]
    events = [_event(one, str(customers[one.subject])) for _, one in wanted]
    for (place, one), (status, code, detail) in zip(wanted, _store(events), strict=True):
        results[place] = EventResult(id=one.id, source=one.source, status=status, code=code, detail=detail)
    return [result for result in results if result is not None]


def _store(events: list[ReportedJob]) -> list[tuple[int, str | None, str | None]]:
    try:
        return [_FATES[fate] for fate in take_in(events)] if events else []
    except TooFewCreditsError:
        if len(events) == 1:
            return [_FEW]
        return [found for event in events for found in _store([event])]


def _read(item: dict[str, object]) -> EventIn | EventResult:
    try:
        return _EVENT.validate_python(item)
    except ValidationError as error:
        first = faults_of(error.errors(include_url=False))[0]
        return EventResult(
            id=_word(item.get("id")),
            source=_word(item.get("source")),
            status=422,
            code="invalid",
            detail=f"`{first.where}`: {first.why}.",
        )


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _refusal(one: EventIn | EventResult, customers: Mapping[str, UUID]) -> EventResult | None:
    if isinstance(one, EventResult):
        return one
    if one.subject in customers:
        return None
    return EventResult(
        id=one.id,
        source=one.source,
        status=422,
        code="reference_unknown",
        detail="`subject` names no customer that is recorded.",
    )


def _event(one: EventIn, customer_id: str) -> ReportedJob:
    return ReportedJob(
        source=one.source,
        event_id=one.id,
        customer_id=customer_id,
        meter=one.data.meter,
        at=one.time,
        outcome=one.data.outcome,
        paid_by=one.data.paid_by,
        quantity=one.data.quantity,
        corrects=one.data.corrects,
    )
