"""What the database says, asked again only after somebody wrote to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection

from simulation.invariants import State, read_state

READS = ("SELECT", "SAVEPOINT", "RELEASE", "SET")
"""How statements begin that change nothing of a state; what the rooms have functions write, they write in a `WITH`."""


@dataclass(slots=True)
class Reading:
    """The last state that was read.

    Invariant: nothing is kept that somebody may have changed.
    """

    _kept: State | None = None

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note what this thread's connection writes."""

        def note(execute: Callable[..., object], sql: object, *words: object) -> object:
            # Also what fails or is taken back: one look too many misses nothing.
            if not str(sql).lstrip().startswith(READS):
                self.forget()
            return execute(sql, *words)

        with connection.execute_wrapper(note):
            yield

    def state(self) -> State:
        """The database now."""
        if self._kept is None:
            self._kept = read_state()
        return self._kept

    def forget(self) -> None:
        """Ask again: what was read may have missed a transaction that was still under way."""
        self._kept = None
