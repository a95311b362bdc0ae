"""Other engines, each with the rules of the shipped policy in its natural form.

None of them knows calendar days of a zone or months begun, so those numbers are handed to them ready-made, before the
clock runs; none checks that a case is possible.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hand_written import DAY, FIX_TIME, FREE_USE, WINDOW, Verdict, months_started

NUMBERS = {"window": WINDOW, "free_use": FREE_USE, "fix_time": FIX_TIME}

Facts = dict[str, Any]


@dataclass(frozen=True)
class Engine:
    """One engine, ready to decide."""

    name: str
    says: str
    decide: Callable[[Any], Any]
    """What is measured."""
    read: Callable[[Any], Verdict]
    """Its answer as a verdict, after the clock has stopped."""
    prepare: Callable[[Facts], Any] = dict
    """Brings facts into its shape, before the clock runs."""
    can_say: Callable[[Facts], bool] = lambda _: True
    """Whether its form can state the rules that this case needs."""


def with_numbers(facts: Facts) -> Facts:
    """The facts with the numbers of the calendar, under their names in the policy."""
    reported, resolved = facts["issue_reported_at"], facts["issue_resolved_at"]
    start, end = facts["period_start"], facts["period_end"]
    fixed = facts["requested_at"] if resolved == "none" else resolved
    until = end if resolved == "none" else min(end, resolved)
    return {
        **facts,
        "age": facts["requested_at"] // DAY - facts["purchased_at"] // DAY,
        "months": months_started(facts["purchased_at"], facts["requested_at"]),
        "days_open": fixed // DAY - reported // DAY,
        "broken_days": max(0, until // DAY - max(reported, start) // DAY),
        "period_days": end // DAY - start // DAY,
    }
