"""Payments: intents, and the charges that come of them."""

from amends.sandbox.customers import Customers, Kind, kind_of
from amends.sandbox.disputes import Disputes
from amends.sandbox.errors import ApiError, refused
from amends.sandbox.forms import amount_of, nested, whole
from amends.sandbox.ledger import Ledger
from amends.sandbox.parameters import (
    Parameters,
    clearable,
    currency,
    flag,
    group,
    metadata,
    one_of,
    positive,
    several,
    text,
)
from amends.sandbox.store import Object
from amends.sandbox.world import World, with_metadata

_AUTOMATIC = Parameters({"enabled": flag}, {"allow_redirects": one_of("always", "never")})
_INTENT = {
    "customer": text,
    "description": clearable(text),
    "metadata": metadata,
    "payment_method": text,
    "receipt_email": clearable(text),
}
_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
_SHIPPING = Parameters(
    {"address": group(Parameters(free=dict.fromkeys(_ADDRESS, text))), "name": text},
    dict.fromkeys(("carrier", "phone", "tracking_number"), text),
)
INTENT = Parameters(
    {"amount": positive, "currency": currency},
    {
        **_INTENT,
        "automatic_payment_methods": group(_AUTOMATIC),
        "capture_method": one_of("automatic", "automatic_async", "manual"),
        "confirmation_method": one_of("automatic", "manual"),
        "confirm": flag,
        "off_session": flag,
        "allowed_payment_method_types": several(text),
        "return_url": text,
        "setup_future_usage": text,
        "shipping": group(_SHIPPING),
        "statement_descriptor": text,
    },
)
INTENT_CHANGE = Parameters(free={**_INTENT, "amount": positive, "currency": currency})
CONFIRM = Parameters(free={"off_session": flag, "payment_method": text, "return_url": text})
CAPTURE = Parameters(free={"amount_to_capture": positive, "metadata": metadata})
CANCEL = Parameters(free={"cancellation_reason": text})
CHARGE_CHANGE = Parameters(free={"description": clearable(text), "metadata": metadata})
_DECLINES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
}


class Charges:
    """The part of the API that takes money."""

    def __init__(self, world: World, customers: Customers, ledger: Ledger, disputes: Disputes) -> None:
        self.world = world
        self.customers = customers
        self.ledger = ledger
        self.disputes = disputes

    def create_intent(self, sent: Object) -> Object:
        """An intent to pay, carried out at once where it is confirmed."""
        is_confirmed = bool(sent.pop("confirm", False))
        if "customer" in sent:
            self.world.get("customer", sent["customer"], "customer")
        if "payment_method" in sent:
            sent["payment_method"] = self.customers.method(str(sent["payment_method"]))["id"]
        content: Object = {
            "amount_capturable": 0,
            "amount_received": 0,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic_async",
            "confirmation_method": "automatic",
            "customer": None,
            "description": None,
            "last_payment_error": None,
            "latest_charge": None,
            "next_action": None,
            "payment_method": None,
            "payment_method_types": ["card"],
            "receipt_email": None,
            "setup_future_usage": None,
            "shipping": None,
        }
        for only_said in (
            "allowed_payment_method_types",
            "off_session",
            "return_url",
            "automatic_payment_methods",
        ):
            sent.pop(only_said, None)
        status = "requires_confirmation" if "payment_method" in sent else "requires_payment_method"
        content |= sent | {"metadata": sent.get("metadata") or {}, "status": status}
        created = whole(nested(content, "metadata"), "created")
        intent = self.world.make("pi", "payment_intent", content, created=created)
        intent["client_secret"] = f"{intent['id']}_secret"
        self.world.change(intent, "payment_intent.created")
        return self.confirm(intent, {}) if is_confirmed else intent

    def update_intent(self, intent: Object, sent: Object) -> Object:
        """Change an intent that is not paid."""
        if intent["status"] in ("succeeded", "canceled") and not sent.keys() <= {"metadata", "description"}:
            raise _wrong_state(intent, "updated")
        if "payment_method" in sent:
            sent["payment_method"] = self.customers.method(str(sent["payment_method"]))["id"]
            intent["status"] = "requires_confirmation"
        sent["metadata"] = with_metadata(intent["metadata"], sent.get("metadata"))
        intent.update(sent)
        return self.world.change(intent)

    def confirm(self, intent: Object, sent: Object) -> Object:
        """Take the money, or hold it where it is captured by hand.

        Raises: ApiError: the card was declined.
        """
        if intent["status"] not in ("requires_confirmation", "requires_payment_method"):
            raise _wrong_state(intent, "confirmed")
        named = sent.get("payment_method") or intent["payment_method"]
        if not named:
            raise refused(
                "payment_intent_unexpected_state",
                "You cannot confirm this PaymentIntent because it's missing a payment method.",
            )
        method = self.customers.method(str(named))
        kind = kind_of(method)
        intent["payment_method"] = method["id"]
        if kind.sale in _DECLINES:
            raise self._decline(intent, method, kind)
        is_held = intent["capture_method"] == "manual"
        charge = self._charge(intent, method, kind, is_captured=not is_held)
        intent["latest_charge"] = charge["id"]
        if is_held:
            intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
            return self.world.change(intent, "payment_intent.amount_capturable_updated")
        return self._succeed(intent, charge, kind)

    def _decline(self, intent: Object, method: Object, kind: Kind) -> ApiError:
        message = _DECLINES[kind.sale]
        charge = self._charge(intent, method, kind, is_captured=False)
        charge |= {"status": "failed", "paid": False, "failure_code": "card_declined"}
        charge["failure_message"] = message
        self.world.change(charge, "charge.failed")
        error: Object = {"type": "card_error", "code": "card_declined", "decline_code": kind.sale}
        intent |= {"status": "requires_payment_method", "latest_charge": charge["id"]}
        intent |= {"payment_method": None, "last_payment_error": error | {"message": message}}
        self.world.change(intent, "payment_intent.payment_failed")
        more: Object = {"charge": charge["id"], "decline_code": kind.sale, "payment_intent": intent}
        return ApiError(402, "card_declined", message, kind="card_error", more=more)

    def _succeed(self, intent: Object, charge: Object, kind: Kind) -> Object:
        intent |= {"status": "succeeded", "amount_received": charge["amount_captured"]}
        self.world.change(intent)
        self.world.events.emit("charge.succeeded", charge)
        self.world.events.emit("payment_intent.succeeded", intent)
        if kind.sale in ("disputed", "inquired"):
            self.disputes.open(charge, is_inquiry=kind.sale == "inquired", reason="fraudulent")
        return intent

    def _charge(self, intent: Object, method: Object, kind: Kind, *, is_captured: bool) -> Object:
        details = {"type": kind.type, kind.type: {"brand": kind.brand, "last4": kind.last4}}
        content: Object = {
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "balance_transaction": None,
            "billing_details": {"email": None, "name": None},
            "captured": False,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_code": None,
            "failure_message": None,
            "metadata": intent["metadata"],
            "outcome": {"network_status": "approved_by_network", "type": "authorized"},
            "paid": True,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": details,
            "receipt_email": intent["receipt_email"],
            "refunded": False,
            "status": "succeeded",
            "_is_blocked": False,
            "_kind": method["_kind"],
        }
        charge = self.world.make("ch", "charge", content, created=amount_of(intent, "created"))
        if is_captured:
            self._capture(charge, amount_of(charge), kind)
        return charge

    def _capture(self, charge: Object, amount: int, kind: Kind) -> None:
        charge |= {"captured": True, "amount_captured": amount}
        marks = nested(charge, "metadata")
        booked = self.ledger.book_charge(
            charge | {"amount": amount}, marks, is_available=kind.sale == "available"
        )
        charge["_transaction"] = booked["id"]
        charge["balance_transaction"] = None if "fee_later" in marks else booked["id"]
        self.world.change(charge)

    def capture(self, intent: Object, sent: Object) -> Object:
        """Take what was held, or a part of it; the rest is let go."""
        if intent["status"] != "requires_capture":
            raise _wrong_state(intent, "captured")
        amount = whole(sent, "amount_to_capture") or amount_of(intent)
        if amount > amount_of(intent):
            words = f"The amount_to_capture ({amount}) is greater than the authorized amount."
            raise refused("amount_too_large", words, "amount_to_capture")
        charge = self.world.get("charge", intent["latest_charge"])
        kind = kind_of(charge)
        self._capture(charge, amount, kind)
        if left := amount_of(charge) - amount:
            charge["amount_refunded"] = left
        self.world.change(charge, "charge.captured")
        intent["amount_capturable"] = 0
        return self._succeed(intent, charge, kind)

    def cancel(self, intent: Object, sent: Object) -> Object:
        """Give an intent up; what was held is let go."""
        if intent["status"] in ("succeeded", "canceled"):
            raise _wrong_state(intent, "canceled")
        if intent["status"] == "requires_capture":
            charge = self.world.get("charge", intent["latest_charge"])
            charge |= {"amount_refunded": charge["amount"], "refunded": True}
            self.world.change(charge, "charge.refunded")
        intent |= {"status": "canceled", "canceled_at": self.world.clock.now(), "amount_capturable": 0}
        intent["cancellation_reason"] = sent.get("cancellation_reason")
        return self.world.change(intent, "payment_intent.canceled")

    def update(self, charge: Object, sent: Object) -> Object:
        """Change what is written on a charge."""
        sent["metadata"] = with_metadata(charge["metadata"], sent.get("metadata"))
        charge.update(sent)
        return self.world.change(charge, "charge.updated")

    def book_fee(self, charge: Object) -> Object:
        """The fee of a charge whose booking was late is known now."""
        charge["balance_transaction"] = charge["_transaction"]
        return self.world.change(charge, "charge.updated")


def _wrong_state(intent: Object, done: str) -> ApiError:
    return refused(
        "payment_intent_unexpected_state",
        f"This PaymentIntent could not be {done} because it has a status of {intent['status']}.",
    )
