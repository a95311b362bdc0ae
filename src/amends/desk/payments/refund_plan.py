"""A refund as it was approved."""

from dataclasses import dataclass

from amends.desk.journal.models import Account


@dataclass(frozen=True, slots=True)
class RefundPlan:
    """A refund as it was approved.

    Amounts: minor units of the payment's currency; `tax` and `rounding` are parts of `amount`.
    """

    amount: int
    purpose: str
    account: Account = Account.SUBSCRIPTION_REVENUE
    tax: int = 0
    fee_retained: int = 0
    rounding: int = 0
