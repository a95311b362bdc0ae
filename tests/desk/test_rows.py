"""Rows in statements that are written by hand: they are what the mapper would read and write."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from amends.desk import ids
from amends.desk.cases.models import Case, DecisionRecord
from amends.desk.journal.models import Posting
from amends.desk.notices.models import Letter
from amends.desk.orders.models import Line
from amends.desk.payments.models import Payment, Refund
from amends.desk.questions import Question, ask
from amends.desk.rows import (
    as_json,
    find_all,
    find_locked,
    insert,
    insertion,
    look_up_locked,
    table_of,
    update,
)
from shop import Shop, day, go_to
from spent import Counter

TABLES = (Case, DecisionRecord, Letter, Line, Payment, Refund)


def values(row: Model) -> dict[str, object]:
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


def first(model: type[Model]) -> Model:
    found = model._default_manager.first()  # noqa: SLF001  # the model is any
    assert found
    return found


def as_the_table_has_it(source: str, value: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(one) FROM {source}", [value])  # noqa: S608  # names of tables
        found = cursor.fetchone()
    assert found
    return found[0]


@pytest.fixture
def paid(shop: Shop) -> Case:
    """A case with everything that belongs to one."""
    line = shop.sell(shop.monthly)
    go_to(day(3))
    case = shop.ask(line)
    shop.work()
    return case


@pytest.mark.parametrize("model", TABLES)
@pytest.mark.usefixtures("paid")
def test_a_row_is_read_as_the_mapper_reads_it(model: type[Model]) -> None:
    stored = first(model)

    with transaction.atomic():
        found = find_locked(model, stored.pk)

    assert values(found) == values(stored)


@pytest.mark.parametrize("model", TABLES)
@pytest.mark.usefixtures("paid")
def test_a_row_is_stored_as_it_was(model: type[Model]) -> None:
    stored, table = first(model), table_of(model)

    taken = as_the_table_has_it(f"jsonb_populate_recordset(NULL::{table}, %s) AS one", as_json([stored]))

    assert taken == as_the_table_has_it(f"{table} AS one WHERE id = %s", str(stored.pk))


def refund_of(payment: Payment, **changes: object) -> Refund:
    at = datetime(2025, 9, 1, 23, 59, 59, 999_999, UTC)
    fields: dict[str, object] = {"amount": 100, "currency": "USD", "purpose": "refund"}
    fields |= {"payment": payment, "next_try_at": at, "created_at": at, "changed_at": at}
    return Refund(**fields | changes)


def test_instants_keep_their_microseconds_and_amounts_their_digits(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    payment = line.order.payments[0]
    refund = refund_of(payment, case_id=ids.make_id())

    insert(refund)
    update(payment, "fee")
    refund.tax = 2**62
    update(refund, "tax")

    stored = Refund.objects.get()
    assert values(stored) == values(refund)
    assert (stored.created_at.microsecond, stored.tax) == (999_999, 2**62)


@pytest.mark.parametrize("change", [{"amount": 0}, {"amount": 1901}, {"state": "paid"}], ids=str)
def test_what_the_table_refuses_is_not_stored(shop: Shop, change: dict[str, object]) -> None:
    payment = shop.sell(shop.monthly).order.payments[0]

    with pytest.raises(IntegrityError), transaction.atomic():
        insert(refund_of(payment, **change))

    assert not Refund.objects.exists()


@pytest.mark.usefixtures("paid")
def test_an_update_leaves_the_other_fields_as_they_are() -> None:
    stale = Case.objects.get()
    Case.objects.update(closing="denied")
    stale.reason, stale.closing = "Another.", "paid"

    update(stale, "reason")

    assert Case.objects.values_list("reason", "closing").get() == ("Another.", "denied")


def test_a_row_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(ObjectDoesNotExist, match="cases_case has no"), transaction.atomic():
        find_locked(Case, ids.make_id())


@pytest.mark.usefixtures("paid")
def test_rows_are_found_by_any_of_their_values() -> None:
    stored = Refund.objects.get()
    refused = {"amount": 1, "currency": "USD", "payment": stored.payment, "purpose": "other"}
    insert(refund_of(**refused, state="rejected"))  # type: ignore[arg-type]  # fields of a refund

    with transaction.atomic():
        found = look_up_locked(Refund, "gateway_ref", str(stored.gateway_ref))
        assert look_up_locked(Refund, "gateway_ref", "re_none") is None

    assert found is not None
    assert values(found) == values(stored)
    assert {one.amount for one in find_all(Refund, "payment", stored.payment_id)} == {1, stored.amount}
    assert find_all(Refund, "payment", ids.make_id()) == []


def test_a_table_numbers_its_own_rows() -> None:
    assert '"id"' not in insertion(Posting)


def test_several_questions_are_one_statement() -> None:
    spent = Counter()
    one, two = Question("SELECT %s::integer", [1], int), Question("%s::text", ["two"], str.upper)

    with connection.execute_wrapper(spent):
        ask(one, two)

    assert (one.answer, two.answer, spent.statements) == (1, "TWO", 1)
