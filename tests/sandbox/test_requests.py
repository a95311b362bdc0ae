"""What a call may send, how often it is carried out, and how its answer goes wrong."""

import threading
import time
from pathlib import Path
from typing import get_args

import pytest
import stripe

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
from amends.sandbox.parameters import Parameters
from amends.sandbox.server import Sandbox
from amends.sandbox.store import Store
from gateways import client, control, error_of, pay, serving

CALLS = {
    "CustomerCreateParams": customers.CREATE,
    "CustomerUpdateParams": customers.CHANGE,
    "ProductCreateParams": catalogue.PRODUCT,
    "ProductUpdateParams": catalogue.PRODUCT_CHANGE,
    "PriceCreateParams": catalogue.PRICE,
    "PriceUpdateParams": catalogue.PRICE_CHANGE,
    "PaymentIntentCreateParams": charges.INTENT,
    "PaymentIntentUpdateParams": charges.INTENT_CHANGE,
    "PaymentIntentConfirmParams": charges.CONFIRM,
    "PaymentIntentCaptureParams": charges.CAPTURE,
    "PaymentIntentCancelParams": charges.CANCEL,
    "ChargeUpdateParams": charges.CHARGE_CHANGE,
    "RefundCreateParams": refunds.REFUND,
    "RefundUpdateParams": refunds.CHANGE,
    "DisputeUpdateParams": disputes.CHANGE,
    "SubscriptionCreateParams": subscriptions.CREATE,
    "SubscriptionUpdateParams": subscriptions.CHANGE,
    "SubscriptionCancelParams": subscriptions.CANCEL,
    "InvoiceCreateParams": invoices.INVOICE,
    "InvoiceUpdateParams": invoices.CHANGE,
    "InvoicePayParams": invoices.PAY,
    "InvoiceFinalizeInvoiceParams": invoices.FINALIZE,
    "InvoiceItemCreateParams": invoices.ITEM,
    "WebhookEndpointCreateParams": webhooks.ENDPOINT,
    "WebhookEndpointUpdateParams": webhooks.CHANGE,
    "PaymentMethodAttachParams": customers.ATTACH,
}


@pytest.mark.parametrize("name, parameters", CALLS.items(), ids=CALLS.keys())
def test_every_parameter_that_is_taken_is_one_of_stripe_s(name: str, parameters: Parameters) -> None:
    known = getattr(stripe.params, name).__annotations__

    assert set(parameters.needed) | set(parameters.free) <= set(known)


def test_test_clocks_take_what_stripe_s_take() -> None:
    known = stripe.params.test_helpers.TestClockCreateParams.__annotations__

    assert set(passage.TEST_CLOCK.needed) | set(passage.TEST_CLOCK.free) <= set(known)
    assert get_args(known["frozen_time"]) in ((), (int,))


@pytest.mark.parametrize(
    "path, form, code, param",
    [
        ("refunds", {"chrge": "ch_1"}, "parameter_unknown", "chrge"),
        ("refunds", {}, "parameter_missing", None),
        ("refunds", {"charge": "ch_1"}, "resource_missing", "charge"),
        ("refunds", {"charge": "ch_1", "amount": "many"}, "parameter_invalid_integer", "amount"),
        ("refunds", {"charge": "ch_1", "amount": "0"}, "parameter_invalid_integer", "amount"),
        ("refunds", {"charge": "ch_1", "reason": "whim"}, "parameter_invalid_enum", "reason"),
        ("refunds", {"charge": ""}, "parameter_invalid_empty", "charge"),
        ("payment_intents", {"amount": "500"}, "parameter_missing", "currency"),
        ("payment_intents", {"amount": "500", "currency": "zzz"}, "parameter_invalid_currency", "currency"),
        ("payment_intents", {"amount": "5.00", "currency": "usd"}, "parameter_invalid_integer", "amount"),
        (
            "payment_intents",
            {"amount": "5", "currency": "usd", "confirm": "yes"},
            "parameter_invalid_boolean",
            "confirm",
        ),
        (
            "payment_intents",
            {"amount": "5", "currency": "usd", "payment_method": "pm_x"},
            "resource_missing",
            "payment_method",
        ),
        ("customers", {"metadata": "x"}, "parameter_invalid_object", "metadata"),
        ("customers", {"address": {"planet": "Mars"}}, "parameter_unknown", "address[planet]"),
        ("customers", {"preferred_locales": "en"}, "parameter_invalid_array", "preferred_locales"),
        ("prices", {"currency": "usd", "unit_amount": "1"}, "parameter_missing", "product"),
        (
            "subscriptions",
            {"customer": "cus_x", "items": [{"price": "price_x"}]},
            "resource_missing",
            "customer",
        ),
    ],
)
def test_a_wrong_parameter_is_refused_and_nothing_is_made(
    sandbox: Sandbox,
    sdk: stripe.StripeClient,
    path: str,
    form: dict[str, object],
    code: str,
    param: str | None,
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.raw_request("post", f"/v1/{path}", **form)

    error = error_of(refused)
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert error["status"] == (404 if code == "resource_missing" else 400)
    assert sandbox.store.is_empty()


def test_an_unknown_path_a_missing_key_and_a_name_that_is_two_things_are_refused(
    sdk: stripe.StripeClient,
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as path:
        sdk.raw_request("get", "/v1/refunnds")
    with pytest.raises(stripe.InvalidRequestError) as form:
        sdk.raw_request("post", "/v1/customers?metadata=x&metadata[a]=b")

    assert error_of(path)["code"] == "url_invalid"
    assert error_of(form)["code"] == "parameter_invalid_object"


def test_lists_have_pages_both_ways_and_filters(sdk: stripe.StripeClient) -> None:
    made = [sdk.v1.customers.create({"email": f"{number % 2}@example.com"}).id for number in range(7)][::-1]

    forwards = [one.id for one in sdk.v1.customers.list({"limit": 3}).auto_paging_iter()]
    page = sdk.v1.customers.list({"limit": 3, "ending_before": made[6]})
    odd = sdk.v1.customers.list({"email": "1@example.com"})

    assert forwards == made
    assert ([one.id for one in page], page.has_more) == (made[3:6], True)
    assert [one.id for one in odd] == made[1::2]
    assert [len(sdk.v1.customers.list({"created": {"lt": bound}}).data) for bound in (1, 2**33)] == [0, 7]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.customers.list({"starting_after": "cus_x"})
    assert error_of(refused)["param"] == "starting_after"
    with pytest.raises(stripe.InvalidRequestError) as too_many:
        sdk.v1.customers.list({"limit": 101})
    assert error_of(too_many)["param"] == "limit"


def test_search_finds_by_field_metadata_and_size(sdk: stripe.StripeClient) -> None:
    pay(sdk, 500)
    sdk.v1.payment_intents.create({"amount": 1900, "currency": "usd", "metadata": {"order": "7"}})

    def found(query: str) -> list[int]:
        return [one.amount for one in sdk.v1.payment_intents.search({"query": query}).data]

    assert found("metadata['order']:'7'") == [1900]
    assert found("amount>400 AND amount<1900") == [500]
    assert found('status:"succeeded" OR metadata["order"]:"7"') == [1900, 500]
    assert found("-status:'succeeded'") == [1900]
    with pytest.raises(stripe.InvalidRequestError):
        found("amount is large")


def test_what_is_not_there_cannot_be_expanded(sdk: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        sdk.v1.charges.retrieve(pay(sdk), {"expand": ["color"]})


@pytest.mark.parametrize(
    "amount, replayed",
    [("1901", [False, True]), ("many", [False, False])],
    ids=["state", "parameter"],
)
def test_a_key_remembers_a_refusal_only_where_the_call_had_begun(
    sdk: stripe.StripeClient, amount: str, replayed: list[bool]
) -> None:
    charge = pay(sdk)
    found = []
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            sdk.raw_request("post", "/v1/refunds", charge=charge, amount=amount, idempotency_key="one")
        found.append("Idempotent-Replayed" in (refused.value.headers or {}))

    assert found == replayed
    assert sdk.v1.refunds.list({"charge": charge}).data == []


def test_a_key_has_one_effect_one_set_of_parameters_and_24_hours(
    sandbox: Sandbox, sdk: stripe.StripeClient
) -> None:
    charge = pay(sdk)

    def refund(amount: int) -> str:
        return sdk.v1.refunds.create({"charge": charge, "amount": amount}, {"idempotency_key": "one"}).id

    first = refund(100)
    assert refund(100) == first
    with pytest.raises(stripe.IdempotencyError):
        refund(200)
    control(sandbox, "clock/advance", "hours=25")

    assert refund(100) != first
    assert sdk.v1.charges.retrieve(charge).amount_refunded == 200


def test_a_key_that_is_under_way_is_refused(sandbox: Sandbox, sdk: stripe.StripeClient) -> None:
    charge = pay(sdk)
    control(sandbox, "faults", "fault=slow&path=/v1/refunds&seconds=1")
    thread = threading.Thread(
        target=lambda: sdk.v1.refunds.create({"charge": charge}, {"idempotency_key": "one"})
    )
    thread.start()
    time.sleep(0.3)

    with pytest.raises(stripe.APIError) as busy:
        sdk.v1.refunds.create({"charge": charge}, {"idempotency_key": "one"})
    thread.join()

    assert (error_of(busy)["status"], error_of(busy)["code"]) == (409, "idempotency_key_in_use")
    assert len(sdk.v1.refunds.list({"charge": charge}).data) == 1


def test_a_call_that_hangs_has_no_effect(sandbox: Sandbox, sdk: stripe.StripeClient) -> None:
    charge = pay(sdk)
    control(sandbox, "faults", "fault=hang&path=/v1/refunds&seconds=0.2")

    with pytest.raises(stripe.APIConnectionError):
        sdk.v1.refunds.create({"charge": charge})

    assert sdk.v1.refunds.list({"charge": charge}).data == []


def test_a_fault_may_come_to_a_share_of_the_calls(sandbox: Sandbox, sdk: stripe.StripeClient) -> None:
    control(sandbox, "faults", "fault=error_before&path=/v1/customers&count=1000&share=0.5")
    failed = 0
    for _ in range(40):
        try:
            sdk.v1.customers.create()
        except stripe.APIError:
            failed += 1

    assert failed == 40 - len(list(sdk.v1.customers.list({"limit": 100})))
    assert 8 <= failed <= 32


def test_too_many_requests_in_a_second_are_refused(sandbox: Sandbox, sdk: stripe.StripeClient) -> None:
    control(sandbox, "account", "requests_per_second=3")
    for _ in range(3):
        sdk.v1.customers.list()

    with pytest.raises(stripe.RateLimitError):
        sdk.v1.customers.list()


def test_a_list_may_lag_behind_while_the_object_is_there(sandbox: Sandbox, sdk: stripe.StripeClient) -> None:
    control(sandbox, "account", "list_lag_seconds=60")
    charge = pay(sdk)
    refund = sdk.v1.refunds.create({"charge": charge})
    early = sdk.v1.refunds.list({"charge": charge}).data
    control(sandbox, "clock/advance", "seconds=60")

    assert (early, sdk.v1.refunds.retrieve(refund.id).status) == ([], "succeeded")
    assert [one.id for one in sdk.v1.refunds.list({"charge": charge})] == [refund.id]


def test_an_account_may_turn_out_to_be_the_live_one(sandbox: Sandbox, sdk: stripe.StripeClient) -> None:
    control(sandbox, "account", "livemode=true")

    assert sdk.v1.charges.retrieve(pay(sdk)).livemode is True


def test_a_restart_keeps_objects_keys_and_settings(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.sqlite"
    with serving(file) as first:
        control(first, "account", "fee_rate=0&fee_fixed=0")
        charge = pay(client(first))
        made = client(first).v1.refunds.create({"charge": charge}, {"idempotency_key": "one"})

    with serving(file) as second:
        again = client(second).v1.refunds.create({"charge": charge}, {"idempotency_key": "one"})
        assert again.id == made.id
        assert client(second).v1.balance_transactions.list().data[-1].fee == 0


def test_what_ends_with_an_error_leaves_nothing_and_the_next_call_works() -> None:
    store = Store(None)

    def break_off() -> None:
        with store.transaction():
            store.add({"id": "cus_1", "object": "customer"})
            raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        break_off()

    assert store.is_empty()
    with store.transaction():
        store.add({"id": "cus_1", "object": "customer"})
    assert not store.is_empty()


@pytest.mark.parametrize("fault, code", [("no_funds", "balance_insufficient"), ("reject", "charge_disputed")])
def test_a_refusal_of_what_was_begun_is_answered_again_under_its_key(
    sandbox: Sandbox, sdk: stripe.StripeClient, fault: str, code: str
) -> None:
    charge = pay(sdk)
    control(sandbox, "faults", f"fault={fault}&path=/v1/refunds&code=charge_disputed")

    for replayed in (False, True, True):
        with pytest.raises(stripe.InvalidRequestError) as raised:
            sdk.v1.refunds.create({"charge": charge}, {"idempotency_key": "once"})
        assert error_of(raised)["code"] == code
        headers = {name.lower(): text for name, text in (raised.value.headers or {}).items()}
        assert (headers.get("idempotent-replayed") == "true") == replayed

    assert sdk.v1.refunds.create({"charge": charge}, {"idempotency_key": "again"}).status == "succeeded"
