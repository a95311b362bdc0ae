"""Subscriptions: periods that begin, end and are billed, and what a change of price brings."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from amends.sandbox.errors import ApiError, refused
from amends.sandbox.forms import amount_of, listed, nested, whole
from amends.sandbox.invoices import Bill, Charged, Invoices
from amends.sandbox.parameters import (
    Parameters,
    clearable,
    either,
    flag,
    group,
    metadata,
    one_of,
    positive,
    several,
    text,
)
from amends.sandbox.parameters import (
    whole as whole_number,
)
from amends.sandbox.store import Object, fresh_id
from amends.sandbox.world import World, with_metadata

_ITEM = Parameters(free={"id": text, "price": text, "quantity": positive, "metadata": metadata})
_ANCHOR = Parameters({"type": one_of("now", "unchanged")})
_SUBSCRIPTION = {
    "cancel_at_period_end": flag,
    "collection_method": one_of("charge_automatically", "send_invoice"),
    "days_until_due": positive,
    "default_payment_method": text,
    "description": clearable(text),
    "items": several(group(_ITEM)),
    "metadata": metadata,
    "off_session": flag,
    "payment_behavior": one_of("allow_incomplete", "default_incomplete"),
    "proration_behavior": one_of("always_invoice", "create_prorations", "none"),
    "trial_end": either("now", whole_number),
}
CREATE = Parameters({"customer": text}, {**_SUBSCRIPTION, "trial_period_days": positive})
CHANGE = Parameters(free={**_SUBSCRIPTION, "billing_cycle_anchor": group(_ANCHOR)})
CANCEL = Parameters(free={"invoice_now": flag, "prorate": flag})
LIST = {
    "customer": text,
    "price": text,
    "status": one_of("active", "all", "canceled", "ended", "incomplete", "past_due", "trialing", "unpaid"),
}
RETRY_SECONDS = 3 * 86_400
TRIES_MAX = 4
"""How often a renewal is tried; then the subscription ends."""
_LENGTHS = {"day": timedelta(days=1), "week": timedelta(weeks=1)}
_RUNNING = ("active", "trialing", "past_due")


class Subscriptions:
    """The part of the API that knows plans."""

    def __init__(self, world: World, invoices: Invoices) -> None:
        self.world = world
        self.invoices = invoices

    def create(self, sent: Object) -> Object:
        """A subscription whose first period begins now and is billed now, unless it is tried first."""
        customer = self.world.get("customer", sent["customer"], "customer")
        if "default_payment_method" in sent:
            method = self.invoices.customers.method(str(sent["default_payment_method"]))
            sent["default_payment_method"] = method["id"]
        now = self.world.clock.now()
        trial_end = _trial_end(sent, now)
        items = [self._item(item, now, trial_end) for item in listed(sent, "items")]
        if not items:
            raise refused("parameter_missing", "Missing required param: items.", "items")
        collection = str(sent.get("collection_method", "charge_automatically"))
        if collection == "send_invoice" and "days_until_due" not in sent:
            raise refused("parameter_missing", "Missing required param: days_until_due.", "days_until_due")
        can_pay = sent.get("default_payment_method") or self.invoices.customers.default_method(customer)
        is_open = sent.get("payment_behavior") in ("default_incomplete", "allow_incomplete")
        if not (trial_end or can_pay or is_open or collection == "send_invoice"):
            message = "This customer has no attached payment source or default payment method."
            raise ApiError(400, "resource_missing", message)
        content: Object = {
            "billing_cycle_anchor": trial_end or now,
            "cancel_at": None,
            "cancel_at_period_end": bool(sent.get("cancel_at_period_end", False)),
            "canceled_at": None,
            "collection_method": collection,
            "currency": nested(items[0], "price")["currency"],
            "customer": customer["id"],
            "days_until_due": sent.get("days_until_due"),
            "default_payment_method": sent.get("default_payment_method"),
            "description": sent.get("description"),
            "ended_at": None,
            "items": {"object": "list", "data": items, "has_more": False, "url": "/v1/subscription_items"},
            "latest_invoice": None,
            "metadata": sent.get("metadata") or {},
            "start_date": now,
            "status": "trialing" if trial_end else "active",
            "trial_end": trial_end,
            "trial_start": now if trial_end else None,
            "_tries": 0,
        }
        subscription = self.world.make("sub", "subscription", content)
        for item in items:
            item["subscription"] = subscription["id"]
        self.world.change(subscription, "customer.subscription.created")
        if not trial_end:
            invoice = self._bill(subscription, "subscription_create")
            if invoice["status"] == "open" and collection == "charge_automatically":
                subscription["status"] = "incomplete"
                self.world.change(subscription, "customer.subscription.updated")
        return subscription

    def _item(self, sent: Object, start: int, trial_end: int | None) -> Object:
        price = self.world.get("price", sent.get("price", ""), "items[0][price]")
        if not price["recurring"]:
            raise refused("price_not_recurring", "The price specified is not recurring.", "items[0][price]")
        return {
            "id": fresh_id("si"),
            "object": "subscription_item",
            "created": start,
            "current_period_end": trial_end or period_end(price, start, start),
            "current_period_start": start,
            "metadata": sent.get("metadata") or {},
            "price": price,
            "quantity": sent.get("quantity", 1),
        }

    def _bill(self, subscription: Object, reason: str, more: list[Object] | None = None) -> Object:
        code = str(subscription["currency"])
        customer = self.world.get("customer", subscription["customer"])
        lines = [*(more or [])]
        for item in listed(nested(subscription, "items"), "data"):
            price, quantity = nested(item, "price"), amount_of(item, "quantity")
            charged = Charged(
                amount_of(price, "unit_amount") * quantity,
                f"{quantity} × {self._name_of(price)}",
                amount_of(item, "current_period_start"),
                amount_of(item, "current_period_end"),
                price,
                quantity,
                str(item["id"]),
            )
            lines.append(self.invoices.line(charged, code, subscription))
        return self._issue(subscription, customer, reason, lines)

    def _issue(self, subscription: Object, customer: Object, reason: str, lines: list[Object]) -> Object:
        bill = Bill(
            customer,
            str(subscription["currency"]),
            reason,
            lines,
            subscription,
            str(subscription["collection_method"]),
            waiting=self.invoices.waiting(customer),
        )
        invoice = self.invoices.issue(bill)
        subscription["latest_invoice"] = invoice["id"]
        self.world.change(subscription)
        return invoice

    def _name_of(self, price: Object) -> str:
        return str(self.world.get("product", price["product"])["name"])

    def update(self, subscription: Object, sent: Object) -> Object:
        """Another price, another end; what the time that was paid is worth goes by `proration_behavior`."""
        if subscription["status"] == "canceled":
            raise ApiError(404, "resource_missing", "The subscription was canceled.", param="id")
        if "default_payment_method" in sent:
            method = self.invoices.customers.method(str(sent["default_payment_method"]))
            subscription["default_payment_method"] = method["id"]
        for name in ("cancel_at_period_end", "collection_method", "days_until_due", "description"):
            if name in sent:
                subscription[name] = sent[name]
        subscription["canceled_at"] = self.world.clock.now() if subscription["cancel_at_period_end"] else None
        subscription["metadata"] = with_metadata(subscription["metadata"], sent.get("metadata"))
        now = self.world.clock.now()
        trial_end = _trial_end(sent, now)
        if listed(sent, "items"):
            self._switch(subscription, sent, now, trial_end)
        if sent.get("trial_end") == "now" and subscription["status"] == "trialing":
            self._move_trial(subscription, now)
            self._renew(subscription)
        elif trial_end:
            self._move_trial(subscription, trial_end)
            subscription["status"] = "trialing"
        return self.world.change(subscription, "customer.subscription.updated")

    def _move_trial(self, subscription: Object, end: int) -> None:
        subscription |= {"trial_end": end, "billing_cycle_anchor": end}
        for item in listed(nested(subscription, "items"), "data"):
            item["current_period_end"] = end

    def pay_invoice(self, invoice: Object, sent: Object) -> Object:
        """Pay an invoice, upon which the subscription that waited for it is active."""
        paid = self.invoices.pay(invoice, sent)
        details = nested(nested(paid, "parent"), "subscription_details")
        subscription = self.world.store.find(str(details.get("subscription")))
        if subscription is not None and subscription["status"] in ("incomplete", "past_due"):
            subscription["status"] = "active"
            self.world.change(subscription, "customer.subscription.updated")
        return paid

    def _switch(self, subscription: Object, sent: Object, now: int, trial_end: int | None) -> None:
        """Put items on other prices; a change of the interval begins a period now, unless a trial comes first."""
        items = listed(nested(subscription, "items"), "data")
        behaviour = sent.get("proration_behavior", "create_prorations")
        anchored_now = nested(sent, "billing_cycle_anchor").get("type") == "now"
        prorations: list[Charged] = []
        begins = anchored_now
        for change in listed(sent, "items"):
            item = next((one for one in items if one["id"] == change.get("id")), items[0])
            if "id" in change and item["id"] != change["id"]:
                raise ApiError(404, "resource_missing", f"No such subscription_item: '{change['id']}'")
            old = nested(item, "price")
            fresh = self.world.get("price", change.get("price", old["id"]), "items[0][price]")
            begins = begins or nested(old, "recurring") != nested(fresh, "recurring")
            prorations += self._prorations(item, fresh, now, begins=begins)
            item |= {"price": fresh, "quantity": change.get("quantity", item["quantity"])}
        lines = [self.invoices.line(one, str(subscription["currency"]), subscription) for one in prorations]
        lines = [] if behaviour == "none" else lines
        if begins and not trial_end:
            for item in items:
                end = period_end(nested(item, "price"), now, now)
                item |= {"current_period_start": now, "current_period_end": end}
            subscription["billing_cycle_anchor"] = now
            self._bill(subscription, "subscription_update", lines)
        elif lines and behaviour == "always_invoice":
            customer = self.world.get("customer", subscription["customer"])
            self._issue(subscription, customer, "subscription_update", lines)
        elif lines:
            self._keep(subscription, prorations)

    def _prorations(self, item: Object, fresh: Object, now: int, *, begins: bool) -> list[Charged]:
        """The unused time of the old price as a credit; of the new one, the time that is left, unless it begins anew.

        Rounding: half up, to the second, each line once.
        """
        start, end = amount_of(item, "current_period_start"), amount_of(item, "current_period_end")
        old = nested(item, "price")
        share = Fraction(end - now, end - start) if end > start else Fraction(0)
        unused = int(share * amount_of(old, "unit_amount") * amount_of(item, "quantity") + Fraction(1, 2))
        words = f"Unused time on {self._name_of(old)}"
        found = [Charged(-unused, words, now, end, old, 1, str(item["id"]), is_proration=True)]
        if not begins:
            left = int(share * amount_of(fresh, "unit_amount") * amount_of(item, "quantity") + Fraction(1, 2))
            words = f"Remaining time on {self._name_of(fresh)}"
            found.append(Charged(left, words, now, end, fresh, 1, str(item["id"]), is_proration=True))
        return found

    def _keep(self, subscription: Object, prorations: list[Charged]) -> None:
        """Prorations wait for the next invoice."""
        for one in prorations:
            content: Object = {
                "amount": one.amount,
                "currency": subscription["currency"],
                "customer": subscription["customer"],
                "date": one.start,
                "description": one.description,
                "invoice": None,
                "metadata": {},
                "period": {"start": one.start, "end": one.end},
                "proration": True,
                "quantity": 1,
            }
            self.world.make("ii", "invoiceitem", content)

    def cancel(self, subscription: Object, sent: Object) -> Object:
        """End it now; the unused time becomes a credit for the next invoice where `prorate` asks for it."""
        if subscription["status"] == "canceled":
            raise ApiError(404, "resource_missing", "The subscription was canceled.", param="id")
        now = self.world.clock.now()
        if sent.get("prorate"):
            unused = [
                self._prorations(item, nested(item, "price"), now, begins=True)[0]
                for item in listed(nested(subscription, "items"), "data")
            ]
            self._keep(subscription, unused)
            if sent.get("invoice_now"):
                customer = self.world.get("customer", subscription["customer"])
                self._issue(subscription, customer, "subscription_update", [])
        return self._end(subscription)

    def end_all_of(self, customer: Object) -> None:
        """Somebody who is forgotten has no subscription any more."""
        for subscription in self._running():
            if subscription["customer"] == customer["id"]:
                self._end(subscription)

    def _end(self, subscription: Object) -> Object:
        now = self.world.clock.now()
        subscription |= {
            "status": "canceled",
            "canceled_at": subscription["canceled_at"] or now,
            "ended_at": now,
        }
        return self.world.change(subscription, "customer.subscription.deleted")

    def next_at(self) -> int | None:
        """When the next period ends, None where none does."""
        return min(map(_due_at, self._running()), default=None)

    def _running(self) -> list[Object]:
        return self.world.store.all("subscription", lambda one: one["status"] in _RUNNING)

    def pass_time(self) -> None:
        """Periods that ended are followed by the next one, or by nothing; what was not paid is tried again."""
        now = self.world.clock.now()
        for subscription in self._running():
            if _due_at(subscription) > now:
                continue
            if subscription["status"] == "past_due":
                self._try_again(subscription)
            elif subscription["cancel_at_period_end"]:
                self._end(subscription)
            else:
                self._renew(subscription)

    def _renew(self, subscription: Object) -> None:
        anchor = amount_of(subscription, "billing_cycle_anchor")
        for item in listed(nested(subscription, "items"), "data"):
            start = amount_of(item, "current_period_end")
            end = period_end(nested(item, "price"), anchor, start)
            item |= {"current_period_start": start, "current_period_end": end}
        subscription |= {"status": "active", "_tries": 1}
        invoice = self._bill(subscription, "subscription_cycle")
        if invoice["status"] == "open" and subscription["collection_method"] == "charge_automatically":
            subscription |= {"status": "past_due", "_retry_at": self.world.clock.now() + RETRY_SECONDS}
        self.world.change(subscription, "customer.subscription.updated")

    def _try_again(self, subscription: Object) -> None:
        invoice = self.world.get("invoice", subscription["latest_invoice"])
        try:
            if invoice["status"] == "open":
                self.invoices.pay(invoice, {})
        except ApiError:
            subscription["_tries"] = amount_of(subscription, "_tries") + 1
            subscription["_retry_at"] = self.world.clock.now() + RETRY_SECONDS
            self.world.change(invoice, "invoice.payment_failed")
            self.world.change(subscription)
            if amount_of(subscription, "_tries") >= TRIES_MAX:
                self._end(subscription)
            return
        subscription["status"] = "active"
        self.world.change(subscription, "customer.subscription.updated")


def _due_at(subscription: Object) -> int:
    if subscription["status"] == "past_due":
        return amount_of(subscription, "_retry_at")
    items = listed(nested(subscription, "items"), "data")
    return min(amount_of(item, "current_period_end") for item in items)


def _trial_end(sent: Object, now: int) -> int | None:
    if "trial_period_days" in sent:
        return now + amount_of(sent, "trial_period_days") * 86_400
    end = whole(sent, "trial_end")
    if end is not None and end <= now:
        raise refused("parameter_invalid_integer", "Invalid timestamp: must be in the future.", "trial_end")
    return end


def period_end(price: Object, anchor: int, start: int) -> int:
    """When the period of a price ends that starts at an instant: months end on the anchor's day, or a shorter month's last."""
    recurring = nested(price, "recurring")
    interval, count = str(recurring["interval"]), amount_of(recurring, "interval_count")
    began = datetime.fromtimestamp(start, UTC)
    if interval in _LENGTHS:
        return int((began + count * _LENGTHS[interval]).timestamp())
    months = began.month - 1 + count * (12 if interval == "year" else 1)
    year, month = began.year + months // 12, months % 12 + 1
    wanted = datetime.fromtimestamp(anchor, UTC).day
    last = (datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) - timedelta(days=1)).day
    return int(began.replace(year=year, month=month, day=min(wanted, last)).timestamp())
