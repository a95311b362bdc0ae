"""The HTTP side: requests in, answers out, and cuts where a fault says so."""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from amends.sandbox.account import Account, Asked, Reply
from amends.sandbox.clock import Clock
from amends.sandbox.events import Events
from amends.sandbox.store import Store

BODY_BYTES_MAX = 1_000_000


class Sandbox(ThreadingHTTPServer):
    """One gateway account on loopback."""

    daemon_threads = True

    def __init__(
        self, port: int, *, state: Path | None, clock: Clock, webhook_url: str = "", webhook_secret: str = ""
    ) -> None:
        self.clock = clock
        self.store = Store(state)
        self.account = Account(self.store, clock, Events(self.store, clock, webhook_url, webhook_secret))
        self.api = self.account.api
        super().__init__(("127.0.0.1", port), Call)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is part of what is tried here; anything else is told as usual."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # typed for every kind of server

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
        asked = Asked(
            method,
            parts.path,
            parts.query,
            self.rfile.read(length).decode(),
            key=self.headers.get("Idempotency-Key"),
            has_secret=bool(self.headers.get("Authorization")),
        )
        reply = self.server.account.answer(asked)
        if reply is None:
            self._cut()
            return
        time.sleep(reply.after_seconds)
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        if reply.cut_to == 0:
            self._cut()
            return
        self.send_response(reply.status)
        for name, text in reply.headers().items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(reply.body[: reply.cut_to])
        if reply.cut_to is not None:
            self.wfile.flush()
            self._cut()

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.close()
