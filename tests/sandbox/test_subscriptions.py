"""Periods, invoices, changes of price, and time, through the official SDK."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
import stripe

from amends.sandbox.clock import Clock
from amends.sandbox.server import Sandbox
from amends.sandbox.subscriptions import period_end
from gateways import control, error_of, payer, price

ANNUAL, MONTHLY = 9900, 1000


def invoices(sdk: stripe.StripeClient) -> list[tuple[str | None, str | None, int]]:
    """Oldest first: why, state, and what was due."""
    found = list(sdk.v1.invoices.list({"limit": 100}).auto_paging_iter())
    return [(one.billing_reason, one.status, one.amount_due) for one in found[::-1]]


def subscribe(sdk: stripe.StripeClient, amount: int, interval: str, **more: object) -> stripe.Subscription:
    form = {"customer": payer(sdk), "items": [{"price": price(sdk, amount, interval)}], **more}
    return sdk.v1.subscriptions.create(form)  # type: ignore[arg-type]  # parameters of a subscription


def test_a_subscription_is_billed_and_paid_when_it_begins(sdk: stripe.StripeClient) -> None:
    subscription = subscribe(sdk, MONTHLY, "month")

    expand = ["payments.data.payment.payment_intent.latest_charge"]
    invoice = sdk.v1.invoices.retrieve(str(subscription.latest_invoice), {"expand": expand}).to_dict()
    (line,) = invoice["lines"]["data"]
    (payment,) = invoice["payments"]["data"]
    assert (subscription.status, invoice["status"], invoice["amount_paid"]) == ("active", "paid", MONTHLY)
    assert payment["payment"]["payment_intent"]["latest_charge"]["amount"] == MONTHLY
    assert line["parent"]["subscription_item_details"]["subscription"] == subscription.id
    (item,) = subscription.to_dict()["items"]["data"]
    assert line["period"] == {"start": item["current_period_start"], "end": item["current_period_end"]}


def test_each_month_is_billed_once_however_far_the_clock_jumps(
    sandbox: Sandbox, sdk: stripe.StripeClient
) -> None:
    subscribe(sdk, MONTHLY, "month")

    control(sandbox, "clock/advance", "days=93")

    assert invoices(sdk) == [("subscription_create", "paid", MONTHLY)] + 3 * [
        ("subscription_cycle", "paid", MONTHLY)
    ]
    starts = [one.created for one in sdk.v1.charges.list().data]
    assert [28 <= (newer - older) / 86_400 <= 31 for newer, older in pairwise(starts)] == 3 * [True]


@pytest.mark.parametrize(
    "anchor, start, end",
    [
        ("2025-01-31", "2025-01-31", "2025-02-28"),
        ("2025-01-31", "2025-02-28", "2025-03-31"),
        ("2024-01-31", "2024-01-31", "2024-02-29"),
        ("2025-12-15", "2025-12-15", "2026-01-15"),
    ],
)
def test_months_end_on_the_day_of_the_anchor_or_the_last(anchor: str, start: str, end: str) -> None:
    def seconds(day: str) -> int:
        return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())

    monthly: dict[str, object] = {"recurring": {"interval": "month", "interval_count": 1}}

    assert period_end(monthly, seconds(anchor), seconds(start)) == seconds(end)


def test_a_switch_to_a_month_without_proration_charges_when_the_trial_ends(
    sandbox: Sandbox, sdk: stripe.StripeClient
) -> None:
    """What the desk does with an annual plan that was bought by mistake."""
    subscription = subscribe(sdk, ANNUAL, "year")
    (item,) = subscription.to_dict()["items"]["data"]
    next_charge = sandbox.clock.now() + 31 * 86_400

    switched = sdk.v1.subscriptions.update(
        subscription.id,
        {
            "items": [{"id": item["id"], "price": price(sdk, MONTHLY, "month")}],
            "proration_behavior": "none",
            "trial_end": next_charge,
        },
    )
    assert (switched.status, switched.trial_end) == ("trialing", next_charge)
    control(sandbox, "clock/advance", "days=30")
    assert [one[2] for one in invoices(sdk)] == [ANNUAL]
    control(sandbox, "clock/advance", "days=1")

    assert [one[2] for one in invoices(sdk)] == [ANNUAL, MONTHLY]
    assert sdk.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_stripe_s_own_proration_leaves_a_credit_and_no_money(
    sandbox: Sandbox, sdk: stripe.StripeClient
) -> None:
    subscription = subscribe(sdk, ANNUAL, "year")
    (item,) = subscription.to_dict()["items"]["data"]
    start = item["current_period_start"]
    control(sandbox, "clock/advance", f"seconds={start + 3 * 86_400 - sandbox.clock.now()}")

    sdk.v1.subscriptions.update(
        subscription.id, {"items": [{"id": item["id"], "price": price(sdk, MONTHLY, "month")}]}
    )

    latest = sdk.v1.invoices.list({"limit": 1}).data[0]
    assert sorted(line.amount for line in latest.lines.data) == [-9819, MONTHLY]
    assert (latest.amount_due, latest.ending_balance) == (0, -8819)
    assert sdk.v1.refunds.list().data == []


def test_a_dearer_price_of_the_same_interval_waits_for_the_next_invoice(
    sandbox: Sandbox, sdk: stripe.StripeClient
) -> None:
    subscription = subscribe(sdk, MONTHLY, "month")
    (item,) = subscription.to_dict()["items"]["data"]

    sdk.v1.subscriptions.update(
        subscription.id, {"items": [{"id": item["id"], "price": price(sdk, 3000, "month")}]}
    )
    assert len(invoices(sdk)) == 1
    control(sandbox, "clock/advance", "days=31")

    assert invoices(sdk)[-1] == ("subscription_cycle", "paid", 3000 - MONTHLY + 3000)
    assert [one.invoice for one in sdk.v1.invoice_items.list().data].count(None) == 0


def test_an_unpaid_renewal_is_tried_again_and_then_given_up(
    sandbox: Sandbox, sdk: stripe.StripeClient
) -> None:
    subscription = subscribe(sdk, MONTHLY, "month")
    method = sdk.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": str(subscription.customer)})
    sdk.v1.subscriptions.update(subscription.id, {"default_payment_method": method.id})

    control(sandbox, "clock/advance", "days=31")
    assert sdk.v1.subscriptions.retrieve(subscription.id).status == "past_due"
    control(sandbox, "clock/advance", "days=9")

    assert sdk.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert [one.status for one in sdk.v1.charges.list().data] == 4 * ["failed"] + ["succeeded"]


def test_an_end_at_the_period_and_an_end_now(sandbox: Sandbox, sdk: stripe.StripeClient) -> None:
    later, now = subscribe(sdk, MONTHLY, "month"), subscribe(sdk, ANNUAL, "year")

    sdk.v1.subscriptions.update(later.id, {"cancel_at_period_end": True})
    assert sdk.v1.subscriptions.cancel(now.id).status == "canceled"
    assert [one.id for one in sdk.v1.subscriptions.list()] == [later.id]
    control(sandbox, "clock/advance", "days=31")

    assert [one.status for one in sdk.v1.subscriptions.list({"status": "all"})] == ["canceled", "canceled"]
    assert [one[2] for one in invoices(sdk)] == [MONTHLY, ANNUAL]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.subscriptions.update(later.id, {"cancel_at_period_end": False})
    assert error_of(refused)["code"] == "resource_missing"


def test_a_trial_that_ends_now_is_billed_now(sdk: stripe.StripeClient) -> None:
    subscription = subscribe(sdk, MONTHLY, "month", trial_period_days=14)
    assert (subscription.status, invoices(sdk)) == ("trialing", [])

    ended = sdk.v1.subscriptions.update(subscription.id, {"trial_end": "now"})

    assert (ended.status, invoices(sdk)) == ("active", [("subscription_cycle", "paid", MONTHLY)])


def test_a_subscription_waits_for_its_first_payment(sdk: stripe.StripeClient) -> None:
    customer = sdk.v1.customers.create()
    subscription = sdk.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": price(sdk, MONTHLY, "month")}],
            "payment_behavior": "default_incomplete",
        }
    )
    assert subscription.status == "incomplete"

    sdk.v1.invoices.pay(str(subscription.latest_invoice), {"payment_method": "pm_card_visa"})

    assert sdk.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_who_is_deleted_is_billed_no_more(sandbox: Sandbox, sdk: stripe.StripeClient) -> None:
    subscription = subscribe(sdk, MONTHLY, "month")

    sdk.v1.customers.delete(str(subscription.customer))
    control(sandbox, "clock/advance", "days=62")

    assert sdk.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert len(invoices(sdk)) == 1


def test_nothing_is_sold_to_whom_nothing_can_be_charged(sdk: stripe.StripeClient) -> None:
    customer = sdk.v1.customers.create()
    monthly = price(sdk, MONTHLY, "month")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.subscriptions.create({"customer": customer.id, "items": [{"price": monthly}]})

    assert error_of(refused)["code"] == "resource_missing"
    assert sdk.v1.subscriptions.list({"status": "all"}).data == []
    assert invoices(sdk) == []


def test_a_manual_invoice_takes_what_waits_and_may_be_void(sdk: stripe.StripeClient) -> None:
    customer = payer(sdk)
    sdk.v1.invoice_items.create(
        {"customer": customer, "amount": 700, "currency": "usd", "description": "Setup"}
    )
    first = sdk.v1.invoices.create({"customer": customer, "pending_invoice_items_behavior": "include"})
    assert sdk.v1.invoices.pay(str(first.id)).amount_paid == 700

    second = sdk.v1.invoices.create({"customer": customer, "currency": "usd"})
    sdk.v1.invoice_items.create(
        {"customer": customer, "invoice": str(second.id), "amount": 300, "currency": "usd"}
    )
    sdk.v1.invoices.finalize_invoice(str(second.id))

    assert sdk.v1.invoices.void_invoice(str(second.id)).status == "void"
    assert len(sdk.v1.charges.list().data) == 1


def test_a_test_clock_moves_everything(sandbox: Sandbox, sdk: stripe.StripeClient) -> None:
    now = Clock(None).now()
    clock = sdk.v1.test_helpers.test_clocks.create({"frozen_time": now + 60})
    subscribe(sdk, MONTHLY, "month")

    sdk.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": now + 32 * 86_400})

    assert len(invoices(sdk)) == 2
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": now})
    assert error_of(refused)["code"] == "test_clock_time_in_the_past"
    assert sandbox.clock.now() >= now + 32 * 86_400
