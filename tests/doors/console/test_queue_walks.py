"""Queues that are walked along tasks and disputes: each case once, in order, also where several rows speak for it."""

import re
from datetime import timedelta
from html import unescape
from itertools import count
from urllib.parse import urlencode

from amends.desk.accounts.models import Role
from amends.desk.cases.models import Case, RequestKind, Task, TaskKind
from amends.desk.cases.stating import decline
from amends.desk.console.queues import PAGE
from amends.desk.payments.models import Dispute, Payment
from browsing import Browser
from doors.console.test_queues import many
from shop import WHY, Shop, day
from web import Client

_REFS = count(1)


def waiting(shop: Shop, number: int) -> list[Case]:
    return [shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR) for _ in range(number)]


def fails(case: Case, kind: TaskKind, hour: int) -> None:
    at = day(1, 0) + timedelta(hours=hour)
    Task.objects.create(case=case, kind=kind, role=Role.FINANCE, detail="", created_at=at, due_at=at)


def disputed(case: Case, hour: int, *, by_link: bool = False) -> None:
    other = Payment.objects.exclude(id=case.line.order.payments[0].id).order_by("id").last()
    Dispute.objects.create(
        gateway_ref=f"dp_{next(_REFS)}",
        payment=None if by_link else case.line.order.payments[0],
        linked_payment=case.line.order.payments[0] if by_link else None,
        charge_ref=other.gateway_ref if other and by_link else "",
        status="open",
        amount=1900,
        currency="USD",
        opened_at=day(1, hour),
        changed_at=day(1, hour),
    )


def pages_of(browser: Browser, queue: str) -> list[list[str]]:
    found, path = [], f"?queue={queue}"
    while path:
        body = browser.get(f"/console/{path}").body.decode()
        found.append(re.findall(r'href="/console/cases/([^"]+)"', body))
        further = re.search(r'href="([^"]+)" rel="next"', body)
        path = unescape(further[1]) if further else ""
    return found


def test_a_case_with_two_failures_is_on_one_page_at_its_first(web: Client, shop: Shop) -> None:
    cases = many(shop.sell(shop.monthly), PAGE + 1)
    for number, case in enumerate(cases):
        fails(case, TaskKind.WAITING_REFUND, number)
    fails(cases[0], TaskKind.FAILED_REFUND, PAGE + 2)
    browser = Browser(web).sign_in(shop.staff("finance", Role.FINANCE))

    numbers = [case.number for case in cases]
    assert pages_of(browser, "failed") == [numbers[:PAGE], numbers[PAGE:]]


def test_disputes_of_a_charge_and_linked_ones_are_in_one_order(web: Client, shop: Shop) -> None:
    first, second, third, fourth = waiting(shop, 4)
    disputed(second, 2, by_link=True)
    disputed(first, 1)
    disputed(fourth, 4)
    disputed(third, 3, by_link=True)
    disputed(first, 5)
    disputed(first, 6, by_link=True)
    disputed(second, 7, by_link=True)
    browser = Browser(web).sign_in(shop.staff("finance", Role.FINANCE))

    numbers = [case.number for case in (first, second, third, fourth)]
    assert pages_of(browser, "disputes") == [numbers]
    after = urlencode({"queue": "disputes", "after": f"{day(1, 2).isoformat()}~{second.id}"})
    body = browser.get(f"/console/?{after}").body.decode()
    assert [number in body for number in numbers] == [False, False, True, True]


def test_an_alarm_about_a_closed_case_is_not_lost(web: Client, shop: Shop) -> None:
    (case,) = waiting(shop, 1)
    decline(case, shop.staff("agent", Role.AGENT), WHY)
    browser = Browser(web).sign_in(shop.staff("finance", Role.FINANCE))
    assert pages_of(browser, "failed") == [[]]

    fails(case, TaskKind.OVER_RETURNED, 1)

    assert pages_of(browser, "failed") == [[case.number]]
    assert "Failed refunds 1" in browser.page("/console/")
