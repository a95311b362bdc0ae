"""Prices and subscriptions."""

from amends.sandbox.clock import Clock
from amends.sandbox.errors import ApiError, missing
from amends.sandbox.events import Events
from amends.sandbox.forms import nested, whole
from amends.sandbox.store import Object, Store, fresh_id

PERIOD_SECONDS = {"month": 30 * 86_400, "year": 365 * 86_400}


class Subscriptions:
    """The part of the API that knows plans."""

    def __init__(self, store: Store, clock: Clock, events: Events) -> None:
        self.store = store
        self.clock = clock
        self.events = events

    def create_price(self, form: Object) -> Object:
        """A price of a product."""
        interval = str(nested(form, "recurring").get("interval", "month"))
        return self.store.add(
            {
                "id": fresh_id("price"),
                "object": "price",
                "created": self.clock.now(),
                "currency": str(form.get("currency", "usd")),
                "recurring": {"interval": interval},
                "unit_amount": whole(form, "unit_amount") or 0,
                "metadata": nested(form, "metadata"),
            }
        )

    def create(self, form: Object) -> Object:
        """A subscription with one item."""
        item = self._item(nested(nested(form, "items"), "0"))
        subscription = self.store.add(
            {
                "id": fresh_id("sub"),
                "object": "subscription",
                "cancel_at_period_end": False,
                "created": self.clock.now(),
                "customer": form.get("customer"),
                "items": {"object": "list", "data": [item]},
                "metadata": nested(form, "metadata"),
                "status": "active",
                "trial_end": None,
            }
        )
        self.events.emit("customer.subscription.created", subscription)
        return subscription

    def _item(self, form: Object) -> Object:
        price = self.store.find(str(form.get("price", "")))
        if price is None or price["object"] != "price":
            raise missing("price", str(form.get("price", "")))
        interval = str(nested(price, "recurring")["interval"])
        now = self.clock.now()
        return {
            "id": str(form.get("id") or fresh_id("si")),
            "object": "subscription_item",
            "price": price,
            "current_period_start": now,
            "current_period_end": now + PERIOD_SECONDS[interval],
        }

    def update(self, subscription: Object, form: Object) -> Object:
        """Another price, another end."""
        if subscription["status"] == "canceled":
            raise ApiError(404, "resource_missing", "The subscription was canceled.", param="id")
        if "items" in form:
            item = self._item(nested(nested(form, "items"), "0"))
            subscription["items"] = {"object": "list", "data": [item]}
        if "trial_end" in form:
            subscription["trial_end"] = whole(form, "trial_end")
            subscription["status"] = "trialing"
        if "cancel_at_period_end" in form:
            subscription["cancel_at_period_end"] = form["cancel_at_period_end"] == "true"
        self.store.save(subscription)
        self.events.emit("customer.subscription.updated", subscription)
        return subscription

    def cancel(self, subscription: Object) -> Object:
        """End it now."""
        subscription["status"] = "canceled"
        subscription["canceled_at"] = self.clock.now()
        self.store.save(subscription)
        self.events.emit("customer.subscription.deleted", subscription)
        return subscription
