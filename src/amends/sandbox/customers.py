"""Customers, and the payment methods that they have."""

from dataclasses import dataclass

from amends.sandbox.errors import missing, refused
from amends.sandbox.forms import nested
from amends.sandbox.parameters import Parameters, clearable, flag, group, metadata, one_of, several, text
from amends.sandbox.store import Object
from amends.sandbox.world import World, with_metadata

_ADDRESS = Parameters(
    free=dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"), clearable(text))
)
_INVOICING = Parameters(free={"default_payment_method": clearable(text)})
CHANGE = Parameters(
    free={
        "address": group(_ADDRESS),
        "description": clearable(text),
        "email": clearable(text),
        "invoice_settings": group(_INVOICING),
        "metadata": metadata,
        "name": clearable(text),
        "phone": clearable(text),
        "preferred_locales": several(text),
    }
)
CREATE = Parameters(free={**CHANGE.free, "payment_method": text, "test_clock": text})
_CARD = Parameters(needed={"token": text})
METHOD = Parameters(
    needed={"type": one_of("card", "paypal", "sepa_debit", "boleto")},
    free={"card": group(_CARD), "metadata": metadata},
)
ATTACH = Parameters(needed={"customer": text})


@dataclass(frozen=True, slots=True)
class Kind:
    """A payment method of trials, and what comes of it.

    `sale` is what happens to its charges, `refund` to their refunds; empty where nothing special does.
    """

    type: str
    brand: str = ""
    last4: str = ""
    sale: str = ""
    refund: str = ""


KINDS = {
    "pm_card_visa": Kind("card", "visa", "4242"),
    "pm_card_mastercard": Kind("card", "mastercard", "4444"),
    "pm_card_bypassPending": Kind("card", "visa", "0077", sale="available"),
    "pm_card_chargeDeclined": Kind("card", "visa", "0002", sale="generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": Kind("card", "visa", "9995", sale="insufficient_funds"),
    "pm_card_visa_chargeDeclined": Kind("card", "visa", "0002", sale="generic_decline"),
    "pm_card_chargeCustomerFail": Kind("card", "visa", "0341", sale="generic_decline"),
    "pm_card_createDispute": Kind("card", "visa", "0259", sale="disputed"),
    "pm_card_createDisputeInquiry": Kind("card", "visa", "1976", sale="inquired"),
    "pm_card_pendingRefund": Kind("card", "visa", "5126", refund="pending"),
    "pm_card_refundFail": Kind("card", "visa", "3184", refund="fails_later"),
    "pm_card_lowBalance": Kind("card", "visa", "5126", refund="no_funds"),
    "pm_card_reversal": Kind("card", "visa", "4242", refund="reversal"),
    "pm_paypal": Kind("paypal"),
    "pm_voucher": Kind("boleto", refund="asks"),
    "pm_sepa": Kind("sepa_debit", last4="3000", refund="pending"),
}
_TOKENS = {f"tok_{name.removeprefix('pm_card_')}": name for name in KINDS if name.startswith("pm_card_")}


class Customers:
    """The part of the API that knows people."""

    def __init__(self, world: World) -> None:
        self.world = world

    def create(self, sent: Object) -> Object:
        """A customer."""
        method = sent.pop("payment_method", None)
        content: Object = {
            "address": None,
            "balance": 0,
            "currency": None,
            "delinquent": False,
            "description": None,
            "email": None,
            "invoice_settings": {"default_payment_method": None},
            "name": None,
            "phone": None,
            "preferred_locales": [],
            "test_clock": None,
        }
        made = self.world.make("cus", "customer", content | sent | {"metadata": sent.get("metadata") or {}})
        if method:
            attached = self.attach(str(method), {"customer": made["id"]})
            if self.default_method(made) == method:
                made["invoice_settings"] = {"default_payment_method": attached["id"]}
                self.world.change(made)
        self.world.events.emit("customer.created", made)
        return made

    def update(self, customer: Object, sent: Object) -> Object:
        """Change what is known of somebody."""
        sent["metadata"] = with_metadata(customer["metadata"], sent.get("metadata"))
        if "invoice_settings" in sent:
            sent["invoice_settings"] = nested(customer, "invoice_settings") | nested(sent, "invoice_settings")
            default = nested(sent, "invoice_settings").get("default_payment_method")
            if default:
                self.method(str(default))
        customer.update(sent)
        return self.world.change(customer, "customer.updated")

    def delete(self, customer: Object) -> Object:
        """Forget somebody; what they paid stays."""
        self.world.events.emit("customer.deleted", customer)
        self.world.store.remove(str(customer["id"]))
        return {"id": customer["id"], "object": "customer", "deleted": True}

    def create_method(self, sent: Object) -> Object:
        """A payment method: a card by the token of a trial, or another type as it is."""
        kind = str(sent["type"])
        if kind != "card":
            return self._make_method(
                next(name for name, one in KINDS.items() if one.type == kind), sent, None
            )
        token = str(nested(sent, "card").get("token"))
        if token not in _TOKENS:
            raise missing("token", token, "card[token]")
        return self._make_method(_TOKENS[token], sent, None)

    def attach(self, id_: str, sent: Object) -> Object:
        """Give a payment method to a customer; a name of trials stands for a fresh one."""
        customer = self.world.get("customer", sent["customer"], "customer")
        if id_ in KINDS:
            return self._make_method(id_, {}, customer["id"])
        method = self.method(id_)
        if method["customer"] not in (None, customer["id"]):
            raise refused("payment_method_unexpected_state", "The payment method belongs to somebody else.")
        method["customer"] = customer["id"]
        return self.world.change(method, "payment_method.attached")

    def detach(self, method: Object) -> Object:
        """Take a payment method from its customer."""
        method["customer"] = None
        return self.world.change(method, "payment_method.detached")

    def method(self, id_: str) -> Object:
        """A payment method by its id, or by its name in trials.

        Raises: ApiError.
        """
        if id_ in KINDS:
            return self._make_method(id_, {}, None)
        found = self.world.store.find(id_)
        if found is None or found["object"] != "payment_method":
            raise missing("PaymentMethod", id_, "payment_method")
        return found

    def default_method(self, customer: Object) -> object:
        """What somebody's invoices are paid with, None where nothing is."""
        return nested(customer, "invoice_settings").get("default_payment_method")

    def _make_method(self, name: str, sent: Object, customer: object) -> Object:
        kind = KINDS[name]
        details: Object = {"brand": kind.brand, "last4": kind.last4} if kind.type == "card" else {}
        if kind.type == "sepa_debit":
            details = {"last4": kind.last4}
        content: Object = {
            "customer": customer,
            "metadata": sent.get("metadata") or {},
            "type": kind.type,
            kind.type: details,
            "_kind": name,
        }
        return self.world.make("pm", "payment_method", content)


def kind_of(method: Object) -> Kind:
    """What comes of a payment method."""
    return KINDS[str(method["_kind"])]


METHODS_OF = Parameters(needed={"customer": text}, free={"type": text})
LIST = {"email": text, "test_clock": text, "deleted": flag}
