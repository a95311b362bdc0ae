"""The way between the desk and the gateway: the official client on one side, the sandbox's account on the other.

Requests may be lost, come late, be answered wrongly; whoever waits for one may die, and others act meanwhile.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import NoReturn
from urllib.parse import parse_qs, urlsplit

import stripe

from amends.sandbox.account import Account, Asked, Reply

SENDING = ("POST", "/v1/refunds")
FAULTS = (
    "refuse",
    "lose_answer",
    "error_before",
    "stored_error",
    "stored_error_after",
    "rate_limit",
    "lock_timeout",
    "key_in_use",
    "truncate",
    "garbage",
    "empty",
    "no_funds",
)
LEASE_SECONDS = 90
LATE_SECONDS_MAX = 50 * 60
"""A request that timed out may still be carried out, so long after it was made; the desk waits an hour for that."""


class WorkerDied(BaseException):
    """The process is gone: nothing after this line was run."""


@dataclass(slots=True)
class Sending:
    """A request for a refund that arrived at the gateway, and what it answered."""

    refund_id: str
    key: str
    status: int
    code: str
    """Of a refusal; empty where it is none, or nobody can read it."""
    was_replay: bool
    is_late: bool
    """Nobody waited for it any more."""


@dataclass(slots=True)
class Weather:
    """How likely what goes wrong, for each call.

    Invariant: calm weather is all zeros.
    """

    fault: float = 0
    late: float = 0
    death: float = 0
    interruption: float = 0
    lag: float = 0
    """That a refund is read as it was when it was first read."""
    faults: tuple[str, ...] = ()


def draw_weather(dice: Random) -> Weather:
    """Some worlds know two faults only, so that a rare one is not drowned by the others."""
    return Weather(
        fault=dice.choice((0.1, 0.3, 0.6)),
        late=dice.choice((0, 0.1)),
        death=dice.choice((0, 0.05, 0.15)),
        interruption=dice.choice((0, 0.15, 0.3)),
        lag=dice.choice((0, 0.2)),
        faults=FAULTS if dice.random() < 0.5 else tuple(dice.sample(FAULTS, 2)),
    )


@dataclass(slots=True)
class Late:
    """A request that is still on its way, although nobody waits for it any more."""

    asked: Asked
    at: int


@dataclass
class Network(stripe.HTTPClient):
    """Carries calls under the weather."""

    account: Account
    dice: Random
    meanwhile: Callable[[], None]
    """What others do while a call is under way."""
    weather: Weather = field(default_factory=Weather)
    sendings: list[Sending] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    read: dict[str, Reply] = field(default_factory=dict)
    """What was first read of each object."""
    under_way: dict[str, int] = field(default_factory=dict)
    """The refunds that a worker waits for, since when."""
    sent_twice: list[str] = field(default_factory=list)
    """Refunds that two workers had in their hands, although the lease of the first was not over."""
    name = "simulation"

    def __post_init__(self) -> None:
        super().__init__()

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: str | None = None,
        **_usage: object,
    ) -> tuple[str, int, Mapping[str, str]]:
        """One call, as the client makes it."""
        parts, key = urlsplit(url), (headers or {}).get("Idempotency-Key")
        asked = Asked(method.upper(), parts.path, parts.query, post_data or "", key)
        refund_id = _refund_id(asked)
        now = self.account.clock.now()
        if refund_id and now - self.under_way.get(refund_id, 0) < LEASE_SECONDS:
            self.sent_twice.append(refund_id)
        self.under_way[refund_id] = now
        try:
            return _received(self._carry(asked, now))
        finally:
            self.under_way.pop(refund_id, None)

    def _carry(self, asked: Asked, begun: int) -> Reply | None:
        """There and back, with all that may come between."""
        self._die_perhaps()
        self._let_others_act()
        if self._happens(self.weather.late):
            arrives = begun + self.dice.randrange(1, LATE_SECONDS_MAX)
            self.late.append(Late(asked, max(arrives, self.account.clock.now())))
            _fail("Read timed out.")
        if self._happens(self.weather.fault):
            self._plan(asked, self.dice.choice(self.weather.faults))
        reply = self._read_late(asked) or self.deliver(asked)
        self._die_perhaps()
        self._let_others_act()
        return reply

    def _read_late(self, asked: Asked) -> Reply | None:
        """What a replica says that lags behind; None where the account itself answers."""
        earlier = self.read.get(asked.path)
        is_one = asked.method == "GET" and asked.path.startswith("/v1/refunds/")
        return earlier if is_one and self._happens(self.weather.lag) else None

    def deliver(self, asked: Asked, *, is_late: bool = False) -> Reply | None:
        """The request arrives, and the account answers."""
        reply = self.account.answer(asked)
        if asked.method == "GET" and reply is not None and reply.status < 300 and reply.cut_to is None:
            self.read.setdefault(asked.path, reply)
        refund_id = _refund_id(asked)
        if refund_id and reply is not None:
            self.sendings.append(
                Sending(
                    refund_id, asked.key or "", reply.status, _code(reply), reply.is_replay, is_late=is_late
                )
            )
        return reply

    def land(self, *, everything: bool = False) -> None:
        """Let requests arrive whose time has come."""
        now = self.account.clock.now()
        for one in [one for one in self.late if everything or one.at <= now]:
            self.late.remove(one)
            self.deliver(one.asked, is_late=True)

    def close(self) -> None:
        """Nothing is held open."""

    def _plan(self, asked: Asked, fault: str) -> None:
        self.account.api.faults.clear()
        self.account.api.faults.add({"fault": fault, "method": asked.method, "seconds": "0"})

    def _happens(self, chance: float) -> bool:
        return chance > 0 and self.dice.random() < chance

    def _die_perhaps(self) -> None:
        if self._happens(self.weather.death):
            raise WorkerDied

    def _let_others_act(self) -> None:
        if self._happens(self.weather.interruption):
            self.meanwhile()


def _refund_id(asked: Asked) -> str:
    """Of a request for a refund; empty for any other."""
    if (asked.method, asked.path) != SENDING:
        return ""
    return parse_qs(asked.body).get("metadata[refund_id]", [""])[0]


def _code(reply: Reply) -> str:
    """What a refusal is called."""
    if not 400 <= reply.status < 500:
        return ""
    return str(json.loads(reply.body)["error"].get("code", ""))


def _received(reply: Reply | None) -> tuple[str, int, Mapping[str, str]]:
    if reply is None or reply.cut_to == 0:
        _fail("Connection aborted.")
    if reply.cut_to is not None:
        _fail("Connection broken: incomplete read.")
    return reply.body.decode(), reply.status, reply.headers()


def _fail(words: str) -> NoReturn:
    raise stripe.APIConnectionError(f"Unexpected error communicating with Stripe. {words}")  # type: ignore[no-untyped-call]  # the client's own
