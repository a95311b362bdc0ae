"""Rows that are written together at the end of a transaction: all or nothing, and never after a savepoint that failed."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from amends.desk.audit.actions import broken_rows, record
from amends.desk.audit.models import AuditRow
from amends.desk.unit_of_work import unit_of_work


def rows() -> list[tuple[str, int, str]]:
    return list(AuditRow.objects.order_by("id").values_list("subject", "sequence", "action"))


def fail_after(action: str) -> None:
    with unit_of_work():
        record("case:1", "desk", action)
        raise ValueError("no")


def go_on_after_an_error() -> None:
    with unit_of_work():
        record("case:1", "desk", "opened")
        try:
            fail_after("decided")
        except ValueError:
            record("case:1", "desk", "went on")


def test_rows_of_a_unit_are_written_in_their_order_at_its_end() -> None:
    record("case:1", "desk", "opened")
    with unit_of_work():
        record("case:1", "desk", "decided")
        record("case:2", "desk", "opened")
        with unit_of_work():
            record("case:1", "desk", "closed")
        assert rows() == [("case:1", 1, "opened")]
    assert rows() == [
        ("case:1", 1, "opened"),
        ("case:1", 2, "decided"),
        ("case:2", 1, "opened"),
        ("case:1", 3, "closed"),
    ]
    assert list(broken_rows()) == []


def test_many_rows_cost_as_many_statements_as_one() -> None:
    def statements(number: int) -> int:
        with CaptureQueriesContext(connection) as captured, unit_of_work():
            for at in range(number):
                record(f"case:{at % 3}", "desk", "looked")
        return len(captured)

    assert statements(9) == statements(1)


def test_an_error_leaves_nothing_of_a_unit() -> None:
    with pytest.raises(ValueError, match="no"):
        fail_after("opened")
    with unit_of_work():
        record("case:2", "desk", "opened")
    assert rows() == [("case:2", 1, "opened")]


def test_an_error_that_leaves_an_inner_unit_takes_the_outer_one_with_it() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        go_on_after_an_error()
    assert rows() == []


def test_what_a_savepoint_takes_back_is_not_written_after_it() -> None:
    with unit_of_work():
        record("case:1", "desk", "opened")
        try:
            with transaction.atomic():
                fail_after("told")
        except ValueError:
            record("case:1", "desk", "not told")
    assert rows() == [("case:1", 1, "opened"), ("case:1", 2, "not told")]
