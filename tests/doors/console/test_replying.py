"""What a customer writes waits for a person, whatever became of the case, and is answered from its page."""

import pytest

from amends.desk.accounts.models import Role
from amends.desk.audit.models import AuditRow
from amends.desk.cases.answering import Speaker, write_message
from amends.desk.cases.merging import merge
from amends.desk.cases.models import Case, Channel, Message, RequestKind, Task
from amends.desk.cases.stating import ask, decline
from amends.desk.notices.models import Letter
from amends.desk.portal.access import user_of
from browsing import Browser
from doors.console.test_mail import take
from doors.console.test_queues import look, queues_of
from post import answer_to
from shop import WHY, Shop, day, go_to, nothing_moved, now, open_tasks
from web import Client

WORDS = "Thank you. Where do I find the invoice?"
REPLY = "It is on the page of your order, below the price."


def closed(shop: Shop) -> Case:
    line = shop.sell(shop.monthly)
    go_to(day(9))
    case = shop.ask(line)
    assert case.state == "closed"
    return case


def write(shop: Shop, case: Case) -> None:
    write_message(now(case), Speaker(f"customer:{shop.customer.id}", Channel.PORTAL), WORDS)


def of(case: Case, action: str) -> str:
    return f"/console/cases/{case.number}/{action}"


def test_a_letter_to_a_closed_case_waits_until_a_person_answers_it(web: Client, shop: Shop) -> None:
    case = closed(shop)
    browser = look(web, shop)
    assert queues_of(browser, case) == set()

    take(answer_to(case, WORDS))
    assert queues_of(browser, case) == {"answer"}
    assert "customer wrote" in browser.page("/console/?queue=answer")
    shown = browser.page(f"/console/cases/{case.number}")
    assert WORDS in shown
    assert "The customer wrote; please read and answer." in shown
    said = browser.submit(of(case, "reply"), {"text": REPLY})

    assert "Answered. The customer has it by mail" in said
    assert REPLY in said
    letter = Letter.objects.get(kind="reply")
    assert REPLY in letter.text
    assert (letter.subject, letter.case_id) == (f"An answer about {case.number}", case.id)
    assert (now(case).state, now(case).closing, open_tasks(case)) == ("closed", "denied", [])
    assert queues_of(browser, case) == set()
    assert REPLY in Browser(web).sign_in(user_of(shop.customer)).page(f"/cases/{case.number}")
    assert nothing_moved()


def test_what_needs_no_answer_is_put_aside_by_name_and_nobody_is_written_to(web: Client, shop: Shop) -> None:
    case = closed(shop)
    write(shop, case)
    browser = look(web, shop)
    letters = Letter.objects.count()

    said = browser.submit(of(case, "mark-read"), {})

    assert "Read. The customer is not written to." in said
    assert (queues_of(browser, case), Letter.objects.count()) == (set(), letters)
    assert AuditRow.objects.get(action="read").actor.startswith("staff:")
    assert "Nothing waits for an answer" in browser.submit(of(case, "mark-read"), {})
    assert AuditRow.objects.filter(action="read").count() == 1


@pytest.mark.parametrize("role", [Role.FINANCE, Role.POLICY_OWNER])
@pytest.mark.parametrize("action", ["reply", "mark-read"])
def test_who_does_not_work_on_cases_answers_nothing(web: Client, shop: Shop, role: Role, action: str) -> None:
    case = closed(shop)
    write(shop, case)

    said = look(web, shop, role).submit(of(case, action), {"text": REPLY})

    assert "Your role does not include this." in said
    assert open_tasks(case) == ["answer"]
    assert not Message.objects.filter(author__startswith="staff").exists()
    assert not Letter.objects.filter(kind="reply").exists()


def test_an_answer_without_words_is_not_sent(web: Client, shop: Shop) -> None:
    case = closed(shop)
    write(shop, case)

    said = look(web, shop).submit(of(case, "reply"), {"text": " \n"})

    assert "Please write something." in said
    assert open_tasks(case) == ["answer"]
    assert not Message.objects.filter(author__startswith="staff").exists()
    assert not Letter.objects.filter(kind="reply").exists()


def test_what_was_written_while_the_money_was_on_its_way_still_waits_when_it_has_come(
    web: Client, shop: Shop
) -> None:
    case = shop.ask(shop.sell(shop.monthly))
    write(shop, case)
    shop.work()

    assert (now(case).closing, open_tasks(case)) == ("paid", ["answer"])
    assert queues_of(look(web, shop), case) == {"answer"}


def test_new_facts_do_not_answer_what_the_customer_wrote(web: Client, shop: Shop) -> None:
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    write(shop, case)
    browser = look(web, shop)

    browser.submit(of(case, "state"), {"name": "identified", "value": "yes", "reason": WHY})

    assert "answer" in open_tasks(case)


@pytest.mark.parametrize("how", ["ask", "decline"])
def test_a_question_and_a_no_are_answers(shop: Shop, how: str) -> None:
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    write(shop, case)
    agent = shop.staff("agent", Role.AGENT)

    if how == "ask":
        ask(now(case), agent, "Which invoice do you mean?")
    else:
        decline(now(case), agent, WHY)

    assert "answer" not in open_tasks(case)
    assert Task.objects.get(case=case, kind="answer").done_by == agent


def test_what_was_written_in_a_merged_case_is_answered_where_it_goes_on(web: Client, shop: Shop) -> None:
    early, late = (shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR) for _ in range(2))
    write(shop, early)
    merge(early, shop.staff("agent", Role.AGENT), late.number, WHY)
    browser = look(web, shop)

    assert [name for name in ("answer",) if name in queues_of(browser, late)] == ["answer"]
    assert queues_of(browser, early) == set()
    browser.submit(of(early, "reply"), {"text": REPLY})

    assert Message.objects.get(text=REPLY).case == late
    assert "answer" not in open_tasks(late)
