"""A request that loses its database in the middle."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection, transaction
from psycopg import sql

from web import Answer

CUT = """
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def ask_and_cut(table: str, ask: Callable[[], Answer]) -> Answer:
    """Hold a request at a table, and end its connection there as a server does that stops."""
    with ThreadPoolExecutor(1) as pool, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))
        answer = pool.submit(ask)
        while not answer.done():
            cursor.execute(CUT)
            time.sleep(0.02)
        return answer.result()
