"""Refunds: within what is left of a charge that nobody disputes, and what becomes of them."""

from fractions import Fraction

from amends.sandbox.customers import kind_of
from amends.sandbox.errors import missing, refused
from amends.sandbox.forms import amount_of, nested, whole
from amends.sandbox.ledger import Ledger
from amends.sandbox.parameters import Parameters, metadata, one_of, positive, text
from amends.sandbox.store import Object
from amends.sandbox.world import World, with_metadata

SETTLE_SECONDS = 3 * 86_400
FAIL_SECONDS = 20 * 86_400
TRACE_SECONDS = 86_400
REFUND = Parameters(
    free={
        "amount": positive,
        "charge": text,
        "instructions_email": text,
        "metadata": metadata,
        "payment_intent": text,
        "reason": one_of("duplicate", "fraudulent", "requested_by_customer"),
    }
)
CHANGE = Parameters(free={"metadata": metadata})
_BEGINNINGS = {
    "pending": ("pending", "processing"),
    "no_funds": ("pending", "insufficient_funds"),
    "asks": ("requires_action", None),
}
"""State of a fresh refund and why it is pending; any other succeeds at once."""


class Refunds:
    """The part of the API that gives money back."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self.world = world
        self.ledger = ledger

    def create(self, sent: Object) -> Object:
        """A refund of a charge, or of the one that paid an intent."""
        charge = self._charge_of(sent)
        left = amount_of(charge) - amount_of(charge, "amount_refunded")
        if charge["status"] != "succeeded":
            raise refused("charge_not_refundable", "This charge is not in a refundable state.")
        if charge["_is_blocked"]:
            raise refused(
                "charge_disputed", f"Charge {charge['id']} has been charged back; cannot issue a refund."
            )
        if left == 0:
            raise refused("charge_already_refunded", f"Charge {charge['id']} has already been refunded.")
        asked = whole(sent, "amount")
        amount = left if asked is None else asked
        if amount > left:
            message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            raise refused("amount_too_large", message, "amount")
        if not charge["captured"] and amount != left:
            raise refused(
                "charge_not_captured",
                "You cannot partially refund an uncaptured charge. Capture less instead.",
                "amount",
            )
        return self._make(charge, amount, sent)

    def _charge_of(self, sent: Object) -> Object:
        intent_id = sent.get("payment_intent")
        if intent_id is None and "charge" not in sent:
            raise refused(
                "parameter_missing",
                "One of the following params should be provided: payment_intent or charge.",
            )
        if intent_id is None:
            return self.world.get("charge", sent["charge"], "charge")
        intent = self.world.get("payment_intent", intent_id, "payment_intent")
        if not intent["latest_charge"]:
            message = f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
            raise refused("payment_intent_unexpected_state", message)
        if "charge" in sent and sent["charge"] != intent["latest_charge"]:
            raise missing("charge", str(sent["charge"]), "charge")
        return self.world.get("charge", intent["latest_charge"])

    def _make(self, charge: Object, amount: int, sent: Object) -> Object:
        kind = kind_of(charge)
        status, pending_reason, failure = self._beginning(charge, amount)
        shape = "reversal" if kind.refund == "reversal" else "refund"
        content: Object = {
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "currency": charge["currency"],
            "destination_details": {
                "type": "card",
                "card": {"type": shape, "reference": None, "reference_status": "pending"},
            }
            if kind.type == "card"
            else {"type": kind.type, kind.type: {}},
            "failure_balance_transaction": None,
            "failure_reason": failure,
            "metadata": sent.get("metadata") or {},
            "payment_intent": charge["payment_intent"],
            "pending_reason": pending_reason,
            "reason": sent.get("reason"),
            "receipt_number": None,
            "status": status,
        }
        refund = self.world.make("re", "refund", content)
        if status == "requires_action":
            refund["instructions_email"] = sent.get("instructions_email")
            self.world.change(refund)
        if (
            charge["captured"]
            and status in ("succeeded", "pending")
            and pending_reason != "insufficient_funds"
        ):
            self._pay(refund, charge)
        self.world.events.emit("refund.created", refund)
        if status == "failed":
            self.world.events.emit("refund.failed", refund)
            return refund
        self._add_refunded(charge, amount)
        self.world.events.emit("charge.refunded", charge)
        return refund

    def _beginning(self, charge: Object, amount: int) -> tuple[str, str | None, str | None]:
        """State, why it is pending, why it failed: a low balance lets cards wait and ends other ways of paying."""
        kind = kind_of(charge)
        if charge["captured"] and not self._is_covered(charge, amount):
            is_card = kind.type == "card"
            return (
                ("pending", "insufficient_funds", None) if is_card else ("failed", None, "insufficient_funds")
            )
        return (*_BEGINNINGS.get(kind.refund, ("succeeded", None)), None)

    def _is_covered(self, charge: Object, amount: int) -> bool:
        if self.world.settings()["balance"] == "unlimited":
            return True
        paid = self.world.store.find(str(charge["_transaction"]))
        assert paid is not None
        return self.ledger.available(str(paid["currency"])) >= amount * Fraction(
            str(paid["exchange_rate"] or 1)
        )

    def _pay(self, refund: Object, charge: Object) -> None:
        booked = self.ledger.book_return("refund", str(refund["id"]), charge, -amount_of(refund))
        refund["balance_transaction"] = booked["id"]
        self.world.change(refund)

    def _add_refunded(self, charge: Object, amount: int) -> None:
        charge["amount_refunded"] = amount_of(charge, "amount_refunded") + amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self.world.change(charge)

    def update(self, refund: Object, sent: Object) -> Object:
        """Change what is written on a refund."""
        refund["metadata"] = with_metadata(refund["metadata"], sent.get("metadata"))
        return self.world.change(refund, "refund.updated")

    def succeed(self, refund: Object) -> Object:
        """The money leaves: the balance was topped up, or the customer named an account."""
        if refund["status"] not in ("pending", "requires_action"):
            raise refused("refund_not_waiting", "The refund does not wait for anything.")
        refund["status"], refund["pending_reason"] = "succeeded", None
        if refund["balance_transaction"] is None:
            self._pay(refund, self.world.get("charge", refund["charge"]))
        return self.world.change(refund, "refund.updated")

    def pay_waiting(self) -> None:
        """After a top-up: refunds that waited for the balance, oldest first, as far as it goes."""
        waiting = self.world.store.all("refund", lambda one: one["pending_reason"] == "insufficient_funds")
        for refund in reversed(waiting):
            charge = self.world.get("charge", refund["charge"])
            if self._is_covered(charge, amount_of(refund)):
                self.succeed(refund)

    def fail(self, refund: Object, reason: str) -> Object:
        """The bank sends the money back, perhaps after it had succeeded."""
        return self._end(refund, "failed", reason)

    def cancel(self, refund: Object) -> Object:
        """Take back a refund that waits for the customer."""
        if refund["status"] != "requires_action":
            raise refused("refund_not_cancelable", "Only refunds in requires_action can be canceled.")
        return self._end(refund, "canceled", "merchant_request")

    def stop_waiting(self, charge: Object) -> None:
        """A dispute ends the refunds that wait."""
        waiting = ("pending", "requires_action")
        for refund in self.world.store.all(
            "refund", lambda one: one["charge"] == charge["id"] and one["status"] in waiting
        ):
            self.fail(refund, "charge_for_pending_refund_disputed")

    def _end(self, refund: Object, status: str, reason: str) -> Object:
        if refund["status"] in ("failed", "canceled"):
            raise refused("refund_not_active", "The refund has ended.")
        charge = self.world.get("charge", refund["charge"])
        self._add_refunded(charge, -amount_of(refund))
        refund |= {"status": status, "failure_reason": reason, "pending_reason": None}
        if refund["balance_transaction"] is not None:
            back = self.ledger.book_return("refund_failure", str(refund["id"]), charge, amount_of(refund))
            refund["failure_balance_transaction"] = back["id"]
        return self.world.change(refund, "refund.failed" if status == "failed" else "refund.updated")

    def next_at(self) -> int | None:
        """When time next does something to a refund, None where it does not."""
        return min((due for one in self._alive() for due in self._dues(one)), default=None)

    def _alive(self) -> list[Object]:
        return self.world.store.all("refund", lambda one: one["status"] in ("pending", "succeeded"))

    def _dues(self, refund: Object) -> list[int]:
        created, dues = amount_of(refund, "created"), []
        if refund["pending_reason"] == "processing":
            dues.append(created + SETTLE_SECONDS)
        elif refund["status"] == "succeeded":
            if self._fails_later(refund):
                dues.append(created + FAIL_SECONDS)
            if _lacks_trace(refund):
                dues.append(created + TRACE_SECONDS)
        return dues

    def _fails_later(self, refund: Object) -> bool:
        return kind_of(self.world.get("charge", refund["charge"])).refund == "fails_later"

    def settle(self) -> None:
        """What the passing of time does: pending refunds settle, some fail late, references appear."""
        now = self.world.clock.now()
        for refund in self._alive():
            age = now - amount_of(refund, "created")
            if refund["pending_reason"] == "processing" and age >= SETTLE_SECONDS:
                self.succeed(refund)
            elif refund["status"] == "succeeded" and age >= FAIL_SECONDS and self._fails_later(refund):
                self.fail(refund, "lost_or_stolen_card")
            elif age >= TRACE_SECONDS and _lacks_trace(refund):
                self._add_trace(refund)

    def _add_trace(self, refund: Object) -> None:
        card = nested(nested(refund, "destination_details"), "card")
        card |= {"reference": str(refund["id"])[-12:].upper(), "reference_status": "available"}
        card["reference_type"] = "acquirer_reference_number"
        self.world.change(refund, "refund.updated")


def _lacks_trace(refund: Object) -> bool:
    """A reversal never gets a reference: the charge disappears instead."""
    card = nested(nested(refund, "destination_details"), "card")
    return refund["status"] == "succeeded" and card.get("type") == "refund" and card.get("reference") is None
