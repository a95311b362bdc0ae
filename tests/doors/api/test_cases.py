"""Requests through the API: previewed, opened, answered, proved, taken back, appealed."""

import io
import struct
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from amends.desk import clock
from amends.desk.cases.deciding import wake_due
from amends.desk.cases.models import Case, DecisionRecord, Evidence, Message, Task
from amends.desk.issues import actions as issues
from amends.desk.notices.models import Letter
from amends.desk.orders.models import Line
from amends.desk.payments.models import Refund
from shop import Shop, day, go_to
from trade import make_customer
from web import Answer, Client


def request_of(line: Line, kind: str = "refund", **changes: object) -> dict[str, Any]:
    body: dict[str, object] = {
        "customer": line.order.customer.external_id,
        "order": line.order.number,
        "request": kind,
        "reason": "It is not what I expected.",
    }
    return body | changes


def opened(program: Client, line: Line, kind: str = "refund", **changes: object) -> dict[str, Any]:
    answer = program.post("/api/v1/cases", request_of(line, kind, **changes))
    assert answer.status == 201, answer.body
    return answer.json


def send_file(program: Client, number: object, content: bytes, name: str = "shot.png") -> Answer:
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    body = head.encode() + b"Content-Type: image/png\r\n\r\n" + content + b"\r\n--b--\r\n"
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    return program.send("POST", f"/api/v1/cases/{number}/evidence", body, form)


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind, **options)
    return out.getvalue()


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
    assert Task.objects.get(done_at=None).kind == "review"
    assert (empty.status, Message.objects.count()) == (422, 1)
    assert answer.json["state"] == "waiting_on_customer"


def test_a_request_that_is_taken_back_pays_nothing(program: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    case = opened(program, line, reason="")

    answer = program.post(f"/api/v1/cases/{case['number']}/cancel", {})
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


def fault(program: Client, shop: Shop) -> tuple[Line, dict[str, object]]:
    """A fault that began after the window and has lasted for sixteen days; the customer has to show it."""
    line = shop.sell(shop.monthly)
    issues.report(shop.customer, line.id, "Every job fails.", day(9))
    go_to(day(25))
    return line, opened(program, line, "technical", reason="Every job fails.")


def test_evidence_is_kept_re_encoded_and_judged_by_a_person(program: Client, shop: Shop) -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    content = picture("JPEG", exif=exif)
    _, case = fault(program, shop)

    answer = send_file(program, case["number"], content, "../../shot.jpg")
    again = send_file(program, case["number"], content)

    assert (answer.status, again.status) == (201, 201)
    kept = Evidence.objects.get()
    raw = Path(kept.file.path).read_bytes()
    assert b"where I live" in content
    assert b"where I live" not in raw
    assert (kept.name, kept.media_type) == ("shot.jpg", "image/jpeg")
    assert "shot" not in kept.file.path
    assert Task.objects.filter(kind="judge_evidence", done_at=None).count() == 1


def test_what_stands_behind_a_picture_is_not_kept(program: Client, shop: Shop) -> None:
    _, case = fault(program, shop)

    answer = send_file(program, case["number"], picture() + b"<script>alert(1)</script>")

    assert answer.status == 201
    raw = Path(Evidence.objects.get().file.path).read_bytes()
    assert b"script" not in raw


def bomb() -> bytes:
    """A few bytes that claim to be a picture of 400 million pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


def moving() -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    return out.getvalue()


def gif() -> bytes:
    out = io.BytesIO()
    Image.new("P", (8, 8)).save(out, "GIF")
    return out.getvalue()


BAD_FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "empty"),
    "vector": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', "no picture"),
    "page": (lambda: b"<!doctype html><script>1</script>", "no picture"),
    "document": (lambda: b"%PDF-1.7", "no picture"),
    "gif": (gif, "no picture"),
    "page before a picture": (lambda: b"<html>" + picture(), "no picture"),
    "cut off": (lambda: picture(size=(400, 300))[:-60], "damaged"),
    "bomb": (bomb, "25 million pixels"),
    "one pixel row too many": (lambda: picture(size=(5_001, 5_000)), "25 million pixels"),
    "moving": (moving, "moves"),
    "large": (lambda: picture() + b"\0" * (10 * 1024 * 1024), "10 MB"),
}


@pytest.mark.parametrize("make, why", BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_no_plain_picture_is_refused(
    program: Client, shop: Shop, make: Callable[[], bytes], why: str
) -> None:
    _, case = fault(program, shop)

    answer = send_file(program, case["number"], make())

    assert (answer.status, answer.json["code"]) == (422, "evidence_refused")
    assert why in str(answer.json["detail"])
    assert (Evidence.objects.count(), DecisionRecord.objects.count()) == (0, 1)


def test_a_body_beyond_the_largest_picture_is_refused_unread(program: Client, shop: Shop) -> None:
    _, case = fault(program, shop)

    answer = send_file(program, case["number"], b"\0" * (11 * 1024 * 1024))

    assert (answer.status, answer.json["code"]) == (413, "too_large")


def test_a_fault_that_is_fixed_in_time_ends_the_waiting(program: Client, shop: Shop) -> None:
    line, case = fault(program, shop)

    fixed = program.post(f"/api/v1/issues/{case['issue']}/fixed", {"fixed_at": "2025-09-21T10:00:00Z"})
    again = program.post(f"/api/v1/issues/{case['issue']}/fixed", {})
    go_to(day(40))
    wake_due()
    shop.work()

    assert case["state"] == "waiting_on_customer"
    assert (fixed.status, fixed.json["cases"]) == (200, [case["number"]])
    shown = program.get(f"/api/v1/cases/{case['number']}").json
    assert (shown["state"], shown["closing"]) == ("closed", "denied")
    decision = shown["decision"]
    assert isinstance(decision, dict)
    assert "in_time" in {clause["id"] for clause in decision["clauses"]}
    assert (again.status, again.json["code"]) == (409, "not_possible_now")
    assert shop.refunded(line) == []


def test_a_fault_is_not_fixed_before_it_was_reported_nor_in_the_future(program: Client, shop: Shop) -> None:
    _, case = fault(program, shop)
    later = (clock.now() + timedelta(days=1)).isoformat()

    for at in ("2025-09-01T00:00:00Z", later):
        answer = program.post(f"/api/v1/issues/{case['issue']}/fixed", {"fixed_at": at})
        assert (answer.status, answer.json["code"]) == (422, "invalid")
    unknown = program.post("/api/v1/issues/01932e6a-0000-7000-8000-000000000000/fixed", {})
    assert (unknown.status, unknown.json["code"]) == (404, "not_found")
    assert program.get(f"/api/v1/cases/{case['number']}").json["state"] == "waiting_on_customer"
