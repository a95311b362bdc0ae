"""What the jobs say of a fault, by the numbers of the page, and who has the last word (reading R12)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from amends.desk import clock
from amends.desk.accounts.models import Role
from amends.desk.books import check_books
from amends.desk.cases.answering import end_fault
from amends.desk.cases.deciding import decide_case, wake_due
from amends.desk.cases.models import Case, CaseState, DecisionRecord, Evidence, RequestKind, TaskKind
from amends.desk.cases.stating import state_fact
from amends.desk.issues.models import Issue
from amends.desk.notices.models import Letter
from amends.desk.policies.actions import publish
from amends.desk.usage.attempts import ATTEMPTS_MAX
from amends.desk.usage.models import PaidBy, UseOutcome
from conftest import ROOT
from shop import WHY, Shop, day, go_to, latest, nothing_moved, now, open_tasks

REPORT, RIGHT = day(4), day(19, 0)
"""When the fault is reported, and when the right to a partial refund arises."""
SHIPPED = (ROOT / "policies" / "flux-kontext.md").read_text()
Jobs = list[tuple[int, int]]
"""How many jobs succeeded and how many failed, on one day after another from day 5."""


def report_fault(shop: Shop) -> Case:
    """A fault with a plan that is past a change of mind, and with its proof."""
    line = shop.sell(shop.monthly)
    shop.use(60, day(1))
    go_to(REPORT)
    case = shop.ask(line, RequestKind.TECHNICAL, reason="Nothing comes out.")
    Evidence.objects.create(
        case=case, name="error.png", media_type="image/png", sha256="0" * 64, uploaded_at=clock.now()
    )
    decide_case(case)
    return now(case)


def fail(shop: Shop, count: int, at: datetime, **changes: object) -> None:
    shop.use(count, at, outcome=UseOutcome.FAILED, **changes)


def run_jobs(shop: Shop, jobs: Jobs) -> None:
    for number, (good, bad) in enumerate(jobs, 5):
        shop.use(good, day(number, 11))
        fail(shop, bad, day(number, 12))


def decide_on_its_day(case: Case) -> DecisionRecord:
    go_to(RIGHT)
    wake_due()
    return latest(now(case))


def decision_letter() -> str:
    """The latest one, without its line breaks."""
    return " ".join(Letter.objects.filter(kind="decision").latest("created_at").text.split())


def known_of(record: DecisionRecord) -> tuple[object, object]:
    return record.inputs.get("prevents_use"), record.inputs.get("continuous")


def counted(record: DecisionRecord) -> dict[str, Any]:
    assert isinstance(record.diagnosis, dict)
    return record.diagnosis


def test_a_fault_that_waited_decides_itself_on_its_day_by_the_jobs_until_then(shop: Shop) -> None:
    case = report_fault(shop)
    run_jobs(shop, [(1, 4), (0, 5), (0, 5)])
    assert latest(case).outcome == "denied"
    assert known_of(latest(case)) == (None, None)

    record = decide_on_its_day(case)
    shop.work()

    assert known_of(record) == (True, True)
    assert shop.refunded(case.line) == [round((1900 - 85) * 26 / 30)]
    assert now(case).closing == "paid"
    assert open_tasks(case) == []


def test_the_letter_names_the_jobs_that_it_rests_on(shop: Shop) -> None:
    case = report_fault(shop)
    run_jobs(shop, [(1, 4), (0, 5), (0, 5)])
    decide_on_its_day(case)

    letter = decision_letter()

    ends = "between 5 September 2025, 10:00 UTC and 20 September 2025, 00:00 UTC"
    assert f"The fault prevents proper use: yes, derived from 14 failed of 15 jobs {ends}." in letter
    assert (
        f"The fault is continuous: yes, derived from 3 bad and 0 good of 3 days with jobs {ends}." in letter
    )


@pytest.mark.parametrize(
    "jobs, prevents_use, continuous",
    [
        pytest.param([(0, 3), (0, 3), (0, 4)], True, True, id="10 jobs on 3 days"),
        pytest.param([(0, 3), (0, 3), (0, 3)], None, None, id="9 jobs"),
        pytest.param([(0, 5), (0, 5)], None, None, id="2 days"),
        pytest.param([(0, 4), (0, 4), (2, 0)], True, None, id="8 of 10 failed"),
        pytest.param([(7, 26), (7, 26), (7, 27)], None, None, id="79 of 100 failed"),
        pytest.param([(1, 4), (1, 4), (1, 4), (1, 4), (5, 0)], None, True, id="4 of 5 days bad"),
        pytest.param([(1, 4), (1, 4), (1, 4), (5, 0)], None, None, id="3 of 4 days bad"),
        pytest.param([(1, 4), (1, 4), (1, 4), (2, 7)], None, None, id="7 of 9 failed on the fourth day"),
        pytest.param([(4, 1), (4, 1), (4, 1)], False, False, id="3 of 15 failed"),
        pytest.param([(79, 21), (0, 1), (4, 1), (4, 1)], None, None, id="24 of 111 failed"),
        pytest.param([(8, 2), (8, 2), (8, 2), (8, 2), (0, 9)], None, False, id="4 of 5 days good"),
        pytest.param([(8, 2), (8, 2), (8, 2), (0, 9)], None, None, id="3 of 4 days good"),
        pytest.param([(0, 200), (9, 0), (9, 0), (9, 0), (9, 0)], True, False, id="a burst on one day"),
    ],
)
def test_each_number_of_the_page_holds_on_both_sides(
    shop: Shop, jobs: Jobs, prevents_use: object, continuous: object
) -> None:
    case = report_fault(shop)
    run_jobs(shop, jobs)

    record = decide_on_its_day(case)

    assert known_of(record) == (prevents_use, continuous)
    is_granted = (prevents_use, continuous) == (True, True)
    assert nothing_moved() is not is_granted


def test_too_few_jobs_are_left_to_a_person_who_sees_them(shop: Shop) -> None:
    case = report_fault(shop)
    run_jobs(shop, [(0, 3), (0, 3), (0, 3)])

    record = decide_on_its_day(case)

    assert (record.outcome, now(case).state) == ("needs_information", CaseState.OPEN)
    assert open_tasks(case) == [TaskKind.STATE_FACTS]
    task = case.tasks.get(kind=TaskKind.STATE_FACTS, done_at=None)
    assert "9 failed of 9 jobs, 3 bad and 0 good of 3 days with jobs" in task.detail
    assert nothing_moved()


def test_jobs_that_ran_deny_a_fault_and_leave_the_appeal_open(shop: Shop) -> None:
    case = report_fault(shop)
    run_jobs(shop, [(5, 0), (5, 0), (5, 0)])

    record = decide_on_its_day(case)

    assert (record.outcome, now(case).closing) == ("denied", "denied")
    assert {"id": "minor", "role": "denies"} in record.core["clauses"]
    letter = decision_letter()
    assert "The fault prevents proper use: no, derived from 0 failed of 15 jobs" in letter
    assert "You can appeal to a person" in letter
    assert nothing_moved()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"outcome": UseOutcome.MODERATED}, id="moderated"),
        pytest.param({"paid_by": PaidBy.CREDITS}, id="paid with credits"),
        pytest.param({"meter": "video"}, id="of another meter"),
    ],
)
def test_other_jobs_neither_make_a_fault_nor_speak_against_one(
    shop: Shop, changes: dict[str, object]
) -> None:
    case = report_fault(shop)
    for number in range(5, 15):
        shop.use(10, day(number), **({"outcome": UseOutcome.FAILED} | changes))

    record = decide_on_its_day(case)

    assert known_of(record) == (None, None)
    assert (counted(record)["tried"], counted(record)["failed"]) == (0, 0)
    assert nothing_moved()


def test_a_failure_that_is_taken_back_is_none(shop: Shop) -> None:
    case = report_fault(shop)
    run_jobs(shop, [(0, 4), (0, 3), (0, 3)])
    taken_back = f"{day(5, 12).isoformat()}-0"
    shop.use(1, day(6, 15), corrects=taken_back)

    record = decide_on_its_day(case)

    assert (counted(record)["tried"], counted(record)["failed"]) == (9, 9)
    assert known_of(record) == (None, None)
    assert nothing_moved()


def test_a_job_that_failed_after_all_is_a_failure_once(shop: Shop) -> None:
    case = report_fault(shop)
    run_jobs(shop, [(1, 3), (0, 3), (0, 3)])
    fail(shop, 1, day(5, 15), corrects=f"{day(5, 11).isoformat()}-0")

    record = decide_on_its_day(case)

    assert (counted(record)["tried"], counted(record)["failed"]) == (10, 10)
    assert known_of(record) == (True, True)


def test_jobs_count_from_the_report_to_the_start_of_the_day_of_the_right(shop: Shop) -> None:
    case = report_fault(shop)
    a_second = timedelta(seconds=1)
    reported_at = Issue.objects.get().reported_at
    fail(shop, 50, reported_at - a_second)
    fail(shop, 1, reported_at)
    fail(shop, 1, RIGHT - a_second)
    fail(shop, 50, RIGHT)

    record = decide_on_its_day(case)

    assert (counted(record)["tried"], counted(record)["days"]) == (2, 2)
    assert counted(record)["until"] == "2025-09-20T00:00:00Z"


def test_jobs_count_to_the_fix(shop: Shop) -> None:
    case = report_fault(shop)
    run_jobs(shop, [(0, 5), (0, 5), (0, 5)])
    go_to(day(21))
    fixed_at = day(20)
    shop.use(50, fixed_at)

    end_fault(Issue.objects.get(), "staff:test", fixed_at)
    shop.work()

    record = latest(now(case))
    assert (counted(record)["tried"], counted(record)["failed"]) == (15, 15)
    assert shop.refunded(case.line) == [round((1900 - 85) * 16 / 30)]


def test_nothing_is_concluded_before_the_days_are_over(shop: Shop) -> None:
    case = report_fault(shop)
    run_jobs(shop, [(5, 0), (5, 0), (5, 0)])
    go_to(day(18, 23))

    end_fault(Issue.objects.get(), "staff:test", day(18, 23))

    assert known_of(latest(now(case))) == (None, None)
    assert nothing_moved()


def test_a_fault_that_staff_confirm_is_granted_although_the_jobs_ran(shop: Shop) -> None:
    case = report_fault(shop)
    run_jobs(shop, [(5, 0), (5, 0), (5, 0)])
    agent = shop.staff("agent", Role.AGENT)
    for name in ("prevents_use", "continuous"):
        state_fact(case, agent, name, value=True, reason=WHY)

    record = decide_on_its_day(case)
    shop.work()

    assert (known_of(record), record.outcome) == ((True, True), "granted")
    assert shop.refunded(case.line) == [round((1900 - 85) * 26 / 30)]
    said = "The fault prevents proper use: yes, as a member of our team found, although 0 failed of 15 jobs"
    assert said in decision_letter()
    assert "would say no." in decision_letter()
    assert agent.email not in decision_letter()


def test_a_fault_that_staff_deny_is_declined_although_jobs_failed(shop: Shop) -> None:
    case = report_fault(shop)
    run_jobs(shop, [(0, 4), (0, 4), (2, 0)])
    assert known_of(decide_on_its_day(case)) == (True, None)

    state_fact(case, shop.staff("agent", Role.AGENT), "prevents_use", value=False, reason=WHY)

    assert known_of(latest(now(case))) == (False, None)
    said = "The fault prevents proper use: no, as a member of our team found, although 8 failed of 10 jobs"
    assert said in decision_letter()
    assert "would say yes." in decision_letter()
    assert nothing_moved()


def test_what_staff_state_where_the_jobs_say_nothing_needs_no_although(shop: Shop) -> None:
    case = report_fault(shop)
    agent = shop.staff("agent", Role.AGENT)
    for name in ("prevents_use", "continuous"):
        state_fact(case, agent, name, value=True, reason=WHY)

    record = decide_on_its_day(case)

    assert record.explanation["origins"] == [
        "The fault prevents proper use: yes, as a member of our team found.",
        "The fault is continuous: yes, as a member of our team found.",
    ]


def test_what_was_counted_is_frozen_and_the_decision_replays_byte_for_byte(shop: Shop) -> None:
    case = report_fault(shop)
    run_jobs(shop, [(1, 4), (0, 5), (0, 5)])
    record = decide_on_its_day(case)
    kept = counted(record)

    run_jobs(shop, [(0, 0)] * 10 + [(50, 0)])
    shop.use(1, day(16, 15), corrects=f"{day(5, 12).isoformat()}-0")

    record.refresh_from_db()
    assert counted(record) == kept
    assert (kept["tried"], kept["failed"], kept["days"], kept["bad_days"]) == (15, 14, 3, 3)
    assert kept["watermark"] > 0
    assert list(check_books()) == []


def test_the_same_jobs_have_the_same_hash_and_others_another(shop: Shop) -> None:
    case = report_fault(shop)
    run_jobs(shop, [(1, 2), (0, 2), (0, 2)])
    first = counted(decide_on_its_day(case))
    shop.use(50, day(19, 5))

    decide_case(case)
    again = counted(latest(case))
    fail(shop, 1, day(8))
    decide_case(case)
    other = counted(latest(case))

    assert again["watermark"] > first["watermark"]
    assert again["sha256"] == first["sha256"] != other["sha256"]


def test_more_jobs_than_are_read_are_left_to_a_person(shop: Shop) -> None:
    case = report_fault(shop)
    for number in range(4):
        fail(shop, ATTEMPTS_MAX // 4, day(5 + number))
    assert known_of(decide_on_its_day(case)) == (True, True)

    fail(shop, 1, day(10))
    record = decide_case(case)

    assert record
    assert known_of(record) == (None, None)
    assert not counted(record)["is_whole"]


def test_a_version_that_is_better_for_the_customer_judges_the_jobs(shop: Shop) -> None:
    case = report_fault(shop)
    run_jobs(shop, [(5, 5), (5, 5), (5, 5)])
    later = SHIPPED.replace("2025-08-18", "2025-09-10").replace("[80 %]", "[50 %]")
    publish(later, None)

    record = decide_on_its_day(case)

    assert known_of(record) == (True, True)
    assert record.outcome == "granted"


def test_a_page_that_names_no_numbers_leaves_it_to_a_person(shop: Shop) -> None:
    go_to(day(-20))
    text = SHIPPED.replace("{#jobs_enough .service}", "").replace("[10 jobs]", "10 jobs")
    publish(text.replace("2025-08-18", "2025-08-19"), None)
    go_to(day(-1))
    case = report_fault(shop)
    run_jobs(shop, [(0, 5), (0, 5), (0, 5)])

    record = decide_on_its_day(case)

    assert known_of(record) == (None, None)
    assert open_tasks(case)
    assert nothing_moved()
