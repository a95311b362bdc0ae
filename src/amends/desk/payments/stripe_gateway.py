"""Stripe, through its official client: it only translates; keys, retries and clocks are the desk's.

Written for API version 2026-10-28.endive. One attempt per call, so that every attempt is ours and is counted.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import TypeVar

import stripe
from django.conf import settings

from amends.desk.payments.bounded_calls import BoundedSession
from amends.desk.payments.gateway import (
    ChargeSnapshot,
    DisputeSnapshot,
    GatewayError,
    GatewayEvent,
    Misuse,
    NoFunds,
    OutcomeUnknown,
    RefundSnapshot,
    Rejected,
    Transient,
)
from amends.desk.payments.models import Payment, Refund
from amends.desk.payments.protocol import NO_FUNDS
from amends.desk.payments.stripe_objects import read_charge, read_dispute, read_event, read_refund

API_VERSION = "2026-10-28.endive"
CONNECT_SECONDS = 5
READ_SECONDS = 25
TOTAL_SECONDS = 40
"""From connecting to the last byte of the answer; less than the lease of a refund."""
PAGE = 100
SIGNATURE_SECONDS_MAX = 300
"""How old a signed event may be."""
STEPS = {"BHD": 10, "JOD": 10, "KWD": 10, "OMR": 10, "TND": 10}
"""Three-digit currencies that Stripe takes in steps of ten minor units only."""

_UNAUTHORISED = (401, 403)
_TRANSIENT_CODES = ("rate_limit", "lock_timeout")
Answer = TypeVar("Answer")


class SignatureError(ValueError):
    """An event is not signed by the gateway, or too long ago."""


@cache
def connect() -> "StripeGateway":
    """The gateway of this desk's settings."""
    return StripeGateway(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


def bounded_client(total_seconds: float) -> stripe.HTTPClient:
    """A client whose calls end, also where the server sends a byte from time to time and never an answer."""
    return stripe.RequestsClient(
        timeout=(CONNECT_SECONDS, READ_SECONDS), session=BoundedSession(total_seconds)
    )


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
            http_client=http_client or bounded_client(TOTAL_SECONDS),
        )

    def submit_refund(self, refund: Refund, payment: Payment) -> RefundSnapshot:
        """Ask for a refund, with parameters from the stored row alone.

        Idempotent: by the refund's key.
        Raises: GatewayError.
        """
        return _call(
            lambda: read_refund(
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
        return _call(lambda: read_refund(self._client.v1.refunds.retrieve(ref).to_dict()))

    def refunds_of(self, payment: Payment) -> list[RefundSnapshot]:
        """All refunds of a charge, page by page.

        Raises: GatewayError.
        """

        def fetch() -> list[RefundSnapshot]:
            pages = self._client.v1.refunds.list({"charge": payment.gateway_ref, "limit": PAGE})
            return [read_refund(item.to_dict()) for item in pages.auto_paging_iter()]

        return _call(fetch)

    def refunds_since(self, since: datetime) -> list[RefundSnapshot]:
        """All refunds that were made since an instant, whoever made them.

        Raises: GatewayError.
        """

        def fetch() -> list[RefundSnapshot]:
            pages = self._client.v1.refunds.list({"created": {"gte": int(since.timestamp())}, "limit": PAGE})
            return [read_refund(item.to_dict()) for item in pages.auto_paging_iter()]

        return _call(fetch)

    def charge(self, ref: str) -> ChargeSnapshot:
        """One charge with its fee, now.

        Raises: GatewayError.
        """
        expanded: stripe.params.ChargeRetrieveParams = {"expand": ["balance_transaction"]}
        return _call(lambda: read_charge(self._client.v1.charges.retrieve(ref, expanded).to_dict()))

    def dispute(self, ref: str) -> DisputeSnapshot:
        """One dispute, now.

        Raises: GatewayError.
        """
        return _call(lambda: read_dispute(self._client.v1.disputes.retrieve(ref).to_dict()))

    def disputes_of(self, payment: Payment) -> list[DisputeSnapshot]:
        """All disputes of a charge.

        Raises: GatewayError.
        """

        def fetch() -> list[DisputeSnapshot]:
            pages = self._client.v1.disputes.list({"charge": payment.gateway_ref, "limit": PAGE})
            return [read_dispute(item.to_dict()) for item in pages.auto_paging_iter()]

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

    def read(self, path: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        """An object or a page of a list, raw, for the import of what is past.

        Raises: GatewayError.
        """

        def fetch() -> Mapping[str, object]:
            answer = self._client.raw_request("get", path, **parameters)
            found: Mapping[str, object] = json.loads(answer.body)
            return found

        return _call(fetch)

    def events_since(self, since: datetime, kinds: Sequence[str]) -> list[GatewayEvent]:
        """Events of some kinds, or of all where none is named, oldest first: they may not have reached us.

        Raises: GatewayError.
        """

        def fetch() -> list[GatewayEvent]:
            wanted: stripe.params.EventListParams = {
                "created": {"gte": int(since.timestamp())},
                "limit": PAGE,
            }
            if kinds:
                wanted["types"] = list(kinds)
            pages = self._client.v1.events.list(wanted)
            return [read_event(item.to_dict()) for item in pages.auto_paging_iter()]

        return _call(fetch)[::-1]


def verify_event(raw: bytes, signature: str, secret: str) -> GatewayEvent:
    """Check the signature of an event on its raw bytes, and read what it is about.

    Raises: SignatureError: another secret, none, other bytes, or too old.
    """
    if not secret:
        raise SignatureError("this desk has no secret to check it with")
    try:
        stripe.WebhookSignature.verify_header(raw.decode(), signature, secret, SIGNATURE_SECONDS_MAX)
        return read_event(json.loads(raw))
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
    if code == NO_FUNDS:
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
