"""What a gateway can answer, in our words: snapshots of its objects, and the five ways in which a call can fail.

GatewayError        a call did not give a usable answer
Rejected          final, and nothing happened
Transient         nothing happened; the same call may work later
OutcomeUnknown    the call may have had its effect
Misuse            our own fault, such as a wrong key: stop and tell somebody
NoFunds           our balance at the gateway is too low
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from amends.desk.payments.models import DisputeStatus
from amends.desk.payments.states import RefundState


@dataclass(frozen=True, slots=True)
class FeeSnapshot:
    """What the gateway kept of a charge.

    Amounts: minor units; `amount` in the currency of the charge, `settled` in that of the settlement.
    """

    amount: int
    settled: int
    currency: str
    exchange_rate: Decimal | None


@dataclass(frozen=True, slots=True)
class ChargeSnapshot:
    """A charge as the gateway holds it now."""

    ref: str
    captured: int
    returned: int
    currency: str
    fee: FeeSnapshot | None
    method: str
    method_hint: str
    captured_at: datetime


@dataclass(frozen=True, slots=True)
class RefundSnapshot:
    """A refund as the gateway holds it now."""

    ref: str
    charge_ref: str
    amount: int
    currency: str
    state: RefundState
    reason: str
    trace: str
    refund_id: str
    """Our id, from its metadata; empty for a refund that somebody else made."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DisputeSnapshot:
    """A dispute as the gateway holds it now."""

    ref: str
    charge_ref: str
    status: DisputeStatus
    amount: int
    currency: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """That something changed; what it is now has to be fetched."""

    id: str
    kind: str
    object_id: str


class GatewayError(Exception):
    """A call gave no usable answer; `code` is the gateway's own."""

    def __init__(self, code: str, *, retry_after_seconds: int | None = None) -> None:
        self.code = code
        self.retry_after_seconds = retry_after_seconds
        super().__init__(code)


class Rejected(GatewayError):  # noqa: N818  # an answer, not a fault
    """Refused for good; nothing happened."""


class Transient(GatewayError):  # noqa: N818  # as Rejected
    """Not now; nothing happened."""


class OutcomeUnknown(GatewayError):  # noqa: N818  # as Rejected
    """The call may have had its effect."""

    def __init__(self, code: str, *, is_stored: bool = False) -> None:
        super().__init__(code)
        self.is_stored = is_stored
        """The gateway gives this answer for as long as it knows the key: sending it again tells nothing new."""


class Misuse(GatewayError):  # noqa: N818  # as Rejected
    """Our key, or a parameter, is wrong: nothing may be sent until somebody has looked."""

    def __init__(self, code: str, *, is_access: bool = False) -> None:
        super().__init__(code)
        self.is_access = is_access
        """The gateway does not let us in, whatever we ask for: nothing happened."""


class NoFunds(GatewayError):  # noqa: N818  # as Rejected
    """Our balance at the gateway is too low; nothing happened."""
