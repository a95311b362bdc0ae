"""One gateway account: what it answers to a request, with its keys and its faults, before any network."""

import json
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from amends.sandbox.api import Api
from amends.sandbox.clock import Clock
from amends.sandbox.errors import ApiError, refused
from amends.sandbox.events import Events, public
from amends.sandbox.faults import Fault, Plan
from amends.sandbox.forms import amount_of, parse_form
from amends.sandbox.store import Object, Store
from amends.sandbox.world import API_VERSION

KEY_SECONDS = 24 * 3_600
"""How long an idempotency key is known."""
LOG_LENGTH = 1_000
OLDER = ("payment_method_types",)
"""Parameters of earlier versions of the API, which callers that name no version, or another one, still send."""
_NOTHING_HAPPENS = {
    Fault.ERROR_BEFORE: ApiError(500, "api_error", "An unexpected error occurred."),
    Fault.RATE_LIMIT: ApiError(429, "rate_limit", "Too many requests."),
    Fault.LOCK_TIMEOUT: ApiError(429, "lock_timeout", "The object is locked by another request."),
    Fault.KEY_IN_USE: ApiError(409, "idempotency_key_in_use", "Another request uses the key."),
    Fault.UNAUTHORISED: ApiError(401, "", "Invalid API Key provided."),
}
_NO_FUNDS = ApiError(400, "balance_insufficient", "Insufficient funds in your account.")
_BROKEN = ApiError(500, "api_error", "An unexpected error occurred.")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: str
    body: str
    key: str | None = None
    has_secret: bool = True
    version: str | None = API_VERSION

    def form(self) -> Object:
        """What was sent, without what only earlier versions knew.

        Raises: ApiError.
        """
        sent = parse_form(self.query) | parse_form(self.body)
        return sent if self.version == API_VERSION else {key: sent[key] for key in sent if key not in OLDER}

    @property
    def fingerprint(self) -> str:
        """What has to be the same where a key is used again."""
        return f"{self.method} {self.path} {self.body}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back over the wire."""

    status: int
    body: bytes
    kind: str = "application/json"
    is_replay: bool = False
    cut_to: int | None = None
    """How many bytes arrive before the connection is cut; None where all of them do."""
    after_seconds: float = 0
    request_id: str = field(default_factory=lambda: f"req_{secrets.token_hex(7)}")

    def headers(self) -> dict[str, str]:
        """The headers in Stripe's words."""
        replayed = {"Idempotent-Replayed": "true"} if self.is_replay else {}
        return {
            "Content-Type": self.kind,
            "Content-Length": str(len(self.body)),
            "Request-Id": self.request_id,
        } | replayed


class Account:
    """Objects, events and idempotency keys of one account; one request at a time."""

    def __init__(self, store: Store, clock: Clock, events: Events) -> None:
        self.store = store
        self.clock = clock
        self.api = Api(store, clock, events)
        self._lock = threading.Lock()
        self._busy: dict[str, float] = {}
        self._recent: deque[float] = deque()
        self.log: deque[dict[str, object]] = deque(maxlen=LOG_LENGTH)
        """The last requests, as `/_sandbox/log` shows them."""

    def answer(self, asked: Asked) -> Reply | None:
        """Carry out a request and write it down; None where the connection is cut before anything arrives."""
        if asked.path == "/_sandbox/log":
            return Reply(200, json.dumps({"data": list(self.log)}).encode())
        reply = self._answer(asked)
        self.log.append(
            {
                "at": self.clock.now(),
                "method": asked.method,
                "path": asked.path,
                "key": asked.key,
                "status": None if reply is None or reply.cut_to == 0 else reply.status,
                "replayed": reply is not None and reply.is_replay,
            }
        )
        return reply

    def _answer(self, asked: Asked) -> Reply | None:
        is_control = asked.path.startswith("/_sandbox/")
        if not is_control and not asked.has_secret:
            return _refusal(ApiError(401, "", "You did not provide an API key."))
        if not is_control and self._is_too_fast():
            return _refusal(_NOTHING_HAPPENS[Fault.RATE_LIMIT])
        plan = None if is_control else self.api.faults.take(asked.method, asked.path)
        fault = plan.fault if plan else None
        if plan is None or fault is None:
            return self._answer_once(asked, None)
        if fault is Fault.REFUSE:
            return None
        if fault is Fault.HANG:
            return Reply(200, b"", cut_to=0, after_seconds=plan.seconds)
        if fault in _NOTHING_HAPPENS:
            return _refusal(_NOTHING_HAPPENS[fault])
        return _on_the_wire(self._answer_once(asked, plan), plan)

    def _is_too_fast(self) -> bool:
        """Whether more requests came within a second than the account takes."""
        most = amount_of(self.api.world.settings(), "requests_per_second")
        now = time.monotonic()
        with self._lock:
            while self._recent and self._recent[0] <= now - 1:
                self._recent.popleft()
            if most and len(self._recent) >= most:
                return True
            self._recent.append(now)
        return False

    def _answer_once(self, asked: Asked, plan: Plan | None) -> Reply:
        """One key has one effect: what was answered to it before is answered again."""
        key = asked.key if asked.method == "POST" else None
        slow_seconds = plan.seconds if plan and plan.fault is Fault.SLOW else 0
        with self._lock:
            self.api.events.note_arrivals()
            if key and self._busy.get(key, 0) > time.monotonic():
                return _refusal(_NOTHING_HAPPENS[Fault.KEY_IN_USE])
            if key and slow_seconds:
                self._busy[key] = time.monotonic() + slow_seconds
            now = self.clock.now()
            known = self.store.answered(key, now - KEY_SECONDS) if key else None
            if known is not None:
                return _compare(known, asked.fingerprint)
            with self.store.transaction():
                status, body, is_remembered = self._carry_out(asked, plan)
                if key and is_remembered:
                    self.store.keep_answer(key, asked.fingerprint, status, body, now)
        return Reply(status, body)

    def _carry_out(self, asked: Asked, plan: Plan | None) -> tuple[int, bytes, bool]:
        """Status, body, and whether the key remembers them."""
        fault = plan.fault if plan else None
        if fault is Fault.STORED_ERROR:
            return _BROKEN.status, json.dumps(_BROKEN.body()).encode(), True
        try:
            if plan and fault in (Fault.NO_FUNDS, Fault.REJECT):
                raise _NO_FUNDS if fault is Fault.NO_FUNDS else refused(plan.code, "The request was refused.")
            answer = self.api.answer(asked.method, asked.path, asked.form())
        except ApiError as error:
            return error.status, json.dumps(error.body()).encode(), error.is_remembered
        if fault is Fault.STORED_ERROR_AFTER:
            return _BROKEN.status, json.dumps(_BROKEN.body()).encode(), True
        return 200, json.dumps(public(answer)).encode(), True


def _refusal(error: ApiError) -> Reply:
    return Reply(error.status, json.dumps(error.body()).encode())


def _on_the_wire(reply: Reply, plan: Plan | None) -> Reply:
    """What a fault makes of an answer on its way."""
    if plan is None:
        return reply
    match plan.fault:
        case Fault.LOSE_ANSWER:
            return Reply(reply.status, b"", cut_to=0)
        case Fault.GARBAGE:
            return Reply(200, b"<html>Maintenance</html>", kind="text/html")
        case Fault.EMPTY:
            return Reply(200, b"")
        case Fault.TRUNCATE:
            return Reply(reply.status, reply.body, cut_to=len(reply.body) // 2)
        case Fault.SLOW:
            return Reply(reply.status, reply.body, is_replay=reply.is_replay, after_seconds=plan.seconds)
    return reply


def _compare(known: tuple[str, int, bytes], request: str) -> Reply:
    if known[0] == request:
        return Reply(known[1], known[2], is_replay=True)
    message = "Keys for idempotent requests can only be used with the same parameters."
    return _refusal(ApiError(400, "", message, kind="idempotency_error"))
