"""The database itself keeps the books: whatever the code does, wrong entries cannot be there."""

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from amends.desk import clock
from amends.desk.audit.actions import broken_rows, record
from amends.desk.journal.actions import balances, credit, debit, post, reverse
from amends.desk.journal.models import Account, Entry, Posting

BALANCED = [debit(Account.GATEWAY_CASH, 1900), credit(Account.SUBSCRIPTION_REVENUE, 1900)]


def test_an_entry_that_does_not_balance_is_refused_when_its_transaction_ends() -> None:
    lines = [debit(Account.GATEWAY_CASH, 1900), credit(Account.SUBSCRIPTION_REVENUE, 1899)]

    with pytest.raises(DatabaseError, match="does not balance in USD"), transaction.atomic():
        post("charge", "payment:1", "USD", lines)

    assert (Entry.objects.count(), Posting.objects.count()) == (0, 0)


def test_a_reversal_brings_every_balance_back_to_zero() -> None:
    with transaction.atomic():
        entry = post("charge", "payment:1", "USD", BALANCED)
    assert entry is not None
    with transaction.atomic():
        reverse(entry, "charge_taken_back", "payment:1")

    assert set(balances().values()) == {0}


def test_an_entry_without_postings_is_refused() -> None:
    with pytest.raises(DatabaseError, match="has no postings"), transaction.atomic():
        Entry.objects.create(posted_at=clock.now(), kind="charge", reference="payment:1")


def test_one_event_is_posted_once() -> None:
    with transaction.atomic():
        post("charge", "payment:1", "USD", BALANCED)
    with pytest.raises(DatabaseError, match="entry_posted_once"), transaction.atomic():
        post("charge", "payment:1", "USD", BALANCED)

    assert Posting.objects.count() == 2


@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
@pytest.mark.parametrize("table", ["journal_entry", "journal_posting", "audit_auditrow"])
def test_books_and_audit_are_only_added_to_even_by_their_owner(statement: str, table: str) -> None:
    with transaction.atomic():
        post("charge", "payment:1", "USD", BALANCED)
        record("case:1", "desk", "opened")

    with pytest.raises(DatabaseError, match="rows are only added to"), transaction.atomic():
        connection.cursor().execute(statement.format(table))


@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("table", ["journal_entry", "journal_posting", "audit_auditrow"])
def test_the_role_of_the_service_has_no_right_to_change_books_and_audit(statement: str, table: str) -> None:
    as_service = f"SET LOCAL ROLE {settings.SERVICE_ROLE}; "

    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(as_service + statement.format(table))


def test_an_edited_audit_row_breaks_its_chain() -> None:
    for action in ("opened", "decided", "closed"):
        record("case:1", "desk", action)
    assert list(broken_rows()) == []

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE audit_auditrow SET action = 'denied' WHERE action = 'decided'")
        cursor.execute("SET session_replication_role = DEFAULT")

    assert list(broken_rows()) == ["case:1: row 2 was changed"]
