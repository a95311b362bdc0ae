"""Rows that are written together at the end of a transaction: all or nothing, and never after a savepoint that failed."""

from threading import Thread

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from amends.desk.announcements.actions import announce
from amends.desk.announcements.models import EventKind
from amends.desk.audit.actions import broken_rows, record
from amends.desk.audit.models import AuditRow
from amends.desk.jobs import enqueue
from amends.desk.journal.actions import credit, debit, post
from amends.desk.journal.models import Account, Posting
from amends.desk.notices.actions import write
from amends.desk.notices.composition import Paragraph
from amends.desk.notices.models import Letter, LetterKind
from amends.desk.unit_of_work import unit_of_work, write_now
from shop import Shop
from spent import Counter


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


def test_everything_that_a_unit_writes_is_one_statement(shop: Shop) -> None:
    sent, before = Counter(), len(rows())
    with connection.execute_wrapper(sent), unit_of_work():
        record("case:1", "desk", "opened")
        post("charge", "payment:1", "USD", [debit(Account.GATEWAY_CASH, 5), credit(Account.TAX, 5)])
        for reference in ("first", "second", "first"):
            write(shop.customer, LetterKind.RECEIVED, reference, "Subject", [Paragraph("Text.")])
        announce(EventKind.CASE_OPENED, "1", {})
        enqueue("send_kept_mail", key="1")

    assert sent.statements == 1
    assert (rows()[-1][2], len(rows()) - before, Posting.objects.count(), Letter.objects.count()) == (
        "opened",
        1,
        2,
        2,
    )


def test_letters_of_one_customer_are_sent_by_one_job_and_once(shop: Shop) -> None:
    def tell(*references: str) -> None:
        with unit_of_work():
            for reference in references:
                write(shop.customer, LetterKind.RECEIVED, reference, "Subject", [Paragraph("Text.")])

    for references in (("first", "second"), ("second",), ("second", "third")):
        tell(*references)

    jobs = ProcrastinateJob.objects.filter(task_name="send_letters").order_by("id")
    told = dict(Letter.objects.values_list("reference", "id"))
    assert [job.args["letter_ids"] for job in jobs] == [
        [str(told["received:first"]), str(told["received:second"])],
        [str(told["received:third"])],
    ]


def test_what_is_written_now_can_be_read_back() -> None:
    with unit_of_work():
        record("case:1", "desk", "opened")
        write_now()
        assert rows() == [("case:1", 1, "opened")]
        record("case:1", "desk", "closed")
    assert [action for _, _, action in rows()] == ["opened", "closed"]
    assert list(broken_rows()) == []


def test_the_database_hashes_what_is_checked_here() -> None:
    words = ['"}{', "100 % %s", "ä ß 漢 \U0001f4b8", "a\nb\t\\", "previous", ""]
    for word in words:
        record("case:1", "staff:1", "asked", said=word, nested={"b": [1, None, True], "a": 2**53 + 1})

    assert [row.detail["said"] for row in AuditRow.objects.order_by("sequence")] == words
    assert list(broken_rows()) == []


def test_writers_at_once_make_one_chain() -> None:
    def write_rows() -> None:
        try:
            for _ in range(10):
                with unit_of_work():
                    record("case:2", "desk", "looked")
                    record("case:1", "desk", "looked")
        finally:
            connection.close()

    threads = [Thread(target=write_rows) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert AuditRow.objects.count() == 80
    assert {row[1] for row in rows()} == set(range(1, 41))
    assert list(broken_rows()) == []


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
