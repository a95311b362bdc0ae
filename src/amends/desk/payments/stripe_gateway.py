"""Stripe, through its official client: it only translates; keys, retries and clocks are the desk's.

Written for API version 2026-10-28.endive. One attempt per call, so that every attempt is ours and is counted.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import TypeVar

import stripe
from django.conf import settings
from django.utils.translation import gettext_noop

from amends.desk.payments.gateway import (
    ChargeSnapshot,
    DisputeSnapshot,
    FeeSnapshot,
    GatewayError,
    GatewayEvent,
    Misuse,
    NoFunds,
    OutcomeUnknown,
    RefundSnapshot,
    Rejected,
    Transient,
)
from amends.desk.payments.models import DisputeStatus, Payment, Refund
from amends.desk.payments.states import RefundState
from amends.policy.money import EXPONENTS, Rounding, round_exact

API_VERSION = "2026-10-28.endive"
CONNECT_SECONDS = 5
READ_SECONDS = 25
PAGE = 100
SIGNATURE_SECONDS_MAX = 300
"""How old a signed event may be."""
STEPS = {"BHD": 10, "JOD": 10, "KWD": 10, "OMR": 10, "TND": 10}
"""Three-digit currencies that Stripe takes in steps of ten minor units only."""

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
_UNAUTHORISED = (401, 403)
_TRANSIENT_CODES = ("rate_limit", "lock_timeout")
Answer = TypeVar("Answer")


class SignatureError(ValueError):
    """An event is not signed by the gateway, or too long ago."""


@cache
def connect() -> "StripeGateway":
    """The gateway of this desk's settings."""
    return StripeGateway(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


class StripeGateway:
    """Calls to Stripe, each one attempt with deadlines, each answer a snapshot or one of our errors."""

    def __init__(
        self, secret_key: str, api_base: str | None, http_client: stripe.HTTPClient | None = None
    ) -> None:
        stripe.enable_telemetry = False
        self._client = stripe.StripeClient(
            secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base} if api_base else {},
            max_network_retries=0,
            http_client=http_client or stripe.RequestsClient(timeout=(CONNECT_SECONDS, READ_SECONDS)),
        )

    def submit_refund(self, refund: Refund, payment: Payment) -> RefundSnapshot:
        """Ask for a refund, with parameters from the stored row alone.

        Idempotent: by the refund's key.
        Raises: GatewayError.
        """
        return _call(
            lambda: _refund(
                self._client.v1.refunds.create(
                    {
                        "charge": payment.gateway_ref,
                        "amount": refund.amount,
                        "reason": "requested_by_customer",
                        "metadata": {"refund_id": str(refund.id), "case_id": str(refund.case_id or "")},
                    },
                    {"idempotency_key": refund.idempotency_key},
                ).to_dict()
            )
        )

    def refund(self, ref: str) -> RefundSnapshot:
        """One refund, now.

        Raises: GatewayError.
        """
        return _call(lambda: _refund(self._client.v1.refunds.retrieve(ref).to_dict()))

    def refunds_of(self, payment: Payment) -> list[RefundSnapshot]:
        """All refunds of a charge, page by page.

        Raises: GatewayError.
        """

        def fetch() -> list[RefundSnapshot]:
            pages = self._client.v1.refunds.list({"charge": payment.gateway_ref, "limit": PAGE})
            return [_refund(item.to_dict()) for item in pages.auto_paging_iter()]

        return _call(fetch)

    def refunds_since(self, since: datetime) -> list[RefundSnapshot]:
        """All refunds that were made since an instant, whoever made them.

        Raises: GatewayError.
        """

        def fetch() -> list[RefundSnapshot]:
            pages = self._client.v1.refunds.list({"created": {"gte": int(since.timestamp())}, "limit": PAGE})
            return [_refund(item.to_dict()) for item in pages.auto_paging_iter()]

        return _call(fetch)

    def charge(self, ref: str) -> ChargeSnapshot:
        """One charge with its fee, now.

        Raises: GatewayError.
        """
        expanded: stripe.params.ChargeRetrieveParams = {"expand": ["balance_transaction"]}
        return _call(lambda: _charge(self._client.v1.charges.retrieve(ref, expanded).to_dict()))

    def dispute(self, ref: str) -> DisputeSnapshot:
        """One dispute, now.

        Raises: GatewayError.
        """
        return _call(lambda: _dispute(self._client.v1.disputes.retrieve(ref).to_dict()))

    def disputes_of(self, payment: Payment) -> list[DisputeSnapshot]:
        """All disputes of a charge.

        Raises: GatewayError.
        """

        def fetch() -> list[DisputeSnapshot]:
            pages = self._client.v1.disputes.list({"charge": payment.gateway_ref, "limit": PAGE})
            return [_dispute(item.to_dict()) for item in pages.auto_paging_iter()]

        return _call(fetch)

    def switch_price(self, subscription_ref: str, price_ref: str, next_charge_at: datetime, key: str) -> None:
        """Put a subscription on another price without proration; the next charge comes at the given instant.

        Idempotent: by `key`, and by comparing with what is there.
        Raises: GatewayError.
        """

        def switch() -> None:
            current = self._client.v1.subscriptions.retrieve(subscription_ref).to_dict()
            item = current["items"]["data"][0]
            if item["price"]["id"] == price_ref and current.get("trial_end") == int(
                next_charge_at.timestamp()
            ):
                return
            self._client.v1.subscriptions.update(
                subscription_ref,
                {
                    "items": [{"id": item["id"], "price": price_ref}],
                    "proration_behavior": "none",
                    "trial_end": int(next_charge_at.timestamp()),
                },
                {"idempotency_key": key},
            )

        _call(switch)

    def end_subscription(self, subscription_ref: str, key: str, *, at_period_end: bool) -> None:
        """End a subscription, at once or with its period; nothing is charged or prorated.

        Idempotent: by `key`, and by looking whether it has ended.
        Raises: GatewayError.
        """

        def end() -> None:
            current = self._client.v1.subscriptions.retrieve(subscription_ref)
            if current.status == "canceled":
                return
            if at_period_end:
                self._client.v1.subscriptions.update(
                    subscription_ref, {"cancel_at_period_end": True}, {"idempotency_key": key}
                )
            else:
                self._client.v1.subscriptions.cancel(subscription_ref, {}, {"idempotency_key": key})

        _call(end)

    def events_since(self, since: datetime, kinds: Sequence[str]) -> list[GatewayEvent]:
        """Events that may not have reached us, oldest first.

        Raises: GatewayError.
        """

        def fetch() -> list[GatewayEvent]:
            pages = self._client.v1.events.list(
                {"created": {"gte": int(since.timestamp())}, "types": list(kinds), "limit": PAGE}
            )
            return [_event(item.to_dict()) for item in pages.auto_paging_iter()]

        return _call(fetch)[::-1]


def verify_event(raw: bytes, signature: str, secret: str) -> GatewayEvent:
    """Check the signature of an event on its raw bytes, and read what it is about.

    Raises: SignatureError: another secret, none, other bytes, or too old.
    """
    if not secret:
        raise SignatureError("this desk has no secret to check it with")
    try:
        stripe.WebhookSignature.verify_header(raw.decode(), signature, secret, SIGNATURE_SECONDS_MAX)
        return _event(json.loads(raw))
    except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError) as error:
        raise SignatureError(str(error)) from error


def step(currency: str) -> int:
    """The smallest amount, in minor units, that Stripe moves in a currency."""
    return STEPS.get(currency, 1)


def _call(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    except stripe.StripeError as error:
        raise _translate(error) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # An answer that says 200 and cannot be read may stand for a refund that was made.
        raise OutcomeUnknown("unreadable_answer") from error


def _translate(error: stripe.StripeError) -> GatewayError:
    """Our error for Stripe's: by status and code, never by class or words, which mislead."""
    status = error.http_status
    code = _code(error)
    if status is None or status >= 500 or status < 400:  # noqa: PLR2004  # the classes of HTTP
        return OutcomeUnknown(code, is_stored=_was_replayed(error))
    if code in _TRANSIENT_CODES or status == 429:  # noqa: PLR2004  # too many requests
        return Transient(code, retry_after_seconds=_retry_after(error))
    if status == 409:  # noqa: PLR2004  # the first call with this key is still under way
        return OutcomeUnknown(code)
    if status in _UNAUTHORISED or code == "idempotency_error":
        return Misuse(code, is_access=status in _UNAUTHORISED)
    if code == "balance_insufficient":
        return NoFunds(code)
    return Rejected(code)


def _code(error: stripe.StripeError) -> str:
    body = error.json_body.get("error") if isinstance(error.json_body, dict) else None
    if isinstance(body, dict):
        return str(body.get("code") or body.get("type") or "error")
    return type(error).__name__


def _headers(error: stripe.StripeError) -> dict[str, str]:
    return {name.lower(): text for name, text in dict(error.headers or {}).items()}


def _was_replayed(error: stripe.StripeError) -> bool:
    return _headers(error).get("idempotent-replayed") == "true"


def _retry_after(error: stripe.StripeError) -> int | None:
    text = _headers(error).get("retry-after", "")
    return int(text) if text.isdecimal() else None


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _refund(item: Mapping[str, object]) -> RefundSnapshot:
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


def _charge(item: Mapping[str, object]) -> ChargeSnapshot:
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


def _dispute(item: Mapping[str, object]) -> DisputeSnapshot:
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


def _event(item: Mapping[str, object]) -> GatewayEvent:
    """Reads both forms: events that carry a snapshot, and thin ones that only name the object."""
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
