"""Orders: the program names the charge; what was paid and what was kept of it is fetched from the payment provider."""

from datetime import datetime
from typing import Annotated, Self

from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field, StrictInt, model_validator

from amends.desk.accounts.models import Customer, Scope
from amends.desk.api.access import Needs
from amends.desk.api.customers import named_customer
from amends.desk.api.pages import Cursor, Limit, page
from amends.desk.api.plans import named_plan
from amends.desk.api.problems import Problem, missing, unknown_reference
from amends.desk.api.schemas import Amount, Body, Id, Instant, Name
from amends.desk.orders.actions import SoldLine, load_payments, record_order
from amends.desk.orders.models import Line, Order, Product, Subscription
from amends.desk.payments.gateway import ChargeSnapshot, GatewayError, Rejected
from amends.desk.payments.stripe_gateway import connect

LINES_MAX = 50
CHARGES_MAX = 10
RETRY_SECONDS = 5
router = Router(auth=Needs(Scope.ORDERS), tags=["orders"])


class LineIn(Body):
    """One thing that was sold."""

    product: Product
    description: Name
    amount: Amount | None = None
    """What was paid for it, tax included; may be left out where it is the only line."""
    tax: Amount = 0
    meter: Id
    plan: Id | None = None
    subscription: Id | None = None
    credits: Annotated[StrictInt, Field(ge=0, le=10**12)] = 0
    period_start: Instant | None = None
    period_end: Instant | None = None

    @model_validator(mode="after")
    def check(self) -> Self:
        """A subscription has a plan and a period; credits are counted."""
        if self.product == Product.SUBSCRIPTION and not (self.plan and self.period_start and self.period_end):
            raise ValueError("a subscription line names `plan`, `period_start` and `period_end`")
        if self.period_start and self.period_end and self.period_end <= self.period_start:
            raise ValueError("`period_end` lies after `period_start`")
        if self.product == Product.CREDITS and self.credits == 0:
            raise ValueError("a credits line says how many `credits` were bought")
        if self.amount is not None and self.tax > self.amount:
            raise ValueError("`tax` is a part of `amount`")
        return self


class OrderIn(Body):
    """One purchase."""

    id: Id
    """Its number, as the customer knows it."""
    customer: Id
    charge: Id | Annotated[list[Id], Field(min_length=2, max_length=CHARGES_MAX)] | None
    """The payment provider's id, `ch_…`; a list where several charges paid it; null where nothing was charged."""
    placed_at: Instant
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=LINES_MAX)]


class LineOut(Schema):
    """One thing in an order."""

    line: int
    product: str
    description: str
    amount: int
    tax: int
    meter: str
    plan: str | None
    subscription: str | None
    credits: int
    purchased_at: datetime
    period_start: datetime | None
    period_end: datetime | None


class PaymentOut(Schema):
    """The charge as the payment provider holds it; `fee` is null until it is known."""

    charge: str
    captured: int
    fee: int | None
    method: str
    method_hint: str
    captured_at: datetime


class OrderOut(Schema):
    """An order as recorded."""

    id: str
    customer: str
    currency: str
    placed_at: datetime
    payments: list[PaymentOut]
    """In the order in which they were charged."""
    lines: list[LineOut]


class OrderPage(Schema):
    """Orders, the newest first."""

    items: list[OrderOut]
    next_cursor: str | None


@router.post("/orders", response={200: OrderOut, 201: OrderOut})
def post_order(request: HttpRequest, body: OrderIn) -> Status[OrderOut]:  # noqa: ARG001  # ninja's
    """Record a purchase; sent again it is the same one (200)."""
    customer = named_customer(body.customer)
    known = _known(body, customer)
    if known is not None:
        return Status(200, _shown(known))
    charges = [_fetch(charge) for charge in _charges(body)]
    captured = sum(charge.captured for charge in charges)
    lines = [
        _line(customer, line, place, captured if len(body.lines) == 1 else 0)
        for place, line in enumerate(body.lines)
    ]
    try:
        order = record_order(customer, body.id, body.placed_at, charges, lines)
    except ValueError as error:
        raise Problem(
            "lines_do_not_sum", f"{error}; the amounts of the lines are parts of what was charged."
        ) from error
    except IntegrityError as error:
        raise Problem("already_recorded", "The charge belongs to another order.") from error
    _demand_same(order, body, customer)
    return Status(201, _shown(_orders().get(id=order.id)))


@router.get("/orders", response=OrderPage)
def list_orders(
    request: HttpRequest,  # noqa: ARG001  # ninja's
    cursor: Cursor,
    limit: Limit,
    customer: Id | None = None,
) -> OrderPage:
    """Orders of a customer, or all."""
    found = _orders()
    if customer is not None:
        found = found.filter(customer__external_id=customer)
    rows, following = page(found, cursor, limit)
    load_payments(rows)
    return OrderPage(items=[_shown(row) for row in rows], next_cursor=following)


@router.get("/orders/{id}", response=OrderOut)
def get_order(request: HttpRequest, id: Id) -> OrderOut:  # noqa: A002, ARG001  # the path's word; ninja's
    """One order."""
    order = _orders().filter(number=id).first()
    if order is None:
        raise missing()
    return _shown(order)


def find_line(customer: Customer, order: str, position: int | None) -> Line:
    """The line that a customer asks about; an order of somebody else is one that is not there.

    Raises: Problem.
    """
    lines = list(
        Line.objects.filter(order__number=order, order__customer=customer)
        .select_related("order__customer", "plan", "subscription")
        .order_by("position")
    )
    if position is None and len(lines) > 1:
        raise Problem("invalid", f"The order has {len(lines)} lines; say which one in `line`.")
    found = [line for line in lines if position in (None, line.position)]
    if not found:
        raise missing()
    return found[0]


def _orders() -> QuerySet[Order]:
    return Order.objects.select_related("customer").prefetch_related("lines__subscription")


def _known(body: OrderIn, customer: Customer) -> Order | None:
    known: Order | None = _orders().filter(number=body.id).first()
    if known is not None:
        _demand_same(known, body, customer)
    return known


def _demand_same(order: Order, body: OrderIn, customer: Customer) -> None:
    charges = {payment.gateway_ref for payment in order.payments}
    if (order.customer_id, charges) != (customer.id, set(_charges(body))):
        raise Problem(
            "already_recorded", f"The order `{body.id}` is another customer's, or of another charge."
        )


def _charges(body: OrderIn) -> list[str]:
    if isinstance(body.charge, list):
        return list(dict.fromkeys(body.charge))
    return [body.charge] if body.charge else []


def _fetch(charge: str) -> ChargeSnapshot:
    try:
        return connect().charge(charge)
    except Rejected as error:
        raise Problem("charge_unknown", f"The payment provider has no charge `{charge}`.") from error
    except GatewayError as error:
        raise Problem(
            "gateway_unavailable",
            "The charge cannot be looked up now. Nothing was recorded; send the order again.",
            headers={"Retry-After": str(error.retry_after_seconds or RETRY_SECONDS)},
        ) from error


def _line(customer: Customer, line: LineIn, place: int, otherwise: int) -> SoldLine:
    subscription = None
    if line.subscription is not None:
        mine = Subscription.objects.filter(gateway_ref=line.subscription, customer=customer)
        subscription = mine.first()
        if subscription is None:
            raise unknown_reference(f"lines.{place}.subscription")
    return SoldLine(
        product=line.product,
        description=line.description,
        amount=otherwise if line.amount is None else line.amount,
        meter=line.meter,
        tax=line.tax,
        plan=named_plan(line.plan, f"lines.{place}.plan") if line.plan else None,
        subscription=subscription,
        credits=line.credits,
        period_start=line.period_start,
        period_end=line.period_end,
    )


def _shown(order: Order) -> OrderOut:
    return OrderOut(
        id=order.number,
        customer=order.customer.external_id,
        currency=order.currency,
        placed_at=order.placed_at,
        payments=[
            PaymentOut(
                charge=payment.gateway_ref,
                captured=payment.captured,
                fee=payment.fee,
                method=payment.method,
                method_hint=payment.method_hint,
                captured_at=payment.captured_at,
            )
            for payment in order.payments
        ],
        lines=[_shown_line(line) for line in sorted(order.lines.all(), key=lambda one: one.position)],
    )


def _shown_line(line: Line) -> LineOut:
    return LineOut(
        line=line.position,
        product=line.product,
        description=line.description,
        amount=line.amount,
        tax=line.tax,
        meter=line.meter,
        plan=line.plan_id,
        subscription=line.subscription.gateway_ref if line.subscription else None,
        credits=line.credits,
        purchased_at=line.purchased_at,
        period_start=line.period_start,
        period_end=line.period_end,
    )
