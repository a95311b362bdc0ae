"""Record what was sold, and carry out what a grant does to a plan."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import F

from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.audit.actions import record
from amends.desk.credits.actions import grant as grant_credits
from amends.desk.credits.models import LotSource
from amends.desk.journal.models import Account
from amends.desk.orders.models import (
    Line,
    Order,
    OrderPayment,
    Plan,
    PlanChange,
    PlanChangeState,
    Price,
    Product,
    Subscription,
    SubscriptionStatus,
)
from amends.desk.payments import actions as payments
from amends.desk.payments.bookkeeping import post_charge, post_fee
from amends.desk.payments.gateway import (
    ChargeSnapshot,
    GatewayError,
    Misuse,
    NoFunds,
    OutcomeUnknown,
    Rejected,
    Transient,
)
from amends.desk.payments.models import Payment
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.desk.questions import Question
from amends.desk.rows import as_json, insertion, instances, select
from amends.desk.unit_of_work import Part, unit_of_work, write_at_end
from amends.policy.money import Money

RETRY_EVERY = timedelta(minutes=1)
SENDS_MAX = 50
TWIN_WITHIN = timedelta(days=2)
SWITCH_TO_MONTH = "switch to month"
END_NOW = "end now"
END_AT_PERIOD_END = "end at period end"

_PURCHASE = f"""
SELECT {select(line=Line, bought=Order, payment=Payment, plan=Plan, subscription=Subscription)}
FROM orders_line AS line JOIN orders_order AS bought ON bought.id = line.order_id
    LEFT JOIN orders_orderpayment AS paid ON paid.order_id = bought.id
    LEFT JOIN payments_payment AS payment ON payment.id = paid.payment_id
    LEFT JOIN orders_plan AS plan ON plan.code = line.plan_id
    LEFT JOIN orders_subscription AS subscription ON subscription.id = line.subscription_id
    JOIN accounts_customer AS customer ON customer.id = %s
WHERE line.id = %s ORDER BY paid.position FOR NO KEY UPDATE OF customer
"""  # noqa: S608  # names of our own
_CONVERTED = """
EXISTS (SELECT FROM orders_planchange AS change
    JOIN orders_subscription AS subscription ON subscription.id = change.subscription_id
    WHERE subscription.customer_id = %s AND change.effect = %s AND change.state <> 'failed')
"""


@dataclass(frozen=True, slots=True)
class SoldLine:
    """One thing that was sold.

    Amounts: minor units of the order's currency, tax included.
    """

    product: Product
    description: str
    amount: int
    meter: str
    tax: int = 0
    plan: Plan | None = None
    subscription: Subscription | None = None
    credits: int = 0
    period_start: datetime | None = None
    period_end: datetime | None = None


def record_order(
    customer: Customer,
    number: str,
    placed_at: datetime,
    charges: Sequence[ChargeSnapshot],
    lines: Sequence[SoldLine],
) -> Order:
    """Record a purchase with its payments, as the gateway holds them, and grant the credits that were bought.

    Idempotent: by number; a second call returns the first order.
    Raises: ValueError: the lines do not sum to what was charged, or the charges are in several currencies.
    """
    known = Order.objects.filter(number=number).first()
    if known is not None:
        return known
    captured = sum(charge.captured for charge in charges)
    if len({charge.currency for charge in charges}) > 1:
        raise ValueError("the charges are in several currencies, and an order has one")
    if sum(line.amount for line in lines) != captured:
        raise ValueError(f"the lines sum to {sum(line.amount for line in lines)}, and {captured} was charged")
    with unit_of_work():
        currency = charges[0].currency if charges else "USD"
        order = Order.objects.create(number=number, customer=customer, currency=currency, placed_at=placed_at)
        order.payments = _record_payments(order, charges, lines)
        for position, line in enumerate(lines, 1):
            _record_line(order, position, line)
        record(f"order:{order.id}", "desk", "recorded", number=number, amount=captured)
    return order


def _record_payments(
    order: Order, charges: Sequence[ChargeSnapshot], lines: Sequence[SoldLine]
) -> list[Payment]:
    """Each charge with its part of every line in the books.

    Rounding: tax down; the last charge takes what is left of each line.
    """
    in_order = sorted(charges, key=lambda charge: (charge.captured_at, charge.ref))
    recorded = []
    for position, (charge, sold) in enumerate(zip(in_order, _sold_by(in_order, lines), strict=True), 1):
        payment = _record_payment(order.customer, charge, sold)
        OrderPayment.objects.create(order=order, payment=payment, position=position)
        recorded.append(payment)
    return recorded


def _sold_by(charges: Sequence[ChargeSnapshot], lines: Sequence[SoldLine]) -> list[list[SoldLine]]:
    """What each charge paid for: the lines are filled one after the other, as the money came in."""
    left = list(lines)
    paid_for = []
    for charge in charges:
        rest, own = charge.captured, []
        for place, line in enumerate(left):
            amount = min(line.amount, rest)
            tax = line.tax * amount // line.amount if line.amount else 0
            own.append(replace(line, amount=amount, tax=tax))
            left[place] = replace(line, amount=line.amount - amount, tax=line.tax - tax)
            rest -= amount
        paid_for.append(own)
    return paid_for


def _record_payment(customer: Customer, charge: ChargeSnapshot, lines: Sequence[SoldLine]) -> Payment:
    fee = charge.fee
    payment = Payment.objects.create(
        customer=customer,
        gateway="stripe",
        gateway_ref=charge.ref,
        captured=charge.captured,
        currency=charge.currency,
        captured_at=charge.captured_at,
        method=charge.method,
        method_hint=charge.method_hint,
        fee=fee.amount if fee else None,
        fee_settled=fee.settled if fee else None,
        settlement_currency=fee.currency if fee else "",
        exchange_rate=fee.exchange_rate if fee else None,
    )
    parts: dict[Account, int] = {}
    for line in lines:
        account = account_of(line.product)
        parts[account] = parts.get(account, 0) + line.amount - line.tax
    post_charge(payment, parts, sum(line.tax for line in lines))
    if fee is not None:
        post_fee(payment)
    return payment


def account_of(product: Product) -> Account:
    """What a sale is booked to: credits are owed until they are spent."""
    return Account.CREDIT_LIABILITY_PAID if product == Product.CREDITS else Account.SUBSCRIPTION_REVENUE


def _record_line(order: Order, position: int, sold: SoldLine) -> Line:
    monthly = sold.plan.monthly if sold.plan else None
    line = Line.objects.create(
        order=order,
        position=position,
        product=sold.product,
        description=sold.description,
        amount=sold.amount,
        tax=sold.tax,
        meter=sold.meter,
        plan=sold.plan,
        subscription=sold.subscription,
        monthly_price=price_at(monthly, order.currency, order.placed_at) if monthly else None,
        credits=sold.credits,
        purchased_at=order.payments[-1].captured_at if order.payments else order.placed_at,
        period_start=sold.period_start,
        period_end=sold.period_end,
    )
    if sold.credits:
        grant_credits(order.customer, LotSource.BOUGHT, sold.meter, sold.credits, f"line:{line.id}")
    return line


def lock_purchase(customer_id: UUID, line_id: UUID) -> Line:
    """A purchase with all that a decision about it looks at, once its customer is locked."""
    with connection.cursor() as cursor:
        cursor.execute(_PURCHASE, [customer_id, line_id])
        found = cursor.fetchall()
    rows = [instances(row, Line, Order, Payment, Plan, Subscription) for row in found]
    line: Line
    line, line.order, _, line.plan, line.subscription = rows[0]
    line.order.payments = [payment for _, _, payment, _, _ in rows if payment is not None]
    return line


def load_payments(orders: Collection[Order]) -> None:
    """Look up the payments of many orders at once."""
    by_id: dict[UUID, list[Payment]] = {order.id: [] for order in orders}
    paid = OrderPayment.objects.filter(order__in=by_id).select_related("payment").order_by("position")
    for one in paid:
        by_id[one.order_id].append(one.payment)
    for order in orders:
        order.payments = by_id[order.id]


def price_at(plan: Plan, currency: str, at: datetime) -> int | None:
    """The list price of a plan at an instant, None where it had none in that currency."""
    price = Price.objects.filter(plan=plan, currency=currency, from_at__lte=at).order_by("-from_at").first()
    return price.amount if price else None


def fee_share(line: Line) -> int | None:
    """The part of the order's fees that falls on a line, None while one of them is unknown (readings R4, R19).

    Rounding: largest remainder over the lines in proportion to their amounts.
    """
    fees = [payment.fee for payment in line.order.payments]
    known = [fee for fee in fees if fee is not None]
    return _share(line, sum(known)) if len(known) == len(fees) else None


def taken_share(line: Line, own: int, untold: int) -> int:
    """What was returned of a line: its own refunds, and its part of what cannot be told apart, at most its amount."""
    return min(own + (_share(line, untold) if untold > 0 else 0), line.amount)


def _share(line: Line, amount: int) -> int:
    if line.amount == line.order.captured:
        # The other lines of the order cost nothing.
        return amount
    lines = list(Line.objects.filter(order=line.order_id).order_by("position"))
    weights = [one.amount for one in lines]
    if not any(weights):
        return 0
    parts = Money(amount, line.order.currency).split(weights)
    return parts[[one.id for one in lines].index(line.id)].amount


def ask_converted(customer_id: UUID) -> Question[bool]:
    """Whether the account was changed from annual to monthly before, or is being changed now (reading R5)."""
    return Question(_CONVERTED, [customer_id, SWITCH_TO_MONTH], bool)


def request_plan_change(
    subscription: Subscription,
    case_id: UUID,
    effect: str,
    *,
    refund_id: UUID | None = None,
    next_charge_at: datetime | None = None,
) -> None:
    """Write the intent to change a plan; a refund may wait for it.

    Idempotent: one change of a kind for each case.
    """
    now = clock.now()
    change = PlanChange(
        case_id=case_id,
        effect=effect,
        subscription=subscription,
        refund_id=refund_id,
        to_plan=subscription.plan.monthly if effect == SWITCH_TO_MONTH else None,
        next_charge_at=next_charge_at,
        next_try_at=now,
        created_at=now,
    )
    write_at_end(_plan_change, change)


def _plan_change(changes: list[PlanChange]) -> Part:
    query = f"{insertion(PlanChange)} ON CONFLICT (case_id, effect) DO NOTHING RETURNING 1"
    return Part({"plan_change": query}, [as_json(changes)])


def change_next_plan(gateway: StripeGateway) -> PlanChange | None:
    """Take the next plan change that is due through its call; None where nothing is due."""
    with unit_of_work():
        waiting = PlanChange.objects.filter(
            state__in=[PlanChangeState.PLANNED, PlanChangeState.SENDING, PlanChangeState.UNKNOWN],
            next_try_at__lte=clock.now(),
        )
        change = waiting.order_by("next_try_at").select_for_update(skip_locked=True, no_key=True).first()
        if change is None:
            return None
        change.state = PlanChangeState.SENDING
        change.next_try_at = clock.now() + RETRY_EVERY
        change.sends = F("sends") + 1
        change.save(update_fields=["state", "next_try_at", "sends"])
    change.refresh_from_db()
    try:
        _call(gateway, change)
    except GatewayError as error:
        return _not_changed(change, error)
    return _changed(change)


def _call(gateway: StripeGateway, change: PlanChange) -> None:
    """Idempotent at the gateway: by key, and by comparing with the plan that is there."""
    ref = change.subscription.gateway_ref
    if change.effect != SWITCH_TO_MONTH:
        gateway.end_subscription(ref, change.key, at_period_end=change.effect == END_AT_PERIOD_END)
        return
    assert change.to_plan is not None
    assert change.next_charge_at is not None
    prices = Price.objects.filter(plan=change.to_plan, from_at__lte=clock.now()).exclude(gateway_ref="")
    price = prices.order_by("-from_at").first()
    if price is None:
        raise Rejected("no_monthly_price")
    gateway.switch_price(ref, price.gateway_ref, change.next_charge_at, change.key)


def _changed(change: PlanChange) -> PlanChange:
    """Bring our own rows up to date, and let the refund go that waited."""
    with unit_of_work():
        subscription = Subscription.objects.select_for_update(no_key=True).get(id=change.subscription_id)
        now = clock.now()
        if change.effect == SWITCH_TO_MONTH:
            assert change.to_plan is not None
            subscription.plan, subscription.next_charge_at = change.to_plan, change.next_charge_at
        elif change.effect == END_AT_PERIOD_END:
            subscription.status = SubscriptionStatus.ENDING
        else:
            subscription.status, subscription.ended_at = SubscriptionStatus.ENDED, now
            subscription.next_charge_at = None
        subscription.save(update_fields=["plan", "next_charge_at", "status", "ended_at"])
        change.state, change.done_at, change.problem = PlanChangeState.DONE, now, ""
        change.save(update_fields=["state", "done_at", "problem"])
        record(f"subscription:{subscription.id}", "gateway", change.effect, case=str(change.case_id))
        if change.refund_id is not None:
            payments.release(change.case_id)
    return change


def _not_changed(change: PlanChange, error: GatewayError) -> PlanChange:
    is_over = isinstance(error, Rejected | Misuse) or change.sends >= SENDS_MAX
    states: dict[type[GatewayError], PlanChangeState] = {
        OutcomeUnknown: PlanChangeState.UNKNOWN,
        Transient: PlanChangeState.PLANNED,
        NoFunds: PlanChangeState.PLANNED,
    }
    change.state = PlanChangeState.FAILED if is_over else states[type(error)]
    change.problem = error.code
    # The refusal is stored under the key for a day.
    change.refusals += isinstance(error, NoFunds)
    change.save(update_fields=["state", "problem", "refusals"])
    return change


def add_months(start: datetime, months: int) -> datetime:
    """The same day and time some months later, or the last day of a shorter month."""
    month = start.month - 1 + months
    year, month = start.year + month // 12, month % 12 + 1
    for day in range(start.day, start.day - 4, -1):
        try:
            return start.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    raise ValueError(f"{year}-{month} has no such day")


def twin(line: Line) -> Line | None:
    """Another purchase of the same thing for the same amount by the same customer, close in time: a double charge?"""
    near = (line.purchased_at - TWIN_WITHIN, line.purchased_at + TWIN_WITHIN)
    others = Line.objects.filter(
        order__customer=line.order.customer_id,
        order__currency=line.order.currency,
        description=line.description,
        amount=line.amount,
        purchased_at__range=near,
    )
    return others.exclude(order=line.order_id).order_by("purchased_at").first()
