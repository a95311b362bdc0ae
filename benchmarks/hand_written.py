"""The shipped policy as a programmer would write it by hand, from validated and complete facts.

It is what `decide.py` measures against, and `tests/repo/test_benchmarks.py` holds it to the answers of the policy.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

WINDOW = 7
FREE_USE = 50
FIX_TIME = 14
DAY = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Verdict = tuple[str, str | None, int]

DENIED: Verdict = ("denied", None, 0)
REVIEW: Verdict = ("needs_review", None, 0)
INFORMATION: Verdict = ("needs_information", None, 0)


def verdict(facts: Mapping[str, Any]) -> Verdict:
    """Outcome, grant and amount in minor units.

    Raises: ValueError: the case contradicts itself.
    """
    check(facts)
    if facts["identified"] is not True:
        return INFORMATION
    request = facts["request"]
    if request == "billing_error" or facts["dispute"] == "open":
        return REVIEW
    if facts["product"] == "credits":
        return DENIED
    if request == "convert":
        return conversion(facts)
    return refund(facts, request)


def check(facts: Mapping[str, Any]) -> None:
    """Refuse what cannot have happened."""
    asked, reported, resolved = facts["requested_at"], facts["issue_reported_at"], facts["issue_resolved_at"]
    if asked < facts["purchased_at"] or reported > asked:
        raise ValueError("requested before the purchase or the report")
    if facts["fee"] < 0 or facts["monthly_price"] < 0 or not 0 <= facts["refunded"] <= facts["paid"]:
        raise ValueError("amounts out of range")
    if facts["period_end"] // DAY <= facts["period_start"] // DAY:
        raise ValueError("the billing period is empty")
    if resolved != "none" and not reported <= resolved <= asked:
        raise ValueError("fixed before the report or after the request")


def refund(facts: Mapping[str, Any], request: str) -> Verdict:
    """Money back in the window, or for a fault that lasts."""
    asked = facts["requested_at"]
    left = facts["paid"] - facts["refunded"] - facts["fee"]
    if asked // DAY - facts["purchased_at"] // DAY <= WINDOW and facts["generations"] <= FREE_USE:
        if request == "refund" and facts["reason_given"] is not True:
            return INFORMATION
        return ("granted", "refund", max(0, left))
    if request == "refund" or not (facts["prevents_use"] and facts["continuous"]):
        return DENIED
    reported, resolved = facts["issue_reported_at"], facts["issue_resolved_at"]
    if (asked if resolved == "none" else resolved) // DAY - reported // DAY <= FIX_TIME:
        return DENIED
    if facts["evidence"] is not True:
        return INFORMATION
    return ("granted", "partial_refund", max(0, min(broken_share(facts), left)))


def broken_share(facts: Mapping[str, Any]) -> int:
    """The part of the payment that falls on the days without service; halves round away from zero."""
    start, end, resolved = facts["period_start"], facts["period_end"], facts["issue_resolved_at"]
    broken_until = end if resolved == "none" else min(end, resolved)
    broken = max(0, broken_until // DAY - max(facts["issue_reported_at"], start) // DAY)
    share = (facts["paid"] - facts["fee"]) * broken
    days = end // DAY - start // DAY
    rounded: int = (2 * abs(share) + days) // (2 * days)
    return rounded if share >= 0 else -rounded


def conversion(facts: Mapping[str, Any]) -> Verdict:
    """An annual plan bought by accident becomes a monthly one."""
    if facts["interval"] != "year" or not facts["accidental"]:
        return DENIED
    if facts["converted_before"]:
        return REVIEW
    months = months_started(facts["purchased_at"], facts["requested_at"])
    rest = facts["paid"] - facts["refunded"] - facts["fee"] - facts["monthly_price"] * months
    return ("granted", "convert_to_monthly", rest) if rest > 0 else DENIED


def months_started(start: int, end: int) -> int:
    """Months begun, at least one; the anniversary day still belongs to the month before."""
    first, last = EPOCH + timedelta(microseconds=start), EPOCH + timedelta(microseconds=end)
    months = 12 * (last.year - first.year) + last.month - first.month
    month_end = (last.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return max(1, months + (last.day > min(first.day, month_end.day)))
