"""Every sequence of answers, pauses and disputes up to a length, through the rules of sending as they are.

The rules are those of `amends.desk.payments.protocol`; here are only a row, a gateway that knows keys for a day, and
late requests. Nothing is left to chance: what holds here holds for every sequence of that length.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TypeAlias

from amends.desk.payments.gateway import GatewayError, NoFunds, OutcomeUnknown, Rejected, Transient
from amends.desk.payments.protocol import (
    NEEDS_PERSON,
    NO_FUNDS,
    Absence,
    Step,
    after_absence,
    next_step,
    turn,
)
from amends.desk.payments.states import RefundState

Key: TypeAlias = tuple[int, int]
STORED: dict[str, Callable[[], GatewayError | None]] = {
    "ok": lambda: None,
    "error": lambda: OutcomeUnknown("api_error", is_stored=True),
    "no funds": lambda: NoFunds(NO_FUNDS),
}
"""What is heard of an answer that is stored under a key."""
START = datetime(2025, 9, 1, 10, tzinfo=UTC)
KEY_LIVES = timedelta(hours=24)
LATE = timedelta(minutes=50)
PAUSES = (timedelta(minutes=20), timedelta(hours=2), timedelta(hours=25))
ANSWERS = ("ok", "lost", "refused", "late", "busy", "no", "no funds", "error", "error after")
OPEN = (RefundState.PLANNED, RefundState.SENDING, RefundState.UNKNOWN)
NOTHING = (RefundState.PLANNED, RefundState.REJECTED, RefundState.CANCELED)


@dataclass(frozen=True, slots=True)
class Row:
    """What the rules read of a refund."""

    state: RefundState = RefundState.PLANNED
    generation: int = 0
    refusals: int = 0
    sends: int = 0
    first_sent_at: datetime | None = None
    last_sent_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Stored answers by key, how often money left, and what is still on its way."""

    answers: tuple[tuple[Key, datetime, str], ...] = ()
    effects: int = 0
    late: tuple[tuple[Key, datetime], ...] = ()

    def known(self, key: Key, now: datetime) -> str | None:
        """What a known key stands for; None where it is not known."""
        return next((said for one, at, said in self.answers if one == key and now - at < KEY_LIVES), None)

    def carry_out(self, key: Key, now: datetime, said: str, *, has_effect: bool) -> "Gateway":
        """A request with a fresh key."""
        stored = (*self.answers, (key, now, said))
        return replace(self, answers=stored, effects=self.effects + has_effect)

    def land(self, now: datetime) -> "Gateway":
        """Late requests arrive at their time."""
        after = replace(self, late=tuple(one for one in self.late if one[1] > now))
        for key, at in self.late:
            if at <= now and after.known(key, at) is None:
                after = after.carry_out(key, at, "ok", has_effect=True)
        return after


def answer(gateway: Gateway, key: Key, now: datetime, said: str) -> tuple[Gateway, GatewayError | None]:
    """What the gateway does and says; None where it accepts."""
    match said:
        case "refused":
            return gateway, OutcomeUnknown("connection")
        case "busy":
            return gateway, Transient("rate_limit")
        case "late":
            return replace(gateway, late=(*gateway.late, (key, now + LATE))), OutcomeUnknown("connection")
    known = gateway.known(key, now)
    if known is not None:
        return gateway, OutcomeUnknown("connection") if said == "lost" else STORED[known]()
    match said:
        case "no":
            return gateway, Rejected("charge_disputed")
        case "no funds":
            return gateway.carry_out(key, now, said, has_effect=False), NoFunds(NO_FUNDS)
        case "error" | "error after":
            has_effect = said == "error after"
            return gateway.carry_out(key, now, "error", has_effect=has_effect), OutcomeUnknown("api_error")
        case "lost":
            done = gateway.carry_out(key, now, "ok", has_effect=True)
            return done, OutcomeUnknown("connection")
    return gateway.carry_out(key, now, "ok", has_effect=True), None


def act(row: Row, gateway: Gateway, now: datetime, said: str, *, is_disputed: bool) -> tuple[Row, Gateway]:
    """One turn of a worker."""
    match next_step(row, now, is_disputed=is_disputed):
        case Step.CANCEL:
            return replace(row, state=RefundState.CANCELED), gateway
        case Step.SEND:
            return send(row, gateway, now, said)
    if gateway.effects:
        return replace(row, state=RefundState.SUCCEEDED), gateway
    match after_absence(row, now, is_all_known=True, is_disputed=is_disputed):
        case Absence.CANCEL:
            return replace(row, state=RefundState.CANCELED), gateway
        case Absence.PERSON:
            return replace(row, reason=NEEDS_PERSON), gateway
        case Absence.SECOND_KEY:
            fresh = replace(row, generation=row.generation + 1, first_sent_at=None, reason="")
            return send(fresh, gateway, now, said)
    return row, gateway


def send(row: Row, gateway: Gateway, now: datetime, said: str) -> tuple[Row, Gateway]:
    """Count the send, call, and take the turn that the answer gives."""
    sent = replace(
        row,
        state=RefundState.SENDING,
        sends=row.sends + 1,
        first_sent_at=row.first_sent_at or now,
        last_sent_at=now,
    )
    gateway, error = answer(gateway, (sent.generation, sent.refusals), now, said)
    if error is None:
        return replace(sent, state=RefundState.SUCCEEDED), gateway
    taken = turn(sent, error)
    first = None if taken.state is RefundState.PLANNED else sent.first_sent_at
    refusals = sent.refusals + taken.is_key_spent
    return replace(
        sent, state=taken.state, reason=taken.reason, first_sent_at=first, refusals=refusals
    ), gateway


def broken(row: Row, gateway: Gateway) -> str:
    """Which promise does not hold; empty where all do."""
    if gateway.effects > 1:
        return "money left twice"
    if row.state in NOTHING and (gateway.effects or gateway.late):
        return f"{row.state}, and money left or may still leave"
    return "" if row.state is not RefundState.SUCCEEDED or gateway.effects else "succeeded, and no money left"


def follow(length: int) -> Iterator[tuple[list[str], str]]:
    """Each sequence of a length, or shorter where it ends, with the promise that it breaks."""
    branches: list[tuple[Row, Gateway, datetime, list[str], bool]] = [(Row(), Gateway(), START, [], False)]
    while branches:
        row, gateway, now, told, was_disputed = branches.pop()
        if len(told) == length or row.state not in OPEN or row.reason == NEEDS_PERSON:
            # What is late arrives in the end, whatever was decided meanwhile.
            yield told, broken(row, gateway.land(now + LATE))
            continue
        for pause, is_disputed, said in product(PAUSES, {was_disputed, True}, ANSWERS):
            at = now + pause
            after, then = act(row, gateway.land(at), at, said, is_disputed=is_disputed)
            line = f"{pause}{', disputed' * is_disputed}: {said}, {after.state}"
            branches.append((after, then, at, [*told, line], is_disputed))


def try_answers(length: int) -> Iterator[tuple[str, bool, str]]:
    """All of them; the first that breaks a promise is told."""
    begun, number = time.monotonic(), 0
    for told, why in follow(length):
        number += 1
        if why:
            yield f"sequences of {length}", False, f"{why}: {'; '.join(told)}"
            return
    minutes = (time.monotonic() - begun) / 60
    yield f"sequences of {length}", True, f"{number:,} held, {number / minutes:,.0f} a minute"
