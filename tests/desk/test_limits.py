"""Limits with their history, appeals, reopening, announcements of a version."""

import pytest
from django.db import DatabaseError, transaction

from amends.desk import clock
from amends.desk.accounts.models import Customer, Role
from amends.desk.cases.approving import NotAllowedError, OutdatedError, limits, set_limits
from amends.desk.cases.ending import appeal
from amends.desk.cases.models import ApprovalLimit, CaseState, RequestKind, TaskKind
from amends.desk.cases.stating import answer_appeal, decline, reopen
from amends.desk.notices.models import Letter
from amends.desk.policies.actions import version_at_purchase
from amends.desk.policies.announcing import announce
from amends.desk.policies.models import Notification
from shop import WHY, Shop, day, go_to, nothing_moved, now, open_tasks


def test_the_latest_limits_hold_and_the_earlier_ones_stay(shop: Shop) -> None:
    admin = shop.staff("admin", Role.ADMIN)
    before = limits("USD")

    set_limits("USD", 100, 200, admin)
    set_limits("USD", 300, 400, admin)

    assert (limits("USD"), limits("EUR")) == ((300, 400), before)
    with pytest.raises(DatabaseError, match="only added to"), transaction.atomic():
        ApprovalLimit.objects.update(automatic=0)


@pytest.mark.parametrize("automatic, single", [(200, 100), (-1, 100)])
def test_limits_out_of_order_are_refused(shop: Shop, automatic: int, single: int) -> None:
    with pytest.raises(NotAllowedError):
        set_limits("USD", automatic, single, shop.staff("admin", Role.ADMIN))

    assert ApprovalLimit.objects.count() == 0


def test_only_an_administrator_sets_limits(shop: Shop) -> None:
    with pytest.raises(NotAllowedError, match="administrators"):
        set_limits("USD", 100, 200, shop.staff("approver", Role.APPROVER))

    assert ApprovalLimit.objects.count() == 0


def test_an_appeal_is_answered_by_somebody_who_did_not_decline(shop: Shop) -> None:
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    first = shop.staff("first", Role.AGENT, Role.APPROVER)
    decline(case, first, WHY)
    appeal(case, f"customer:{shop.customer.id}", "The renewal was cancelled.")

    with pytest.raises(NotAllowedError, match="somebody else"):
        answer_appeal(now(case), first, "We looked again and stay with it.")
    answer_appeal(now(case), shop.staff("second", Role.APPROVER), "We looked again and stay with it.")

    assert (now(case).state, open_tasks(case)) == (CaseState.CLOSED, [])
    assert Letter.objects.filter(kind="appeal_result").count() == 1
    with pytest.raises(OutdatedError):
        answer_appeal(case, shop.staff("third", Role.APPROVER), "And once more the same.")
    assert nothing_moved()


def test_a_closed_case_is_taken_up_again_by_a_person(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(9))
    case = shop.ask(line)
    agent = shop.staff("agent", Role.AGENT)

    reopen(case, agent, WHY)

    assert (now(case).state, open_tasks(case)) == (CaseState.OPEN, [TaskKind.REVIEW])
    with pytest.raises(OutdatedError):
        reopen(case, agent, WHY)
    assert nothing_moved()


def test_everybody_is_told_of_a_version_once(shop: Shop) -> None:
    version = version_at_purchase(clock.now())
    people = Customer.objects.all()

    assert (announce(version, people), announce(version, people)) == (1, 0)
    assert Notification.objects.get().customer == shop.customer
    assert "2025-08-18" in Letter.objects.get(kind="policy_change").text
