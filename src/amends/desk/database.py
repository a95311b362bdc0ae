"""The tables and the rights of the service's own role.

The role of web and worker reads and writes, but cannot update, delete or truncate a table that is only added to, and
cannot change the tables themselves. The owner of the tables runs the migrations and nothing else.
"""

from django.core.management import call_command
from django.db import connection
from psycopg import sql

_APPEND_ONLY = """
SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE t.tgname = 'append_only' AND c.relnamespace = 'public'::regnamespace
"""


def prepare(role: str, *, may_create_role: bool) -> None:
    """Bring the tables up to date and give the service's role its rights; run as the owner of the tables."""
    call_command("migrate", verbosity=0, interactive=False)
    call_command("createcachetable", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None and may_create_role:
            cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        cursor.execute(_APPEND_ONLY)
        for statement in _grants(role, [name for (name,) in cursor.fetchall()]):
            cursor.execute(statement)


def _grants(role: str, append_only: list[str]) -> list[sql.Composed]:
    name = sql.Identifier(role)
    statements = [
        "GRANT USAGE ON SCHEMA public TO {}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {}",
    ]
    granted = [sql.SQL(statement).format(name) for statement in statements]
    revoke = sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}")
    return granted + [revoke.format(sql.Identifier(table), name) for table in append_only]
