"""One import at a time: a second one would record the same orders at the same moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_LOCK = 7_261_804
"""Any number that nothing else locks."""


class UnderWayError(Exception):
    """Another process is importing; nothing was done."""


@contextmanager
def turn() -> Iterator[None]:
    """Hold the only turn; it ends with the process, however that ends.

    Raises: UnderWayError.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if cursor.fetchone() != (True,):
            raise UnderWayError
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
