"""Requests of tests, and files that prove them, sent through the API."""

import io
from typing import Any

from PIL import Image

from amends.desk.orders.models import Line
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
