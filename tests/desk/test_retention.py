"""What is erased, on its day or on demand, and what stays whatever happens."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from PIL import Image

from amends.desk import clock
from amends.desk.accounts.models import ApiKey
from amends.desk.api.models import KeptAnswer
from amends.desk.books import check_books, check_decisions
from amends.desk.cases.answering import Speaker
from amends.desk.cases.evidence import add_evidence
from amends.desk.cases.models import Case, CaseState, Channel, Evidence, Message, RequestKind
from amends.desk.issues.models import Issue
from amends.desk.notices.models import Letter
from amends.desk.retention import NotErasableError, apply_retention, erase_person
from shop import Shop, day, go_to, now

WORDS = "I am Ada Lovelace of 12 St James's Square."


def findings() -> list[str]:
    return [*check_books(), *check_decisions()]


def picture() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (2, 2)).save(content, "PNG")
    return content.getvalue()


def paid(shop: Shop) -> Case:
    line = shop.sell(shop.monthly)
    go_to(day(3))
    case = shop.ask(line, reason=WORDS)
    shop.work()
    return now(case)


def with_file(shop: Shop) -> Evidence:
    line = shop.sell(shop.monthly)
    shop.use(60, day(1))
    go_to(day(4))
    case = shop.ask(line, RequestKind.TECHNICAL, reason=WORDS)
    return add_evidence(
        case, Speaker(f"customer:{case.customer_id}", Channel.API), "ada-lovelace.png", picture()
    )


def close(case: Case) -> None:
    case.state, case.closed_at = CaseState.CLOSED, clock.now()
    case.save(update_fields=["state", "closed_at"])


def test_an_erased_person_is_nowhere_and_the_books_stay_as_they_were(shop: Shop) -> None:
    case = paid(shop)
    file = with_file(shop)
    close(file.case)
    place = Path(file.file.path)
    before = (shop.refunded(case.line), case.decisions.get().core_sha256, Letter.objects.count())

    erase_person(shop.customer, "desk")

    rows = dumped()
    assert [
        word for word in ("Lovelace", "lovelace", "James", "Ada", shop.customer.email) if word in rows
    ] == []
    assert not place.exists()
    assert before == (shop.refunded(case.line), case.decisions.get().core_sha256, Letter.objects.count())
    assert findings() == []


def dumped() -> str:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall() if name != "policies_policyversion"]
        rows = []
        for table in tables:
            cursor.execute(f"SELECT one::text FROM {table} one")  # noqa: S608  # our own tables
            rows += [text for (text,) in cursor.fetchall()]
    return "\n".join(rows)


def test_who_still_waits_for_an_answer_or_for_money_is_not_erased(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(3))
    case = shop.ask(line, reason=WORDS)
    assert case.state == CaseState.PAYING

    with pytest.raises(NotErasableError, match=f"{case.number} is not finished"):
        erase_person(shop.customer, "desk")

    shop.customer.refresh_from_db()
    assert (shop.customer.name, Message.objects.get().text) == ("Ada", WORDS)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cases_message SET text = 'another'",
        "UPDATE cases_message SET text = '', author = 'staff:1'",
        "DELETE FROM cases_message",
        "TRUNCATE cases_message",
        "UPDATE notices_letter SET text = 'another'",
        "UPDATE notices_letter SET text = '', subject = ''",
        "DELETE FROM notices_letter",
    ],
)
def test_words_can_be_emptied_and_nothing_else_done_to_them(shop: Shop, statement: str) -> None:
    paid(shop)

    with pytest.raises(DatabaseError, match="is refused"), transaction.atomic():
        connection.cursor().execute(statement)

    with transaction.atomic():
        connection.cursor().execute(f"SET LOCAL ROLE {settings.SERVICE_ROLE}")
        Message.objects.update(text="")


@pytest.mark.parametrize("days, stays", [(-1, True), (1, False)])
def test_files_of_closed_cases_go_when_their_time_is_over(shop: Shop, days: int, *, stays: bool) -> None:
    file = with_file(shop)
    place = Path(file.file.path)
    close(file.case)
    clock.advance(timedelta(days=settings.KEEP_UPLOADS_DAYS + days))

    assert apply_retention().files == (0 if stays else 1)

    assert place.exists() == stays
    assert Evidence.objects.get().sha256 == file.sha256
    assert findings() == []


def test_files_of_open_cases_stay(shop: Shop) -> None:
    place = Path(with_file(shop).file.path)
    clock.advance(timedelta(days=settings.KEEP_UPLOADS_DAYS + 1))

    assert apply_retention().files == 0
    assert place.exists()
    assert Issue.objects.get().description == WORDS


def test_kept_answers_go_after_a_day(shop: Shop) -> None:
    key = ApiKey.objects.create(
        name="shop", prefix="amk_", sha256="0" * 64, scopes=[], created_at=clock.now()
    )
    for name, hours in (("earlier", 25), ("later", 23)):
        KeptAnswer.objects.create(
            key=key,
            name=name,
            request_sha256="0" * 64,
            status=201,
            content_type="application/json",
            body=shop.customer.email,
            created_at=clock.now() - timedelta(hours=hours),
        )

    assert apply_retention().answers == 1
    assert KeptAnswer.objects.get().name == "later"
