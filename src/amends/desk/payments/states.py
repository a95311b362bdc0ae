"""The states of a refund, and the only ways from one to another.

`unknown` is a state, not a failure: the gateway may have acted, and only its own answer ends it. A refund that
succeeded can fail days later, when the bank returns the money.
"""

from collections.abc import Iterable
from enum import StrEnum


class RefundState(StrEnum):
    """Where a refund is."""

    PLANNED = "planned"
    """Decided and reserved; nothing was sent."""
    SENDING = "sending"
    """A call was begun and not answered yet."""
    UNKNOWN = "unknown"
    """A call ended without a readable answer."""
    PENDING = "pending"
    """The gateway has it; the money has not left."""
    REQUIRES_ACTION = "requires_action"
    """The gateway waits for the customer."""
    SUCCEEDED = "succeeded"
    """On its way to the bank."""
    REJECTED = "rejected"
    """The gateway refused; nothing happened."""
    FAILED = "failed"
    """The money came back; somebody has to find another way."""
    CANCELED = "canceled"
    """Taken back before the money left."""


_S = RefundState
_ANSWERS = frozenset(
    {_S.PENDING, _S.REQUIRES_ACTION, _S.SUCCEEDED, _S.FAILED, _S.CANCELED, _S.REJECTED, _S.UNKNOWN}
)
TRANSITIONS: dict[RefundState, frozenset[RefundState]] = {
    # In a database that was restored, a refund may be planned that the gateway has had for an hour.
    _S.PLANNED: (_ANSWERS - {_S.REJECTED, _S.UNKNOWN}) | {_S.SENDING},
    # A worker that died leaves `sending`; the next one sends the same key again, or looks for what happened.
    _S.SENDING: _ANSWERS | {_S.SENDING, _S.PLANNED},
    _S.UNKNOWN: (_ANSWERS - {_S.UNKNOWN}) | {_S.SENDING},
    _S.PENDING: frozenset({_S.SUCCEEDED, _S.FAILED, _S.CANCELED, _S.REQUIRES_ACTION}),
    _S.REQUIRES_ACTION: frozenset({_S.PENDING, _S.SUCCEEDED, _S.FAILED, _S.CANCELED}),
    _S.SUCCEEDED: frozenset({_S.FAILED}),
    _S.REJECTED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELED: frozenset(),
}

LIVE = frozenset({_S.PLANNED, _S.SENDING, _S.UNKNOWN, _S.PENDING, _S.REQUIRES_ACTION})
"""The amount is reserved: it can neither be sent again nor be given to another refund."""
ENDED_WITHOUT_MONEY = frozenset({_S.REJECTED, _S.FAILED, _S.CANCELED})
"""The amount is free again."""


def in_sql(states: Iterable[RefundState]) -> str:
    """States as SQL lists them; written out, so that the database knows which indexes hold them all."""
    return ", ".join(f"'{state}'" for state in sorted(states))


class IllegalTransitionError(Exception):
    """The refund cannot go from the one state to the other."""


def check_transition(before: RefundState, after: RefundState) -> None:
    """Allow only what the table allows.

    Raises: IllegalTransitionError.
    """
    if after not in TRANSITIONS[before]:
        raise IllegalTransitionError(f"a refund does not go from {before} to {after}")
