"""Events, and telling them to webhook endpoints: signed, at least once, in no promised order."""

import hashlib
import hmac
import json
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from heapq import heappop, heappush
from itertools import count

from amends.sandbox.clock import Clock, machine_seconds
from amends.sandbox.store import Object, Store, fresh_id

TRIES_MAX = 8
TIMEOUT_SECONDS = 5
STALE_SECONDS = 400
"""Older than the 300 seconds that clients accept."""
PATHS = {
    "charge": "charges",
    "customer": "customers",
    "dispute": "disputes",
    "invoice": "invoices",
    "payment_intent": "payment_intents",
    "price": "prices",
    "product": "products",
    "refund": "refunds",
    "subscription": "subscriptions",
}
"""Where the object of a thin event is fetched."""


class Mishap(StrEnum):
    """What can go wrong with a delivery."""

    DROP = "drop"
    """It never arrives."""
    FORGE = "forge"
    """It arrives with a signature of another secret, and then no more."""
    STALE = "stale"
    """It arrives with a signature that is too old, and then no more."""


@dataclass(slots=True)
class Mischief:
    """How deliveries go, besides well."""

    copies: int = 1
    """How often each event is told."""
    is_muted: bool = False
    """Events are kept but not told, as if every delivery were lost."""
    is_thin: bool = False
    """Events name their object only."""
    delay_seconds: float = 0
    reorder: int = 1
    """How many events are collected, and then told last first."""
    mishaps: dict[Mishap, int] = field(default_factory=dict)
    """How many of the next deliveries go wrong in which way."""

    def next_mishap(self) -> Mishap | None:
        """What goes wrong with the next delivery, which uses it up."""
        found = next((one for one, left in self.mishaps.items() if left > 0), None)
        if found is not None:
            self.mishaps[found] -= 1
        return found


@dataclass(slots=True)
class _Delivery:
    event_id: str
    body: bytes
    url: str
    secret: str
    mishap: Mishap | None = None
    tries: int = 0


class Events:
    """Keeps every event, and tells it to the endpoints from a thread of its own."""

    def __init__(self, store: Store, clock: Clock, url: str, secret: str) -> None:
        self.store = store
        self.clock = clock
        self.url = url
        self.secret = secret
        self.mischief = Mischief()
        self._waiting: list[tuple[float, int, _Delivery]] = []
        """A heap: when each delivery is due, and which of those that are due at once comes first."""
        self._number = count()
        self._held: list[_Delivery] = []
        self._arrived: deque[str] = deque()
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
            "livemode": item.get("livemode", False),
            "pending_webhooks": len(self._targets(kind)),
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        self.store.add(event)
        if not self.mischief.is_muted:
            self._put_in_line(event, self.mischief.copies)

    def resume(self) -> None:
        """After a restart: tell what had not arrived."""
        for event in reversed(self.store.all("event", lambda one: bool(one["pending_webhooks"]))):
            self._put_in_line(event, 1)

    def note_arrivals(self) -> None:
        """Write down what arrived since the last call; whoever uses the store calls it."""
        while self._arrived:
            event = self.store.find(self._arrived.popleft())
            if event is not None and event["pending_webhooks"]:
                event["pending_webhooks"] = int(str(event["pending_webhooks"])) - 1
                self.store.save(event)

    def _targets(self, kind: str) -> list[tuple[str, str]]:
        """Address and secret of each endpoint that wants to hear of a kind."""
        endpoints = self.store.all("webhook_endpoint", lambda one: _wants(one, kind))
        own = [(self.url, self.secret)] if self.url else []
        return own + [(str(one["url"]), str(one["_secret"])) for one in endpoints]

    def _put_in_line(self, event: Object, copies: int) -> None:
        body = json.dumps(self.thin(event) if self.mischief.is_thin else public(event)).encode()
        fresh = [
            _Delivery(str(event["id"]), body, url, secret, self.mischief.next_mishap())
            for url, secret in self._targets(str(event["type"]))
            for _ in range(copies)
        ]
        if not fresh:
            return
        self._held += fresh
        if len(self._held) >= self.mischief.reorder:
            for delivery in reversed(self._held) if self.mischief.reorder > 1 else self._held:
                self._tell_in(self.mischief.delay_seconds, delivery)
            self._held.clear()

    def _tell_in(self, seconds: float, delivery: _Delivery) -> None:
        with self._told:
            heappush(self._waiting, (time.monotonic() + seconds, next(self._number), delivery))
            self._told.notify()
            if self._teller is None:
                self._teller = threading.Thread(target=self._tell_all, daemon=True)
                self._teller.start()

    def _tell_all(self) -> None:
        while True:
            delivery = self._next_due()
            if self._tell(delivery):
                self._arrived.append(delivery.event_id)
            elif delivery.mishap is None and delivery.tries + 1 < TRIES_MAX:
                delivery.tries += 1
                self._tell_in(0.1 * 2**delivery.tries, delivery)

    def _next_due(self) -> _Delivery:
        """The delivery whose turn it is, once it is due."""
        with self._told:
            while not self._waiting or self._waiting[0][0] > time.monotonic():
                self._told.wait(self._waiting[0][0] - time.monotonic() if self._waiting else None)
            return heappop(self._waiting)[2]

    def _tell(self, delivery: _Delivery) -> bool:
        if delivery.mishap is Mishap.DROP:
            return False
        secret = "whsec_of_somebody_else" if delivery.mishap is Mishap.FORGE else delivery.secret
        at = machine_seconds() - (STALE_SECONDS if delivery.mishap is Mishap.STALE else 0)
        headers = {
            "Content-Type": "application/json",
            "Stripe-Signature": sign(delivery.body, secret, at),
        }
        request = urllib.request.Request(delivery.url, data=delivery.body, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return bool(answer.status < 300)  # noqa: PLR2004  # HTTP
        except (urllib.error.URLError, OSError):
            return False

    def thin(self, event: Object) -> Object:
        """The event without its object, as the second version of the API tells it."""
        data = event["data"]
        assert isinstance(data, dict)
        item = data["object"]
        path = PATHS.get(item["object"])
        related = path and {"id": item["id"], "type": item["object"], "url": f"/v1/{path}/{item['id']}"}
        return {
            "id": event["id"],
            "object": "v2.core.event",
            "context": None,
            "created": datetime.fromtimestamp(int(str(event["created"])), UTC).strftime(
                "%Y-%m-%dT%H:%M:%S.000Z"
            ),
            "livemode": event["livemode"],
            "reason": None,
            "related_object": related,
            "type": f"v1.{event['type']}",
        }


def sign(body: bytes, secret: str, at: int) -> str:
    """The signature header of a body. Signatures carry real time: their age is checked with it."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _wants(endpoint: Object, kind: str) -> bool:
    kinds = endpoint["enabled_events"]
    assert isinstance(kinds, list)
    return endpoint["status"] == "enabled" and ("*" in kinds or kind in kinds)


def public(item: Object) -> Object:
    """An object without what only the sandbox knows of it."""
    return {name: value for name, value in item.items() if not name.startswith("_")}
