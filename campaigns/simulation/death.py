"""Workers die between statements, too."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection

from simulation.network import Weather, WorkerDied


@contextmanager
def dying(dice: random.Random, weather: Weather) -> Iterator[None]:
    """A worker may die before any of its statements."""
    if not weather.death or dice.random() > weather.death:
        yield
        return
    with dying_before(dice.randrange(1, 30)):
        yield


@contextmanager
def dying_before(statement: int) -> Iterator[None]:
    """A worker dies before a statement, counted from 1."""
    left = statement

    def count(execute: Callable[..., object], *words: object) -> object:
        nonlocal left
        left -= 1
        if left == 0:
            raise WorkerDied
        return execute(*words)

    with connection.execute_wrapper(count):
        yield
