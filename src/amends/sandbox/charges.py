"""Customers, payments, refunds and disputes."""

from fractions import Fraction

from amends.sandbox.clock import Clock
from amends.sandbox.errors import ApiError, missing
from amends.sandbox.events import Events
from amends.sandbox.forms import nested, whole, words
from amends.sandbox.store import Object, Store, fresh_id

FEE_RATE = Fraction(29, 1000)
FEE_FIXED = 30
"""2.9 % and 30 minor units, half up, as long as a trial does not say otherwise (`metadata[fee]`)."""
CARDS = {
    "pm_card_visa": ("card", "visa", "4242", ""),
    "pm_card_mastercard": ("card", "mastercard", "4444", ""),
    "pm_card_pendingRefund": ("card", "visa", "5126", "pending"),
    "pm_card_refundFail": ("card", "visa", "3184", "fails_later"),
    "pm_card_lowBalance": ("card", "visa", "5126", "no_funds"),
    "pm_paypal": ("paypal", "", "", ""),
    "pm_voucher": ("boleto", "", "", "asks"),
    "pm_sepa": ("sepa_debit", "", "3000", "pending"),
}
"""Payment methods of trials: kind, brand, last four digits, and what their refunds do."""
_BEGINNINGS = {
    "pending": ("pending", "processing"),
    "no_funds": ("pending", "insufficient_funds"),
    "asks": ("requires_action", None),
}
"""State of a fresh refund and why it is pending; any other succeeds at once."""
SETTLE_SECONDS = 3 * 86_400
FAIL_SECONDS = 20 * 86_400
TRACE_SECONDS = 86_400


class Charges:
    """The part of the API that moves money."""

    def __init__(self, store: Store, clock: Clock, events: Events) -> None:
        self.store = store
        self.clock = clock
        self.events = events

    def create_customer(self, form: Object) -> Object:
        """A customer."""
        return self.store.add(
            {
                "id": fresh_id("cus"),
                "object": "customer",
                "created": self.clock.now(),
                "email": form.get("email"),
                "name": form.get("name"),
                "metadata": nested(form, "metadata"),
            }
        )

    def create_intent(self, form: Object) -> Object:
        """A payment that is confirmed at once, with its charge and what is kept of it."""
        amount, currency = whole(form, "amount"), str(form.get("currency", "")).lower()
        if amount is None or amount < 1:
            raise ApiError(400, "parameter_invalid_integer", "Invalid positive integer", param="amount")
        if len(currency) != len("usd"):
            raise ApiError(400, "parameter_missing", "Missing required param: currency.", param="currency")
        method = str(form.get("payment_method", "pm_card_visa"))
        if method not in CARDS:
            raise missing("PaymentMethod", method)
        charge = self._charge(form, amount, currency, method)
        intent: Object = {
            "id": fresh_id("pi"),
            "object": "payment_intent",
            "amount": amount,
            "currency": currency,
            "created": charge["created"],
            "customer": form.get("customer"),
            "status": "succeeded",
            "latest_charge": charge["id"],
            "metadata": nested(form, "metadata"),
        }
        charge["payment_intent"] = intent["id"]
        self.store.save(charge)
        self.store.add(intent)
        self.events.emit("charge.succeeded", charge)
        return intent

    def _charge(self, form: Object, amount: int, currency: str, method: str) -> Object:
        kind, brand, last4, behaviour = CARDS[method]
        metadata = nested(form, "metadata")
        created = whole(metadata, "created") or self.clock.now()
        id_ = fresh_id("ch")
        transaction = self._transaction(id_, amount, currency, _fee(metadata, amount), created)
        if "settlement" in metadata:
            self._settle_in(transaction, metadata)
        return self.store.add(
            {
                "id": id_,
                "object": "charge",
                "amount": amount,
                "amount_captured": amount,
                "amount_refunded": 0,
                "balance_transaction": None if "fee_later" in metadata else transaction["id"],
                "created": created,
                "currency": currency,
                "customer": form.get("customer"),
                "disputed": False,
                "livemode": False,
                "metadata": metadata,
                "payment_method_details": {"type": kind, kind: {"brand": brand, "last4": last4}},
                "refunded": False,
                "status": "succeeded",
                "_refunds": behaviour,
                "_transaction": transaction["id"],
            }
        )

    def _transaction(self, source: str, amount: int, currency: str, fee: int, created: int) -> Object:
        return self.store.add(
            {
                "id": fresh_id("txn"),
                "object": "balance_transaction",
                "amount": amount,
                "created": created,
                "currency": currency,
                "exchange_rate": None,
                "fee": fee,
                "fee_details": [{"type": "stripe_fee", "amount": fee, "currency": currency}],
                "net": amount - fee,
                "source": source,
                "type": "charge" if amount > 0 else "refund",
            }
        )

    def _settle_in(self, transaction: Object, metadata: Object) -> None:
        """Book a charge in another currency; the fee is one of that currency then."""
        rate, fee = str(metadata["rate"]), _whole(transaction, "fee")
        booked = int(Fraction(rate) * _whole(transaction, "amount") + Fraction(1, 2))
        transaction |= {"currency": metadata["settlement"], "exchange_rate": float(rate)}
        transaction |= {"amount": booked, "net": booked - fee}
        self.store.save(transaction)

    def create_refund(self, form: Object) -> Object:
        """A refund, within what is left of a charge that nobody disputes."""
        charge = self._refunded_charge(form)
        left = _whole(charge, "amount") - _whole(charge, "amount_refunded")
        amount = whole(form, "amount") if "amount" in form else left
        if charge["disputed"]:
            raise ApiError(400, "charge_disputed", "The charge is disputed.", param="charge")
        if left == 0:
            raise ApiError(
                400, "charge_already_refunded", f"Charge {charge['id']} has already been refunded."
            )
        if amount is None or not 0 < amount <= left:
            message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            raise ApiError(400, "amount_too_large", message, param="amount")
        refund = self._make_refund(charge, amount, form)
        self._add_refunded(charge, amount)
        self.events.emit("refund.created", refund)
        self.events.emit("charge.refunded", charge)
        return refund

    def _refunded_charge(self, form: Object) -> Object:
        named = str(form.get("charge") or "")
        if not named and (intent := self.store.find(str(form.get("payment_intent") or ""))):
            named = str(intent["latest_charge"])
        charge = self.store.find(named)
        if charge is None or charge["object"] != "charge":
            raise missing("charge", named)
        return charge

    def _make_refund(self, charge: Object, amount: int, form: Object) -> Object:
        status, pending_reason = _BEGINNINGS.get(str(charge["_refunds"]), ("succeeded", None))
        transaction = self._transaction(
            str(charge["id"]), -amount, str(charge["currency"]), 0, self.clock.now()
        )
        return self.store.add(
            {
                "id": fresh_id("re"),
                "object": "refund",
                "amount": amount,
                "balance_transaction": transaction["id"],
                "charge": charge["id"],
                "created": self.clock.now(),
                "currency": charge["currency"],
                "destination_details": {"type": "card", "card": {"type": "refund", "reference": None}},
                "failure_reason": None,
                "metadata": nested(form, "metadata"),
                "payment_intent": charge.get("payment_intent"),
                "pending_reason": pending_reason,
                "reason": form.get("reason"),
                "status": status,
            }
        )

    def _add_refunded(self, charge: Object, amount: int) -> None:
        charge["amount_refunded"] = _whole(charge, "amount_refunded") + amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self.store.save(charge)

    def settle(self) -> None:
        """What the passing of time does: pending refunds settle, some fail late, references appear, fees are booked."""
        now = self.clock.now()
        for refund in self.store.all("refund", lambda item: item["status"] in ("pending", "succeeded")):
            charge = self.store.find(str(refund["charge"]))
            assert charge is not None
            age = now - _whole(refund, "created")
            if refund["pending_reason"] == "processing" and age >= SETTLE_SECONDS:
                self.succeed_refund(refund)
            elif charge["_refunds"] == "fails_later" and age >= FAIL_SECONDS:
                self.fail_refund(refund, "lost_or_stolen_card")
            elif age >= TRACE_SECONDS:
                self._add_trace(refund)

    def _add_trace(self, refund: Object) -> None:
        details = nested(nested(refund, "destination_details"), "card")
        if refund["status"] == "succeeded" and details.get("reference") is None:
            details["reference"] = str(refund["id"])[-12:].upper()
            self._changed(refund, "refund.updated")

    def _changed(self, refund: Object, kind: str) -> None:
        self.store.save(refund)
        self.events.emit(kind, refund)

    def succeed_refund(self, refund: Object) -> Object:
        """The money leaves: the balance was topped up, or the customer named an account."""
        if refund["status"] not in ("pending", "requires_action"):
            raise ApiError(400, "refund_not_waiting", "The refund does not wait for anything.")
        refund["status"], refund["pending_reason"] = "succeeded", None
        self._changed(refund, "refund.updated")
        return refund

    def fail_refund(self, refund: Object, reason: str) -> Object:
        """The bank sends the money back, perhaps after it had succeeded."""
        return self._end_refund(refund, "failed", reason)

    def cancel_refund(self, refund: Object) -> Object:
        """Take back a refund that waits for the customer."""
        if refund["status"] != "requires_action":
            raise ApiError(400, "refund_not_cancelable", "Only refunds in requires_action can be canceled.")
        return self._end_refund(refund, "canceled", "merchant_request")

    def _end_refund(self, refund: Object, status: str, reason: str) -> Object:
        if refund["status"] in ("failed", "canceled"):
            raise ApiError(400, "refund_not_active", "The refund has ended.")
        charge = self.store.find(str(refund["charge"]))
        assert charge is not None
        self._add_refunded(charge, -_whole(refund, "amount"))
        refund["status"], refund["failure_reason"] = status, reason
        self._changed(refund, "refund.failed" if status == "failed" else "refund.updated")
        return refund

    def open_dispute(self, charge: Object) -> Object:
        """The customer's bank disputes a charge."""
        charge["disputed"] = True
        self.store.save(charge)
        dispute = self.store.add(
            {
                "id": fresh_id("du"),
                "object": "dispute",
                "amount": charge["amount"],
                "charge": charge["id"],
                "created": self.clock.now(),
                "currency": charge["currency"],
                "reason": "general",
                "status": "needs_response",
            }
        )
        self.events.emit("charge.dispute.created", dispute)
        return dispute

    def close_dispute(self, dispute: Object, status: str) -> Object:
        """The bank decides."""
        dispute["status"] = status
        charge = self.store.find(str(dispute["charge"]))
        assert charge is not None
        charge["disputed"] = status == "lost"
        self.store.save(charge)
        self.store.save(dispute)
        self.events.emit("charge.dispute.closed", dispute)
        return dispute

    def book_fee(self, charge: Object) -> Object:
        """The fee of a charge whose booking was late is known now."""
        charge["balance_transaction"] = charge["_transaction"]
        self.store.save(charge)
        self.events.emit("charge.updated", charge)
        return charge

    def of_charge(self, kind: str, form: Object) -> list[Object]:
        """Refunds or disputes of one charge, newest first."""
        wanted, since = str(form.get("charge") or ""), whole(nested(form, "created"), "gte") or 0
        return self.store.all(
            kind, lambda item: (not wanted or item["charge"] == wanted) and _whole(item, "created") >= since
        )

    def expand(self, item: Object, form: Object) -> Object:
        """Put objects in the place of their ids where that was asked for."""
        for name in words(form, "expand"):
            value = item.get(name)
            if isinstance(value, str):
                item = item | {name: self.store.find(value)}
        return item


def _fee(metadata: Object, amount: int) -> int:
    stated = whole(metadata, "fee")
    if stated is not None:
        return stated
    exact = FEE_RATE * amount + FEE_FIXED
    return int(exact + Fraction(1, 2))


def _whole(item: Object, name: str) -> int:
    value = item[name]
    assert isinstance(value, int)
    return value
