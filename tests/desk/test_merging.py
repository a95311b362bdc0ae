"""Two open requests about one thing: one goes on with what both say, the other says where; and what is never merged."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from amends.desk.accounts.models import Customer, Role, User
from amends.desk.audit.models import AuditRow
from amends.desk.books import check_books
from amends.desk.cases import statistics
from amends.desk.cases.answering import NotPossibleError, Speaker, answer, open_questions, write_message
from amends.desk.cases.approving import NotAllowedError, OutdatedError
from amends.desk.cases.ending import appeal
from amends.desk.cases.evidence import add_evidence
from amends.desk.cases.merging import merge, mergeable
from amends.desk.cases.models import Case, Channel, RequestKind
from amends.desk.cases.stating import ask, decline, judge_evidence, reopen, waive
from amends.desk.notices.models import Letter
from asking import picture
from shop import WHY, Shop, approve_by_one, day, go_to, latest, letters, now, open_tasks
from trade import make_customer


@pytest.fixture
def agent(shop: Shop) -> User:
    return shop.staff("agent", Role.AGENT)


def two_cases(shop: Shop) -> tuple[Case, Case]:
    """About one wrong charge, asked for on two days; both wait for a person."""
    first, second = shop.sell(shop.monthly), shop.sell(shop.monthly)
    early = shop.ask(first, RequestKind.BILLING_ERROR, reason="I was charged twice.")
    go_to(day(3))
    return early, shop.ask(second, RequestKind.BILLING_ERROR, reason="")


def untouched(*cases: Case) -> bool:
    """Open, apart, without a letter or a row that speaks of a merger."""
    return (
        all(now(case).merged_into_id is None for case in cases)
        and not AuditRow.objects.filter(action__in=("merged", "took_in")).exists()
        and "merged" not in letters()
    )


def test_a_case_goes_on_in_another_one(shop: Shop, agent: User) -> None:
    early, late = two_cases(shop)
    due = late.due_on

    into = merge(early, agent, late.number, WHY)

    assert (into.id, now(early).state, now(early).closing) == (late.id, "closed", "merged")
    assert now(early).merged_into_id == late.id
    assert (now(late).state, now(late).first_contact_at) == ("open", early.first_contact_at)
    assert now(late).due_on == due
    assert (open_tasks(now(early)), open_tasks(now(late))) == ([], ["review"])
    assert list(check_books()) == []


def test_the_customer_is_told_once_and_both_trails_say_who_and_why(shop: Shop, agent: User) -> None:
    early, late = two_cases(shop)

    merge(early, agent, late.number, WHY)

    words = Letter.objects.get(kind="merged").text.replace("\n", " ")
    assert f"We go on with both in {late.number}." in words
    assert "31 August 2025 counts as the day on which you asked." in words
    for case, action in ((early, "merged"), (late, "took_in")):
        row = AuditRow.objects.get(subject=f"case:{case.id}", action=action)
        assert (row.actor, row.detail["reason"]) == (f"staff:{agent.id}", WHY)


def test_the_first_contact_of_the_merged_case_opens_the_window(shop: Shop, agent: User) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(6))
    wrong = shop.ask(line, RequestKind.BILLING_ERROR)
    go_to(day(9))
    other = shop.sell(shop.monthly)
    late = shop.ask(other, RequestKind.BILLING_ERROR)

    merge(wrong, agent, late.number, WHY)

    assert latest(now(late)).inputs["requested_at"] == latest(now(wrong)).inputs["requested_at"]
    assert now(late).decisions.count() == 2


def test_what_was_answered_in_the_merged_case_is_not_asked_again(shop: Shop, agent: User) -> None:
    told = shop.ask(shop.sell(shop.annual), RequestKind.BILLING_ERROR, answers={"accidental": True})
    asked = shop.ask(shop.sell(shop.annual), RequestKind.CONVERT)
    assert [one.input for one in open_questions(asked)] == ["accidental"]

    merge(told, agent, asked.number, WHY)

    assert open_questions(now(asked)) == []
    assert latest(now(asked)).outcome == "granted"


def test_evidence_of_the_merged_case_is_judged_where_it_goes_on(shop: Shop, agent: User) -> None:
    told = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    line = shop.sell(shop.monthly)
    shop.use(60, day(0, 12))
    go_to(day(2))
    asked = shop.ask(line, RequestKind.TECHNICAL)
    kept = add_evidence(told, Speaker("customer:x", Channel.PORTAL), "black.png", picture())
    merge(told, agent, asked.number, WHY)
    decided = asked.decisions.count()
    assert "judge_evidence" in open_tasks(now(asked))

    kept.refresh_from_db()
    judge_evidence(kept, agent, is_useful=False, reason=WHY)

    assert "judge_evidence" not in open_tasks(now(asked))
    assert (asked.decisions.count(), now(told).state) == (decided + 1, "closed")
    assert latest(now(asked)).inputs.get("evidence") is None


def test_what_the_customer_still_writes_there_is_read_where_it_goes_on(shop: Shop, agent: User) -> None:
    early, late = two_cases(shop)
    merge(early, agent, late.number, WHY)
    speaker = Speaker(f"customer:{shop.customer.id}", Channel.MAIL)

    message = write_message(now(early), speaker, "One more thing.")
    kept = add_evidence(now(early), speaker, "bill.png", picture())
    with pytest.raises(NotPossibleError, match=f"goes on in {late.number}"):
        answer(now(early), speaker, {"accidental": True})

    assert (message.case_id, kept.case_id) == (late.id, late.id)
    assert now(early).state == "closed"


@pytest.mark.parametrize("which", ["goes on", "is closed"])
def test_nothing_is_merged_while_money_is_under_way(shop: Shop, agent: User, which: str) -> None:
    waits, paying = (
        shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR),
        shop.ask(shop.sell(shop.monthly)),
    )
    assert paying.state == "paying"
    case, into = (waits, paying) if which == "goes on" else (paying, waits)

    with pytest.raises(NotAllowedError, match=f"In {paying.number} somebody has agreed to a payment"):
        merge(case, agent, into.number, WHY)

    assert untouched(waits, paying)
    shop.work()
    assert shop.refunded(paying.line) == [1815]


def test_a_plan_that_one_of_two_people_agreed_to_is_not_merged_away(
    shop: Shop, agent: User, settings: object
) -> None:
    settings.APPROVAL_LIMITS = {"USD": (1000, 1500)}  # type: ignore[attr-defined]  # pytest-django's
    waits, half = (
        shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR),
        shop.ask(shop.sell(shop.annual)),
    )
    approve_by_one(shop, half)
    assert now(half).state == "decided"

    for case, into in ((waits, half), (half, waits)):
        with pytest.raises(NotAllowedError, match="somebody has agreed to a payment"):
            merge(now(case), agent, into.number, WHY)

    assert untouched(waits, half)


def test_a_case_that_paid_can_only_be_the_one_that_goes_on(shop: Shop, agent: User) -> None:
    paid = shop.ask(shop.sell(shop.monthly))
    shop.work()
    reopen(paid, agent, WHY)
    waits = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)

    with pytest.raises(NotAllowedError, match="somebody has agreed to a payment"):
        merge(paid, agent, waits.number, WHY)

    assert untouched(paid, waits)


def test_an_appeal_is_answered_before_its_case_is_merged(shop: Shop, agent: User) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(9))
    denied = shop.ask(line)
    appeal(denied, f"customer:{shop.customer.id}", "Please look again.")
    waits = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)

    with pytest.raises(NotAllowedError, match="An appeal waits"):
        merge(now(denied), agent, waits.number, WHY)

    assert untouched(denied, waits)
    assert "appeal" in open_tasks(denied)


def test_a_case_of_somebody_else_is_no_other_case_of_this_customer(shop: Shop, agent: User) -> None:
    own = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    shop.customer = make_customer()
    foreign = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)

    for number in (foreign.number, "R-0000-0000", own.number):
        with pytest.raises(NotAllowedError, match=f"no other case “{number}”"):
            merge(own, agent, number, WHY)

    assert mergeable(own) == []
    assert untouched(own, foreign)


def test_what_others_were_merged_into_goes_on_itself(shop: Shop, agent: User) -> None:
    early, late = two_cases(shop)
    third = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    merge(early, agent, late.number, WHY)

    with pytest.raises(NotAllowedError, match="Others were merged"):
        merge(now(late), agent, third.number, WHY)
    merge(third, agent, late.number, WHY)

    assert [one.merged_into_id for one in map(now, (early, third))] == [late.id, late.id]


def test_a_fault_that_came_after_the_first_contact_keeps_its_own_day(shop: Shop, agent: User) -> None:
    early = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    line = shop.sell(shop.monthly)
    go_to(day(9))
    fault = shop.ask(line, RequestKind.TECHNICAL)

    merge(early, agent, fault.number, WHY)

    assert now(fault).first_contact_at == early.first_contact_at
    assert latest(now(fault)).outcome == "granted"
    assert (latest(now(fault)).grant, latest(now(fault)).amount) == ("refund", 1815)


@pytest.mark.parametrize("role, reason", [(Role.FINANCE, WHY), (Role.AGENT, "so")])
def test_nobody_merges_without_a_role_or_a_reason(shop: Shop, role: Role, reason: str) -> None:
    early, late = two_cases(shop)

    with pytest.raises(NotAllowedError):
        merge(early, shop.staff("other", role), late.number, reason)

    assert untouched(early, late)


def test_what_is_closed_is_merged_with_nothing(shop: Shop, agent: User) -> None:
    early, late = two_cases(shop)
    decline(early, agent, WHY)

    for case, into in ((early, late), (late, early)):
        with pytest.raises(OutdatedError, match=f"{early.number} is closed"):
            merge(now(case), agent, into.number, WHY)

    assert untouched(early, late)


def test_of_two_people_who_merge_at_once_in_both_directions_one_is_too_late(shop: Shop, agent: User) -> None:
    early, late = two_cases(shop)
    start, refused = threading.Barrier(2), []

    def run(case: Case, into: Case) -> None:
        try:
            start.wait()
            merge(case, agent, into.number, WHY)
        except (NotAllowedError, OutdatedError) as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=(Case.objects.get(id=one.id), other))
        for one, other in ((early, late), (late, early))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    assert sorted(now(case).state for case in (early, late)) == ["closed", "open"]
    assert AuditRow.objects.filter(action="merged").count() == 1


def test_reopening_takes_a_merged_case_out_again(shop: Shop, agent: User) -> None:
    early, late = two_cases(shop)
    own = late.first_contact_at
    merge(early, agent, late.number, WHY)

    reopen(now(early), agent, WHY)

    assert (now(early).state, now(early).merged_into_id, open_tasks(early)) == ("open", None, ["review"])
    assert (now(late).state, now(late).first_contact_at) == ("open", own)
    assert latest(now(late)).inputs["requested_at"].startswith((day(3)).date().isoformat())
    assert Letter.objects.filter(kind="merged").count() == 2
    assert list(check_books()) == []
    merge(now(early), agent, late.number, WHY)
    assert Letter.objects.filter(kind="merged").count() == 3


def test_setting_clauses_aside_in_a_merged_case_takes_it_out_as_well(shop: Shop, agent: User) -> None:
    line = shop.sell(shop.annual)
    early = shop.ask(line, RequestKind.BILLING_ERROR)
    late = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    merge(early, agent, late.number, WHY)

    waive(now(early), agent, frozenset({"late"}), WHY)

    assert (now(early).merged_into_id, now(early).state) == (None, "open")


def test_what_goes_on_waits_no_longer_for_what_the_other_one_says(shop: Shop, agent: User) -> None:
    early, late = two_cases(shop)
    ask(late, agent, "Which charge do you mean?")
    paused = now(late).paused_at
    assert paused
    go_to(paused + timedelta(days=1))

    merge(now(early), agent, late.number, WHY)

    assert now(late).state == "open"
    assert now(late).paused_at is None


def test_a_merged_case_counts_once(shop: Shop, agent: User) -> None:
    early, late = two_cases(shop)
    before = statistics.count_requests(day(-2))

    merge(early, agent, late.number, WHY)

    assert before == {"billing_error": 2}
    assert statistics.count_requests(day(-2)) == {"billing_error": 1}
    assert sum(one.count for one in statistics.sum_outcomes(day(-2))) == 1


def test_the_cases_about_the_same_order_stand_first(shop: Shop, agent: User) -> None:
    line = shop.sell(shop.monthly)
    first = shop.ask(line, RequestKind.BILLING_ERROR)
    decline(first, agent, WHY)
    other = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    second = shop.ask(line, RequestKind.BILLING_ERROR)
    reopen(now(first), agent, WHY)

    assert [one.id for one in mergeable(now(second))] == [first.id, other.id]
    assert Customer.objects.count() == 1
