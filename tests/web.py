"""The desk over real HTTP: its WSGI application served by threads, and a client that sends what it is told."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

from amends.desk.accounts.actions import create_key
from amends.desk.accounts.models import Scope


class QuietCall(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Requests are not news."""


@contextmanager
def serve_desk() -> Iterator[int]:
    """The port on which the desk listens, for as long as the context lasts."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietCall)
    # Made anew each time: it looks for the static files only once, and tests collect them late.
    server.set_app(WSGIHandler())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


@dataclass(slots=True)
class Client:
    """Sends requests with the headers of one program."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | object | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        sent = self.headers | (headers or {})
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if raw is not None and "Content-Type" not in sent:
            sent |= {"Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, raw, sent)
            answer = connection.getresponse()
            told = {name.lower(): ", ".join(answer.headers.get_all(name, [])) for name in answer.headers}
            return Answer(answer.status, told, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, headers=headers)

    def post(self, path: str, body: object, **headers: str) -> Answer:
        return self.send("POST", path, body, {name.replace("_", "-"): text for name, text in headers.items()})


def with_key(web: Client, *scopes: Scope) -> Client:
    _, secret = create_key("Shop", scopes)
    return Client(web.port, {"Authorization": f"Bearer {secret}"})
