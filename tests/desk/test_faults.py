"""Technical faults: their days, their evidence, their share."""

from amends.desk import clock
from amends.desk.accounts.models import Role
from amends.desk.cases.deciding import decide_case, wake_due
from amends.desk.cases.models import (
    Case,
    CaseState,
    Evidence,
    RequestKind,
    TaskKind,
)
from amends.desk.cases.stating import judge_evidence, state_fact
from amends.desk.notices.models import Letter
from shop import WHY, Shop, day, go_to, letters, nothing_moved, now, open_tasks


def report_fault(shop: Shop) -> Case:
    line = shop.sell(shop.monthly)
    shop.use(60, day(1))
    go_to(day(4))
    case = shop.ask(line, RequestKind.TECHNICAL, reason="Every image comes out black.")
    Evidence.objects.create(
        case=case, name="error.png", media_type="image/png", sha256="0" * 64, uploaded_at=clock.now()
    )
    decide_case(case)
    return now(case)


def test_a_report_inside_its_days_asks_in_the_meantime_for_what_will_be_needed(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    shop.use(60, day(1))
    go_to(day(4))

    case = shop.ask(line, RequestKind.TECHNICAL, reason="Every image comes out black.")

    assert (case.state, case.wakes_at) == (CaseState.SCHEDULED, day(19, 0))
    assert open_tasks(case) == [TaskKind.STATE_FACTS]
    assert letters() == ["received", "decision", "more_needed"]
    assert "screenshot" in Letter.objects.get(kind="more_needed").text
    assert "on 20 September 2025" in Letter.objects.get(kind="decision").text


def test_a_fault_inside_its_days_waits_and_decides_itself_on_the_day(shop: Shop) -> None:
    case = report_fault(shop)
    agent = shop.staff("agent", Role.AGENT)
    for name in ("prevents_use", "continuous"):
        state_fact(case, agent, name, value=True, reason=WHY)
    assert (now(case).state, case.wakes_at) == (CaseState.SCHEDULED, day(19, 0))

    go_to(day(18, 23))
    assert wake_due() == []
    go_to(day(19, 0))
    wake_due()
    shop.work()

    # Broken from day 4, still broken: 26 of the 30 days of the period.
    assert shop.refunded(case.line) == [round((1900 - 85) * 26 / 30)]
    assert now(case).closing == "paid"


def test_a_fault_fixed_in_time_is_declined_on_its_facts(shop: Shop) -> None:
    case = report_fault(shop)
    agent = shop.staff("agent", Role.AGENT)
    go_to(day(18))
    for name in ("prevents_use", "continuous"):
        state_fact(case, agent, name, value=True, reason=WHY)

    state_fact(case, agent, "issue_resolved_at", "2025-09-18T10:00:00+00:00", WHY)

    assert (now(case).state, case.closing) == (CaseState.CLOSED, "denied")
    assert nothing_moved()


def test_rejected_evidence_is_asked_for_again(shop: Shop) -> None:
    case = report_fault(shop)
    agent = shop.staff("agent", Role.AGENT)
    for name in ("prevents_use", "continuous"):
        state_fact(case, agent, name, value=True, reason=WHY)
    go_to(day(20))
    judge_evidence(case.evidence.get(), agent, is_useful=False, reason="It shows another product.")
    wake_due()

    assert now(case).state == CaseState.WAITING_ON_CUSTOMER
    assert nothing_moved()


def test_a_full_refund_that_only_waited_for_the_fee_is_not_lost_when_the_fault_is_fixed(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    payment = line.order.payments[0]
    payment.fee = None
    payment.save(update_fields=["fee"])
    go_to(day(5))
    case = shop.ask(line, RequestKind.TECHNICAL, reason="Every image comes out black.")
    assert case.state == CaseState.WAITING_ON_DESK
    go_to(day(12))
    state_fact(case, shop.staff("agent", Role.AGENT), "issue_resolved_at", "2025-09-12T10:00:00+00:00", WHY)
    payment.fee = 85
    payment.save(update_fields=["fee"])
    go_to(day(13))
    wake_due()
    shop.work()

    assert shop.refunded(line) == [1815]
