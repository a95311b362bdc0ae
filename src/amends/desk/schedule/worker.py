"""The worker of the queue, which outlives its database.

The library's own worker ends for good when its database is away for a moment. This one begins again until it is asked
to end, so that a restart, a full disk or a cut line needs nobody.
"""

import asyncio
import signal
from contextlib import suppress

import psycopg
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import ConnectorException

from amends.desk import logs

CONCURRENCY = 4
PAUSE_SECONDS = 1.0


async def work() -> None:
    """Take jobs until an interrupt or a polite end; jobs that are under way are finished then."""
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    end = asyncio.create_task(asked.wait())
    while not asked.is_set():
        running = asyncio.create_task(_work_once())
        await asyncio.wait((running, end), return_when=asyncio.FIRST_COMPLETED)
        running.cancel()
        with suppress(asyncio.CancelledError, ConnectorException, psycopg.Error):
            await running
        if not asked.is_set():
            logs.tell("worker_begins_again")
            await asyncio.wait((end,), timeout=PAUSE_SECONDS)


async def _work_once() -> None:
    """Take jobs for as long as the database is there."""
    assert isinstance(app.connector, DjangoConnector)
    with app.replace_connector(app.connector.get_worker_connector()):
        async with app.open_async():
            await app.run_worker_async(
                concurrency=CONCURRENCY, delete_jobs="successful", install_signal_handlers=False
            )
