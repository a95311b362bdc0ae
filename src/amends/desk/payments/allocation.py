"""How a refund is divided over the payments of one order: data in, data out.

The last charged is paid back first, and each only up to what is left of it. A card that was charged last is the likeliest
to take money back, and whole payments stay untouched as long as possible, so that as few refunds as possible are made.
"""

from collections.abc import Sequence
from dataclasses import replace

from amends.desk.payments.refund_plan import RefundPlan
from amends.policy.money import Money


class NothingLeftError(Exception):
    """Less is left of what was charged than the refund would take."""


def allocate(amount: int, left: Sequence[int]) -> list[int]:
    """The part of an amount that each payment pays back, 0 where it pays none; the last payment first.

    Amounts: minor units of one currency; `left` in the order of the charges, nothing where it is below 0.
    Rounding: none.
    Invariant: the parts sum to the amount, and none is above what is left.
    Raises: NothingLeftError: all payments together have less left; nothing is ever left out.

    >>> allocate(700, [1000, 500])
    [200, 500]
    """
    parts = [0] * len(left)
    rest = amount
    for place in reversed(range(len(left))):
        parts[place] = min(max(left[place], 0), rest)
        rest -= parts[place]
    if rest:
        raise NothingLeftError(str(amount))
    return parts


def divide(plan: RefundPlan, parts: Sequence[int], currency: str) -> list[RefundPlan]:
    """The refund of each part, with its share of tax, of the fee that is kept and of the gateway's step.

    Rounding: largest remainder, so that the shares sum to what the whole has.
    Invariant: in each part tax and step are at most its amount.
    """
    taxes = _share(plan.tax, parts, currency)
    fees = _share(plan.fee_retained, parts, currency)
    steps = _share(plan.rounding, [part - tax for part, tax in zip(parts, taxes, strict=True)], currency)
    shares = zip(parts, taxes, fees, steps, strict=True)
    return [
        replace(plan, amount=part, tax=tax, fee_retained=fee, rounding=step)
        for part, tax, fee, step in shares
    ]


def _share(whole: int, weights: Sequence[int], currency: str) -> list[int]:
    return [part.amount for part in Money(whole, currency).split(weights)]
