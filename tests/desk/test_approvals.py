"""Who agrees to a payment: nobody below a limit, two above another, never who proposed it."""

from threading import Barrier, Thread

import pytest
from django.db import IntegrityError, connection
from django.db.models import Model
from pytest_django import Settings

from amends.desk import ids
from amends.desk.accounts.models import Role, User
from amends.desk.cases.approving import NotAllowedError, OutdatedError, approve
from amends.desk.cases.models import (
    Approval,
    Case,
    CaseState,
    Channel,
    DecisionRecord,
    RequestKind,
    TaskKind,
)
from amends.desk.cases.opening import Request, open_case
from amends.desk.cases.stating import waive
from amends.desk.payments.models import Refund
from amends.desk.unit_of_work import add, unit_of_work
from shop import WHY, Shop, approve_by_one, day, go_to, latest, nothing_moved, now, open_tasks


def test_nobody_approves_what_they_proposed(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(9))
    case = shop.ask(line)
    both = shop.staff("both", Role.AGENT, Role.APPROVER)
    record = waive(case, both, frozenset({"late"}), WHY, grant="full")
    assert (record.amount, now(case).state) == (1815, CaseState.DECIDED)

    with pytest.raises(NotAllowedError, match="somebody else"):
        approve(case, both, record.plan_sha256)
    assert nothing_moved()

    approve_by_one(shop, case)
    shop.work()
    assert shop.refunded(line) == [1815]


def write_together(*rows: Model) -> None:
    with unit_of_work():
        for row in rows:
            add(row)


@pytest.mark.parametrize("plan, says", [("f" * 64, "not the plan"), (None, "no decision")])
def test_an_approval_written_with_its_decision_is_checked_against_it(
    shop: Shop, settings: Settings, plan: str | None, says: str
) -> None:
    settings.APPROVAL_LIMITS = {"USD": (0, 5000)}
    decided = latest(shop.ask(shop.sell(shop.monthly)))
    decided.id, decided.sequence = ids.make_id(), 2
    approval = Approval(
        decision=decided, verdict="approve", plan_sha256=plan or decided.plan_sha256, at=day(0)
    )

    with pytest.raises(IntegrityError, match=says):
        write_together(approval, decided) if plan else write_together(approval)

    assert not Approval.objects.exists()
    assert DecisionRecord.objects.count() == 1


def test_two_cases_in_one_transaction_count_to_one_limit(shop: Shop, settings: Settings) -> None:
    settings.APPROVAL_LIMITS = {"USD": (2000, 5000)}
    lines = [shop.sell(shop.monthly) for _ in range(2)]
    go_to(day(3))

    with unit_of_work():
        cases = [
            open_case(Request(shop.customer, line, RequestKind.REFUND, Channel.API, "Not for me."))
            for line in lines
        ]

    assert [now(case).state for case in cases] == [CaseState.PAYING, CaseState.DECIDED]
    assert Refund.objects.count() == 1


def test_above_the_second_limit_two_people_agree(shop: Shop, settings: Settings) -> None:
    settings.APPROVAL_LIMITS = {"USD": (1000, 1500)}
    line = shop.sell(shop.monthly)
    go_to(day(3))
    case = shop.ask(line)
    approver = shop.staff("first", Role.APPROVER)

    approve(case, approver, latest(case).plan_sha256)
    with pytest.raises(NotAllowedError, match="agreed already"):
        approve(case, approver, latest(case).plan_sha256)
    assert nothing_moved()

    approve_by_one(shop, case, "second")
    shop.work()
    assert shop.refunded(line) == [1815]


def test_what_is_approved_is_what_was_shown(shop: Shop, settings: Settings) -> None:
    settings.APPROVAL_LIMITS = {"USD": (0, 5000)}
    case = shop.ask(shop.sell(shop.monthly))

    with pytest.raises(OutdatedError):
        approve(case, shop.staff("approver", Role.APPROVER), "0" * 64)

    assert nothing_moved()


def test_an_agent_cannot_approve(shop: Shop, settings: Settings) -> None:
    settings.APPROVAL_LIMITS = {"USD": (0, 5000)}
    case = shop.ask(shop.sell(shop.monthly))

    with pytest.raises(NotAllowedError, match="Only approvers"):
        approve(case, shop.staff("agent", Role.AGENT), latest(case).plan_sha256)

    assert nothing_moved()


def test_parts_do_not_stay_below_the_limit_of_a_day(shop: Shop, settings: Settings) -> None:
    settings.APPROVAL_LIMITS = {"USD": (2000, 5000)}
    first, second = shop.sell(shop.monthly), shop.sell(shop.monthly)
    go_to(day(1))
    shop.ask(first)

    case = shop.ask(second)

    assert (case.state, open_tasks(case)) == (CaseState.DECIDED, [TaskKind.APPROVE])
    assert Refund.objects.count() == 1


def test_two_approvers_at_once_make_one_refund(shop: Shop, settings: Settings) -> None:
    settings.APPROVAL_LIMITS = {"USD": (0, 5000)}
    line = shop.sell(shop.monthly)
    case = shop.ask(line)
    plan = latest(case).plan_sha256
    people = [shop.staff(name, Role.APPROVER) for name in ("one", "two")]
    start = Barrier(2)
    outcomes: list[str] = []

    def press(person: User) -> None:
        start.wait()
        try:
            approve(Case.objects.get(id=case.id), person, plan)
            outcomes.append("approved")
        except OutdatedError:
            outcomes.append("outdated")
        finally:
            connection.close()

    threads = [Thread(target=press, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shop.work()

    assert sorted(outcomes) == ["approved", "outdated"]
    assert (Approval.objects.count(), shop.refunded(line)) == (1, [1815])
