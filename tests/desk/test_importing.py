"""Past sales come from the gateway whole and once, whatever interrupts it; what nobody says is listed."""

import csv
import io
from datetime import timedelta

import pytest

from amends.desk.accounts.models import Customer
from amends.desk.books import check_books
from amends.desk.credits.models import Lot
from amends.desk.exporting import write_orders, write_requests
from amends.desk.importing.fetching import fetch_all
from amends.desk.importing.meaning import Meaning, MeaningError, read_map
from amends.desk.importing.models import Cursor, Fetched
from amends.desk.importing.telling import Telling
from amends.desk.journal.models import Entry
from amends.desk.orders.models import Line, Order, Plan, Subscription
from amends.desk.payments.gateway import GatewayEvent, OutcomeUnknown
from amends.desk.payments.inbox import apply_notice, receive
from amends.desk.payments.models import Dispute, Payment, Refund
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.desk.policies.actions import publish
from amends.desk.retention import erase_person
from amends.policy.decision import decide
from amends.policy.reader import read_policy
from amends.sandbox.scenarios import play
from amends.sandbox.server import Sandbox
from conftest import ROOT
from gateways import control
from past import MONTHLY, bring_in, sell
from trade import sdk

DOCUMENT = ROOT / "docs" / "import.md"
POLICY = (ROOT / "policies" / "flux-kontext.md").read_text()


def everything() -> dict[str, int]:
    models = (Customer, Plan, Subscription, Order, Line, Payment, Refund, Dispute, Lot, Entry)
    return {model.__name__: model.objects.count() for model in models}


@pytest.fixture
def year(sandbox: Sandbox) -> str:
    """The shipped scenario, with about 300 objects; an unpaid order without a price is among them."""
    play(sandbox.account, (ROOT / "examples" / "sandbox" / "a-year.json").read_text())
    sandbox.api.faults.clear()
    return "a year"


@pytest.mark.usefixtures("year")
def test_a_year_of_sales_becomes_orders_whose_books_are_right(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    told = bring_in(gateway)

    charges = [one for one in sdk(sandbox).v1.charges.list({"limit": 100}).auto_paging_iter() if one.captured]
    assert (len(charges), told.recorded["order"], Payment.objects.count()) == (49, 48, 48)
    assert [words.split(": ", 1)[1][:21] for words in told.problems()] == ["it paid no invoice, a"]
    assert sorted(Refund.objects.values_list("amount", "origin", "state")) == [(900, "gateway", "succeeded")]
    assert list(Dispute.objects.values_list("status", "amount")) == [("lost", 1900)]
    assert list(check_books()) == []
    line = Line.objects.select_related("order").order_by("purchased_at").first()
    assert line
    assert (line.amount, line.meter, line.order.payments[0].fee, str(line.plan_id)) == (
        1900,
        "generation",
        85,
        "monthly",
    )
    assert line.subscription
    assert line.period_end
    assert line.subscription.next_charge_at
    assert line.subscription.next_charge_at > line.period_end > line.purchased_at


@pytest.mark.usefixtures("year")
def test_a_second_run_and_an_interrupted_one_double_nothing(sandbox: Sandbox, gateway: StripeGateway) -> None:
    sandbox.api.faults.add({"fault": "error_before", "method": "GET", "path": "/v1/charges"})
    with pytest.raises(OutcomeUnknown):
        bring_in(gateway)
    assert Cursor.objects.exclude(after="").count() > Cursor.objects.exclude(after="end").count() > 0
    asked = len(sandbox.account.log)

    bring_in(gateway)
    first = everything()
    paths = [one["path"] for one in list(sandbox.account.log)[asked:]]
    again = bring_in(gateway)

    assert (len(again.untold), again.recorded) == (1, {})
    assert "/v1/invoices" not in paths
    assert everything() == first
    assert list(check_books()) == []


def test_the_raw_object_is_kept_and_leaves_with_the_person(sandbox: Sandbox, gateway: StripeGateway) -> None:
    ref, charge = sell(sandbox, **MONTHLY)
    bring_in(gateway)
    kept = Fetched.objects.get(ref=charge)
    assert (kept.content["amount"], len(kept.sha256), kept.api_version) == (1900, 64, "2026-10-28.endive")

    erase_person(Customer.objects.get(external_id=ref), "desk")
    bring_in(gateway)

    assert "ada@example.com" not in str(list(Fetched.objects.values_list("content", flat=True)))
    assert Customer.objects.get(external_id=ref).name == ""
    assert Fetched.objects.get(ref=charge).sha256 == kept.sha256
    assert list(check_books()) == []


def test_a_price_of_which_nobody_says_what_it_sells_is_listed_until_a_file_says_it(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    _, charge = sell(sandbox)
    (price,) = sdk(sandbox).v1.prices.list().data

    told = bring_in(gateway)
    (waiting,) = told.untold.values()
    assert [ref.split()[0] for ref in waiting] == ["subscription", "charge"]
    assert waiting[1] == f"charge {charge}"
    assert f'a table ["{price.id}"]' in told.problems()[0]
    assert (Order.objects.count(), Payment.objects.count(), Entry.objects.count()) == (0, 0, 0)

    told = bring_in(gateway, f'["{price.id}"]\ncredits = 500\nmeter = "generation"')
    assert (told.recorded["order"], Lot.objects.get().quantity) == (1, 500)


def test_a_charge_without_an_invoice_says_its_credits_itself(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    customer = sdk(sandbox).v1.customers.create({"metadata": {"amends_customer": "user-7"}})
    sdk(sandbox).v1.payment_intents.create(
        {
            "amount": 2500,
            "currency": "usd",
            "confirm": True,
            "customer": customer.id,
            "metadata": {"amends_credits": "1000", "amends_meter": "generation"},
            "payment_method": "pm_card_visa",
        }
    )

    told = bring_in(gateway)

    assert (told.untold, Lot.objects.get().quantity, Line.objects.get().product) == ({}, 1000, "credits")
    assert Customer.objects.get().external_id == "user-7"


def test_a_refund_in_the_dashboard_after_the_import_comes_with_its_event(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    _, charge = sell(sandbox, **MONTHLY)
    bring_in(gateway)
    made = sdk(sandbox).v1.refunds.create({"charge": charge, "amount": 400})

    receive(GatewayEvent("evt_1", "refund.created", made.id))
    apply_notice(gateway, "evt_1")
    bring_in(gateway)

    assert list(Refund.objects.values_list("amount", "gateway_ref")) == [(400, made.id)]
    assert Entry.objects.filter(kind="refund_settled").count() == 1
    assert list(check_books()) == []


def test_what_changes_while_pages_are_fetched_is_there_as_it_is_now(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    _, charge = sell(sandbox, **MONTHLY)
    later: list[str] = []

    def meanwhile(kind: str, _: int) -> None:
        if kind == "dispute" and not later:
            sdk(sandbox).v1.refunds.create({"charge": charge, "amount": 700})
            later.append(sell(sandbox, **MONTHLY)[1])

    fetch_all(gateway, meanwhile)
    told = Telling(gateway, {}, lambda *_: None).tell_all()

    assert told.untold == {}
    assert sorted(Payment.objects.values_list("gateway_ref", flat=True)) == sorted([charge, *later])
    assert Refund.objects.get().amount == 700
    assert Fetched.objects.get(ref=charge).content["amount_refunded"] == 700


def test_another_settlement_currency_keeps_the_fee_in_both(sandbox: Sandbox, gateway: StripeGateway) -> None:
    control(sandbox, "account", "settlement_currency=eur&exchange_rate=0.9&fee_fixed=25")
    sell(sandbox, **MONTHLY)

    bring_in(gateway)

    payment = Payment.objects.get()
    assert (payment.currency, payment.fee, payment.fee_settled, payment.settlement_currency) == (
        "USD",
        83,
        75,
        "EUR",
    )
    assert str(payment.exchange_rate) == "0.9000000000"
    assert list(check_books()) == []


def test_credit_for_unused_time_is_listed_and_not_guessed(sandbox: Sandbox, gateway: StripeGateway) -> None:
    sell(sandbox, **MONTHLY)
    shop = sdk(sandbox).v1
    (subscription,) = shop.subscriptions.list().data
    (item,) = subscription.to_dict()["items"]["data"]
    dearer = shop.prices.create(
        {
            "currency": "usd",
            "metadata": MONTHLY | {"amends_plan": "large"},
            "product_data": {"name": "Large"},
            "recurring": {"interval": "month"},
            "unit_amount": 9900,
        }
    )
    changed = {"items": [{"id": item["id"], "price": dearer.id}], "proration_behavior": "always_invoice"}
    shop.subscriptions.update(subscription.id, changed)  # type: ignore[arg-type]  # parameters of a change

    told = bring_in(gateway)

    assert [words.split(": ", 1)[1][:35] for words in told.problems()] == [
        "its invoice gives credit for unused"
    ]
    assert (Order.objects.count(), Subscription.objects.get().plan_id) == (1, "large")


def test_the_file_in_the_documents_reads() -> None:
    (block,) = [text for text in DOCUMENT.read_text().split("```text\n") if text.startswith('["price_')]

    assert read_map(block.split("```")[0]) == {
        "price_1Nq4kLk2": Meaning("generation", plan="annual", monthly="monthly"),
        "prod_Od9sm2": Meaning("generation", credits=1000),
    }


@pytest.mark.parametrize(
    "text, message",
    [
        ("plan =", "it is no TOML"),
        ("price_1 = 5", 'price_1: write a table, ["price_1"]'),
        ('[price_1]\nplna = "m"', "price_1: plna is not known"),
        ('[price_1]\nmeter = "g"', "price_1: say either plan, or credits above zero."),
        ('[price_1]\nplan = "m"\ncredits = 5\nmeter = "g"', "price_1: say either plan"),
        ('[price_1]\ncredits = "5"\nmeter = "g"', "price_1: credits is '5'"),
        ('[price_1]\nplan = "m"', "price_1: say meter"),
    ],
)
def test_a_file_that_makes_no_sense_says_where(text: str, message: str) -> None:
    with pytest.raises(MeaningError) as raised:
        read_map(text)

    assert str(raised.value).startswith(message)


@pytest.mark.usefixtures("year")
def test_past_requests_and_orders_come_out_as_inputs_that_the_policy_decides(gateway: StripeGateway) -> None:
    policy = read_policy(ROOT / "policies" / "flux-kontext.md")
    publish(POLICY, None)
    bring_in(gateway)
    written, orders = io.StringIO(), io.StringIO()

    assert (write_requests(written), write_orders(orders, timedelta(days=3))) == (1, 48)
    (asked,) = csv.DictReader(written.getvalue().splitlines())
    rows = list(csv.DictReader(orders.getvalue().splitlines()))

    assert list(asked) == ["id", "currency", *policy.inputs]
    assert (asked["refunded"], asked["paid"], asked["dispute"], asked["accidental"]) == (
        "0",
        "1900",
        "none",
        "",
    )
    assert {row["fee"] for row in rows} == {"85"}
    decisions = [decide(policy, case_of(row)) for row in rows]
    assert {decision.outcome.value for decision in decisions} == {"needs_information"}
    granted = decide(policy, case_of(rows[0]) | {"reason_given": True})
    assert (granted.outcome.value, granted.grant) == ("granted", "refund")


def case_of(row: dict[str, str]) -> dict[str, object]:
    """A row as a case: numbers and yes or no are no words."""
    words = {"true": True, "false": False}
    known = {name: value for name, value in row.items() if value and name != "id"}
    return {
        name: words.get(value, int(value) if value.isdecimal() else value) for name, value in known.items()
    }


def pay_in_parts(sandbox: Sandbox, *amounts: int) -> list[str]:
    """An open invoice of 19.00 that payments of these amounts are attached to; the charges."""
    shop = sdk(sandbox).v1
    ref, _ = sell(sandbox, **MONTHLY)
    price = shop.prices.list().data[0]
    shop.subscriptions.create(
        {
            "customer": ref,
            "items": [{"price": price.id}],
            "collection_method": "send_invoice",
            "days_until_due": 30,
        }
    )
    invoice = next(one for one in shop.invoices.list().data if one.status != "paid")
    return [pay_part(sandbox, ref, str(invoice.id), amount) for amount in amounts]


def pay_part(sandbox: Sandbox, customer: str, invoice: str, amount: int) -> str:
    intent = sdk(sandbox).v1.payment_intents.create(
        {
            "amount": amount,
            "confirm": True,
            "currency": "usd",
            "customer": customer,
            "payment_method": "pm_card_visa",
        }
    )
    payment = {"type": "payment_intent", "payment_intent": intent.id}
    content: dict[str, object] = {"invoice": invoice, "payment": payment, "status": "paid"}
    sandbox.api.world.make("inpay", "invoice_payment", content)
    return str(intent.latest_charge)


def test_an_invoice_that_several_charges_paid_is_one_order_with_its_payments(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    charges = pay_in_parts(sandbox, 1000, 900)
    sdk(sandbox).v1.refunds.create({"charge": charges[1], "amount": 300})

    told = bring_in(gateway)
    first = everything()
    again = bring_in(gateway)

    assert (told.untold, told.recorded["order"], again.recorded) == ({}, 2, {})
    order = Order.objects.get(paid_by__payment__gateway_ref=charges[0])
    assert {payment.gateway_ref for payment in order.payments} == set(charges)
    assert Refund.objects.get().payment.gateway_ref == charges[1]
    assert everything() == first
    assert list(check_books()) == []


def test_an_invoice_of_which_a_part_is_missing_waits_for_the_rest(
    sandbox: Sandbox, gateway: StripeGateway
) -> None:
    pay_in_parts(sandbox, 1000)

    told = bring_in(gateway)

    assert (told.recorded["order"], len(told.untold), Payment.objects.count()) == (1, 1, 1)
