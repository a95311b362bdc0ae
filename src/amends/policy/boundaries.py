"""The values of an input at which a comparison changes its answer.

Found by galloping and bisection on the comparison itself, so no rule needs a hand-written inverse. Comparisons of the
language change at most once in each direction for the values that occur, apart from month ends, where the nearest
change is found.
"""

from collections.abc import Callable, Iterator

from amends.policy import dates
from amends.policy.facts import Facts
from amends.policy.model import Policy
from amends.policy.program import Condition, Program
from amends.policy.resolution import members

DAYS_AHEAD = 3660


def opening_days(program: Program, facts: Facts, openable: int) -> list[int]:
    """The starts of the later days on which a comparison with time in one of the rules changes, in order."""
    policy = program.policy
    asked = policy.roles.asked
    today = facts[asked] if asked is not None else None
    if not isinstance(today, int):
        return []
    first = dates.day_number(today, policy.zone)
    last = dates.day_number(dates.INSTANT_MAX, policy.zone) - 1
    comparisons = {c for index in members(openable) for c in program.time_comparisons(index)}
    days = {
        day
        for comparison in comparisons
        if (day := nearest_day_of_change(policy, facts, comparison, first, min(first + DAYS_AHEAD, last)))
    }
    return [dates.day_start(day, policy.zone) for day in sorted(days)]


def nearest_day_of_change(
    policy: Policy, facts: Facts, comparison: Condition, first: int, last: int
) -> int | None:
    """The day nearest to `first`, on the way to `last`, on which the comparison answers otherwise than today."""
    asked = policy.roles.asked
    assert asked is not None

    later = dict(facts)

    def answer(day: int) -> object:
        later[asked] = facts[asked] if day == first else dates.day_start(day, policy.zone)
        return comparison(later)

    return first_change(answer, first, last)


def first_change(answer: Callable[[int], object], start: int, end: int) -> int | None:
    """The value nearest to `start`, on the way to `end`, with another answer than `start` has."""
    initial = answer(start)
    if initial is None:
        return None
    near = start
    for far in _strides(start, end):
        if answer(far) not in (initial, None):
            return _bisect(answer, initial, near, far)
        near = far
    return None


def _strides(start: int, end: int) -> Iterator[int]:
    sign = 1 if end >= start else -1
    step = 1
    while step < abs(end - start):
        yield start + sign * step
        step *= 2
    if end != start:
        yield end


def _bisect(answer: Callable[[int], object], initial: object, near: int, far: int) -> int:
    while abs(far - near) > 1:
        middle = (near + far) // 2
        if answer(middle) == initial:
            near = middle
        else:
            far = middle
    return far
