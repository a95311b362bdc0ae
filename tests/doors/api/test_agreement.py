"""One rule, one answer: the kernel, the preview, the case, its letter and the API say the same of the same facts.

Cases of the seed that the desk's rows can express: those whose facts the desk, the customer or the gateway give.
"""

import json
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from pytest_django import Settings

from amends import decide, read_policy
from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.cases.models import Case
from amends.desk.notices.models import Letter
from amends.desk.orders.actions import SoldLine, record_order
from amends.desk.orders.models import Line, Plan, Price, Product
from amends.desk.payments.stripe_gateway import connect
from amends.desk.policies.actions import publish
from amends.desk.usage.actions import ReportedJob, take_in
from amends.desk.usage.models import PaidBy, UseOutcome
from amends.policy.explanation import format_amount
from amends.sandbox.server import Sandbox
from conftest import ROOT
from shop import go_to
from trade import make_customer, sdk
from web import Client

POLICY = read_policy(ROOT / "policies" / "flux-kontext.md")
CASES = [json.loads(line) for line in (ROOT / "tests/cases/flux-kontext.jsonl").read_text().splitlines()]
_NUMBERS = count(1)


def is_expressible(facts: dict[str, Any]) -> bool:
    """Faults, disputes, earlier conversions and refunds, and facts that staff state have tests of their own."""
    plain = {
        "request", "product", "interval", "purchased_at", "requested_at", "currency", "paid", "fee", "refunded",
        "generations", "reason_given", "identified", "dispute", "period_start", "period_end", "accidental",
        "monthly_price", "converted_before",
    }  # fmt: skip
    return (
        set(facts) <= plain
        and None not in [value for name, value in facts.items() if name != "reason_given"]
        and {"fee", "paid", "product", "purchased_at", "requested_at", "generations"} <= set(facts)
        and facts.get("request") in ("refund", "convert")
        and facts.get("identified") is True
        and facts.get("dispute", "none") == "none"
        and not facts.get("converted_before")
        and facts.get("refunded", 0) == 0
        and facts["generations"] <= 1000
        and facts["paid"] > 0
        and (facts["product"] == "credits" or facts.get("interval") in ("month", "year"))
        and (facts["product"] == "credits" or "period_start" in facts)
        and (facts["product"] == "subscription" or facts["generations"] == 0)
        and (facts.get("interval") != "year" or "monthly_price" in facts)
        and facts["purchased_at"] <= facts["requested_at"]
    )


EXPRESSIBLE = [case for case in CASES if is_expressible(case["inputs"])]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def purchase(sandbox: Sandbox, customer: Customer, facts: dict[str, Any]) -> Line:
    """The rows behind the facts, with the charge at the gateway."""
    at = instant(facts["purchased_at"])
    metadata = {"fee": str(facts["fee"]), "created": str(int(at.timestamp()))}
    intent = sdk(sandbox).v1.payment_intents.create(
        {
            "amount": facts["paid"],
            "currency": facts["currency"].lower(),
            "confirm": True,
            "metadata": metadata,
            "payment_method": "pm_card_visa",
        }
    )
    charge = connect().charge(str(intent.latest_charge))
    is_plan = facts["product"] == "subscription"
    sold = SoldLine(
        Product(facts["product"]),
        "The thing",
        facts["paid"],
        "generation",
        plan=plan(facts) if is_plan else None,
        credits=0 if is_plan else 100,
        period_start=instant(facts["period_start"]) if is_plan else None,
        period_end=instant(facts["period_end"]) if is_plan else None,
    )
    return record_order(customer, f"O-{next(_NUMBERS)}", at, [charge], [sold]).lines.get()


def plan(facts: dict[str, Any]) -> Plan:
    number = next(_NUMBERS)
    monthly = Plan.objects.create(code=f"month-{number}", name="Monthly", interval="month")
    if "monthly_price" in facts:
        Price.objects.create(
            plan=monthly,
            currency=facts["currency"],
            amount=facts["monthly_price"],
            from_at=instant("2020-01-01T00:00:00Z"),
        )
    if facts["interval"] == "month":
        return monthly
    return Plan.objects.create(code=f"year-{number}", name="Annual", interval="year", monthly=monthly)


def use(customer: Customer, times: int, at: datetime) -> None:
    take_in(
        [
            ReportedJob(
                "app",
                f"e{next(_NUMBERS)}",
                str(customer.id),
                "generation",
                at,
                UseOutcome.SUCCEEDED,
                PaidBy.QUOTA,
            )
            for _ in range(times)
        ]
    )


def test_enough_cases_of_the_seed_are_expressible() -> None:
    assert len(EXPRESSIBLE) >= 25


@pytest.mark.parametrize("seed", EXPRESSIBLE, ids=[case["id"] for case in EXPRESSIBLE])
def test_kernel_preview_case_letter_and_api_agree(
    program: Client, sandbox: Sandbox, settings: Settings, seed: dict[str, Any]
) -> None:
    settings.AUTOMATIC_LIMIT = settings.SINGLE_APPROVAL_LIMIT = 10**9
    settings.APPROVAL_LIMITS = {}
    facts = seed["inputs"]
    clock.advance(instant("2025-08-18T00:00:00Z") - clock.now())
    publish((ROOT / "policies" / "flux-kontext.md").read_text(), None)
    customer = make_customer()
    line = purchase(sandbox, customer, facts)
    use(customer, facts["generations"], instant(facts["purchased_at"]))
    go_to(instant(facts["requested_at"]))
    body = {
        "customer": customer.external_id,
        "order": line.order.number,
        "request": facts["request"],
        "reason": "My reason." if facts.get("reason_given") else "",
        "answers": {"accidental": facts["accidental"]} if "accidental" in facts else {},
    }

    kernel = decide(POLICY, facts).core()
    preview = program.post("/api/v1/decisions/preview", body).json
    opened = program.post("/api/v1/cases", body).json
    shown = program.get(f"/api/v1/cases/{opened['number']}").json
    decided = Case.objects.get().decisions.order_by("-sequence")[0]

    for core in (preview["core"], shown["decision"]["core"], decided.core):
        assert {name: core[name] for name in ANSWER} == {name: kernel[name] for name in ANSWER}
    assert kernel["outcome"] == seed["expect"]["outcome"]
    assert decided.plan == preview["plan"]
    if kernel["outcome"] == "granted":
        letter = Letter.objects.get(kind="decision").text
        for part in (*decided.core["lines"], {"amount": decided.amount}):
            assert format_amount(part["amount"], facts["currency"]) in letter
        assert format_amount(decided.amount, facts["currency"]) in str(preview["letter"])


ANSWER = ("outcome", "grant", "refund", "lines", "clauses", "missing")
