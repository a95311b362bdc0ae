"""Work for later, put into the caller's transaction: it is there if the transaction is, and not otherwise.

Rooms enqueue by name; the bodies live in the `schedule` door, so that a job may use every room. What is due at an
instant is a column of its row and looked for by a periodic task: a queue would use the machine's clock, not ours.
"""

import json

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.types import JSONValue

from amends.desk.unit_of_work import Part, write_at_end

_DEFER = """
SELECT procrastinate_defer_jobs_v1(ARRAY(
    SELECT ROW(queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)::procrastinate_job_to_defer_v1
    FROM jsonb_populate_recordset(NULL::procrastinate_job_to_defer_v1, {jobs})
))
"""


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


def enqueueing(task: str, arguments: str) -> tuple[str, str]:
    """SQL that runs a task once for each row of a query of arguments, and its parameter: the job without them."""
    jobs = f"(SELECT jsonb_agg(%s::jsonb || jsonb_build_object('args', args)) FROM ({arguments}) AS wanted(args))"  # noqa: S608  # SQL of our own
    return _DEFER.format(jobs=jobs), json.dumps(_row(task, {}))


def _defer(wanted: list[tuple[str, dict[str, JSONValue]]]) -> Part:
    return Part({"job": _DEFER.format(jobs="%s")}, [json.dumps([_row(*one) for one in wanted])])


def _row(task: str, arguments: dict[str, JSONValue]) -> dict[str, object]:
    job = app.configure_task(task).make_new_job(**arguments)
    return {
        "queue_name": job.queue,
        "task_name": job.task_name,
        "priority": job.priority,
        "lock": job.lock,
        "queueing_lock": job.queueing_lock,
        "args": job.task_kwargs,
    }
