"""What follows from where a refund is and what the gateway said: the rules of sending, without database or network.

One key for one intent, then looking, never a new key on suspicion. `planned` says that nothing can have happened yet;
`sending` and `unknown` say that something may have.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Protocol

from amends.desk.payments.gateway import GatewayError, Misuse, NoFunds, OutcomeUnknown, Rejected, Transient
from amends.desk.payments.states import RefundState

KEY_WINDOW = timedelta(hours=23)
"""How long a key is safely known to the gateway; Stripe forgets it after 24 hours."""
QUIET = timedelta(hours=1)
"""How long after a send its effect may still appear."""
GENERATIONS_MAX = 2
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=15)

NEEDS_PERSON = "needs_person"
"""The reason of an unknown refund that no automatic step may touch any more."""
STORED_ANSWER = "stored_answer"
"""The key gives the same error for as long as it is known."""
REFUSED_LATER = "refused_later"
"""Refused, while an earlier send of the same key may still arrive."""
NO_ACCESS = "no_access"
"""The gateway does not take our key to the account."""
NO_FUNDS = "balance_insufficient"
"""Refused for now, by an answer that is stored under the key; after an earlier send it says nothing about that one."""
DISPUTED = "disputed"
_ONLY_LOOK = (STORED_ANSWER, REFUSED_LATER, NO_FUNDS)


class Sent(Protocol):
    """What the rules read of a refund."""

    @property
    def state(self) -> str:
        """One of `RefundState`."""

    @property
    def generation(self) -> int:
        """How many keys were used up."""

    @property
    def sends(self) -> int:
        """Of all keys."""

    @property
    def first_sent_at(self) -> datetime | None:
        """With this key; None where that certainly had no effect."""

    @property
    def last_sent_at(self) -> datetime | None:
        """With any key."""

    @property
    def reason(self) -> str:
        """What the last answer said."""


class Step(Enum):
    """What a worker does with a refund that is due."""

    SEND = auto()
    LOOK = auto()
    CANCEL = auto()


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a refund goes after an answer that was none."""

    state: RefundState
    reason: str
    wait: timedelta | None = None
    """Until the next try, at most; None where there is none."""
    is_key_spent: bool = False
    """The key answers this refusal for as long as it is known, so the next try takes a fresh one."""


class Absence(Enum):
    """What follows where the gateway does not have a refund that was sent."""

    WAIT = auto()
    CANCEL = auto()
    SECOND_KEY = auto()
    PERSON = auto()


def next_step(refund: Sent, now: datetime, *, is_disputed: bool) -> Step:
    """Send, unless that could do harm or could tell nothing new; nothing is sent after a dispute is known."""
    if refund.first_sent_at is None:
        return Step.CANCEL if is_disputed else Step.SEND
    is_over = now - refund.first_sent_at > KEY_WINDOW
    return Step.LOOK if is_over or is_disputed or refund.reason in _ONLY_LOOK else Step.SEND


def turn(refund: Sent, error: GatewayError) -> Turn:
    """Where a refund goes that was sent and not accepted.

    An answer that says that nothing happened says so of this send alone: an earlier one may still have its effect.
    """
    was_only_send = refund.first_sent_at == refund.last_sent_at
    match error:
        case Rejected() if was_only_send:
            return Turn(RefundState.REJECTED, error.code)
        case Rejected():
            return Turn(RefundState.UNKNOWN, REFUSED_LATER, wait(refund))
        case Misuse(is_access=True):
            return _not_now(was_only_send=was_only_send, reason=NO_ACCESS, wait=LONGEST_WAIT)
        case Misuse():
            return Turn(RefundState.UNKNOWN, NEEDS_PERSON)
        case NoFunds() if was_only_send:
            return Turn(RefundState.PLANNED, NO_FUNDS, wait(refund), is_key_spent=True)
        case NoFunds():
            return Turn(RefundState.UNKNOWN, NO_FUNDS, wait(refund))
        case Transient():
            asked = timedelta(seconds=error.retry_after_seconds or 0)
            return _not_now(was_only_send=was_only_send, reason=error.code, wait=max(wait(refund), asked))
        case OutcomeUnknown(is_stored=True):
            return Turn(RefundState.UNKNOWN, STORED_ANSWER, wait(refund))
    return Turn(RefundState.UNKNOWN, error.code, wait(refund))


def _not_now(*, was_only_send: bool, reason: str, wait: timedelta) -> Turn:
    return Turn(RefundState.PLANNED if was_only_send else RefundState.UNKNOWN, reason, wait)


def wait(refund: Sent) -> timedelta:
    """How long to wait before the next try, at most: twice as long each time."""
    doubled: int = 2 ** min(refund.sends, 12)
    return min(FIRST_WAIT * doubled, LONGEST_WAIT)


def after_absence(refund: Sent, now: datetime, *, is_all_known: bool, is_disputed: bool) -> Absence:
    """One more key if it is certain that nothing happened and nothing will, then a person.

    `is_all_known` says that the refunds which the gateway holds of the payment are those that we know of.
    """
    assert refund.last_sent_at is not None
    if now - refund.last_sent_at <= QUIET or not is_all_known:
        return Absence.WAIT
    if is_disputed:
        return Absence.CANCEL
    return Absence.SECOND_KEY if refund.generation + 1 < GENERATIONS_MAX else Absence.PERSON


def is_older(ours: RefundState, theirs: RefundState) -> bool:
    """A lagging read or a late answer may show a state that the refund has left already."""
    if ours in (RefundState.FAILED, RefundState.CANCELED):
        return True
    return ours is RefundState.SUCCEEDED and theirs in (RefundState.PENDING, RefundState.REQUIRES_ACTION)
