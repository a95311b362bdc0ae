"""Stripe's objects in our words: what an answer or an event says, and nothing else is trusted of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from django.utils.translation import gettext_noop

from amends.desk.payments.gateway import (
    ChargeSnapshot,
    DisputeSnapshot,
    FeeSnapshot,
    GatewayEvent,
    RefundSnapshot,
)
from amends.desk.payments.models import DisputeStatus
from amends.desk.payments.states import RefundState
from amends.policy.money import EXPONENTS, Rounding, round_exact

_STATES = {
    "pending": RefundState.PENDING,
    "requires_action": RefundState.REQUIRES_ACTION,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.CANCELED,
}
_DISPUTES = {"won": DisputeStatus.WON, "prevented": DisputeStatus.WON, "lost": DisputeStatus.LOST}
_METHODS = {
    "card": gettext_noop("Card"),
    "paypal": gettext_noop("PayPal"),
    "sepa_debit": gettext_noop("Bank transfer"),
    "us_bank_account": gettext_noop("Bank transfer"),
}
_WALLETS = ("apple_pay", "google_pay", "link")


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def read_refund(item: Mapping[str, object]) -> RefundSnapshot:
    """A refund."""
    metadata = item.get("metadata")
    return RefundSnapshot(
        ref=str(item["id"]),
        charge_ref=_ref(item["charge"]),
        amount=_whole(item["amount"]),
        currency=str(item["currency"]).upper(),
        state=_STATES[str(item["status"])],
        reason=str(item.get("failure_reason") or item.get("pending_reason") or ""),
        trace=_trace(item),
        refund_id=str(metadata.get("refund_id", "")) if isinstance(metadata, Mapping) else "",
        created_at=_instant(_whole(item["created"])),
    )


def _trace(item: Mapping[str, object]) -> str:
    details = item.get("destination_details")
    card = details.get("card") if isinstance(details, Mapping) else None
    return str(card.get("reference") or "") if isinstance(card, Mapping) else ""


def read_charge(item: Mapping[str, object]) -> ChargeSnapshot:
    """A charge of the gateway in our words; its balance transaction is expanded."""
    method, hint = _method(item.get("payment_method_details"))
    currency = str(item["currency"]).upper()
    return ChargeSnapshot(
        ref=str(item["id"]),
        captured=_whole(item["amount_captured"]),
        returned=_whole(item["amount_refunded"]),
        currency=currency,
        fee=_fee(item.get("balance_transaction"), currency),
        method=method,
        method_hint=hint,
        captured_at=_instant(_whole(item["created"])),
    )


def _method(details: object) -> tuple[str, str]:
    if not isinstance(details, Mapping):
        return "Card", ""
    kind = str(details.get("type", "card"))
    part = details.get(kind)
    hint = str(part.get("last4") or "") if isinstance(part, Mapping) else ""
    wallet = part.get("wallet") if isinstance(part, Mapping) else None
    if isinstance(wallet, Mapping) and wallet.get("type") in _WALLETS:
        return gettext_noop("Wallet"), hint
    return _METHODS.get(kind, "Card"), hint


def _fee(transaction: object, currency: str) -> FeeSnapshot | None:
    """What was kept; None while the gateway has not booked the charge (reading R4).

    Rounding: half up, once, where the settlement is in another currency.
    """
    if not isinstance(transaction, Mapping):
        return None
    settled, settlement = _whole(transaction["fee"]), str(transaction["currency"]).upper()
    if settlement == currency:
        return FeeSnapshot(settled, settled, settlement, None)
    rate = Decimal(str(transaction["exchange_rate"]))
    scale = Fraction(10) ** (EXPONENTS[currency] - EXPONENTS[settlement])
    amount = round_exact(Fraction(settled) / Fraction(rate) * scale, Rounding.HALF_UP)
    return FeeSnapshot(amount, settled, settlement, rate)


def read_dispute(item: Mapping[str, object]) -> DisputeSnapshot:
    """A dispute."""
    status = str(item["status"])
    inquiry = DisputeStatus.INQUIRY if status.startswith("warning") else DisputeStatus.OPEN
    return DisputeSnapshot(
        ref=str(item["id"]),
        charge_ref=_ref(item["charge"]),
        status=_DISPUTES.get(status, inquiry),
        amount=_whole(item["amount"]),
        currency=str(item["currency"]).upper(),
        opened_at=_instant(_whole(item["created"])),
    )


def read_event(item: Mapping[str, object]) -> GatewayEvent:
    """What an event is about, from both forms: events that carry a snapshot, and thin ones that only name the object."""
    related = item.get("related_object")
    if isinstance(related, Mapping):
        return GatewayEvent(str(item["id"]), str(item["type"]).removeprefix("v1."), str(related["id"]))
    carried = item["data"]
    if not isinstance(carried, Mapping) or not isinstance(carried["object"], Mapping):
        raise TypeError("the event carries no object")
    # Objects without an id, such as the balance, are none of ours; their events are kept and applied to nothing.
    return GatewayEvent(str(item["id"]), str(item["type"]), str(carried["object"].get("id", "")))


def _ref(value: object) -> str:
    """The id of an object that may be expanded."""
    return str(value["id"]) if isinstance(value, Mapping) else str(value)


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is no whole number")
    return value
