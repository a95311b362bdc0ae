"""Run over the code on the path: `python -m simulation worlds FIRST LAST DATABASE`, or `answers LENGTH`.

The first that breaks is printed with what led there, and the exit code is 1.
"""

import sys
import time

from simulation import database

SWEEP_EVERY = 50


def run_worlds(first: int, last: int, name: str) -> None:
    """Seeds, each a world."""
    database.prepare(name)
    from simulation.tables import forget_world, sweep_up
    from simulation.world import ViolationError, World

    forget_world()
    begun = time.monotonic()
    for seed in range(first, last):
        try:
            World(seed).run()
        except ViolationError as error:
            print(error)
            sys.exit(1)
        finally:
            forget_world()
        if seed % SWEEP_EVERY == 0:
            sweep_up()
    minutes = (time.monotonic() - begun) / 60
    print(f"{last - first} worlds held, {(last - first) / minutes:,.0f} a minute")


def run_answers(length: int) -> None:
    """Every sequence of a length."""
    database.configure()
    import django

    django.setup()
    from answers import try_answers

    for _, held, words in try_answers(length):
        print(words)
        sys.exit(0 if held else 1)


if __name__ == "__main__":
    if sys.argv[1] == "worlds":
        run_worlds(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        run_answers(int(sys.argv[2]))
