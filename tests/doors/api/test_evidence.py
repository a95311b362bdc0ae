"""Files that prove a fault, and the end of the fault."""

import io
import struct
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from amends.desk import clock
from amends.desk.cases.deciding import wake_due
from amends.desk.cases.models import DecisionRecord, Evidence, Task
from amends.desk.issues import actions as issues
from amends.desk.orders.models import Line
from asking import opened, picture, send_file
from shop import Shop, day, go_to
from web import Client


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
