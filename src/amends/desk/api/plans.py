"""Plans with their prices, and who has which."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from amends.desk.accounts.models import Scope
from amends.desk.api.access import Needs, actor_of
from amends.desk.api.customers import named_customer
from amends.desk.api.pages import Cursor, Limit, page
from amends.desk.api.problems import Problem, missing, unknown_reference
from amends.desk.api.schemas import Amount, Body, Currency, Id, Instant, Name
from amends.desk.orders.catalogue import (
    DifferentError,
    PlanSetting,
    PriceSetting,
    record_plan,
    record_subscription,
)
from amends.desk.orders.models import Interval, Plan, Subscription

PLANS_MAX = 500
router = Router(auth=Needs(Scope.ORDERS), tags=["plans"])


class PriceIn(Body):
    """What a plan costs from an instant on."""

    currency: Currency
    amount: Amount
    gateway_id: Id
    """The payment provider's id of the price, `price_…`; a change of plan uses it."""
    from_at: Instant | None = None


class PlanIn(Body):
    """What can be subscribed to."""

    id: Id
    name: Name
    interval: Interval
    monthly: Id | None = None
    """Of an annual plan, the monthly one beside it."""
    prices: list[PriceIn] = Field(default_factory=list, max_length=50)


class PriceOut(Schema):
    """A price as recorded."""

    currency: str
    amount: int
    gateway_id: str
    from_at: datetime


class PlanOut(Schema):
    """A plan as recorded, its prices the newest first."""

    id: str
    name: str
    interval: str
    monthly: str | None
    prices: list[PriceOut]


class PlanList(Schema):
    """All plans."""

    items: list[PlanOut]


class SubscriptionIn(Body):
    """A customer has a plan."""

    id: Id
    """The payment provider's id, `sub_…`."""
    customer: Id
    plan: Id
    started_at: Instant
    next_charge_at: Instant | None = None


class SubscriptionOut(Schema):
    """A customer's plan, now."""

    id: str
    customer: str
    plan: str
    status: str
    started_at: datetime
    next_charge_at: datetime | None
    ended_at: datetime | None


class SubscriptionPage(Schema):
    """Subscriptions, the newest first."""

    items: list[SubscriptionOut]
    next_cursor: str | None


def named_plan(id_: str, where: str) -> Plan:
    """The plan that a body names.

    Raises: Problem.
    """
    plan = Plan.objects.filter(code=id_).first()
    if plan is None:
        raise unknown_reference(where)
    return plan


@router.post("/plans", response={200: PlanOut, 201: PlanOut})
def post_plan(request: HttpRequest, body: PlanIn) -> Status[PlanOut]:
    """Record a plan; sent again with further prices it takes those over (200)."""
    monthly = named_plan(body.monthly, "monthly") if body.monthly else None
    prices = [PriceSetting(one.currency, one.amount, one.gateway_id, one.from_at) for one in body.prices]
    try:
        plan, is_fresh = record_plan(
            PlanSetting(body.id, body.name, body.interval, monthly), prices, actor_of(request)
        )
    except DifferentError as error:
        raise Problem(
            "already_recorded",
            f"The plan `{body.id}` is recorded with another name, interval, monthly plan or price at that instant.",
        ) from error
    return Status(201 if is_fresh else 200, _plan(plan))


@router.get("/plans", response=PlanList)
def list_plans(request: HttpRequest) -> PlanList:  # noqa: ARG001  # ninja's
    """All plans with their prices."""
    plans = Plan.objects.prefetch_related("prices").order_by("code")[:PLANS_MAX]
    return PlanList(items=[_plan(plan) for plan in plans])


@router.get("/plans/{id}", response=PlanOut)
def get_plan(request: HttpRequest, id: Id) -> PlanOut:  # noqa: A002, ARG001  # the path's word; ninja's
    """One plan."""
    plan = Plan.objects.filter(code=id).first()
    if plan is None:
        raise missing()
    return _plan(plan)


@router.post("/subscriptions", response={200: SubscriptionOut, 201: SubscriptionOut})
def post_subscription(request: HttpRequest, body: SubscriptionIn) -> Status[SubscriptionOut]:  # noqa: ARG001  # ninja's
    """Record that a customer has a plan; sent again it is the same one (200)."""
    customer, plan = named_customer(body.customer), named_plan(body.plan, "plan")
    try:
        subscription, is_fresh = record_subscription(
            customer, plan, body.id, body.started_at, body.next_charge_at
        )
    except DifferentError as error:
        raise Problem("already_recorded", f"The subscription `{body.id}` is somebody else's.") from error
    return Status(201 if is_fresh else 200, _subscription(subscription))


@router.get("/subscriptions", response=SubscriptionPage)
def list_subscriptions(
    request: HttpRequest,  # noqa: ARG001  # ninja's
    cursor: Cursor,
    limit: Limit,
    customer: Id | None = None,
) -> SubscriptionPage:
    """Subscriptions of a customer, or all."""
    found = Subscription.objects.select_related("customer")
    if customer is not None:
        found = found.filter(customer__external_id=customer)
    rows, following = page(found, cursor, limit)
    return SubscriptionPage(items=[_subscription(row) for row in rows], next_cursor=following)


@router.get("/subscriptions/{id}", response=SubscriptionOut)
def get_subscription(request: HttpRequest, id: Id) -> SubscriptionOut:  # noqa: A002, ARG001  # as above
    """One subscription."""
    found = Subscription.objects.select_related("customer").filter(gateway_ref=id).first()
    if found is None:
        raise missing()
    return _subscription(found)


def _plan(plan: Plan) -> PlanOut:
    prices = sorted(plan.prices.all(), key=lambda price: price.from_at, reverse=True)
    return PlanOut(
        id=plan.code,
        name=plan.name,
        interval=plan.interval,
        monthly=plan.monthly.code if plan.monthly else None,
        prices=[
            PriceOut(
                currency=price.currency,
                amount=price.amount,
                gateway_id=price.gateway_ref,
                from_at=price.from_at,
            )
            for price in prices
        ],
    )


def _subscription(subscription: Subscription) -> SubscriptionOut:
    return SubscriptionOut(
        id=subscription.gateway_ref,
        customer=subscription.customer.external_id,
        plan=subscription.plan_id,
        status=subscription.status,
        started_at=subscription.started_at,
        next_charge_at=subscription.next_charge_at,
        ended_at=subscription.ended_at,
    )
