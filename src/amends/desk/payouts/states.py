"""The states of a payout, the only ways from one to another, and what each means for the refund that it carries out.

The database holds the same table: a change that is not in it is refused whoever asks (`migrations/0002_guards.py`).
"""

from enum import StrEnum

from amends.desk.payments.states import RefundState


class PayoutState(StrEnum):
    """Where a payout is."""

    ASKED = "asked"
    """The customer has been asked for the account."""
    GIVEN = "given"
    """The account is here; nobody has proposed to pay it."""
    PROPOSED = "proposed"
    """One person of finance wants it paid to this account; another one has to agree."""
    RELEASED = "released"
    """Two have agreed; the next file for the bank takes it along."""
    EXPORTED = "exported"
    """It is in a file for the bank: it counts as on its way, whatever happens to the file."""
    PAID = "paid"
    """The bank has booked it."""
    RETURNED = "returned"
    """It came back to our account."""
    WITHDRAWN = "withdrawn"
    """Called off before any file."""


_S = PayoutState
TRANSITIONS: dict[PayoutState, frozenset[PayoutState]] = {
    _S.ASKED: frozenset({_S.GIVEN, _S.WITHDRAWN}),
    # Another account takes back what was agreed to about the one before.
    _S.GIVEN: frozenset({_S.PROPOSED, _S.WITHDRAWN}),
    _S.PROPOSED: frozenset({_S.GIVEN, _S.RELEASED, _S.WITHDRAWN}),
    _S.RELEASED: frozenset({_S.GIVEN, _S.EXPORTED, _S.WITHDRAWN}),
    _S.EXPORTED: frozenset({_S.PAID, _S.RETURNED}),
    _S.PAID: frozenset({_S.RETURNED}),
    _S.RETURNED: frozenset(),
    _S.WITHDRAWN: frozenset(),
}
REFUND_STATES: dict[PayoutState, RefundState] = {
    _S.ASKED: RefundState.PLANNED,
    _S.GIVEN: RefundState.PLANNED,
    _S.PROPOSED: RefundState.PLANNED,
    _S.RELEASED: RefundState.PLANNED,
    _S.EXPORTED: RefundState.PENDING,
    _S.PAID: RefundState.SUCCEEDED,
    _S.RETURNED: RefundState.FAILED,
    _S.WITHDRAWN: RefundState.CANCELED,
}
"""The refund reserves and posts; it is always where its payout is."""

BEFORE_FILE = frozenset({_S.ASKED, _S.GIVEN, _S.PROPOSED, _S.RELEASED})
"""It can still be called off, and its account can still be changed."""
ENDED = frozenset({_S.PAID, _S.RETURNED, _S.WITHDRAWN})


class IllegalPayoutError(Exception):
    """The payout cannot go from the one state to the other."""


def check_transition(before: PayoutState, after: PayoutState) -> None:
    """Allow only what the table allows.

    Raises: IllegalPayoutError.
    """
    if after not in TRANSITIONS[before]:
        raise IllegalPayoutError(f"a payout does not go from {before} to {after}")
