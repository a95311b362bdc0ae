"""From the gateway to our tables, page by page: the run goes on where it was, and what changed meanwhile is fetched again."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction

from amends.desk import clock
from amends.desk.importing.models import Cursor, Fetched
from amends.desk.payments.gateway import GatewayEvent, Rejected
from amends.desk.payments.stripe_gateway import API_VERSION, StripeGateway

OVERLAP = timedelta(hours=1)
"""Events are looked at from so long before the run began."""
PAGE = 100
Report = Callable[[str, int], None]
"""Told of each page: the kind, and how many objects of it there are by now."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object that is fetched, and where."""

    name: str
    path: str
    expanded: tuple[str, ...] = ()
    parent: str = ""
    """The field that leads to what it belongs to, dotted."""
    filters: tuple[tuple[str, str], ...] = ()


KINDS = (
    Kind("price", "/v1/prices", ("product",)),
    Kind("customer", "/v1/customers"),
    Kind("subscription", "/v1/subscriptions", filters=(("status", "all"),)),
    Kind("invoice", "/v1/invoices"),
    Kind(
        "invoice_payment",
        "/v1/invoice_payments",
        ("payment.payment_intent",),
        parent="payment.payment_intent",
    ),
    Kind("charge", "/v1/charges", ("balance_transaction",)),
    Kind("refund", "/v1/refunds", parent="charge"),
    Kind("dispute", "/v1/disputes", parent="charge"),
)
"""In the order in which they are needed."""
_TOLD = {
    "charge.dispute.": "dispute",
    "charge.refund.": "refund",
    "charge.": "charge",
    "customer.subscription.": "subscription",
    "customer.": "customer",
    "invoice_payment.": "invoice_payment",
    "invoice.": "invoice",
    "price.": "price",
    "refund.": "refund",
}
"""Which kind an event is about; the longer name comes first."""


def fetch_all(gateway: StripeGateway, report: Report) -> None:
    """Fetch every kind, then again whatever an event since the beginning was about.

    Idempotent: objects are stored under their id; a run that was interrupted goes on after its last page.
    Raises: GatewayError: the pages before are kept.
    """
    if not Cursor.objects.filter(done_at=None).exists():
        _begin()
    for kind in KINDS:
        _fetch_kind(gateway, kind, report)
    began = Cursor.objects.order_by("started_at").values_list("started_at", flat=True)[0]
    _fetch_changed(gateway, gateway.events_since(began - OVERLAP, ()), report)
    Cursor.objects.filter(done_at=None).update(done_at=clock.now())


def _begin() -> None:
    now = clock.now()
    with transaction.atomic():
        Cursor.objects.all().delete()
        Cursor.objects.bulk_create([Cursor(kind=kind.name, started_at=now) for kind in KINDS])


def _fetch_kind(gateway: StripeGateway, kind: Kind, report: Report) -> None:
    cursor = Cursor.objects.get(kind=kind.name)
    while cursor.after != END:
        parameters: dict[str, object] = {"limit": PAGE, **dict(kind.filters)}
        if kind.expanded:
            parameters["expand"] = [f"data.{path}" for path in kind.expanded]
        if cursor.after:
            parameters["starting_after"] = cursor.after
        try:
            page = gateway.read(kind.path, parameters)
        except Rejected:
            if not cursor.after:
                raise
            # What the last page ended with is deleted: from the newest on again, which doubles nothing.
            cursor.after, cursor.count = "", 0
            continue
        items = page["data"]
        assert isinstance(items, list)
        with transaction.atomic():
            _keep(kind, items)
            cursor.count += len(items)
            cursor.after = str(items[-1]["id"]) if items and page["has_more"] else END
            cursor.save(update_fields=["after", "count"])
        report(kind.name, cursor.count)


END = "end"
"""Stands for the last page of a kind: no id reads like that."""


def _fetch_changed(gateway: StripeGateway, events: Iterable[GatewayEvent], report: Report) -> None:
    """What an event was about is fetched: its payload may be older than what we have."""
    changed = {(name, event.object_id) for event in events if (name := _kind_of(event.kind))}
    kinds = {kind.name: kind for kind in KINDS}
    for number, (name, ref) in enumerate(sorted(changed), 1):
        kind = kinds[name]
        expanded = {"expand": list(kind.expanded)} if kind.expanded else {}
        try:
            item = gateway.read(f"{kind.path}/{ref}", expanded)
        except Rejected:
            # It was deleted meanwhile.
            continue
        if not item.get("deleted"):
            _keep(kind, [item])
        report("changed meanwhile", number)


def _kind_of(event: str) -> str | None:
    return next((kind for start, kind in _TOLD.items() if event.startswith(start)), None)


def _keep(kind: Kind, items: Iterable[Mapping[str, object]]) -> None:
    now = clock.now()
    rows = [
        Fetched(
            ref=str(item["id"]),
            kind=kind.name,
            customer_ref=str(item["id"]) if kind.name == "customer" else ref_of(item.get("customer")),
            parent_ref=_parent_of(item, kind.parent) if kind.parent else "",
            created_at=datetime.fromtimestamp(int(str(item["created"])), UTC),
            content=item,
            sha256=hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest(),
            api_version=API_VERSION,
            fetched_at=now,
        )
        for item in items
    ]
    _leave_out_erased(rows)
    changing = ["customer_ref", "parent_ref", "content", "sha256", "api_version", "fetched_at"]
    Fetched.objects.bulk_create(rows, update_conflicts=True, unique_fields=["ref"], update_fields=changing)


def _leave_out_erased(rows: Iterable[Fetched]) -> None:
    """Who was erased does not come back: their objects stay empty, with their hash."""
    named = {ref for row in rows for ref in (row.customer_ref, row.parent_ref) if ref}
    erased = set(Fetched.objects.filter(ref__in=named, content={}).values_list("ref", flat=True))
    for row in rows:
        if erased & {row.customer_ref, row.parent_ref}:
            row.content = {}


def _parent_of(item: Mapping[str, object], path: str) -> str:
    value: object = item
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return ref_of(value)


def ref_of(value: object) -> str:
    """The id of an object that may be expanded, empty where there is none."""
    if isinstance(value, Mapping):
        return str(value["id"])
    return str(value) if value else ""
