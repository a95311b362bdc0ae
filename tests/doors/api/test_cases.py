"""Requests through the API: previewed, opened, answered, taken back, appealed."""

import pytest

from amends.desk.api.models import KeptAnswer
from amends.desk.cases.models import Case, DecisionRecord, Evidence, Message, Task
from amends.desk.notices.models import Letter
from amends.desk.payments.models import Refund
from asking import opened, picture, request_of, send_file
from shop import Shop, day, go_to
from trade import make_customer
from web import Client


def nothing_happened() -> bool:
    return not (Case.objects.exists() or Refund.objects.exists() or Letter.objects.exists())


def test_a_preview_shows_the_calculation_and_writes_nothing(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    shop.use(12, day(1))
    go_to(day(3))

    answer = program.post("/api/v1/decisions/preview", request_of(line)).json

    assert (answer["outcome"], answer["amount"]) == ("granted", 1815)
    assert answer["lines"] == [
        {"id": "paid", "label": "What you paid", "amount": 1900},
        {"id": "fee", "label": "Processing fee", "amount": -85},
    ]
    assert "$18.15" in str(answer["letter"])
    assert answer["plan"]["then"] == "end now"
    assert nothing_happened()
    assert not DecisionRecord.objects.exists()


def test_a_preview_says_what_is_missing(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(3))

    answer = program.post("/api/v1/decisions/preview", request_of(line, reason=" ")).json

    assert (answer["outcome"], answer["missing"]) == ("needs_information", ["reason_given"])
    assert answer["questions"] == ["What is the reason for your request?"]
    assert nothing_happened()


def test_a_request_is_decided_paid_and_shown_to_its_end(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(3))

    case = opened(program, line)
    shop.work()
    shown = program.get(f"/api/v1/cases/{case['number']}").json

    assert (case["state"], shown["state"], shown["closing"]) == ("paying", "closed", "paid")
    assert shown["state_in_words"] == "Closed: the money was sent."
    (refund,) = shown["refunds"]
    assert (refund["amount"], refund["state"], refund["state_in_words"]) == (
        1815,
        "succeeded",
        "Sent to the bank.",
    )
    assert (refund["earliest_arrival"], refund["latest_arrival"]) == ("5 business days", "10 business days")
    letters = [letter["kind"] for letter in shown["letters"]]
    assert letters == ["received", "decision", "refund_sent"]
    assert (shown["target_on"], shown["due_on"]) == ("2025-09-11", "2025-09-15")
    assert shop.refunded(line) == [1815]


def test_no_address_takes_an_amount(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(3))

    for name in ("amount", "refund", "fee", "waive"):
        answer = program.post("/api/v1/cases", request_of(line) | {name: 1900})
        assert (answer.status, answer.json["code"]) == (422, "invalid")
    assert nothing_happened()


def test_somebody_elses_order_answers_like_one_that_is_not_there(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    other = make_customer()
    go_to(day(3))

    for path in ("/api/v1/cases", "/api/v1/decisions/preview"):
        foreign = program.post(path, request_of(line, customer=other.external_id))
        missing = program.post(path, request_of(line, order="O-nowhere"))

        assert (foreign.status, foreign.json["code"]) == (404, "not_found")
        assert foreign.body == missing.body
    assert nothing_happened()


@pytest.mark.parametrize(
    "changes, status, code",
    [
        ({"customer": "nobody"}, 422, "reference_unknown"),
        ({"line": 2}, 404, "not_found"),
        ({"line": 0}, 422, "invalid"),
        ({"request": "everything"}, 422, "invalid"),
        ({"answers": {"accidental": "yes"}}, 422, "invalid"),
        ({"answers": {"fee": True}}, 422, "invalid"),
        ({"first_contact_at": "2025-09-30T00:00:00Z"}, 422, "invalid"),
        ({"reason": "x" * 10_001}, 422, "invalid"),
        ({"reason": "a\u0000b"}, 422, "invalid"),
    ],
    ids=str,
)
def test_a_request_that_cannot_be_is_refused_and_leaves_nothing(
    program: Client, shop: Shop, changes: dict[str, object], status: int, code: str
) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(3))

    answer = program.post("/api/v1/cases", request_of(line) | changes)

    assert (answer.status, answer.json["code"]) == (status, code)
    assert nothing_happened()


def test_a_second_request_about_a_purchase_names_the_first(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(3))
    case = opened(program, line, reason="")

    answer = program.post("/api/v1/cases", request_of(line))

    assert (answer.status, answer.json["code"], answer.json["case"]) == (
        409,
        "case_under_way",
        case["number"],
    )
    assert Case.objects.count() == 1


def test_a_request_whose_answer_was_never_kept_is_still_one_case(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(3))
    first = program.post("/api/v1/cases", request_of(line), Idempotency_Key="k1")
    # As after a crash between the case and its answer.
    KeptAnswer.objects.all().delete()

    second = program.post("/api/v1/cases", request_of(line), Idempotency_Key="k1")

    assert (second.status, second.json["number"]) == (201, first.json["number"])
    assert Case.objects.count() == 1


def test_the_first_contact_is_what_the_window_is_judged_by(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(20))

    case = opened(program, line, first_contact_at="2025-09-03T10:00:00Z")

    assert case["decision"]["outcome"] == "granted"


def test_cases_are_listed_by_customer_and_state(program: Client, shop: Shop) -> None:
    first, second = shop.sell(shop.monthly), shop.sell(shop.monthly)
    go_to(day(3))
    waiting = opened(program, first, reason="")
    paying = opened(program, second)

    def numbers(query: str) -> set[object]:
        items = program.get(f"/api/v1/cases?{query}").json["items"]
        assert isinstance(items, list)
        return {item["number"] for item in items}

    who = shop.customer.external_id
    assert numbers(f"customer={who}") == {waiting["number"], paying["number"]}
    assert numbers(f"customer={who}&state=waiting_on_customer") == {waiting["number"]}
    assert numbers("customer=nobody") == set()
    assert program.get("/api/v1/cases?state=nowhere").status == 422


def test_an_answer_decides_the_case(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(3))
    case = opened(program, line, reason="")
    asked = case["questions"]

    answer = program.post(f"/api/v1/cases/{case['number']}/answers", {"reason": "Too slow."})
    shop.work()

    assert asked == [{"input": "reason_given", "question": "What is the reason for your request?"}]
    assert (answer.status, answer.json["state"], answer.json["questions"]) == (200, "paying", [])
    assert shop.refunded(line) == [1815]


def test_answers_to_the_policys_own_question_convert_the_plan(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.annual, fee=691)
    go_to(day(3))
    case = opened(program, line, "convert")

    program.post(f"/api/v1/cases/{case['number']}/answers", {"answers": {"accidental": True}})
    shown = program.get(f"/api/v1/cases/{case['number']}").json

    assert case["questions"][0]["input"] == "accidental"
    decision = shown["decision"]
    assert isinstance(decision, dict)
    assert (decision["grant"], decision["amount"]) == ("convert_to_monthly", 22800 - 1900 - 691)


def test_the_pause_while_the_customer_is_asked_moves_the_day(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(3))
    case = opened(program, line, reason="")
    go_to(day(10))

    answer = program.post(f"/api/v1/cases/{case['number']}/answers", {"reason": "Too slow."})

    assert case["due_on"] is None
    assert answer.json["due_on"] == "2025-09-22"


@pytest.mark.parametrize(
    "body, status", [({}, 422), ({"answers": {"fee": False}}, 422), ({"reason": 1}, 422)], ids=str
)
def test_an_answer_that_nobody_asked_for_changes_nothing(
    program: Client, shop: Shop, body: dict[str, object], status: int
) -> None:
    line = shop.sell(shop.monthly)
    case = opened(program, line, reason="")

    answer = program.post(f"/api/v1/cases/{case['number']}/answers", body)

    assert (answer.status, answer.json["code"]) == (status, "invalid")
    assert DecisionRecord.objects.count() == 1


def test_after_the_decision_was_carried_out_nothing_is_taken_any_more(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(3))
    case = opened(program, line)
    base = f"/api/v1/cases/{case['number']}"

    for _ in ("paying", "closed"):
        answers = [
            program.post(f"{base}/answers", {"reason": "More."}),
            program.post(f"{base}/cancel", {}),
            program.post(f"{base}/appeal", {"text": "No."}),
            send_file(program, case["number"], picture()),
        ]
        assert [(one.status, one.json["code"]) for one in answers] == [(409, "not_possible_now")] * 4
        shop.work()
    assert shop.refunded(line) == [1815]
    assert (DecisionRecord.objects.count(), Evidence.objects.count()) == (1, 0)


def test_a_message_is_read_by_a_person(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    case = opened(program, line, reason="")

    answer = program.post(f"/api/v1/cases/{case['number']}/messages", {"text": "  Hello?  "})
    empty = program.post(f"/api/v1/cases/{case['number']}/messages", {"text": "  "})

    assert answer.status == 201
    (message,) = answer.json["messages"]
    assert (message["by"], message["text"]) == ("customer", "Hello?")
    assert Task.objects.get(done_at=None).kind == "answer"
    assert (empty.status, Message.objects.count()) == (422, 1)
    assert answer.json["state"] == "waiting_on_customer"


def test_a_request_that_is_taken_back_pays_nothing(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    case = opened(program, line, reason="")

    answer = program.send("POST", f"/api/v1/cases/{case['number']}/cancel")
    shop.work()

    assert (answer.json["state"], answer.json["closing"]) == ("closed", "cancelled")
    assert shop.refunded(line) == []
    assert opened(program, line)["state"] == "paying"


def test_a_denial_is_appealed_once_to_a_person_with_a_day(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(20))
    case = opened(program, line)
    base = f"/api/v1/cases/{case['number']}/appeal"

    answer = program.post(base, {"text": "I was in hospital."})
    again = program.post(base, {"text": "Still."})

    assert (case["state"], case["closing"]) == ("closed", "denied")
    assert (answer.status, answer.json["state"]) == (201, "open")
    assert answer.json["appeal"]["due_on"] == "2025-09-30"
    task = Task.objects.get(done_at=None)
    assert (task.kind, task.role) == ("appeal", "approver")
    assert (again.status, again.json["code"]) == (409, "not_possible_now")
    assert Refund.objects.count() == 0
