"""The way of a request, from the first word to the money and the last letter."""

from threading import Barrier, Thread

import pytest
from django.db import connection
from pytest_django import Settings

from amends.desk import clock
from amends.desk.accounts.models import Role, User
from amends.desk.audit.actions import broken_rows
from amends.desk.cases.approving import NotAllowedError, OutdatedError, approve
from amends.desk.cases.deciding import decide_case, wake_due
from amends.desk.cases.models import (
    Approval,
    Case,
    CaseState,
    DecisionRecord,
    Evidence,
    RequestKind,
    TaskKind,
)
from amends.desk.cases.opening import OpenCaseError
from amends.desk.cases.stating import ask, decline, goodwill, judge_evidence, state_fact, waive
from amends.desk.credits.actions import grant, wallet
from amends.desk.credits.models import LotSource
from amends.desk.journal.models import Entry, Posting
from amends.desk.notices.models import Letter
from amends.desk.orders.models import Subscription
from amends.desk.payments.inbox import sweep_refunds
from amends.desk.payments.models import Refund
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.desk.policies import actions as policies
from amends.desk.usage.models import PaidBy, UseOutcome
from amends.policy.replay import replay
from amends.sandbox.server import Sandbox
from shop import METER, Shop, day, go_to

WHY = "The customer called and explained it."


@pytest.fixture
def shop(sandbox: Sandbox, gateway: StripeGateway) -> Shop:
    go_to(day(-1))
    return Shop.open(sandbox, gateway)


def letters() -> list[str]:
    return list(Letter.objects.order_by("created_at", "id").values_list("kind", flat=True))


def now(case: Case) -> Case:
    case.refresh_from_db()
    return case


def open_tasks(case: Case) -> list[str]:
    return sorted(case.tasks.filter(done_at=None).values_list("kind", flat=True))


def nothing_moved() -> bool:
    """No intent, no posting but the sale's, and no decision that pays."""
    sales = ["charge", "fee"]
    return not Refund.objects.exists() and not Entry.objects.exclude(kind__in=sales).exists()


def test_a_request_within_the_window_is_paid_told_and_closed(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    shop.use(12, day(1))
    go_to(day(3))

    case = shop.ask(line)
    shop.work()

    assert (now(case).state, case.closing) == (CaseState.CLOSED, "paid")
    assert shop.refunded(line) == [1815]
    assert letters() == ["received", "decision", "refund_sent"]
    assert Subscription.objects.get().status == "ended"
    assert case.decisions.get().usage_count == 12
    assert list(broken_rows()) == []


def test_a_late_request_is_denied_with_what_would_have_helped(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(8))

    case = shop.ask(line)

    assert (case.state, case.closing) == (CaseState.CLOSED, "denied")
    assert "You could have asked until 8 September 2025." in Letter.objects.get(kind="decision").text
    assert nothing_moved()


@pytest.mark.parametrize("count, closing", [(50, "paid"), (51, "denied")])
def test_fifty_generations_are_paid_and_fifty_one_are_not(shop: Shop, count: int, closing: str) -> None:
    line = shop.sell(shop.monthly)
    shop.use(count, day(1))
    shop.use(30, day(2), outcome=UseOutcome.FAILED)
    go_to(day(3))

    case = shop.ask(line)
    shop.work()

    assert now(case).closing == closing


def test_jobs_paid_with_credits_do_not_count(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    grant(shop.customer, LotSource.PROMOTIONAL, METER, 100, "welcome")
    shop.use(60, day(1), paid_by=PaidBy.CREDITS)
    go_to(day(3))

    case = shop.ask(line)

    assert case.decisions.get().usage_count == 0
    assert wallet(shop.customer, METER) == 100 - 60


def test_the_contact_decides_the_window_and_the_complete_request_the_count(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(7))
    case = shop.ask(line, reason="")
    assert case.state == CaseState.WAITING_ON_CUSTOMER
    shop.use(51, day(8))
    go_to(day(9))

    case.reason = "Too slow."
    case.save(update_fields=["reason"])
    decide_case(case)

    assert now(case).closing == "denied"
    assert [one["id"] for one in latest(case).core["clauses"] if one["role"] == "denies"] == ["heavy"]


def latest(case: Case) -> DecisionRecord:
    record = case.decisions.order_by("-sequence").first()
    assert record
    return record


def test_a_conversion_changes_the_plan_first_and_then_pays(shop: Shop) -> None:
    line = shop.sell(shop.annual, fee=691)
    go_to(day(6))

    case = shop.ask(line, RequestKind.CONVERT, answers={"accidental": True})
    assert approve_by_one(shop, case).state == CaseState.PAYING
    shop.work()

    assert shop.refunded(line) == [22800 - 1900 - 691]
    subscription = Subscription.objects.get()
    assert (subscription.plan, subscription.status) == (shop.monthly, "active")
    assert subscription.next_charge_at == day(30)
    assert now(case).closing == "paid"


def approve_by_one(shop: Shop, case: Case, name: str = "approver") -> Case:
    record = latest(case)
    approve(case, shop.staff(name, Role.APPROVER), record.plan_sha256)
    return now(case)


def test_a_second_conversion_goes_to_a_person(shop: Shop) -> None:
    first, second = shop.sell(shop.annual, fee=691), shop.sell(shop.annual, fee=692)
    go_to(day(6))
    approve_by_one(shop, shop.ask(first, RequestKind.CONVERT, answers={"accidental": True}))
    shop.work()

    case = shop.ask(second, RequestKind.CONVERT, answers={"accidental": True})

    assert (case.state, open_tasks(case)) == (CaseState.OPEN, [TaskKind.REVIEW])
    assert shop.refunded(second) == []


def test_a_plan_that_cannot_be_switched_keeps_its_refund_held_and_asks_a_person(shop: Shop) -> None:
    line = shop.sell(shop.annual, fee=691)
    shop.monthly.prices.update(gateway_ref="")
    go_to(day(6))
    case = approve_by_one(shop, shop.ask(line, RequestKind.CONVERT, answers={"accidental": True}))

    shop.work()

    assert shop.refunded(line) == []
    assert open_tasks(case) == [TaskKind.FAILED_PLAN_CHANGE]


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


def test_an_unknown_fee_is_waited_for_with_an_alarm(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    payment = line.order.payment
    assert payment
    payment.fee = None
    payment.save(update_fields=["fee"])
    go_to(day(3))

    case = shop.ask(line)
    assert (case.state, open_tasks(case)) == (CaseState.WAITING_ON_DESK, [TaskKind.MISSING_AT_DESK])
    assert nothing_moved()
    payment.fee = 85
    payment.save(update_fields=["fee"])
    go_to(day(3, 11))
    wake_due()
    shop.work()

    assert shop.refunded(line) == [1815]


def test_a_double_charge_goes_to_a_person_with_its_correction_in_full(shop: Shop) -> None:
    first, second = shop.sell(shop.monthly), shop.sell(shop.monthly)
    go_to(day(1))

    case = shop.ask(second, RequestKind.BILLING_ERROR, reason="I was charged twice.")
    plan = latest(case).plan
    assert (case.state, plan["refund"], plan["same_as_order"]) == (CaseState.OPEN, 1900, first.order.number)
    assert shop.refunded(second) == []
    approve_by_one(shop, case)
    shop.work()

    assert shop.refunded(second) == [1900]


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


def test_a_person_declines_what_waits_for_one(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    case = shop.ask(line, RequestKind.BILLING_ERROR)

    decline(case, shop.staff("agent", Role.AGENT), "The charge is the renewal that you agreed to.")

    assert (now(case).closing, letters()) == ("declined", ["received", "decision"])
    assert nothing_moved()


def test_a_question_stops_the_clock_and_the_answer_moves_the_day(shop: Shop) -> None:
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    assert case.due_on is not None
    due_on = case.due_on.isoformat()

    ask(case, shop.staff("agent", Role.AGENT), "Which of the two charges do you mean?")

    assert (due_on, now(case).state) == ("2025-09-10", CaseState.WAITING_ON_CUSTOMER)
    assert letters() == ["received", "more_needed"]


def test_the_due_day_skips_the_weekend_and_the_holiday_and_says_so(shop: Shop) -> None:
    # 1 September 2025 is Labor Day.
    go_to(day(-3))
    case = shop.ask(shop.sell(shop.monthly, at=day(-3)), RequestKind.BILLING_ERROR)

    assert (str(case.target_on), str(case.due_on)) == ("2025-09-08", "2025-09-10")
    assert case.skipped_days == [["2025-09-01", "Labor Day"]]


def test_a_failed_refund_reopens_its_case_and_tells_the_customer(shop: Shop) -> None:
    line = shop.sell(shop.monthly, method="pm_card_refundFail")
    go_to(day(3))
    case = shop.ask(line)
    shop.work()
    assert now(case).closing == "paid"

    go_to(day(25))
    shop.sandbox.api.charges.settle()
    sweep_refunds(shop.gateway)
    shop.sync(line)

    assert (now(case).state, open_tasks(case)) == (CaseState.OPEN, [TaskKind.FAILED_REFUND])
    assert letters()[-1] == "failed"


def test_an_open_dispute_goes_to_a_person(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    assert line.order.payment
    charge = shop.sandbox.store.find(line.order.payment.gateway_ref)
    assert charge
    shop.sandbox.api.charges.open_dispute(charge)
    shop.sync(line)

    case = shop.ask(line)

    assert (case.state, open_tasks(case)) == (CaseState.OPEN, [TaskKind.REVIEW])
    assert nothing_moved()


def test_goodwill_is_a_posting_of_its_own(shop: Shop) -> None:
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)

    goodwill(case, shop.staff("approver", Role.APPROVER), 20, 400, "Sorry for the long wait.")

    assert wallet(shop.customer, METER) == 20
    posted = Posting.objects.filter(entry__kind="goodwill").values_list("account", "side", "amount")
    assert sorted(posted) == [
        ("credit_liability_promotional", "credit", 400),
        ("goodwill", "debit", 400),
    ]


def test_a_second_request_about_one_purchase_is_told_of_the_first(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    case = shop.ask(line, RequestKind.BILLING_ERROR)

    with pytest.raises(OpenCaseError) as told:
        shop.ask(line)

    assert told.value.number == case.number
    assert Case.objects.count() == 1


def test_every_stored_decision_replays_byte_for_byte(shop: Shop) -> None:
    case = shop.ask(shop.sell(shop.monthly))
    record = case.decisions.get()

    stored = record.core | {"facts": record.inputs, "core_sha256": record.core_sha256}
    assert replay([policies.read(record.version)], stored) is None


def test_one_refund_asked_for_by_four_at_once_is_one_case_and_one_refund(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(3))
    start = Barrier(4)
    answers: list[str] = []

    def press() -> None:
        start.wait()
        try:
            answers.append(shop.ask(line).number)
        except OpenCaseError as error:
            answers.append(error.number)
        finally:
            connection.close()

    threads = [Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shop.work()

    assert len(set(answers)) == 1
    assert (Case.objects.count(), shop.refunded(line)) == (1, [1815])


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
