"""Events, and telling them to webhook endpoints: signed, at least once, in no promised order."""

import hashlib
import hmac
import json
import threading
import time
import urllib.error
import urllib.request
from collections import deque

from amends.sandbox.clock import Clock, machine_seconds
from amends.sandbox.store import Object, Store, fresh_id

TRIES_MAX = 8
TIMEOUT_SECONDS = 5


class Events:
    """Keeps every event, and tells it to one endpoint from a thread of its own."""

    def __init__(self, store: Store, clock: Clock, url: str, secret: str) -> None:
        self.store = store
        self.clock = clock
        self.url = url
        self.secret = secret
        self.copies = 1
        """How often each event is told."""
        self.is_muted = False
        """Events are kept but not told, as if every delivery were lost."""
        self._waiting: deque[tuple[Object, int, float]] = deque()
        self._told = threading.Condition()
        self._teller: threading.Thread | None = None

    def emit(self, kind: str, item: Object) -> None:
        """Keep an event and put it in line."""
        event: Object = {
            "id": fresh_id("evt"),
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": self.clock.now(),
            "data": {"object": public(item)},
            "livemode": False,
            "type": kind,
        }
        self.store.add(event)
        if self.url and not self.is_muted:
            with self._told:
                self._waiting.extend((event, 0, 0.0) for _ in range(self.copies))
                self._told.notify()
                if self._teller is None:
                    self._teller = threading.Thread(target=self._tell_all, daemon=True)
                    self._teller.start()

    def _tell_all(self) -> None:
        while True:
            with self._told:
                while not self._waiting:
                    self._told.wait()
                event, tries, not_before = self._waiting.popleft()
            if (pause := not_before - time.monotonic()) > 0:
                time.sleep(min(pause, 0.05))
                self._again(event, tries, not_before)
            elif not self._tell(event) and tries + 1 < TRIES_MAX:
                self._again(event, tries + 1, time.monotonic() + 0.2 * 2**tries)

    def _again(self, event: Object, tries: int, not_before: float) -> None:
        with self._told:
            self._waiting.append((event, tries, not_before))

    def _tell(self, event: Object) -> bool:
        body = json.dumps(event).encode()
        headers = {"Content-Type": "application/json", "Stripe-Signature": self.sign(body)}
        request = urllib.request.Request(self.url, data=body, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return bool(answer.status < 300)  # noqa: PLR2004  # HTTP
        except (urllib.error.URLError, OSError):
            return False

    def sign(self, body: bytes) -> str:
        """The signature header of a body, now. Signatures carry real time: their age is checked with it."""
        at = machine_seconds()
        digest = hmac.new(self.secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return f"t={at},v1={digest}"


def public(item: Object) -> Object:
    """An object without what only the sandbox knows of it."""
    return {name: value for name, value in item.items() if not name.startswith("_")}
