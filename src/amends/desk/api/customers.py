"""Customers by the host product's own ids, what they used, what credits they have, and links to the portal."""

from datetime import datetime
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status

from amends.desk import clock
from amends.desk.accounts.actions import ErasedError, Person, make_link, record_customer
from amends.desk.accounts.models import Customer, Scope
from amends.desk.api.access import Needs, actor_of
from amends.desk.api.pages import Cursor, Limit, page
from amends.desk.api.problems import Problem, missing, unknown_reference
from amends.desk.api.schemas import Body, Country, Id, LocaleName, Mail, Name
from amends.desk.credits.actions import open_lots
from amends.desk.orders.models import Line
from amends.desk.usage.actions import COUNT_MAX, count_used

PURCHASES_MAX = 100
router = Router(auth=Needs(Scope.CUSTOMERS), tags=["customers"])


class CustomerIn(Body):
    """Somebody who buys."""

    id: Id
    email: Mail
    name: Name = ""
    locale: LocaleName = "en_US"
    country: Country = ""

    @property
    def told_locale(self) -> str | None:
        """The locale where it was sent: one that was left out is no wish."""
        return self.locale if "locale" in self.model_fields_set else None


class CustomerOut(Schema):
    """A customer as recorded."""

    id: str
    email: str
    name: str
    locale: str
    country: str
    created_at: datetime
    erased_at: datetime | None


class CustomerPage(Schema):
    """Customers, the newest first."""

    items: list[CustomerOut]
    next_cursor: str | None


class PurchaseUse(Schema):
    """What was used of one purchase, counted as the policy counts."""

    order: str
    line: int
    meter: str
    since: datetime
    counted: int
    is_capped: bool


class UsageOut(Schema):
    """What a customer used, for each of the latest purchases."""

    purchases: list[PurchaseUse]


class LotOut(Schema):
    """Credits that came together."""

    meter: str
    source: str
    quantity: int
    remaining: int
    expires_at: datetime | None


class WalletOut(Schema):
    """The credits that can be spent: their sum for each meter, and the lots in the order in which they burn."""

    balances: dict[str, int]
    lots: list[LotOut]


class PortalIn(Body):
    """For whom the link is."""

    customer: Id


class PortalOut(Schema):
    """A link that works once."""

    url: str
    expires_at: datetime


def find_customer(id_: str) -> Customer:
    """The customer with the host product's id.

    Raises: Problem.
    """
    customer = Customer.objects.filter(external_id=id_).first()
    if customer is None:
        raise missing()
    return customer


def named_customer(id_: str) -> Customer:
    """The customer that a body names.

    Raises: Problem.
    """
    customer = Customer.objects.filter(external_id=id_, erased_at=None).first()
    if customer is None:
        raise unknown_reference("customer")
    return customer


@router.post("/customers", response={200: CustomerOut, 201: CustomerOut})
def post_customer(request: HttpRequest, body: CustomerIn) -> Status[CustomerOut]:
    """Record a customer, or take over what changed (200)."""
    person = Person(body.email, body.name, body.told_locale, body.country)
    try:
        customer, is_fresh = record_customer(body.id, person, actor_of(request))
    except ErasedError as error:
        raise Problem(
            "already_recorded", "This customer was erased, and the id stays with the books."
        ) from error
    return Status(201 if is_fresh else 200, _shown(customer))


@router.get("/customers", response=CustomerPage)
def list_customers(request: HttpRequest, cursor: Cursor, limit: Limit) -> CustomerPage:  # noqa: ARG001  # ninja's
    """Customers, the newest first."""
    rows, following = page(Customer.objects.all(), cursor, limit)
    return CustomerPage(items=[_shown(row) for row in rows], next_cursor=following)


@router.get("/customers/{id}", response=CustomerOut)
def get_customer(request: HttpRequest, id: Id) -> CustomerOut:  # noqa: A002, ARG001  # the path's word; ninja's
    """One customer."""
    return _shown(find_customer(id))


@router.get("/customers/{id}/usage", response=UsageOut)
def get_usage(request: HttpRequest, id: Id) -> UsageOut:  # noqa: A002, ARG001  # as above
    """What counts against the policy's limit, for each purchase since it was made."""
    customer = find_customer(id)
    now = clock.now()
    lines = Line.objects.filter(order__customer=customer).select_related("order").order_by("-id")
    shown = []
    for line in lines[:PURCHASES_MAX]:
        count = count_used(customer.id, line.meter, line.purchased_at, now).count
        shown.append(
            PurchaseUse(
                order=line.order.number,
                line=line.position,
                meter=line.meter,
                since=line.purchased_at,
                counted=count,
                is_capped=count >= COUNT_MAX,
            )
        )
    return UsageOut(purchases=shown)


@router.get("/customers/{id}/wallet", response=WalletOut)
def get_wallet(request: HttpRequest, id: Id) -> WalletOut:  # noqa: A002, ARG001  # as above
    """The credits that can be spent."""
    lots = list(open_lots(find_customer(id)))
    balances: dict[str, int] = {}
    for lot in lots:
        balances[lot.meter] = balances.get(lot.meter, 0) + lot.remaining
    shown = [
        LotOut(
            meter=lot.meter,
            source=lot.source,
            quantity=lot.quantity,
            remaining=lot.remaining,
            expires_at=lot.expires_at,
        )
        for lot in lots
    ]
    return WalletOut(balances=balances, lots=shown)


@router.post("/portal-sessions", response={201: PortalOut})
def post_portal_session(request: HttpRequest, body: PortalIn, response: HttpResponse) -> Status[PortalOut]:
    """A link that signs the customer in at the portal, once and within ten minutes. Never kept for a repetition."""
    link, token = make_link(named_customer(body.customer), actor_of(request))
    response["Cache-Control"] = "no-store"
    url = f"{settings.PUBLIC_URL}/enter/{quote(token)}"
    return Status(201, PortalOut(url=url, expires_at=link.expires_at))


def _shown(customer: Customer) -> CustomerOut:
    return CustomerOut(
        id=customer.external_id,
        email=customer.email,
        name=customer.name,
        locale=customer.locale,
        country=customer.country,
        created_at=customer.created_at,
        erased_at=customer.erased_at,
    )
