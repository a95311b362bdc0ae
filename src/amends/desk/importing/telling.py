"""From what was fetched to plans, customers, subscriptions, orders and payments; what cannot be told is listed."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TypeAlias

from amends.desk.accounts.actions import Person, record_customer
from amends.desk.accounts.models import Customer
from amends.desk.importing.fetching import Report, ref_of
from amends.desk.importing.meaning import Meaning, MeaningError, meaning_of, read_metadata
from amends.desk.importing.models import Fetched
from amends.desk.orders.actions import SoldLine, record_order
from amends.desk.orders.catalogue import (
    DifferentError,
    PlanSetting,
    PriceSetting,
    record_plan,
    record_subscription,
)
from amends.desk.orders.models import Interval, Order, Plan, Product, Subscription, SubscriptionStatus
from amends.desk.payments.gateway import ChargeSnapshot
from amends.desk.payments.inbox import sync_payment
from amends.desk.payments.models import Payment
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.desk.payments.stripe_objects import read_charge

ACTOR = "import"
Item: TypeAlias = Mapping[str, object]
SHOWN = 3
"""How many of the objects with one problem are named."""
_ENDED = ("canceled", "incomplete_expired")


class UntoldError(Exception):
    """An object cannot be told to the desk; the message says why and what to do."""


@dataclass(slots=True)
class Told:
    """What came of an import."""

    looked_at: Counter[str] = field(default_factory=Counter)
    recorded: Counter[str] = field(default_factory=Counter)
    untold: dict[str, list[str]] = field(default_factory=dict)
    """Why something could not be told and what to do, with the objects that wait for it."""

    def problems(self) -> list[str]:
        """One line for each thing to do."""
        return [f"{_some(refs)}: {why}" for why, refs in self.untold.items()]


class Telling:
    """Tells the desk what was fetched.

    Idempotent: everything is recorded under the gateway's id.
    """

    def __init__(self, gateway: StripeGateway, mapped: Mapping[str, Meaning], report: Report) -> None:
        self.gateway = gateway
        self.mapped = mapped
        self.report = report
        self.told = Told()
        self.meanings: dict[str, Meaning] = {}
        self._customers: dict[str, Customer] = {}
        self._plans: dict[str, Plan] = {}

    def tell_all(self) -> Told:
        """Prices first, then who subscribed to them, then what was charged.

        Raises: GatewayError: what was told before stays.
        """
        self._tell_prices()
        for one in self._fetched("subscription"):
            self._attempt(one, "subscription")
        for one in self._fetched("charge"):
            self._attempt(one, "charge")
        return self.told

    def _fetched(self, kind: str) -> Iterator[Fetched]:
        """Oldest first."""
        return Fetched.objects.filter(kind=kind).exclude(content={}).order_by("created_at", "ref").iterator()

    def _attempt(self, one: Fetched, kind: str) -> None:
        try:
            {"subscription": self._tell_subscription, "charge": self._tell_charge}[kind](one.content)
        except UntoldError as error:
            self._list(f"{kind} {one.ref}", str(error))
        self.told.looked_at[kind] += 1
        self.report(f"told: {kind}", self.told.looked_at[kind])

    def _list(self, ref: str, why: str) -> None:
        self.told.untold.setdefault(why, []).append(ref)

    def _tell_prices(self) -> None:
        prices = list(self._fetched("price"))
        for one in prices:
            try:
                if meaning := meaning_of(one.content, self.mapped):
                    self.meanings[one.ref] = meaning
            except MeaningError as error:
                self._list(f"price {one.ref}", str(error))
        # An annual plan names the monthly one beside it, which has to be there before.
        annual_last = sorted(
            prices, key=lambda one: bool(one.ref in self.meanings and self.meanings[one.ref].monthly)
        )
        for one in annual_last:
            if one.ref in self.meanings and self.meanings[one.ref].plan:
                self._tell_plan(one.ref, one.content)

    def _tell_plan(self, ref: str, price: Item) -> None:
        meaning = self.meanings[ref]
        monthly = Plan.objects.filter(code=meaning.monthly).first() if meaning.monthly else None
        interval = self._interval(price)
        if interval is None or (meaning.monthly and monthly is None):
            why = (
                f"its monthly plan {meaning.monthly} is none"
                if interval
                else "it is charged neither monthly nor yearly"
            )
            self._forget(ref, f"{why}; correct what it sells, and run again.")
            return
        known = Plan.objects.filter(code=meaning.plan).first()
        product = price.get("product")
        name = known.name if known else str(product["name"] if isinstance(product, Mapping) else meaning.plan)
        setting = PriceSetting(
            str(price["currency"]).upper(), _whole(price["unit_amount"]), ref, _instant(price["created"])
        )
        try:
            plan, is_fresh = record_plan(PlanSetting(meaning.plan, name, interval, monthly), [setting], ACTOR)
        except DifferentError:
            self._forget(
                ref, f"plan {meaning.plan} is recorded otherwise; give this price a plan of its own."
            )
            return
        self._plans[plan.code] = plan
        if is_fresh:
            self.told.recorded["plan"] += 1

    def _interval(self, price: Item) -> Interval | None:
        recurring = price.get("recurring")
        if not isinstance(recurring, Mapping) or recurring.get("interval_count", 1) != 1:
            return None
        return {"month": Interval.MONTH, "year": Interval.YEAR}.get(str(recurring["interval"]))

    def _forget(self, ref: str, why: str) -> None:
        del self.meanings[ref]
        self._list(f"price {ref}", why)

    def _customer(self, ref: str) -> Customer:
        if not ref:
            raise UntoldError("it has no customer. Record it through the API, with whose it is.")
        if ref not in self._customers:
            self._customers[ref] = self._record_customer(ref)
        return self._customers[ref]

    def _record_customer(self, ref: str) -> Customer:
        fetched = Fetched.objects.filter(ref=ref, kind="customer").first()
        content: Item = fetched.content if fetched else {}
        metadata = content.get("metadata")
        own = metadata.get("amends_customer") if isinstance(metadata, Mapping) else None
        known = Customer.objects.filter(external_id=own or ref).first()
        if known is not None:
            return known
        person = Person(
            str(content.get("email") or ""),
            str(content.get("name") or ""),
            _locale(content),
            _country(content),
        )
        self.told.recorded["customer"] += 1
        return record_customer(str(own or ref), person, ACTOR)[0]

    def _tell_subscription(self, item: Item) -> None:
        items = item["items"]
        assert isinstance(items, Mapping)
        first = items["data"][0]
        meaning = self.meanings.get(ref_of(first["price"]))
        if meaning is None or not meaning.plan:
            if Subscription.objects.filter(gateway_ref=item["id"]).exists():
                # The product has told it, and knows what it sells.
                return
            raise UntoldError(_say_what(ref_of(first["price"])))
        plan = self._plans[meaning.plan]
        is_over = item["status"] in _ENDED
        next_charge = None if is_over else _instant(first["current_period_end"])
        try:
            subscription, _ = record_subscription(
                self._customer(ref_of(item["customer"])),
                plan,
                str(item["id"]),
                _instant(item["start_date"]),
                next_charge,
            )
        except DifferentError as error:
            raise UntoldError("it is recorded for somebody else; correct that through the API.") from error
        status = SubscriptionStatus.ENDED if is_over else SubscriptionStatus.ACTIVE
        if item["cancel_at_period_end"] and not is_over:
            status = SubscriptionStatus.ENDING
        ended_at = _instant(item["ended_at"]) if item.get("ended_at") else None
        Subscription.objects.filter(id=subscription.id).update(
            plan=plan, status=status, next_charge_at=next_charge, ended_at=ended_at
        )

    def _tell_charge(self, item: Item) -> None:
        """A charge that came in becomes an order; then what went back of it is taken over, as it is now."""
        if item["status"] != "succeeded" or not item["captured"]:
            return
        ref = str(item["id"])
        if not Payment.objects.filter(gateway_ref=ref).exists():
            self._record(ref, item)
        if _whole(item["amount_refunded"]) or item["disputed"]:
            sync_payment(self.gateway, ref)

    def _record(self, ref: str, item: Item) -> None:
        invoice = self._invoice_of(item)
        lines = list(self._lines(invoice) if invoice else self._line_of_charge(item))
        charges = self._charges_of(str(invoice["id"]), item) if invoice else [read_charge(item)]
        captured = sum(charge.captured for charge in charges)
        if sum(line.amount for line in lines) != captured:
            raise UntoldError(
                f"its lines sum to {sum(line.amount for line in lines)}, and {captured} was charged: a credit, "
                "or a part that was paid otherwise. Record it through the API."
            )
        number = str(invoice["number"]) if invoice else ref
        if Order.objects.filter(number=number).exists():
            raise UntoldError(f"order {number} is there with another payment. Correct that through the API.")
        record_order(
            self._customer(ref_of(item["customer"])),
            number,
            max(charge.captured_at for charge in charges),
            charges,
            lines,
        )
        self.told.recorded["order"] += 1

    def _charges_of(self, invoice: str, item: Item) -> list[ChargeSnapshot]:
        """All charges that paid an invoice, of which one is given."""
        others = self._shared.get(invoice, frozenset()) - {ref_of(item.get("payment_intent"))}
        charged = Fetched.objects.filter(kind="charge", content__payment_intent__in=sorted(others))
        paid = charged.filter(content__status="succeeded", content__captured=True) if others else []
        found = [read_charge(one.content) for one in paid]
        if len(found) != len(others):
            raise UntoldError(
                "its invoice was paid by several charges, and one of them is gone. Record it through the API."
            )
        return [read_charge(item), *found]

    @cached_property
    def _shared(self) -> dict[str, frozenset[str]]:
        """The payment intents of each invoice that was paid by several."""
        intents: dict[str, set[str]] = {}
        paid = Fetched.objects.filter(kind="invoice_payment", content__status="paid")
        for invoice, intent in paid.values_list("content__invoice", "parent_ref").iterator():
            intents.setdefault(ref_of(invoice), set()).add(intent)
        return {invoice: frozenset(refs) for invoice, refs in intents.items() if len(refs) > 1}

    def _invoice_of(self, charge: Item) -> Item | None:
        """The invoice that a charge paid, by the payment between them."""
        intent = ref_of(charge.get("payment_intent"))
        payments = Fetched.objects.filter(kind="invoice_payment", parent_ref=intent, content__status="paid")
        found = list(payments[:2])
        if not intent or not found:
            return None
        paid = ref_of(found[0].content["invoice"])
        invoice = Fetched.objects.filter(ref=paid).exclude(content={}).first()
        if invoice is None or len(found) > 1:
            raise UntoldError("it paid several invoices, or one that is gone. Record it through the API.")
        content: Item = invoice.content
        return content

    def _line_of_charge(self, item: Item) -> Iterator[SoldLine]:
        try:
            meaning = read_metadata(item)
        except MeaningError as error:
            raise UntoldError(str(error)) from error
        if meaning is None or meaning.plan:
            raise UntoldError(
                "it paid no invoice, and its metadata say of no credits. Add amends_credits and amends_meter to them, "
                "or record it through the API; then run again."
            )
        words = str(item.get("description") or f"{meaning.credits} credits")
        yield SoldLine(
            Product.CREDITS, words, _whole(item["amount_captured"]), meaning.meter, credits=meaning.credits
        )

    def _lines(self, invoice: Item) -> Iterator[SoldLine]:
        lines = invoice["lines"]
        assert isinstance(lines, Mapping)
        if lines["has_more"]:
            raise UntoldError("its invoice has more lines than a page holds. Record it through the API.")
        for line in lines["data"]:
            if _whole(line["amount"]):
                yield self._line(line)

    def _line(self, line: Item) -> SoldLine:
        amount, tax = _with_taxes(line)
        if amount < 0:
            raise UntoldError("its invoice gives credit for unused time. Record it through the API.")
        pricing = line.get("pricing")
        details = pricing.get("price_details") if isinstance(pricing, Mapping) else None
        price = ref_of(details.get("price")) if isinstance(details, Mapping) else ""
        meaning = self.meanings.get(price)
        if meaning is None:
            raise UntoldError(_say_what(price))
        words = str(line["description"])
        if not meaning.plan:
            total = meaning.credits * _whole(line.get("quantity") or 1)
            return SoldLine(Product.CREDITS, words, amount, meaning.meter, tax, credits=total)
        period = line["period"]
        assert isinstance(period, Mapping)
        return SoldLine(
            Product.SUBSCRIPTION,
            words,
            amount,
            meaning.meter,
            tax,
            self._plans[meaning.plan],
            Subscription.objects.filter(gateway_ref=_subscription_of(line)).first(),
            period_start=_instant(period["start"]),
            period_end=_instant(period["end"]),
        )


def _with_taxes(line: Item) -> tuple[int, int]:
    """What was paid for a line, tax included and discounts taken off, and the tax in it."""
    discounts, taxes = line.get("discount_amounts") or [], line.get("taxes") or []
    assert isinstance(discounts, list)
    assert isinstance(taxes, list)
    added = sum(one["amount"] for one in taxes if one["tax_behavior"] == "exclusive")
    amount = _whole(line["amount"]) - sum(one["amount"] for one in discounts) + added
    return amount, sum(one["amount"] for one in taxes)


def _subscription_of(line: Item) -> str:
    parent = line.get("parent")
    details = parent.get("subscription_item_details") if isinstance(parent, Mapping) else None
    return ref_of(details.get("subscription")) if isinstance(details, Mapping) else ""


def _say_what(price: str) -> str:
    if not price:
        return "a line of its invoice has no price, so nobody knows what it sells. Record it through the API."
    return (
        f"nobody says what price {price} sells. Add amends_plan or amends_credits, and amends_meter, to its metadata, "
        f'or a table ["{price}"] to the file of --map, and run again.'
    )


def _some(refs: Sequence[str]) -> str:
    more = f" and {len(refs) - SHOWN} more" if len(refs) > SHOWN else ""
    return ", ".join(refs[:SHOWN]) + more


def _instant(seconds: object) -> datetime:
    return datetime.fromtimestamp(_whole(seconds), UTC)


def _whole(value: object) -> int:
    if type(value) is not int:
        raise UntoldError(f"{value!r} is no whole number. Record it through the API.")
    return value


def _locale(customer: Item) -> str:
    locales = customer.get("preferred_locales")
    return str(locales[0]).replace("-", "_") if isinstance(locales, list) and locales else "en_US"


def _country(customer: Item) -> str:
    address = customer.get("address")
    return str(address.get("country") or "") if isinstance(address, Mapping) else ""
