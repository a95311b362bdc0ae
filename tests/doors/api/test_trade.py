"""What host products record: customers, plans, subscriptions, orders, usage, credits."""

import json
from datetime import timedelta
from typing import Any

import pytest

from amends.desk import clock
from amends.desk.accounts.actions import erase_customer, redeem_link
from amends.desk.accounts.models import PortalLink
from amends.desk.credits.models import Move
from amends.desk.journal.models import Entry
from amends.desk.orders.models import Order, Plan, Price, Subscription
from amends.desk.payments.models import Payment
from amends.desk.usage.models import UsageEvent
from amends.sandbox.server import Sandbox
from shop import Shop, day, go_to
from trade import make_charge, make_customer
from web import Answer, Client

BATCH = {"Content-Type": "application/cloudevents-batch+json"}
SINGLE = {"Content-Type": "application/cloudevents+json"}


def order_of(shop: Shop, charge: str | list[str] | None, **changes: object) -> dict[str, Any]:
    line = {
        "product": "subscription",
        "description": "Monthly plan",
        "meter": "generation",
        "plan": "monthly",
        "period_start": "2025-09-01T10:00:00Z",
        "period_end": "2025-10-01T10:00:00Z",
    }
    body: dict[str, Any] = {
        "id": "O-1",
        "customer": shop.customer.external_id,
        "charge": charge,
        "placed_at": "2025-09-01T10:00:00Z",
        "lines": [line],
    }
    return body | changes


def event_of(shop: Shop, id_: str = "e1", **use: object) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": id_,
        "source": "app",
        "type": "amends.usage",
        "subject": shop.customer.external_id,
        "time": "2025-09-01T11:00:00Z",
        "data": {"meter": "generation", "outcome": "succeeded", "paid_by": "quota"} | use,
    }


def report(program: Client, *events: object) -> Answer:
    return program.send("POST", "/api/v1/usage/events", json.dumps(events).encode(), BATCH)


def results(answer: Answer) -> list[tuple[int, str | None]]:
    found = answer.json["results"]
    assert isinstance(found, list)
    return [(one["status"], one["code"]) for one in found]


def test_a_customer_is_recorded_changed_and_found(program: Client) -> None:
    told = {"id": "u-1", "email": "ada@example.com", "name": "Ada", "locale": "de_DE", "country": "DE"}

    made = program.post("/api/v1/customers", told)
    changed = program.post("/api/v1/customers", told | {"email": "ada@other.example"})

    assert (made.status, changed.status) == (201, 200)
    found = program.get("/api/v1/customers/u-1").json
    assert {name: found[name] for name in told} == told | {"email": "ada@other.example"}


def test_an_erased_customer_does_not_come_back(program: Client) -> None:
    customer = make_customer(external_id="u-1")
    erase_customer(customer, "desk")

    answer = program.post("/api/v1/customers", {"id": "u-1", "email": "ada@example.com"})

    assert (answer.status, answer.json["code"]) == (409, "already_recorded")
    customer.refresh_from_db()
    assert customer.email.endswith("@invalid.example")


def test_pages_show_each_customer_once_while_others_arrive(program: Client) -> None:
    for number in range(5):
        make_customer(external_id=f"u-{number}")
    seen: list[str] = []
    path = "/api/v1/customers?limit=2"

    while True:
        page = program.get(path).json
        items = page["items"]
        assert isinstance(items, list)
        seen += [item["id"] for item in items]
        make_customer()
        if page["next_cursor"] is None:
            break
        path = f"/api/v1/customers?limit=2&cursor={page['next_cursor']}"

    assert sorted(seen) == ["u-0", "u-1", "u-2", "u-3", "u-4"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "cursor=x", "cursor=%00", "limit=x"])
def test_a_page_that_cannot_be_is_refused(program: Client, query: str) -> None:
    answer = program.get(f"/api/v1/customers?{query}")

    assert (answer.status, answer.json["code"]) == (422, "invalid")


def test_plans_with_prices_are_recorded_once(program: Client) -> None:
    price = {"currency": "USD", "amount": 900, "gateway_id": "price_1", "from_at": "2025-01-01T00:00:00Z"}
    month = {"id": "basic", "name": "Basic", "interval": "month", "prices": [price]}
    year = {"id": "basic-year", "name": "Basic", "interval": "year", "monthly": "basic"}

    answers = [program.post("/api/v1/plans", one) for one in (month, year, month)]
    raised = program.post("/api/v1/plans", month | {"prices": [price | {"amount": 1000}]})
    other = program.post("/api/v1/plans", month | {"interval": "year"})

    assert [one.status for one in answers] == [201, 201, 200]
    assert (raised.status, other.status) == (409, 409)
    assert (Plan.objects.count(), Price.objects.count()) == (2, 1)
    assert program.get("/api/v1/plans/basic-year").json["monthly"] == "basic"


def test_a_plan_beside_a_plan_that_is_not_there_is_refused(program: Client) -> None:
    answer = program.post("/api/v1/plans", {"id": "y", "name": "Y", "interval": "year", "monthly": "nowhere"})

    assert (answer.status, answer.json["code"]) == (422, "reference_unknown")
    assert Plan.objects.count() == 0


def test_a_subscription_belongs_to_one_customer(program: Client, shop: Shop) -> None:
    other = make_customer()
    told = {
        "id": "sub_1",
        "customer": shop.customer.external_id,
        "plan": "monthly",
        "started_at": "2025-09-01T10:00:00Z",
    }

    made = program.post("/api/v1/subscriptions", told)
    again = program.post("/api/v1/subscriptions", told)
    taken = program.post("/api/v1/subscriptions", told | {"customer": other.external_id})

    assert (made.status, again.status, taken.status) == (201, 200, 409)
    assert Subscription.objects.get().customer == shop.customer
    listed = program.get(f"/api/v1/subscriptions?customer={other.external_id}").json
    assert listed["items"] == []


def test_what_was_paid_and_kept_comes_from_the_gateway(program: Client, shop: Shop, sandbox: Sandbox) -> None:
    charge = make_charge(sandbox, 1900, fee="77", method="pm_paypal")

    answer = program.post("/api/v1/orders", order_of(shop, charge))

    assert answer.status == 201
    payments = answer.json["payments"]
    assert isinstance(payments, list)
    (payment,) = payments
    assert (payment["captured"], payment["fee"], payment["method"]) == (1900, 77, "PayPal")
    lines = answer.json["lines"]
    assert isinstance(lines, list)
    assert lines[0]["amount"] == 1900
    assert program.get("/api/v1/orders/O-1").body == answer.body


def test_an_order_sent_twice_is_one(program: Client, shop: Shop, sandbox: Sandbox) -> None:
    body = order_of(shop, make_charge(sandbox, 1900))

    first, second = (program.post("/api/v1/orders", body) for _ in range(2))

    assert (first.status, second.status) == (201, 200)
    assert (Order.objects.count(), Payment.objects.count()) == (1, 1)


def refusals(shop: Shop, sandbox: Sandbox) -> dict[str, tuple[dict[str, Any], tuple[int, str]]]:
    charge = make_charge(sandbox, 1900)
    (line,) = order_of(shop, charge)["lines"]
    return {
        "amounts that do not sum": (
            order_of(shop, charge, lines=[line | {"amount": 1800}]),
            (422, "lines_do_not_sum"),
        ),
        "a charge that is not there": (order_of(shop, "ch_nowhere"), (422, "charge_unknown")),
        "a customer that is not there": (order_of(shop, charge, customer="x"), (422, "reference_unknown")),
        "a plan that is not there": (
            order_of(shop, charge, lines=[line | {"plan": "x"}]),
            (422, "reference_unknown"),
        ),
        "a subscription that is not there": (
            order_of(shop, charge, lines=[line | {"subscription": "sub_x"}]),
            (422, "reference_unknown"),
        ),
        "an amount as text": (order_of(shop, charge, lines=[line | {"amount": "1900"}]), (422, "invalid")),
        "an amount with a point": (order_of(shop, charge, lines=[line | {"amount": 19.0}]), (422, "invalid")),
        "a fee": (order_of(shop, charge, fee=0), (422, "invalid")),
        "a time without a zone": (
            order_of(shop, charge, placed_at="2025-09-01T10:00:00"),
            (422, "invalid"),
        ),
        "a time as a number": (order_of(shop, charge, placed_at=0), (422, "invalid")),
        "no lines": (order_of(shop, charge, lines=[]), (422, "invalid")),
        "a period that ends first": (
            order_of(shop, charge, lines=[line | {"period_end": "2025-08-01T10:00:00Z"}]),
            (422, "invalid"),
        ),
    }


def test_orders_that_cannot_be_are_refused_and_leave_nothing(
    program: Client, shop: Shop, sandbox: Sandbox
) -> None:
    for name, (body, expected) in refusals(shop, sandbox).items():
        answer = program.post("/api/v1/orders", body)

        assert (answer.status, answer.json["code"]) == expected, name
    assert (Order.objects.count(), Payment.objects.count(), Entry.objects.count()) == (0, 0, 0)


def test_a_charge_pays_one_order(program: Client, shop: Shop, sandbox: Sandbox) -> None:
    charge = make_charge(sandbox, 1900)
    program.post("/api/v1/orders", order_of(shop, charge))

    second = program.post("/api/v1/orders", order_of(shop, charge, id="O-2"))
    same_number = program.post("/api/v1/orders", order_of(shop, make_charge(sandbox, 1900)))

    assert (second.status, second.json["code"]) == (409, "already_recorded")
    assert (same_number.status, same_number.json["code"]) == (409, "already_recorded")
    assert Order.objects.count() == 1


def test_while_the_gateway_does_not_answer_no_order_is_recorded(
    program: Client, shop: Shop, sandbox: Sandbox
) -> None:
    charge = make_charge(sandbox, 1900)
    sandbox.api.faults.add({"fault": "error_before", "method": "GET", "path": "/v1/charges/.*"})

    refused = program.post("/api/v1/orders", order_of(shop, charge), Idempotency_Key="k1")
    taken = program.post("/api/v1/orders", order_of(shop, charge), Idempotency_Key="k1")

    assert (refused.status, refused.json["code"]) == (503, "gateway_unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert taken.status == 201


def test_each_event_has_its_own_result(program: Client, shop: Shop) -> None:
    report(program, event_of(shop, "e1"))

    answer = report(
        program,
        event_of(shop, "e1"),
        event_of(shop, "e1", outcome="failed"),
        event_of(shop, "e2"),
        event_of(shop, "e2"),
        event_of(shop, "e3") | {"subject": "nobody"},
        event_of(shop, "e4") | {"time": "yesterday"},
        event_of(shop, "e5", quantity=0),
        event_of(shop, "e6") | {"specversion": "0.3"},
        {},
    )

    assert answer.status == 200
    assert results(answer) == [
        (200, None),
        (409, "event_conflict"),
        (201, None),
        (200, None),
        (422, "reference_unknown"),
        (422, "invalid"),
        (422, "invalid"),
        (422, "invalid"),
        (422, "invalid"),
    ]
    assert list(UsageEvent.objects.order_by("event_id").values_list("event_id", flat=True)) == ["e1", "e2"]


def test_a_single_event_answers_with_its_own_status(program: Client, shop: Shop) -> None:
    answers = [
        program.send("POST", "/api/v1/usage/events", event, SINGLE)
        for event in (event_of(shop), event_of(shop), event_of(shop, outcome="failed"))
    ]

    assert [one.status for one in answers] == [201, 200, 409]
    assert answers[2].json["code"] == "event_conflict"
    assert UsageEvent.objects.get().outcome == "succeeded"


def test_attributes_that_the_desk_does_not_know_are_allowed(program: Client, shop: Shop) -> None:
    answer = report(program, event_of(shop) | {"traceparent": "00-1", "datacontenttype": "application/json"})

    assert results(answer) == [(201, None)]


def test_another_form_of_usage_is_refused(program: Client, shop: Shop) -> None:
    answer = program.post("/api/v1/usage/events", event_of(shop))
    cut = program.send("POST", "/api/v1/usage/events", b"[{", BATCH)
    many = program.send("POST", "/api/v1/usage/events", json.dumps([{}] * 1001).encode(), BATCH)

    assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")
    assert (cut.status, cut.json["code"]) == (400, "malformed")
    assert (many.status, many.json["code"]) == (413, "too_large")
    assert UsageEvent.objects.count() == 0


def test_credits_are_taken_by_jobs_and_the_wallet_says_what_is_left(
    program: Client, shop: Shop, sandbox: Sandbox
) -> None:
    sold = {"product": "credits", "description": "2 credits", "meter": "generation", "credits": 2}
    program.post("/api/v1/orders", order_of(shop, make_charge(sandbox, 1900), lines=[sold]))

    answer = report(program, *(event_of(shop, f"e{number}", paid_by="credits") for number in range(3)))

    assert results(answer) == [(201, None), (201, None), (422, "too_few_credits")]
    wallet = program.get(f"/api/v1/customers/{shop.customer.external_id}/wallet").json
    assert (wallet["balances"], Move.objects.count()) == ({}, 2)
    report(program, event_of(shop, "e9", outcome="failed", paid_by="credits", corrects="e0"))
    wallet = program.get(f"/api/v1/customers/{shop.customer.external_id}/wallet").json
    assert wallet["balances"] == {"generation": 1}


def test_usage_is_counted_for_each_purchase_as_the_policy_counts(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(3))
    report(program, *(event_of(shop, f"e{number}") for number in range(3)))
    report(program, event_of(shop, "f", outcome="failed"))

    usage = program.get(f"/api/v1/customers/{shop.customer.external_id}/usage").json

    assert usage["purchases"] == [
        {
            "order": line.order.number,
            "line": 1,
            "meter": "generation",
            "since": "2025-09-01T10:00:00Z",
            "counted": 3,
            "is_capped": False,
        }
    ]


def test_a_link_to_the_portal_signs_in_once_and_for_ten_minutes(program: Client, shop: Shop) -> None:
    body = {"customer": shop.customer.external_id}
    links = [program.post("/api/v1/portal-sessions", body, Idempotency_Key="k1") for _ in range(2)]
    first, second = (str(one.json["url"]).rpartition("/")[2] for one in links)

    assert [one.status for one in links] == [201, 201]
    assert first != second
    assert not PortalLink.objects.filter(sha256__contains=first).exists()
    assert redeem_link(first) == shop.customer
    assert redeem_link(first) is None
    clock.advance(timedelta(minutes=10))
    assert redeem_link(second) is None


def test_a_link_for_nobody_is_refused(program: Client) -> None:
    answer = program.post("/api/v1/portal-sessions", {"customer": "nobody"})

    assert (answer.status, answer.json["code"]) == (422, "reference_unknown")
    assert PortalLink.objects.count() == 0


def test_a_single_event_that_is_refused_names_every_place(program: Client, shop: Shop) -> None:
    event = event_of(shop, quantity=0) | {"time": "yesterday"}

    answer = program.send("POST", "/api/v1/usage/events", event, SINGLE)

    assert (answer.status, answer.json["code"]) == (422, "invalid")
    assert [fault["where"] for fault in answer.json["errors"]] == ["time", "data.quantity"]
    assert not UsageEvent.objects.exists()


def test_an_order_takes_a_list_of_charges_and_is_the_same_in_any_order(
    program: Client, shop: Shop, sandbox: Sandbox
) -> None:
    charges = [make_charge(sandbox, amount) for amount in (1000, 900)]

    made = program.post("/api/v1/orders", order_of(shop, charges))
    again = program.post("/api/v1/orders", order_of(shop, charges[::-1]))
    other = program.post("/api/v1/orders", order_of(shop, charges[0]))

    assert (made.status, again.status, other.status) == (201, 200, 409)
    payments = made.json["payments"]
    assert isinstance(payments, list)
    assert {payment["charge"] for payment in payments} == set(charges)
    assert made.body == again.body == program.get("/api/v1/orders/O-1").body


def test_a_charge_of_another_order_records_nothing(program: Client, shop: Shop, sandbox: Sandbox) -> None:
    charges = [make_charge(sandbox, amount) for amount in (1900, 900)]
    program.post("/api/v1/orders", order_of(shop, charges[0]))

    answer = program.post("/api/v1/orders", order_of(shop, charges, id="O-2"))

    assert answer.status == 409
    assert (Order.objects.count(), Payment.objects.count()) == (1, 1)
