"""The queues: what belongs where, how pages follow each other, and what a page costs."""

import re
from html import unescape
from uuid import uuid4

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from amends.desk.accounts.models import Role, User
from amends.desk.cases.models import Case, CaseState, Channel, RequestKind, Task, TaskKind
from amends.desk.cases.stating import ask
from amends.desk.console.queue_views import show_queue
from amends.desk.console.queues import QUEUES
from amends.desk.issues import actions as issues
from amends.desk.orders.models import Line
from amends.desk.payments.inbox import sweep_refunds
from amends.desk.payments.models import Refund
from browsing import Browser, factor_shown_by
from shop import Shop, day, go_to, now
from web import Client


def look(web: Client, shop: Shop, *roles: Role) -> Browser:
    return Browser(web).sign_in(shop.staff("member", *(roles or (Role.AGENT,))))


def queues_of(browser: Browser, case: Case) -> set[str]:
    return {name for name in QUEUES if case.number in browser.page(f"/console/?queue={name}")}


QUERIES_MAX = 10
"""Tabs, places, cases, decisions, tasks, faults, the policy, disputes, and the views that were saved."""


def many(line: Line, count: int, **changes: object) -> list[Case]:
    """Open cases with tasks, as if a bad day had happened."""
    cases = [
        Case(
            number=f"R-{number:04}-{uuid4().hex[:8]}",
            customer=line.order.customer,
            line=line,
            request=RequestKind.TECHNICAL if number % 2 else RequestKind.REFUND,
            channel=Channel.API,
            is_identified=True,
            opened_at=day(number // 100),
            first_contact_at=day(0),
            due_on=day(7).date(),
            **changes,
        )
        for number in range(count)
    ]
    Case.objects.bulk_create(cases)
    Task.objects.bulk_create(
        Task(case=case, kind=TaskKind.REVIEW, role=Role.AGENT, detail="", created_at=day(0), due_at=day(2))
        for case in cases
    )
    return cases


def test_what_a_person_has_to_do_is_unassigned_until_somebody_takes_it(web: Client, shop: Shop) -> None:
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    browser = look(web, shop)

    assert queues_of(browser, case) == {"unassigned"}
    browser.submit(f"/console/cases/{case.number}/assign", {"to": "me"})
    assert queues_of(browser, case) == {"mine"}


def test_what_is_due_moves_from_today_to_overdue_and_waits_while_the_customer_is_asked(
    web: Client, shop: Shop
) -> None:
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    browser = look(web, shop)
    assert case.due_on

    go_to(day((case.due_on - day(0).date()).days))
    assert queues_of(browser, case) == {"unassigned", "today"}
    assert "today" in browser.page("/console/?queue=today")
    go_to(day((case.due_on - day(0).date()).days + 1))
    assert queues_of(browser, case) == {"unassigned", "overdue"}
    assert "1 day late" in browser.page("/console/?queue=overdue")

    ask(case, User.objects.get(), "Which charge do you mean?")
    assert queues_of(browser, case) == {"customer"}


def test_approvals_payments_and_failures_have_queues_of_their_own(web: Client, shop: Shop) -> None:
    waiting = shop.ask(shop.sell(shop.annual))
    paying = shop.ask(shop.sell(shop.monthly))
    browser = look(web, shop)

    assert queues_of(browser, waiting) == {"unassigned", "approvals"}
    assert queues_of(browser, paying) == {"gateway"}
    shown = browser.page("/console/?queue=approvals")
    assert "$227.15" in shown


def test_a_refund_that_failed_waits_for_finance(web: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly, method="pm_card_refundFail")
    case = shop.ask(line)
    shop.work()
    go_to(day(25))
    shop.sandbox.api.refunds.settle()
    sweep_refunds(shop.gateway)
    shop.sync(line)
    browser = look(web, shop, Role.FINANCE)

    assert "failed" in queues_of(browser, case)
    assert "refund failed" in browser.page("/console/?queue=failed")
    assert case.number in browser.page("/console/finance")
    assert Refund.objects.get().state == "failed"


def test_a_fault_shows_the_day_of_its_clock(web: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    issues.report(shop.customer, line.id, "Every job fails.", day(9))
    go_to(day(12))
    case = shop.ask(line, RequestKind.TECHNICAL)
    browser = look(web, shop)

    assert queues_of(browser, case) == {"faults"}
    assert "day 3 of 14" in browser.page("/console/?queue=faults")


def test_a_disputed_payment_puts_its_case_among_the_disputes(web: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    shop.dispute(line)
    shop.sync(line)
    case = shop.ask(line)
    browser = look(web, shop)

    assert "disputes" in queues_of(browser, case)
    assert "dispute" in browser.page("/console/?queue=disputes")


def test_what_is_closed_is_in_no_queue_and_is_still_found(web: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(9))
    case = shop.ask(line)
    browser = look(web, shop)

    assert (now(case).state, queues_of(browser, case)) == (CaseState.CLOSED, set())
    for words in (line.order.number, shop.customer.email.upper()):
        assert case.number in browser.page(f"/console/?q={words}")
    found = browser.get(f"/console/?q={case.number.lower()}")
    assert (found.status, found.headers["location"]) == (302, f"/console/cases/{case.number}")
    assert "No case has this number" in browser.page("/console/?q=nothing")


def test_pages_follow_each_other_and_every_case_is_on_one_of_them(web: Client, shop: Shop) -> None:
    cases = many(shop.sell(shop.monthly), 120)
    browser = look(web, shop)

    seen: list[str] = []
    pages = 0
    path = "?queue=unassigned"
    while path:
        body = browser.get(f"/console/{path}").body.decode()
        seen += re.findall(r'href="/console/cases/([^"]+)"', body)
        further = re.search(r'href="([^"]+)" rel="next"', body)
        path = unescape(further[1]) if further else ""
        pages += 1

    assert (pages, len(seen)) == (3, 120)
    assert sorted(seen) == sorted(case.number for case in cases)


def test_the_kind_narrows_a_queue_and_stays_in_the_address(web: Client, shop: Shop) -> None:
    cases = many(shop.sell(shop.monthly), 4)
    browser = look(web, shop)

    shown = browser.page("/console/?queue=unassigned&kind=technical")

    assert [case.number in shown for case in cases] == [False, True, False, True]


@pytest.mark.parametrize(
    "address",
    [
        "?queue=nothing",
        "?q=%00",
        "cases/%00",
        "?kind=gift",
        "?after=x",
        "?after=2025-09-01~1",
        "?after=2025-09-01T10:00:00~1",
    ],
)
def test_an_address_that_names_nothing_is_not_there(web: Client, shop: Shop, address: str) -> None:
    assert look(web, shop).get(f"/console/{address}").status == 404


def test_a_page_costs_the_same_queries_at_30_and_at_300_cases(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    issues.report(shop.customer, line.id, "Every job fails.", day(0))
    shop.dispute(line)
    shop.sync(line)
    agent = shop.staff("agent", Role.AGENT)
    many(line, 1)
    # What is read once for each process is read now.
    show_queue(request_of(agent, "unassigned"))
    counts: dict[str, list[int]] = {name: [] for name in QUEUES}
    for more in (30, 270):
        many(line, more, assignee=agent)
        many(line, more)
        for name, found in counts.items():
            with CaptureQueriesContext(connection) as asked:
                show_queue(request_of(agent, name))
            found.append(len(asked))

    assert {name: few for name, (few, many_) in counts.items() if few != many_ or few > QUERIES_MAX} == {}


def request_of(user: User, queue: str) -> WSGIRequest:
    request = RequestFactory().get("/console/", {"queue": queue})
    request.user = user
    request.session = factor_shown_by(user)  # type: ignore[assignment]  # it reads as a session does
    return request
