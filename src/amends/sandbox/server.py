"""The HTTP side: keys, idempotency and faults around the API."""

import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from amends.sandbox.api import Api
from amends.sandbox.clock import Clock
from amends.sandbox.errors import ApiError
from amends.sandbox.events import Events, public
from amends.sandbox.faults import Fault, Plan
from amends.sandbox.forms import parse_form
from amends.sandbox.store import Object, Store

KEY_SECONDS = 24 * 3_600
"""How long an idempotency key is known."""
BODY_BYTES_MAX = 1_000_000
_NOTHING_HAPPENS = {
    Fault.ERROR_BEFORE: ApiError(500, "api_error", "An unexpected error occurred."),
    Fault.RATE_LIMIT: ApiError(429, "rate_limit", "Too many requests."),
    Fault.LOCK_TIMEOUT: ApiError(429, "lock_timeout", "The object is locked by another request."),
    Fault.KEY_IN_USE: ApiError(409, "idempotency_key_in_use", "Another request uses the key."),
    Fault.NO_FUNDS: ApiError(400, "balance_insufficient", "Insufficient funds in your account."),
}
_CUT_AFTER = (Fault.LOSE_ANSWER, Fault.TRUNCATE, Fault.GARBAGE)


class Sandbox(ThreadingHTTPServer):
    """One gateway account on loopback."""

    daemon_threads = True

    def __init__(
        self, port: int, *, state: Path | None, clock: Clock, webhook_url: str = "", webhook_secret: str = ""
    ) -> None:
        store = Store(state)
        self.clock = clock
        self.api = Api(store, clock, Events(store, clock, webhook_url, webhook_secret))
        self.store = store
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", port), Call)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Call(BaseHTTPRequestHandler):
    """One call."""

    server: Sandbox
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # named by http.server
        """Read."""
        self._serve("GET")

    def do_POST(self) -> None:  # named by http.server
        """Write."""
        self._serve("POST")

    def do_DELETE(self) -> None:  # named by http.server
        """End."""
        self._serve("DELETE")

    def log_message(self, *_: object) -> None:
        """Say nothing; `/_sandbox/dump` shows what there is."""

    def _serve(self, method: str) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_BYTES_MAX:
            self.close_connection = True
            return
        body = self.rfile.read(length).decode()
        form = parse_form(parts.query) | parse_form(body)
        if not parts.path.startswith("/_sandbox/") and not self.headers.get("Authorization"):
            error = ApiError(401, "", "You did not provide an API key.")
            self._send(error.status, json.dumps(error.body()).encode())
            return
        plan = self.server.api.faults.take(method, parts.path)
        self._serve_with(method, parts.path, form, body, plan)

    def _serve_with(self, method: str, path: str, form: Object, body: str, plan: Plan | None) -> None:
        fault = plan.fault if plan else None
        if fault is Fault.REFUSE:
            self._cut()
            return
        if fault in _NOTHING_HAPPENS:
            error = _NOTHING_HAPPENS[fault]
            self._send(error.status, json.dumps(error.body()).encode())
            return
        key = self.headers.get("Idempotency-Key") if method == "POST" else None
        status, answer, is_replay = self._answer_once(method, path, form, body, key, fault)
        if plan and fault is Fault.SLOW:
            time.sleep(plan.seconds)
        self._deliver(status, answer, is_replay=is_replay, fault=fault)

    def _deliver(self, status: int, answer: bytes, *, is_replay: bool, fault: Fault | None) -> None:
        if fault is Fault.LOSE_ANSWER:
            self._cut()
        elif fault is Fault.GARBAGE:
            self._send(200, b"<html>Maintenance</html>", kind="text/html")
        elif fault is Fault.TRUNCATE:
            self._send(status, answer, cut_to=len(answer) // 2)
        else:
            self._send(status, answer, is_replay=is_replay)

    def _answer_once(
        self, method: str, path: str, form: Object, body: str, key: str | None, fault: Fault | None
    ) -> tuple[int, bytes, bool]:
        """Status, body and whether they were stored before; one key has one effect."""
        request = f"{method} {path} {body}"
        with self.server.lock:
            now = self.server.clock.now()
            known = self.server.store.answered(key, now - KEY_SECONDS) if key else None
            if known is not None:
                return _compare(known, request)
            self.server.store.begin()
            status, answer = self._answer(method, path, form, fault)
            if key and not (400 <= status < 500):  # noqa: PLR2004  # refusals are not remembered
                self.server.store.keep_answer(key, request, status, answer, now)
            self.server.store.commit()
        return status, answer, False

    def _answer(self, method: str, path: str, form: Object, fault: Fault | None) -> tuple[int, bytes]:
        broken = ApiError(500, "api_error", "An unexpected error occurred.")
        if fault is Fault.STORED_ERROR:
            return broken.status, json.dumps(broken.body()).encode()
        try:
            answer = self.server.api.answer(method, path, form)
        except ApiError as error:
            return error.status, json.dumps(error.body()).encode()
        if fault is Fault.STORED_ERROR_AFTER:
            return broken.status, json.dumps(broken.body()).encode()
        return 200, json.dumps(public(answer)).encode()

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _send(
        self,
        status: int,
        body: bytes,
        *,
        is_replay: bool = False,
        kind: str = "application/json",
        cut_to: int | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Request-Id", f"req_{secrets.token_hex(7)}")
        if is_replay:
            self.send_header("Idempotent-Replayed", "true")
        self.end_headers()
        self.wfile.write(body[:cut_to])
        if cut_to is not None:
            self.wfile.flush()
            self._cut()


def _compare(known: tuple[str, int, bytes], request: str) -> tuple[int, bytes, bool]:
    if known[0] == request:
        return known[1], known[2], True
    message = "Keys for idempotent requests can only be used with the same parameters."
    error = ApiError(400, "", message, kind="idempotency_error")
    return error.status, json.dumps(error.body()).encode(), False
