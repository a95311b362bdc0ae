"""What the solver does not see by itself: products and roundings keep the order of two cases.

Each fact holds of all whole numbers, so it changes no answer; with it, more questions get one.
"""

from collections.abc import Iterator

from amends.policy.checker.encoding import Encoding, Step
from amends.policy.checker.smt import Term, either, is_same


def facts_of_order(first: Encoding, second: Encoding) -> Iterator[Term]:
    """For each product and rounding of both cases, that it grows with what it is made of."""
    for node, step in first.steps.items():
        other = second.steps.get(node)
        if other is not None and not is_same(step.result.top, other.result.top):
            yield from _product(step, other) if len(step.parts) > 1 else _rounding(step, other)


def _product(step: Step, other: Step) -> Iterator[Term]:
    """A factor that both share, and that is not below zero, keeps the order of the other factors."""
    for (shared, grown), (again, other_grown) in zip(
        (step.parts, step.parts[::-1]), (other.parts, other.parts[::-1]), strict=True
    ):
        if is_same(shared.top, again.top):
            for low, high, less, more in _both_ways(
                grown.top, other_grown.top, step.result.top, other.result.top
            ):
                yield either(shared.top < 0, low > high, less <= more)


def _rounding(step: Step, other: Step) -> Iterator[Term]:
    (exact,), (counterpart,) = step.parts, other.parts
    if is_same(exact.bottom, counterpart.bottom):
        for low, high, less, more in _both_ways(
            exact.top, counterpart.top, step.result.top, other.result.top
        ):
            yield either(low > high, less <= more)


def _both_ways(a: Term, b: Term, of_a: Term, of_b: Term) -> tuple[tuple[Term, Term, Term, Term], ...]:
    return (a, b, of_a, of_b), (b, a, of_b, of_a)
