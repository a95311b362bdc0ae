"""Work for later, put into the caller's transaction: it is there if the transaction is, and not otherwise.

Rooms enqueue by name; the bodies live in the `schedule` door, so that a job may use every room. What is due at an
instant is a column of its row and looked for by a periodic task: a queue would use the machine's clock, not ours.
"""

from itertools import groupby
from operator import itemgetter

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.types import JSONValue

from amends.desk.unit_of_work import write_at_end


def enqueue(task: str, *, once: str | None = None, **arguments: JSONValue) -> None:
    """Run a task once the transaction is there; with `once`, not while the same one waits already."""
    if once is None:
        write_at_end(_defer, (task, arguments))
        return
    try:
        # A lock that is taken aborts the transaction it is tried in, so it is tried in one of its own.
        with transaction.atomic():
            app.configure_task(task, queueing_lock=once).defer(**arguments)
    except AlreadyEnqueued:
        return


def _defer(wanted: list[tuple[str, dict[str, JSONValue]]]) -> None:
    for task, of_task in groupby(wanted, key=itemgetter(0)):
        app.configure_task(task).batch_defer(*(arguments for _, arguments in of_task))
