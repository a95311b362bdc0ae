"""Which path does what: the API in Stripe's shape."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from amends.sandbox import (
    catalogue,
    charges,
    customers,
    disputes,
    invoices,
    passage,
    refunds,
    subscriptions,
    webhooks,
)
from amends.sandbox.clock import Clock
from amends.sandbox.control import Control
from amends.sandbox.errors import ApiError, missing
from amends.sandbox.events import Events
from amends.sandbox.faults import Faults
from amends.sandbox.forms import listed, nested
from amends.sandbox.ledger import Ledger
from amends.sandbox.lists import Lists
from amends.sandbox.parameters import (
    NOTHING,
    PAGE,
    Parameters,
    Reader,
    currency,
    flag,
    several,
    span,
    text,
)
from amends.sandbox.routes import Answer, Route
from amends.sandbox.store import Object, Store
from amends.sandbox.world import World

Act: TypeAlias = Callable[[Object, Object], Object]
_SEARCH = Parameters({"query": text}, {"limit": PAGE["limit"], "page": text})
_OF_CHARGE = {"charge": text, "payment_intent": text}


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of object that is read, listed and perhaps searched."""

    name: str
    path: str
    filters: Mapping[str, Reader]
    is_searched: bool = False


_KINDS = (
    _Kind("customer", "customers", customers.LIST, is_searched=True),
    _Kind("product", "products", {"active": flag}, is_searched=True),
    _Kind("price", "prices", catalogue.PRICES_OF, is_searched=True),
    _Kind("payment_intent", "payment_intents", {"customer": text}, is_searched=True),
    _Kind("charge", "charges", {"customer": text, "payment_intent": text}, is_searched=True),
    _Kind("refund", "refunds", _OF_CHARGE),
    _Kind("dispute", "disputes", _OF_CHARGE),
    _Kind(
        "balance_transaction", "balance_transactions", {"currency": currency, "source": text, "type": text}
    ),
    _Kind(
        "invoice", "invoices", {"customer": text, "status": text, "collection_method": text}, is_searched=True
    ),
    _Kind("invoice_payment", "invoice_payments", invoices.PAYMENTS_OF),
    _Kind("invoiceitem", "invoiceitems", {"customer": text, "invoice": text}),
    _Kind("webhook_endpoint", "webhook_endpoints", {}),
    _Kind("test_helpers.test_clock", "test_helpers/test_clocks", {}),
)


class Api:
    """All routes over one store."""

    def __init__(self, store: Store, clock: Clock, events: Events) -> None:
        self.store = store
        self.clock = clock
        self.events = events
        self.faults = Faults()
        self.world = World(store, clock, events)
        self.ledger = Ledger(self.world)
        self.lists = Lists(self.world, self.ledger)
        self.customers = customers.Customers(self.world)
        self.catalogue = catalogue.Catalogue(self.world)
        self.refunds = refunds.Refunds(self.world, self.ledger)
        self.disputes = disputes.Disputes(self.world, self.ledger, self.refunds)
        self.charges = charges.Charges(self.world, self.customers, self.ledger, self.disputes)
        self.invoices = invoices.Invoices(self.world, self.customers, self.charges)
        self.subscriptions = subscriptions.Subscriptions(self.world, self.invoices)
        self.webhooks = webhooks.Webhooks(self.world)
        self.passage = passage.Passage(self.world, self.refunds, self.disputes, self.subscriptions)
        control = Control(self.world, self.faults, self.passage, self.charges)
        self._routes = [*control.routes(), *self._special(), *self._writing(), *self._reading()]

    def answer(self, method: str, path: str, form: Object) -> Object:
        """Carry out one call.

        Raises: ApiError.
        """
        for route in self._routes:
            if route.method == method and (match := route.pattern.fullmatch(path)):
                sent = route.parameters.read(form)
                wanted = sent.pop("expand", [])
                return self.lists.expand(self.lists.shown(route.answer(match, sent)), wanted)
        message = f"Unrecognized request URL ({method}: {path})."
        raise ApiError(404, "url_invalid", message)

    def _reading(self) -> Iterator[Route]:
        for kind in _KINDS:
            if kind.is_searched:
                yield Route("GET", f"/v1/{kind.path}/search", _SEARCH, self._search(kind))
            filters = Parameters(free={**PAGE, "created": span, **kind.filters})
            yield Route("GET", f"/v1/{kind.path}", filters, self._list(kind))
            yield Route("GET", f"/v1/{kind.path}/([^/]+)", NOTHING, self._get(kind.name))

    def _get(self, kind: str) -> Answer:
        return lambda match, _: self._find(kind, match[1])

    def _list(self, kind: _Kind) -> Answer:
        return lambda _, sent: self.lists.page(self.store.all(kind.name), sent, f"/v1/{kind.path}")

    def _search(self, kind: _Kind) -> Answer:
        return lambda _, sent: self.lists.search(self.store.all(kind.name), sent, f"/v1/{kind.path}/search")

    def _find(self, kind: str, id_: str) -> Object:
        item = self.store.find(id_)
        if item is None or item["object"] != kind:
            raise missing(kind, id_)
        return item

    def _on(self, kind: str, act: Act) -> Answer:
        return lambda match, sent: act(self._find(kind, match[1]), sent)

    def _delete(self, path: str, kind: str, act: Act) -> Route:
        return Route("DELETE", f"/v1/{path}/([^/]+)", NOTHING, self._on(kind, act))

    def _special(self) -> Iterator[Route]:
        """Reading that is not like the rest."""
        methods = customers.METHODS_OF
        yield Route("GET", "/v1/balance", NOTHING, lambda *_: self.ledger.balance())
        yield Route(
            "GET", "/v1/payment_methods", Parameters(methods.needed, {**methods.free, **PAGE}), self._methods
        )
        yield Route("GET", "/v1/payment_methods/([^/]+)", NOTHING, self._get("payment_method"))
        filters = Parameters(free={**PAGE, **subscriptions.LIST, "created": span})
        yield Route("GET", "/v1/subscriptions", filters, self._list_subscriptions)
        yield Route(
            "GET",
            "/v1/subscriptions/search",
            _SEARCH,
            self._search(_Kind("subscription", "subscriptions", {})),
        )
        yield Route("GET", "/v1/subscriptions/([^/]+)", NOTHING, self._get("subscription"))
        items = Parameters({"subscription": text}, PAGE)
        yield Route("GET", "/v1/subscription_items", items, self._list_items)
        told = {"type": text, "types": several(text), "delivery_success": flag, "created": span}
        yield Route("GET", "/v1/events", Parameters(free={**PAGE, **told}), self._list_events)
        yield Route("GET", "/v1/events/([^/]+)", NOTHING, self._get("event"))
        yield Route(
            "GET", "/v2/core/events/([^/]+)", NOTHING, self._on("event", lambda one, _: self.events.thin(one))
        )

    def _methods(self, _: re.Match[str], sent: Object) -> Object:
        return self.lists.page(self.store.all("payment_method"), sent, "/v1/payment_methods")

    def _list_subscriptions(self, _: re.Match[str], sent: Object) -> Object:
        """Those that ended are listed only where that is asked for."""
        status = sent.pop("status", None)
        ended = ("canceled", "incomplete_expired")
        kept = self.store.all(
            "subscription",
            lambda one: (
                (
                    status == "all"
                    or (
                        one["status"] in ended
                        if status in ("ended", "canceled")
                        else one["status"] not in ended
                    )
                )
                and status in (None, "all", "ended", one["status"])
            ),
        )
        if price := sent.pop("price", None):
            kept = [one for one in kept if any(nested(item, "price")["id"] == price for item in _items(one))]
        return self.lists.page(kept, sent, "/v1/subscriptions")

    def _list_items(self, _: re.Match[str], sent: Object) -> Object:
        return self.lists.page(
            _items(self._find("subscription", str(sent["subscription"]))), sent, "/v1/subscription_items"
        )

    def _list_events(self, _: re.Match[str], sent: Object) -> Object:
        kinds, arrived = sent.pop("types", None), sent.pop("delivery_success", None)
        kept = self.store.all(
            "event",
            lambda one: (
                (not kinds or (isinstance(kinds, list) and one["type"] in kinds))
                and arrived in (None, not one["pending_webhooks"])
            ),
        )
        return self.lists.page(kept, sent, "/v1/events")

    def _writing(self) -> Iterator[Route]:
        yield from self._writing_of_people()
        yield from self._writing_of_money()
        yield from self._writing_of_bills()

    def _writing_of_people(self) -> Iterator[Route]:
        people, sold, hooks = self.customers, self.catalogue, self.webhooks
        yield _create("customers", customers.CREATE, people.create)
        yield _post("customers", "", customers.CHANGE, self._on("customer", people.update))
        yield self._delete("customers", "customer", self._forget)
        yield _create("payment_methods", customers.METHOD, people.create_method)
        attach: Answer = lambda match, sent: people.attach(match[1], sent)  # noqa: E731  # its id may be a name of trials
        yield _post("payment_methods", "/attach", customers.ATTACH, attach)
        yield _post(
            "payment_methods",
            "/detach",
            NOTHING,
            self._on("payment_method", lambda one, _: people.detach(one)),
        )
        yield _create("products", catalogue.PRODUCT, sold.create_product)
        yield _post("products", "", catalogue.PRODUCT_CHANGE, self._on("product", sold.update_product))
        yield self._delete("products", "product", sold.delete_product)
        yield _create("prices", catalogue.PRICE, sold.create_price)
        yield _post("prices", "", catalogue.PRICE_CHANGE, self._on("price", sold.update_price))
        yield _create("webhook_endpoints", webhooks.ENDPOINT, hooks.create)
        yield _post("webhook_endpoints", "", webhooks.CHANGE, self._on("webhook_endpoint", hooks.update))
        yield self._delete("webhook_endpoints", "webhook_endpoint", lambda one, _: hooks.delete(one))

    def _forget(self, customer: Object, _: Object) -> Object:
        self.subscriptions.end_all_of(customer)
        return self.customers.delete(customer)

    def _writing_of_money(self) -> Iterator[Route]:
        paid, back, taken = self.charges, self.refunds, self.disputes
        intent = "payment_intent"
        yield _create("payment_intents", charges.INTENT, paid.create_intent)
        yield _post("payment_intents", "", charges.INTENT_CHANGE, self._on(intent, paid.update_intent))
        yield _post("payment_intents", "/confirm", charges.CONFIRM, self._on(intent, paid.confirm))
        yield _post("payment_intents", "/capture", charges.CAPTURE, self._on(intent, paid.capture))
        yield _post("payment_intents", "/cancel", charges.CANCEL, self._on(intent, paid.cancel))
        yield _post("charges", "", charges.CHARGE_CHANGE, self._on("charge", paid.update))
        yield _create("refunds", refunds.REFUND, back.create)
        yield _post("refunds", "", refunds.CHANGE, self._on("refund", back.update))
        yield _post("refunds", "/cancel", NOTHING, self._on("refund", lambda one, _: back.cancel(one)))
        yield _post("disputes", "", disputes.CHANGE, self._on("dispute", taken.update))
        yield _post("disputes", "/close", NOTHING, self._on("dispute", lambda one, _: taken.accept(one)))

    def _writing_of_bills(self) -> Iterator[Route]:
        bills, plans, time = self.invoices, self.subscriptions, self.passage
        yield _create("invoiceitems", invoices.ITEM, bills.create_item)
        yield _create("invoices", invoices.INVOICE, bills.create)
        yield _post("invoices", "", invoices.CHANGE, self._on("invoice", bills.update))
        yield _post("invoices", "/finalize", invoices.FINALIZE, self._on("invoice", bills.finalize))
        yield _post("invoices", "/pay", invoices.PAY, self._on("invoice", plans.pay_invoice))
        yield _post("invoices", "/mark_uncollectible", NOTHING, self._on("invoice", bills.give_up))
        yield _post("invoices", "/send", NOTHING, self._on("invoice", bills.send))
        yield self._delete("invoices", "invoice", bills.delete)
        yield self._delete("invoiceitems", "invoiceitem", bills.delete_item)
        yield _post("invoices", "/void", NOTHING, self._on("invoice", bills.void))
        yield _create("subscriptions", subscriptions.CREATE, plans.create)
        yield _post("subscriptions", "", subscriptions.CHANGE, self._on("subscription", plans.update))
        yield Route(
            "DELETE",
            "/v1/subscriptions/([^/]+)",
            subscriptions.CANCEL,
            self._on("subscription", plans.cancel),
        )
        yield _create("test_helpers/test_clocks", passage.TEST_CLOCK, time.create_clock)
        yield _post(
            "test_helpers/test_clocks",
            "/advance",
            passage.CLOCK_ADVANCE,
            self._on("test_helpers.test_clock", time.advance_clock),
        )


def _create(path: str, parameters: Parameters, act: Callable[[Object], Object]) -> Route:
    return Route("POST", f"/v1/{path}", parameters, lambda _, sent: act(sent))


def _post(path: str, verb: str, parameters: Parameters, answer: Answer) -> Route:
    return Route("POST", f"/v1/{path}/([^/]+){verb}", parameters, answer)


def _items(subscription: Object) -> list[Object]:
    return listed(nested(subscription, "items"), "data")
