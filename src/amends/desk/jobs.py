"""Work for later, put into the caller's transaction: it is there if the transaction is, and not otherwise.

Rooms enqueue by name; the bodies live in the `schedule` door, so that a job may use every room. What is due at an
instant is a column of its row and looked for by a periodic task: a queue would use the machine's clock, not ours.
"""

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.types import JSONValue


def enqueue(task: str, *, once: str | None = None, **arguments: JSONValue) -> None:
    """Run a task once the transaction is there; with `once`, not while the same one waits already."""
    deferrer = app.configure_task(task, queueing_lock=once)
    if once is None:
        deferrer.defer(**arguments)
        return
    try:
        # A lock that is taken aborts the transaction it is tried in, so it is tried in one of its own.
        with transaction.atomic():
            deferrer.defer(**arguments)
    except AlreadyEnqueued:
        return
