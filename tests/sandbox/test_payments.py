"""Payments, refunds, disputes and the balance, through the official SDK."""

import pytest
import stripe

from amends.sandbox.server import Sandbox
from gateways import control, error_of, pay


def test_a_payment_is_charged_booked_and_told(sdk: stripe.StripeClient) -> None:
    charge = sdk.v1.charges.retrieve(
        pay(sdk), {"expand": ["balance_transaction", "payment_intent"]}
    ).to_dict()

    booked = charge["balance_transaction"]
    assert (charge["amount_captured"], charge["paid"], charge["payment_intent"]["status"]) == (
        1900,
        True,
        "succeeded",
    )
    assert (booked["fee"], booked["net"], booked["status"]) == (85, 1815, "pending")
    told = [event.type for event in sdk.v1.events.list({"type": "charge.succeeded"})]
    assert told == ["charge.succeeded"]


def test_an_intent_is_confirmed_captured_and_canceled_step_by_step(sdk: stripe.StripeClient) -> None:
    held = sdk.v1.payment_intents.create(
        {"amount": 500, "currency": "eur", "capture_method": "manual", "payment_method": "pm_card_visa"}
    )
    assert held.status == "requires_confirmation"
    assert sdk.v1.payment_intents.confirm(held.id).status == "requires_capture"
    assert sdk.v1.payment_intents.capture(held.id, {"amount_to_capture": 300}).amount_received == 300

    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.payment_intents.cancel(held.id)

    assert error_of(refused)["code"] == "payment_intent_unexpected_state"
    assert sdk.v1.charges.list({"limit": 5}).data[0].amount_captured == 300


def test_a_declined_card_leaves_a_failed_charge_and_no_money(sdk: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as declined:
        pay(sdk, method="pm_card_chargeDeclinedInsufficientFunds")

    body = declined.value.json_body
    assert isinstance(body, dict)
    assert (declined.value.http_status, body["error"]["decline_code"]) == (402, "insufficient_funds")
    assert [charge.status for charge in sdk.v1.charges.list()] == ["failed"]
    assert sdk.v1.balance_transactions.list().data == []


@pytest.mark.parametrize(
    "settings, paid, returned",
    [
        ("fee_rate=0.029&fee_fixed=30", (85, 1900, "usd", None), (-1000, "usd")),
        ("fee_rate=0&fee_fixed=0", (0, 1900, "usd", None), (-1000, "usd")),
        ("settlement_currency=eur&exchange_rate=0.9&fee_fixed=25", (75, 1710, "eur", 0.9), (-900, "eur")),
    ],
    ids=["standard", "nothing", "other currency"],
)
def test_the_account_says_what_is_kept_and_in_which_currency(
    sandbox: Sandbox,
    sdk: stripe.StripeClient,
    settings: str,
    paid: tuple[object, ...],
    returned: tuple[int, str],
) -> None:
    control(sandbox, "account", settings)
    charge = pay(sdk)
    sdk.v1.refunds.create({"charge": charge, "amount": 1000})

    back, booked = sdk.v1.balance_transactions.list().data

    assert (booked.fee, booked.amount, booked.currency, booked.exchange_rate) == paid
    assert (back.amount, back.currency, back.type) == (*returned, "refund")


def test_refunds_end_with_what_is_left(sdk: stripe.StripeClient) -> None:
    charge = pay(sdk)
    sdk.v1.refunds.create({"charge": charge, "amount": 900})
    with pytest.raises(stripe.InvalidRequestError) as too_much:
        sdk.v1.refunds.create({"charge": charge, "amount": 1001})
    sdk.v1.refunds.create({"charge": charge})
    with pytest.raises(stripe.InvalidRequestError) as again:
        sdk.v1.refunds.create({"charge": charge, "amount": 1})

    assert (error_of(too_much)["code"], error_of(too_much)["param"]) == ("amount_too_large", "amount")
    assert error_of(again)["code"] == "charge_already_refunded"
    whole = sdk.v1.charges.retrieve(charge, {"expand": ["refunds"]})
    assert (whole.amount_refunded, whole.refunded) == (1900, True)
    assert whole.refunds
    assert sorted(one.amount for one in whole.refunds.data) == [900, 1000]


@pytest.mark.parametrize(
    "method, first, after_3_days, after_20_days",
    [
        ("pm_card_visa", "succeeded", "succeeded", "succeeded"),
        ("pm_sepa", "pending", "succeeded", "succeeded"),
        ("pm_card_refundFail", "succeeded", "succeeded", "failed"),
        ("pm_voucher", "requires_action", "requires_action", "requires_action"),
    ],
)
def test_time_settles_refunds_as_their_method_does(
    sandbox: Sandbox, sdk: stripe.StripeClient, method: str, first: str, after_3_days: str, after_20_days: str
) -> None:
    refund = sdk.v1.refunds.create({"charge": pay(sdk, method=method)})
    states = [refund.status]
    for days in (3, 17):
        control(sandbox, "clock/advance", f"days={days}")
        states.append(sdk.v1.refunds.retrieve(refund.id).status)

    assert states == [first, after_3_days, after_20_days]


def test_a_failed_refund_brings_the_money_back(sandbox: Sandbox, sdk: stripe.StripeClient) -> None:
    refund = sdk.v1.refunds.create({"charge": pay(sdk)})

    control(sandbox, f"refunds/{refund.id}/fail", "reason=declined")

    failed = sdk.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]}).to_dict()
    assert (failed["status"], failed["failure_balance_transaction"]["amount"]) == ("failed", 1900)
    assert sdk.v1.charges.retrieve(str(refund.charge)).amount_refunded == 0


def test_a_reference_comes_after_a_day_but_never_for_a_reversal(
    sandbox: Sandbox, sdk: stripe.StripeClient
) -> None:
    refunds = [
        sdk.v1.refunds.create({"charge": pay(sdk, method=one)})
        for one in ("pm_card_visa", "pm_card_reversal")
    ]

    control(sandbox, "clock/advance", "days=1")

    cards = [sdk.v1.refunds.retrieve(one.id).to_dict()["destination_details"]["card"] for one in refunds]
    assert [(card["type"], bool(card["reference"])) for card in cards] == [
        ("refund", True),
        ("reversal", False),
    ]


def test_a_low_balance_lets_cards_wait_for_a_top_up_and_fails_the_rest(
    sandbox: Sandbox, sdk: stripe.StripeClient
) -> None:
    control(sandbox, "account", "balance=enforced")
    card = sdk.v1.refunds.create({"charge": pay(sdk)})
    other = sdk.v1.refunds.create({"charge": pay(sdk, method="pm_paypal")})
    assert (card.status, card.to_dict()["pending_reason"]) == ("pending", "insufficient_funds")
    assert (other.status, other.failure_reason) == ("failed", "insufficient_funds")

    control(sandbox, "top_up", "amount=1899&currency=usd")
    assert sdk.v1.refunds.retrieve(card.id).status == "pending"
    control(sandbox, "top_up", "amount=1&currency=usd")

    assert sdk.v1.refunds.retrieve(card.id).status == "succeeded"
    held = sdk.v1.balance.retrieve()
    assert [(part.amount, part.currency) for part in held.available] == [(0, "usd")]


@pytest.mark.parametrize(
    "evidence, verdict, net",
    [("winning_evidence", "won", 1815 - 1500), ("losing_evidence", "lost", 1815 - 1900 - 1500)],
)
def test_a_dispute_takes_the_money_and_a_verdict_decides_who_has_it(
    sdk: stripe.StripeClient, evidence: str, verdict: str, net: int
) -> None:
    charge = pay(sdk, method="pm_card_createDispute")
    (dispute,) = sdk.v1.disputes.list({"charge": charge}).data
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.refunds.create({"charge": charge})
    assert error_of(refused)["code"] == "charge_disputed"

    sdk.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": evidence}})

    decided = sdk.v1.disputes.retrieve(dispute.id)
    assert (decided.status, decided.is_charge_refundable) == (verdict, verdict == "won")
    assert sum(one.net for one in sdk.v1.balance_transactions.list()) == net


def test_an_inquiry_moves_no_money_until_it_becomes_a_dispute(
    sandbox: Sandbox, sdk: stripe.StripeClient
) -> None:
    charge = pay(sdk, method="pm_card_createDisputeInquiry")
    (dispute,) = sdk.v1.disputes.list({"charge": charge}).data
    assert (dispute.status, dispute.balance_transactions) == ("warning_needs_response", [])

    control(sandbox, f"disputes/{dispute.id}/close", "status=needs_response")

    assert [one.amount for one in sdk.v1.disputes.retrieve(dispute.id).balance_transactions] == [-1900]


def test_a_dispute_that_nobody_answers_is_lost_after_a_week(
    sandbox: Sandbox, sdk: stripe.StripeClient
) -> None:
    pay(sdk, method="pm_card_createDispute")

    control(sandbox, "clock/advance", "days=6")
    before = sdk.v1.disputes.list().data[0].status
    control(sandbox, "clock/advance", "days=1")

    assert (before, sdk.v1.disputes.list().data[0].status) == ("needs_response", "lost")


def test_a_dispute_ends_a_refund_that_waits(sandbox: Sandbox, sdk: stripe.StripeClient) -> None:
    charge = pay(sdk, method="pm_card_pendingRefund")
    refund = sdk.v1.refunds.create({"charge": charge})

    control(sandbox, f"charges/{charge}/dispute", "")

    stopped = sdk.v1.refunds.retrieve(refund.id)
    assert (stopped.status, stopped.failure_reason) == ("failed", "charge_for_pending_refund_disputed")
