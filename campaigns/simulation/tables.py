"""What many worlds leave in one database, and how it goes."""

from django.db import connection

from amends.desk import clock

EMPTY = """
SET session_replication_role = replica;
DELETE FROM journal_posting; DELETE FROM journal_entry; DELETE FROM audit_auditrow; DELETE FROM payments_notice;
DELETE FROM payments_refund; DELETE FROM payments_dispute; DELETE FROM payments_payment; DELETE FROM accounts_customer;
DELETE FROM procrastinate_events; DELETE FROM procrastinate_jobs;
SET session_replication_role = DEFAULT;
"""


def forget_world() -> None:
    """Empty what a world has written, and let time run again."""
    clock.stop_at(None)
    connection.rollback()
    with connection.cursor() as cursor:
        cursor.execute(EMPTY)


def sweep_up() -> None:
    """Take the dead rows of many worlds out of the tables; nothing else does it here."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
