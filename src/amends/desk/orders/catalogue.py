"""What can be subscribed to, and who has: plans, their prices, subscriptions, as the host product tells them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.audit.actions import record
from amends.desk.orders.models import Interval, Plan, Price, Subscription


class DifferentError(Exception):
    """Something else is recorded under the same id."""


@dataclass(frozen=True, slots=True)
class PriceSetting:
    """What a plan costs from an instant on.

    Amounts: minor units of the currency.
    """

    currency: str
    amount: int
    gateway_ref: str
    from_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlanSetting:
    """What can be subscribed to."""

    code: str
    name: str
    interval: Interval
    monthly: Plan | None


def record_plan(sold: PlanSetting, prices: Sequence[PriceSetting], actor: str) -> tuple[Plan, bool]:
    """Record a plan, and the prices that it does not have yet; True where the plan is fresh.

    Raises: DifferentError: nothing was written.
    """
    with transaction.atomic():
        plan, is_fresh = Plan.objects.select_for_update(of=("self",), no_key=True).get_or_create(
            code=sold.code,
            defaults={"name": sold.name, "interval": sold.interval, "monthly": sold.monthly},
        )
        if (plan.name, plan.interval, plan.monthly) != (sold.name, sold.interval.value, sold.monthly):
            raise DifferentError(plan.code)
        fresh_prices = [price for price in prices if _record_price(plan, price)]
        if is_fresh or fresh_prices:
            record(f"plan:{plan.code}", actor, "recorded", prices=len(fresh_prices))
    return plan, is_fresh


def _record_price(plan: Plan, sold: PriceSetting) -> bool:
    """A price that says no instant holds from now on, unless it holds already."""
    now = clock.now()
    of_currency = Price.objects.filter(plan=plan, currency=sold.currency)
    if sold.from_at is None:
        current = of_currency.filter(from_at__lte=now).order_by("-from_at").first()
    else:
        current = of_currency.filter(from_at=sold.from_at).first()
    if current is not None and (current.amount, current.gateway_ref) == (sold.amount, sold.gateway_ref):
        return False
    if current is not None and sold.from_at is not None:
        raise DifferentError(plan.code)
    Price.objects.create(
        plan=plan,
        currency=sold.currency,
        amount=sold.amount,
        from_at=sold.from_at or now,
        gateway_ref=sold.gateway_ref,
    )
    return True


def record_subscription(
    customer: Customer, plan: Plan, gateway_ref: str, started_at: datetime, next_charge_at: datetime | None
) -> tuple[Subscription, bool]:
    """Record that a customer has a plan; True where it is fresh.

    Raises: DifferentError: the gateway's subscription is recorded for somebody else; nothing was written.
    """
    with transaction.atomic():
        subscription, is_fresh = Subscription.objects.get_or_create(
            gateway_ref=gateway_ref,
            defaults={
                "customer": customer,
                "plan": plan,
                "started_at": started_at,
                "next_charge_at": next_charge_at,
            },
        )
        if subscription.customer_id != customer.id:
            raise DifferentError(gateway_ref)
        if is_fresh:
            record(f"subscription:{subscription.id}", f"customer:{customer.id}", "recorded", plan=plan.code)
    return subscription, is_fresh
