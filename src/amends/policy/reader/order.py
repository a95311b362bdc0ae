"""The order in which facts and tables can be resolved: each after what it is made of."""

from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

CIRCLES_MAX = 20


def resolution_order(parts: Mapping[str, Collection[str]]) -> tuple[list[str], list[list[str]]]:
    """Names in an order in which each comes after its parts, and the circles that have no such order.

    A circle is listed from its first name back to it. Its names are left out of the order, and so is everything where
    there are more circles than anybody wants to read about at once.
    """
    open_ = dict(parts)
    circles: list[list[str]] = []
    while len(circles) < CIRCLES_MAX:
        try:
            order = list(TopologicalSorter(open_).static_order())
        except CycleError as error:
            circle = _from_first(error.args[1][::-1], list(parts))
            circles.append(circle)
            open_ = {name: after for name, after in open_.items() if name not in circle}
        else:
            return [name for name in order if name in open_], circles
    return [], circles


def _from_first(circle: list[str], order: list[str]) -> list[str]:
    """The same circle, beginning with the name that was declared first."""
    names = circle[:-1]
    start = min(range(len(names)), key=lambda index: order.index(names[index]))
    return [*names[start:], *names[: start + 1]]


def chain_lengths(order: Collection[str], parts: Mapping[str, Collection[str]]) -> Iterator[tuple[str, int]]:
    """For each name, how many names build on each other up to it."""
    lengths: dict[str, int] = {}
    for name in order:
        lengths[name] = 1 + max((lengths.get(part, 0) for part in parts[name]), default=0)
        yield name, lengths[name]
