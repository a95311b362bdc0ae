"""Bank details: read with care, sealed, shown to nobody whole, agreed to as they are, and erased."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from pytest_django import Settings

from amends.desk import clock
from amends.desk.audit.models import AuditRow
from amends.desk.books import check_books
from amends.desk.cases import paying_out
from amends.desk.cases.models import CaseState
from amends.desk.notices.models import Letter
from amends.desk.payments.models import Refund
from amends.desk.payouts import batches
from amends.desk.payouts.actions import PayoutError
from amends.desk.payouts.iban import BadAccountError
from amends.desk.payouts.models import Batch, Payout
from amends.desk.payouts.sealing import NoKeyError, open_account
from amends.desk.retention import NotErasableError, apply_retention, erase_person
from payouts import (
    IBAN,
    OTHER_IBAN,
    WHY,
    asked,
    finance,
    fresh,
    refused,
    released,
    terms,
)
from shop import Shop, now


def test_whole_account_numbers_stand_in_no_letter_no_trail_no_log_and_no_column(
    shop: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    first, second = finance(shop)
    _, payout = released(shop, first, second)
    paying_out.make_batch("USD", first)
    paying_out.mark_paid(fresh(payout), first, "STMT-7", clock.now().date())

    told = [
        *Letter.objects.values_list("text", flat=True),
        *map(str, AuditRow.objects.values_list("detail", flat=True)),
    ]
    told += [
        *map(str, Payout.objects.values_list()),
        *map(str, Batch.objects.values_list()),
        capfd.readouterr().out,
    ]
    told += [repr(open_account(payout.refund_id, payout.sealed_account))]
    assert "DE… 3000" in "".join(told)
    assert not any(IBAN in text or "Lovelace" in text or IBAN[4:12] in text for text in told)
    assert open_account(payout.refund_id, payout.sealed_account).iban == IBAN


def test_bank_details_of_one_payout_cannot_be_put_under_another_or_read_with_another_key(
    shop: Shop, settings: Settings
) -> None:
    _, payout = released(shop, *finance(shop))

    with pytest.raises(NoKeyError, match="another payout"):
        open_account(payout.refund.payment_id, payout.sealed_account)
    settings.ACCOUNT_KEYS = ("A" * 43 + "=",)
    with pytest.raises(NoKeyError, match="not set any more"):
        open_account(payout.refund_id, payout.sealed_account)
    settings.ACCOUNT_KEYS = ()
    with pytest.raises(PayoutError, match="AMENDS_ACCOUNT_KEYS"):
        paying_out.give_account([payout], "Ada", IBAN)


@pytest.mark.parametrize(
    "holder, iban, said",
    [
        ("Ada", "DE89370400440532013001", "check digits"),
        ("Ada", "DE8937040044053201300", "has 22 characters; this one has 21"),
        ("Ada", "DE893704004405320130000", "has 22 characters; this one has 23"),
        ("Ada", "XX89370400440532013000", "“XX” is none"),
        ("Ada", "DE89-3704-0044-0532-0130-00", "only letters and digits"),
        ("Ada", "", "Please write the IBAN"),
        ("", IBAN, "name of the account's holder"),
        ("A" * 71, IBAN, "at most 70"),
        ("Ада Лавлейс", IBAN, "Latin letters"),
    ],
)
def test_an_account_that_cannot_be_right_is_refused_with_the_reason(
    shop: Shop, holder: str, iban: str, said: str
) -> None:
    _, payout = asked(shop, finance(shop)[0])

    with pytest.raises((PayoutError, BadAccountError), match=said):
        paying_out.give_account([payout], holder, iban)

    assert (fresh(payout).state, fresh(payout).sealed_account) == ("asked", "")


def test_every_account_that_is_named_is_told_to_the_customer(shop: Shop) -> None:
    _, payout = asked(shop, finance(shop)[0])

    for iban in (IBAN, OTHER_IBAN):
        paying_out.give_account([payout], "Ada", iban)
        clock.advance(timedelta(minutes=1))

    told = Letter.objects.filter(reference__startswith=f"received:account:{payout.refund_id}").order_by(
        "created_at"
    )
    assert [hint for one in told for hint in ("DE… 3000", "FR… 2606") if hint in one.text] == [
        "DE… 3000",
        "FR… 2606",
    ]
    assert not any(iban in one.text for one in told for iban in (IBAN, OTHER_IBAN))


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("PAYER_NAME", "", "AMENDS_PAYER_NAME not set"),
        ("PAYER_IBAN", "", "AMENDS_PAYER_IBAN not set"),
        ("PAYER_IBAN", "DE02120300000000202052", "AMENDS_PAYER_IBAN: The check digits"),
        ("PAYER_NAME", "Пример", "AMENDS_PAYER_NAME: .*Latin letters"),
    ],
)
def test_a_desk_whose_own_account_no_bank_can_read_pays_nothing(
    shop: Shop, settings: Settings, name: str, value: str, said: str
) -> None:
    first, _ = finance(shop)
    case = refused(shop)
    setattr(settings, name, value)

    with pytest.raises(PayoutError, match=said):
        paying_out.open_payout(Refund.objects.get(case_id=case.id), first, WHY)

    assert (Payout.objects.count(), now(case).state) == (0, CaseState.OPEN)


def test_another_account_takes_back_what_two_people_agreed_to(shop: Shop) -> None:
    first, second = finance(shop)
    _, payout = released(shop, first, second)
    shown = terms(payout)

    paying_out.give_account([payout], "Ada", OTHER_IBAN)

    with pytest.raises(PayoutError, match="changed since"):
        paying_out.propose(payout, first, shown)
    with pytest.raises(PayoutError):
        paying_out.make_batch("USD", first)
    assert (fresh(payout).state, fresh(payout).proposed_by, fresh(payout).released_by) == (
        "given",
        None,
        None,
    )


def test_the_account_is_fixed_once_it_is_in_a_file(shop: Shop) -> None:
    first, second = finance(shop)
    _, payout = released(shop, first, second)
    paying_out.make_batch("USD", first)

    with pytest.raises(PayoutError, match="on its way"):
        paying_out.give_account([payout], "Ada", OTHER_IBAN)
    with pytest.raises(PayoutError, match="in a file"):
        paying_out.withdraw(payout, first, "no")
    with pytest.raises(DatabaseError, match="fixed"), transaction.atomic():
        Payout.objects.filter(refund=payout.refund).update(sealed_account="other")
    assert open_account(payout.refund_id, fresh(payout).sealed_account).iban == IBAN


def test_a_customer_who_is_paid_out_is_erased_with_the_file(shop: Shop) -> None:
    first, second = finance(shop)
    case, payout = released(shop, first, second)
    batch = paying_out.make_batch("USD", first)
    with pytest.raises(NotErasableError):
        erase_person(case.customer, "desk")
    assert fresh(payout).sealed_account
    paying_out.mark_paid(fresh(payout), first, "STMT-7", clock.now().date())

    erase_person(case.customer, "desk")

    batch.refresh_from_db()
    assert (fresh(payout).sealed_account, fresh(payout).account_hint, batch.sealed_csv) == ("", "", "")
    with pytest.raises(PayoutError, match="erased"):
        batches.read_file(batch, "csv", first)
    assert list(check_books()) == []


@pytest.mark.parametrize("days, stays", [(89, True), (91, False)])
def test_bank_details_go_when_their_time_is_over(shop: Shop, days: int, *, stays: bool) -> None:
    first, second = finance(shop)
    _, payout = released(shop, first, second)
    paying_out.make_batch("USD", first)
    paying_out.mark_paid(fresh(payout), first, "STMT-7", clock.now().date())
    clock.advance(timedelta(days=days))

    assert apply_retention().accounts == (not stays)

    assert (bool(fresh(payout).sealed_account), bool(Batch.objects.get().sealed_csv)) == (stays, stays)
