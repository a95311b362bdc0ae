"""refund-guard: a window for each kind of product, and a limit at what is left.

It knows neither usage nor fees, faults or conversions. It is asked only where the window alone decides, with days cut
to midnight and with the amount that is left after the fee, which the caller has to work out.
"""

from datetime import UTC, datetime

from refund_guard import Refunds

from engines import Engine
from hand_written import DAY, FREE_USE, WINDOW

POLICY = {
    "subscription": {"refund_window_days": WINDOW},
    "credits": {"refund_window_days": WINDOW, "refundable": False},
}


def engine() -> Engine:
    refunds = Refunds(POLICY)

    def decide(order):
        amount, asked, details = order
        tool = refunds.make_refund_tool(**details, now_fn=lambda: asked, provider_refund_fn=_pay)
        return tool(amount)

    return Engine(
        name="refund-guard",
        says="window only: yes or no, amount",
        prepare=_prepare,
        decide=decide,
        read=_read,
        can_say=_can_say,
    )


def _pay(amount, transaction, currency):
    return (amount, transaction, currency)


def _can_say(facts):
    plain = facts["request"] == "refund" and facts["identified"] and facts["dispute"] != "open"
    allowed = facts["generations"] <= FREE_USE and facts["reason_given"]
    return plain and allowed and facts["paid"] - facts["refunded"] - facts["fee"] > 0


def _prepare(facts):
    details = {
        "sku": facts["product"],
        "transaction_id": "payment",
        "amount_paid_minor_units": facts["paid"],
        "amount_refunded_minor_units": facts["refunded"],
        "purchased_at": _midnight(facts["purchased_at"]),
        "currency": facts["currency"],
    }
    left = (facts["paid"] - facts["refunded"] - facts["fee"]) / 100
    return left, _midnight(facts["requested_at"]), details


def _midnight(instant):
    return datetime.fromtimestamp(instant // DAY * 86_400, UTC)


def _read(found):
    if found["status"] == "denied":
        return "denied", None, 0
    return "granted", "refund", round(found["refunded_amount"] * 100)
