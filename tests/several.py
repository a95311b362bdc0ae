"""Orders of tests that two charges paid."""

from amends.desk.cases.models import Case
from amends.desk.cases.paying import follow_payment
from amends.desk.orders.actions import SoldLine, record_order
from amends.desk.orders.models import Line, Plan, Product, Subscription
from amends.desk.payments.inbox import sync_payment
from amends.desk.payments.models import Payment
from shop import METER, Shop, day, go_to, now
from trade import make_charge, refunds_at, sdk

PARTS = (867, 1500)
"""Of 25.00 less both fees, the whole second charge and the rest of the first."""


def sell(shop: Shop, *amounts: int, fees: tuple[str, ...] = ("59", "74"), plan: Plan | None = None) -> Line:
    """A monthly plan, the first charge on the day before the last."""
    charges = [
        shop.gateway.charge(
            make_charge(shop.sandbox, amount, fee=fee, created=str(int(day(place).timestamp())))
        )
        for place, (amount, fee) in enumerate(zip(amounts, fees, strict=True), 1 - len(amounts))
    ]
    sold = SoldLine(
        Product.SUBSCRIPTION,
        "Monthly plan",
        sum(amounts),
        METER,
        plan=plan or shop.monthly,
        subscription=subscribe(shop, plan) if plan else None,
        period_start=day(0),
        period_end=day(0).replace(year=day(0).year + 1) if plan else day(30),
    )
    return record_order(shop.customer, "O-two", day(0), charges[::-1], [sold]).lines.get()


def subscribe(shop: Shop, plan: Plan) -> Subscription:
    made = sdk(shop.sandbox).v1.subscriptions.create(
        {
            "customer": sdk(shop.sandbox).v1.customers.create().id,
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "items": [{"price": plan.prices.get().gateway_ref}],
        }
    )
    return Subscription.objects.create(
        customer=shop.customer, plan=plan, gateway_ref=made.id, started_at=day(0)
    )


def returned(shop: Shop, line: Line) -> list[list[int]]:
    """What the gateway returned, by payment."""
    return [[one.amount for one in refunds_at(shop.sandbox, payment)] for payment in line.order.payments]


def pay_back(shop: Shop, payment: Payment, amount: int) -> None:
    sdk(shop.sandbox).v1.refunds.create({"charge": payment.gateway_ref, "amount": amount})


def sync(shop: Shop, line: Line) -> None:
    for payment in line.order.payments:
        changed = sync_payment(shop.gateway, payment.gateway_ref)
        assert changed
        follow_payment(changed)


def refused(shop: Shop, parts: int = 2) -> Case:
    """A case of which the gateway refuses some parts for good."""
    line = sell(shop, 1000, 1500)
    go_to(day(3))
    case = shop.ask(line)
    shop.sandbox.api.faults.add({"fault": "reject", "path": "/v1/refunds", "count": str(parts)})
    shop.work()
    return now(case)
