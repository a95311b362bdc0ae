"""One gateway account: what it answers to a request, with its keys and its faults, before any network."""

import json
import secrets
import threading
from dataclasses import dataclass, field

from amends.sandbox.api import Api
from amends.sandbox.clock import Clock
from amends.sandbox.errors import ApiError
from amends.sandbox.events import Events, public
from amends.sandbox.faults import Fault, Plan
from amends.sandbox.forms import parse_form
from amends.sandbox.store import Store

KEY_SECONDS = 24 * 3_600
"""How long an idempotency key is known."""
_NOTHING_HAPPENS = {
    Fault.ERROR_BEFORE: ApiError(500, "api_error", "An unexpected error occurred."),
    Fault.RATE_LIMIT: ApiError(429, "rate_limit", "Too many requests."),
    Fault.LOCK_TIMEOUT: ApiError(429, "lock_timeout", "The object is locked by another request."),
    Fault.KEY_IN_USE: ApiError(409, "idempotency_key_in_use", "Another request uses the key."),
    Fault.NO_FUNDS: ApiError(400, "balance_insufficient", "Insufficient funds in your account."),
    Fault.UNAUTHORISED: ApiError(401, "", "Invalid API Key provided."),
}
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

    def answer(self, asked: Asked) -> Reply | None:
        """Carry out a request; None where the connection is cut before anything arrives."""
        is_control = asked.path.startswith("/_sandbox/")
        if not is_control and not asked.has_secret:
            return _refusal(ApiError(401, "", "You did not provide an API key."))
        plan = None if is_control else self.api.faults.take(asked.method, asked.path)
        fault = plan.fault if plan else None
        if fault is Fault.REFUSE:
            return None
        if plan and fault is Fault.REJECT:
            return _refusal(ApiError(400, plan.code, "The request was refused."))
        if fault in _NOTHING_HAPPENS:
            return _refusal(_NOTHING_HAPPENS[fault])
        return _on_the_wire(self._answer_once(asked, fault), plan)

    def _answer_once(self, asked: Asked, fault: Fault | None) -> Reply:
        """One key has one effect: what was answered to it before is answered again."""
        key = asked.key if asked.method == "POST" else None
        with self._lock:
            now = self.clock.now()
            known = self.store.answered(key, now - KEY_SECONDS) if key else None
            if known is not None:
                return _compare(known, asked.fingerprint)
            self.store.begin()
            status, body = self._carry_out(asked, fault)
            if key and not (400 <= status < 500):  # noqa: PLR2004  # refusals are not remembered
                self.store.keep_answer(key, asked.fingerprint, status, body, now)
            self.store.commit()
        return Reply(status, body)

    def _carry_out(self, asked: Asked, fault: Fault | None) -> tuple[int, bytes]:
        if fault is Fault.STORED_ERROR:
            return _BROKEN.status, json.dumps(_BROKEN.body()).encode()
        try:
            answer = self.api.answer(
                asked.method, asked.path, parse_form(asked.query) | parse_form(asked.body)
            )
        except ApiError as error:
            return error.status, json.dumps(error.body()).encode()
        if fault is Fault.STORED_ERROR_AFTER:
            return _BROKEN.status, json.dumps(_BROKEN.body()).encode()
        return 200, json.dumps(public(answer)).encode()


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
