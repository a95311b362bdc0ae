"""Which path does what: the API in Stripe's shape, and the control of the sandbox beside it."""

import re
from collections.abc import Callable
from typing import TypeAlias

from amends.sandbox.charges import Charges
from amends.sandbox.clock import Clock
from amends.sandbox.errors import ApiError, missing
from amends.sandbox.events import Events, public
from amends.sandbox.faults import Faults
from amends.sandbox.forms import nested, whole, words
from amends.sandbox.store import Object, Store
from amends.sandbox.subscriptions import Subscriptions

PAGE = 10
PAGE_MAX = 100
Answer: TypeAlias = Callable[[re.Match[str], Object], Object]


class Api:
    """All routes over one store."""

    def __init__(self, store: Store, clock: Clock, events: Events) -> None:
        self.store = store
        self.clock = clock
        self.events = events
        self.faults = Faults()
        self.charges = Charges(store, clock, events)
        self.subscriptions = Subscriptions(store, clock, events)
        routes = self._stripe_routes() | self._control_routes()
        self._routes = [(method, re.compile(path), answer) for (method, path), answer in routes.items()]

    def answer(self, method: str, path: str, form: Object) -> Object:
        """Carry out one call.

        Raises: ApiError.
        """
        for known, pattern, answer in self._routes:
            if known == method and (match := pattern.fullmatch(path)):
                return answer(match, form)
        raise ApiError(404, "url_invalid", f"Unrecognized request URL ({method}: {path}).")

    def _stripe_routes(self) -> dict[tuple[str, str], Answer]:
        charges, plans = self.charges, self.subscriptions
        return {
            ("POST", "/v1/customers"): lambda _, form: charges.create_customer(form),
            ("POST", "/v1/payment_intents"): lambda _, form: charges.create_intent(form),
            ("GET", "/v1/payment_intents/(.+)"): self._get("payment_intent"),
            ("GET", "/v1/charges/(.+)"): self._get("charge"),
            ("GET", "/v1/charges"): self._list("charge"),
            ("POST", "/v1/refunds"): lambda _, form: charges.create_refund(form),
            ("POST", "/v1/refunds/(.+)/cancel"): self._with(
                "refund", lambda item, _: charges.cancel_refund(item)
            ),
            ("GET", "/v1/refunds/(.+)"): self._get("refund"),
            ("GET", "/v1/refunds"): lambda _, form: self._page(charges.of_charge("refund", form), form),
            ("GET", "/v1/disputes/(.+)"): self._get("dispute"),
            ("GET", "/v1/disputes"): lambda _, form: self._page(charges.of_charge("dispute", form), form),
            ("GET", "/v1/balance_transactions/(.+)"): self._get("balance_transaction"),
            ("POST", "/v1/products"): lambda _, form: self.store.add(
                {"id": form["id"], "object": "product", "name": form.get("name"), "created": self.clock.now()}
            ),
            ("POST", "/v1/prices"): lambda _, form: plans.create_price(form),
            ("GET", "/v1/prices/(.+)"): self._get("price"),
            ("POST", "/v1/subscriptions"): lambda _, form: plans.create(form),
            ("GET", "/v1/subscriptions/(.+)"): self._get("subscription"),
            ("POST", "/v1/subscriptions/(.+)"): self._with("subscription", plans.update),
            ("DELETE", "/v1/subscriptions/(.+)"): self._with(
                "subscription", lambda item, _: plans.cancel(item)
            ),
            ("GET", "/v1/events"): self._list_events,
            ("GET", "/v1/events/(.+)"): self._get("event"),
        }

    def _control_routes(self) -> dict[tuple[str, str], Answer]:
        charges = self.charges
        refund, charge, dispute = "refund", "charge", "dispute"
        return {
            ("GET", "/_sandbox/clock"): lambda *_: self._clock(),
            ("POST", "/_sandbox/clock/advance"): self._advance,
            ("POST", "/_sandbox/faults"): self._add_fault,
            ("DELETE", "/_sandbox/faults"): self._clear_faults,
            ("POST", "/_sandbox/webhooks"): self._set_webhooks,
            ("POST", "/_sandbox/refunds/(.+)/succeed"): self._with(
                refund, lambda item, _: charges.succeed_refund(item)
            ),
            ("POST", "/_sandbox/refunds/(.+)/fail"): self._with(
                refund, lambda item, form: charges.fail_refund(item, str(form.get("reason", "declined")))
            ),
            ("POST", "/_sandbox/charges/(.+)/dispute"): self._with(
                charge, lambda item, _: charges.open_dispute(item)
            ),
            ("POST", "/_sandbox/charges/(.+)/book_fee"): self._with(
                charge, lambda item, _: charges.book_fee(item)
            ),
            ("POST", "/_sandbox/disputes/(.+)/close"): self._with(
                dispute, lambda item, form: charges.close_dispute(item, str(form.get("status", "lost")))
            ),
            ("GET", "/_sandbox/dump"): lambda *_: {
                kind: [public(item) for item in self.store.all(kind)] for kind in (charge, refund, dispute)
            },
        }

    def _get(self, kind: str) -> Answer:
        return self._with(kind, self.charges.expand)

    def _with(self, kind: str, answer: Callable[[Object, Object], Object]) -> Answer:
        def find(match: re.Match[str], form: Object) -> Object:
            item = self.store.find(match[1])
            if item is None or item["object"] != kind:
                raise missing(kind, match[1])
            return answer(item, form)

        return find

    def _list(self, kind: str) -> Answer:
        return lambda _, form: self._page(self.store.all(kind), form)

    def _list_events(self, _: re.Match[str], form: Object) -> Object:
        since = whole(nested(form, "created"), "gte") or 0
        kinds = words(form, "types")
        found = self.store.all(
            "event",
            lambda item: int(str(item["created"])) >= since and (not kinds or item["type"] in kinds),
        )
        return self._page(found, form)

    def _page(self, items: list[Object], form: Object) -> Object:
        limit = min(whole(form, "limit") or PAGE, PAGE_MAX)
        after = form.get("starting_after")
        start = next((i + 1 for i, item in enumerate(items) if item["id"] == after), 0)
        shown = [self.charges.expand(item, form) for item in items[start : start + limit]]
        has_more = start + limit < len(items)
        return {
            "object": "list",
            "data": [public(item) for item in shown],
            "has_more": has_more,
            "url": "/v1",
        }

    def _clock(self) -> Object:
        return {"now": self.clock.now(), "moved_seconds": self.clock.moved_seconds()}

    def _advance(self, _: re.Match[str], form: Object) -> Object:
        seconds = sum(
            (whole(form, name) or 0) * size
            for name, size in (("seconds", 1), ("hours", 3_600), ("days", 86_400))
        )
        if seconds <= 0:
            raise ApiError(400, "parameter_missing", "Send seconds, hours or days above zero.")
        self.clock.advance(seconds)
        self.charges.settle()
        return self._clock()

    def _add_fault(self, _: re.Match[str], form: Object) -> Object:
        try:
            self.faults.add(form)
        except (KeyError, ValueError, re.error) as error:
            raise ApiError(400, "parameter_invalid", f"No such fault: {error}.", param="fault") from error
        return {"planned": form}

    def _clear_faults(self, *_: object) -> Object:
        self.faults.clear()
        return {"planned": None}

    def _set_webhooks(self, _: re.Match[str], form: Object) -> Object:
        self.events.url = str(form.get("url", self.events.url))
        self.events.copies = whole(form, "copies") or self.events.copies
        self.events.is_muted = form.get("muted", str(self.events.is_muted).lower()) == "true"
        return {"url": self.events.url, "copies": self.events.copies, "muted": self.events.is_muted}
