"""Invoices: what a customer owes for which period, and the payments that paid it."""

from dataclasses import dataclass

from amends.sandbox.charges import Charges
from amends.sandbox.customers import Customers
from amends.sandbox.errors import ApiError, refused
from amends.sandbox.forms import amount_of, listed, nested
from amends.sandbox.parameters import (
    Parameters,
    clearable,
    currency,
    flag,
    group,
    metadata,
    one_of,
    positive,
    text,
)
from amends.sandbox.parameters import (
    whole as whole_number,
)
from amends.sandbox.store import Object, fresh_id
from amends.sandbox.world import World, with_metadata

INVOICE = Parameters(
    {"customer": text},
    {
        "auto_advance": flag,
        "collection_method": one_of("charge_automatically", "send_invoice"),
        "currency": currency,
        "days_until_due": positive,
        "description": clearable(text),
        "metadata": metadata,
        "pending_invoice_items_behavior": one_of("include", "exclude"),
    },
)
CHANGE = Parameters(free={"description": clearable(text), "metadata": metadata})
FINALIZE = Parameters(free={"auto_advance": flag})
PAY = Parameters(free={"payment_method": text, "paid_out_of_band": flag, "off_session": flag})
ITEM = Parameters(
    {"customer": text},
    {
        "amount": whole_number,
        "currency": currency,
        "description": clearable(text),
        "invoice": text,
        "metadata": metadata,
        "quantity": positive,
    },
)
_PAID_BY = Parameters({"type": one_of("payment_intent")}, {"payment_intent": text})
PAYMENTS_OF = {"invoice": text, "payment": group(_PAID_BY), "status": text}


@dataclass(frozen=True, slots=True)
class Charged:
    """One line of an invoice.

    Amounts: minor units, negative where it is a credit. The period is half open.
    """

    amount: int
    description: str
    start: int
    end: int
    price: Object | None = None
    quantity: int = 1
    subscription_item: str = ""
    is_proration: bool = False


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice to be."""

    customer: Object
    currency: str
    reason: str
    lines: list[Object]
    subscription: Object | None = None
    collection: str = "charge_automatically"
    content: Object | None = None
    waiting: tuple[Object, ...] = ()
    """What waited for the customer's next invoice, and is in this one."""


class Invoices:
    """The part of the API that bills."""

    def __init__(self, world: World, customers: Customers, charges: Charges) -> None:
        self.world = world
        self.customers = customers
        self.charges = charges

    def line(self, charged: Charged, currency_code: str, subscription: Object | None) -> Object:
        """A line in Stripe's shape."""
        price = charged.price
        parent: Object | None = None
        if subscription is not None:
            parent = {
                "type": "subscription_item_details",
                "subscription_item_details": {
                    "proration": charged.is_proration,
                    "subscription": subscription["id"],
                    "subscription_item": charged.subscription_item,
                },
            }
        pricing = price and {
            "type": "price_details",
            "price_details": {"price": price["id"], "product": price["product"]},
            "unit_amount_decimal": price["unit_amount_decimal"],
        }
        return {
            "id": fresh_id("il"),
            "object": "line_item",
            "amount": charged.amount,
            "currency": currency_code,
            "description": charged.description,
            "metadata": {},
            "parent": parent,
            "period": {"start": charged.start, "end": charged.end},
            "pricing": pricing,
            "quantity": charged.quantity,
            "taxes": [],
        }

    def issue(self, bill: Bill) -> Object:
        """An invoice that is final at once, and paid where it can be."""
        invoice = self._draft(bill)
        self.finalize(invoice, {})
        if invoice["status"] == "open" and bill.collection == "charge_automatically":
            try:
                self.pay(invoice, {})
            except ApiError:
                # The customer sees an open invoice, as after a declined renewal.
                self.world.change(invoice, "invoice.payment_failed")
        return invoice

    def _draft(self, bill: Bill) -> Object:
        now = self.world.clock.now()
        lines = [*bill.lines, *map(self._line_of, bill.waiting)]
        total = sum(amount_of(line) for line in lines)
        subscription = bill.subscription
        details = (
            {"metadata": subscription["metadata"], "subscription": subscription["id"]}
            if subscription
            else None
        )
        content: Object = {
            "amount_due": total,
            "amount_paid": 0,
            "amount_remaining": total,
            "attempt_count": 0,
            "auto_advance": True,
            "billing_reason": bill.reason,
            "collection_method": bill.collection,
            "currency": bill.currency,
            "customer": bill.customer["id"],
            "customer_email": bill.customer["email"],
            "description": None,
            "due_date": None,
            "ending_balance": None,
            "lines": {"object": "list", "data": lines, "has_more": False, "url": ""},
            "metadata": {},
            "number": None,
            "parent": details and {"type": "subscription_details", "subscription_details": details},
            "period_end": now,
            "period_start": now,
            "starting_balance": 0,
            "status": "draft",
            "status_transitions": dict.fromkeys(
                ("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")
            ),
            "subtotal": total,
            "total": total,
            "total_taxes": [],
        }
        invoice = self.world.make("in", "invoice", content | (bill.content or {}))
        for item in bill.waiting:
            item["invoice"] = invoice["id"]
            self.world.change(item)
        self.world.events.emit("invoice.created", invoice)
        return invoice

    def create_item(self, sent: Object) -> Object:
        """Something that waits for the customer's next invoice, or belongs to a draft."""
        self.world.get("customer", sent["customer"], "customer")
        if "amount" not in sent or "currency" not in sent:
            raise refused("parameter_missing", "Missing required param: amount and currency.", "amount")
        now = self.world.clock.now()
        content: Object = {
            "date": now,
            "description": None,
            "invoice": None,
            "period": {"start": now, "end": now},
            "proration": False,
            "quantity": 1,
        }
        item = self.world.make("ii", "invoiceitem", content | sent | {"metadata": sent.get("metadata") or {}})
        if item["invoice"]:
            self._take_in(self._in_state(item["invoice"], "draft"), item)
        return item

    def _in_state(self, id_: object, status: str) -> Object:
        invoice = self.world.get("invoice", id_, "invoice")
        if invoice["status"] != status:
            raise refused("invoice_not_editable", f"This invoice is {invoice['status']}, not {status}.")
        return invoice

    def _take_in(self, invoice: Object, item: Object) -> None:
        lines = [*listed(nested(invoice, "lines"), "data"), self._line_of(item)]
        total = sum(amount_of(line) for line in lines)
        nested(invoice, "lines")["data"] = lines
        invoice |= dict.fromkeys(("amount_due", "amount_remaining", "subtotal", "total"), total)
        self.world.change(invoice)

    def _line_of(self, item: Object) -> Object:
        period = nested(item, "period")
        words = str(item["description"] or "One-time charge")
        start, end = amount_of(period, "start"), amount_of(period, "end")
        charged = Charged(amount_of(item), words, start, end, is_proration=bool(item["proration"]))
        return self.line(charged, str(item["currency"]), None)

    def create(self, sent: Object) -> Object:
        """A draft of what waits for the customer's next invoice."""
        customer = self.world.get("customer", sent["customer"], "customer")
        is_included = sent.get("pending_invoice_items_behavior") == "include"
        items = self.waiting(customer) if is_included else ()
        code = str(sent.get("currency") or (items[0]["currency"] if items else "usd"))
        content = {"metadata": sent.get("metadata") or {}, "description": sent.get("description")}
        collection = str(sent.get("collection_method", "charge_automatically"))
        return self._draft(Bill(customer, code, "manual", [], None, collection, content, items))

    def waiting(self, customer: Object) -> tuple[Object, ...]:
        """What waits for the customer's next invoice, oldest first."""
        found = self.world.store.all(
            "invoiceitem", lambda one: one["customer"] == customer["id"] and one["invoice"] is None
        )
        return tuple(found[::-1])

    def update(self, invoice: Object, sent: Object) -> Object:
        """Change what is written on an invoice."""
        sent["metadata"] = with_metadata(invoice["metadata"], sent.get("metadata"))
        invoice.update(sent)
        return self.world.change(invoice, "invoice.updated")

    def finalize(self, invoice: Object, _: Object) -> Object:
        """Number it and reckon the customer's balance in: a credit lowers what is due, the rest of one is kept."""
        if invoice["status"] != "draft":
            raise refused("invoice_not_editable", f"This invoice is {invoice['status']}, not draft.")
        customer = self.world.get("customer", invoice["customer"])
        before, total = amount_of(customer, "balance"), amount_of(invoice, "total")
        due = max(0, total + before)
        after = total + before - due
        if after != before:
            customer["balance"] = after
            self.world.change(customer, "customer.updated")
        number = amount_of(self.world.settings(), "_invoices") + 1
        self.world.set({"_invoices": number})
        invoice |= {"starting_balance": before, "ending_balance": after, "number": f"SBX-{number:04}"}
        invoice |= {"amount_due": due, "amount_remaining": due, "status": "open"}
        nested(invoice, "status_transitions")["finalized_at"] = self.world.clock.now()
        self.world.change(invoice, "invoice.finalized")
        return self._paid(invoice) if due == 0 else invoice

    def pay(self, invoice: Object, sent: Object) -> Object:
        """Take the money for an open invoice.

        Raises: ApiError: there is nothing to pay with, or the card was declined.
        """
        if invoice["status"] == "draft":
            self.finalize(invoice, {})
        if invoice["status"] != "open":
            raise refused("invoice_not_open", f"Invoice is {invoice['status']}.")
        if sent.get("paid_out_of_band"):
            return self._paid(invoice)
        method = sent.get("payment_method") or self._method(invoice)
        if not method:
            raise ApiError(
                402,
                "resource_missing",
                "This customer has no attached payment source or default payment method.",
            )
        invoice["attempt_count"] = amount_of(invoice, "attempt_count") + 1
        self.world.change(invoice)
        intent = self.charges.create_intent(
            {
                "amount": invoice["amount_due"],
                "currency": invoice["currency"],
                "customer": invoice["customer"],
                "description": f"Invoice {invoice['number']}",
                "payment_method": method,
                "confirm": True,
            }
        )
        self._record(invoice, intent)
        return self._paid(invoice)

    def _method(self, invoice: Object) -> object:
        parent = nested(nested(invoice, "parent"), "subscription_details")
        if named := parent.get("subscription"):
            subscription = self.world.get("subscription", named)
            if subscription["default_payment_method"]:
                return subscription["default_payment_method"]
        return self.customers.default_method(self.world.get("customer", invoice["customer"]))

    def _record(self, invoice: Object, intent: Object) -> None:
        content: Object = {
            "amount_paid": invoice["amount_due"],
            "amount_requested": invoice["amount_due"],
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
            "status": "paid",
            "status_transitions": {"canceled_at": None, "paid_at": self.world.clock.now()},
        }
        made = self.world.make("inpay", "invoice_payment", content)
        self.world.events.emit("invoice_payment.paid", made)

    def _paid(self, invoice: Object) -> Object:
        invoice |= {"status": "paid", "amount_paid": invoice["amount_due"], "amount_remaining": 0}
        nested(invoice, "status_transitions")["paid_at"] = self.world.clock.now()
        self.world.change(invoice, "invoice.paid")
        self.world.events.emit("invoice.payment_succeeded", invoice)
        return invoice

    def give_up(self, invoice: Object, _: Object) -> Object:
        """An open invoice will not be paid."""
        self._in_state(invoice["id"], "open")
        invoice["status"] = "uncollectible"
        nested(invoice, "status_transitions")["marked_uncollectible_at"] = self.world.clock.now()
        return self.world.change(invoice, "invoice.marked_uncollectible")

    def send(self, invoice: Object, _: Object) -> Object:
        """Mail it, which the sandbox only tells."""
        if invoice["status"] == "draft":
            self.finalize(invoice, {})
        return self.world.change(invoice, "invoice.sent")

    def delete(self, invoice: Object, _: Object) -> Object:
        """A draft that was never final."""
        self._in_state(invoice["id"], "draft")
        self.world.events.emit("invoice.deleted", invoice)
        self.world.store.remove(str(invoice["id"]))
        return {"id": invoice["id"], "object": "invoice", "deleted": True}

    def delete_item(self, item: Object, _: Object) -> Object:
        """What waited for an invoice waits no more."""
        if item["invoice"] is not None:
            raise refused("invoice_not_editable", "The item is on an invoice.")
        self.world.store.remove(str(item["id"]))
        return {"id": item["id"], "object": "invoiceitem", "deleted": True}

    def void(self, invoice: Object, _: Object) -> Object:
        """An open invoice is owed no more."""
        self._in_state(invoice["id"], "open")
        invoice |= {"status": "void", "amount_remaining": 0}
        return self.world.change(invoice, "invoice.voided")
