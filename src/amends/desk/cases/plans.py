"""From a decision to what will be done: data that people approve, and that is then carried out as it is."""

import hashlib
from datetime import UTC, datetime

from amends import Decision
from amends.desk.cases.models import Case, RequestKind
from amends.desk.orders import actions as orders
from amends.desk.orders.actions import SWITCH_TO_MONTH, account_of, add_months
from amends.desk.orders.models import Product
from amends.desk.payments.refund_plan import RefundPlan
from amends.desk.payments.stripe_gateway import step
from amends.policy import dates
from amends.policy.answer import canonical_json
from amends.policy.dates import months_started, parse_instant


def plan_of(case: Case, decision: Decision) -> dict[str, object]:
    """What a granted decision does.

    Amounts: minor units. A gateway that moves money in steps only gets the next step, for the customer
    (semantics, rule 20); the difference is a line of its own.
    Rounding: up, to the gateway's step.
    """
    currency_step = -decision.amount % step(decision.currency)
    total = decision.amount + currency_step
    fee = -sum(line.amount for line in decision.lines if line.id == "fee")
    plan: dict[str, object] = {
        "grant": decision.grant,
        "refund": total,
        "currency": decision.currency,
        "lines": [{"id": line.id, "label": line.label, "amount": line.amount} for line in decision.lines],
        "to": "original payment method",
        "fee_retained": fee if total else 0,
        "tax": _tax_in(case, total),
        "currency_step": currency_step,
        "then": str(decision.then),
    }
    if decision.then == SWITCH_TO_MONTH:
        plan["next_charge_at"] = next_charge(case, decision).isoformat()
    return plan


def correction_plan(case: Case, refunded: int) -> dict[str, object]:
    """What puts a wrong charge right: all that is left of it, no fee (reading R20)."""
    line = case.line
    amount = line.amount - refunded
    lines = [{"id": "wrong_charge", "label": "The charge that was wrong", "amount": line.amount}]
    if refunded:
        lines.append({"id": "returned", "label": "Returned before", "amount": -refunded})
    twin = orders.twin(line)
    return {
        "grant": "correction",
        "refund": amount,
        "currency": line.order.currency,
        "lines": lines,
        "to": "original payment method",
        "fee_retained": 0,
        "tax": _tax_in(case, amount),
        "currency_step": 0,
        "then": "keep",
        "same_as_order": twin.order.number if twin else None,
    }


def plan_sha256(plan: dict[str, object]) -> str:
    """What an approval names, so that only what was shown is done."""
    return hashlib.sha256(canonical_json(plan)).hexdigest()


def refund_plan(case: Case, plan: dict[str, object]) -> RefundPlan:
    """The refund in a plan, for the payments room."""
    return RefundPlan(
        amount=_whole(plan, "refund"),
        purpose=str(plan["grant"])[:20],
        account=account_of(Product(case.line.product)),
        tax=_whole(plan, "tax"),
        fee_retained=_whole(plan, "fee_retained"),
        rounding=_whole(plan, "currency_step"),
    )


def next_charge(case: Case, decision: Decision) -> datetime:
    """Of a conversion: when the last month that was kept ends (reading R23)."""
    zone = decision.policy.zone
    start, end = (
        parse_instant(at.astimezone(UTC).isoformat()) for at in (case.line.purchased_at, _asked(case))
    )
    months = months_started(start, end, zone)
    local = case.line.purchased_at.astimezone(dates.load_zone(zone))
    return add_months(local, months).astimezone(UTC)


def _asked(case: Case) -> datetime:
    return max(case.first_contact_at, case.line.purchased_at)


def _tax_in(case: Case, amount: int) -> int:
    """The tax in a refund: in proportion to the tax in what was paid.

    Rounding: down; what is left goes with the last refund of the line.
    """
    line = case.line
    return line.tax * amount // line.amount if line.amount else 0


def _whole(plan: dict[str, object], name: str) -> int:
    value = plan[name]
    assert isinstance(value, int)
    return value


def is_correction(case: Case) -> bool:
    """Whether the case is about a wrong charge, which no policy refund puts right."""
    return case.request == RequestKind.BILLING_ERROR
