"""Run worlds: `python -m simulation FIRST LAST DATABASE`; the first line says how it went, the rest what broke."""

import sys

from simulation import database


def main() -> None:
    """Stop at the first world that breaks, with exit code 1."""
    first, last, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    database.prepare(name)
    from simulation.world import ViolationError, World, forget_world

    forget_world()
    for seed in range(first, last):
        try:
            World(seed).run()
        except ViolationError as error:
            print(error)
            sys.exit(1)
        finally:
            forget_world()
    print(f"{last - first} worlds held")


if __name__ == "__main__":
    main()
