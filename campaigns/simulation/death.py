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
    left = dice.randrange(1, 30)

    def count(execute: Callable[..., object], *words: object) -> object:
        nonlocal left
        left -= 1
        if left == 0:
            raise WorkerDied
        return execute(*words)

    with connection.execute_wrapper(count):
        yield
