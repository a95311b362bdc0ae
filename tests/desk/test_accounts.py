"""People: links that work once, keys that can be revoked, erasure that leaves the books."""

from datetime import timedelta

import pytest

from amends.desk import clock
from amends.desk.accounts.actions import create_key, erase_customer, find_key, make_link, redeem_link
from amends.desk.accounts.models import Role, Scope
from amends.desk.audit.actions import broken_rows
from amends.desk.books import check_books, check_decisions
from amends.desk.cases.models import RequestKind
from amends.desk.cases.stating import assign, end_outage
from amends.desk.issues.models import Incident, Issue
from shop import WHY, Shop, day, go_to, now


def test_a_link_to_the_portal_works_once_and_for_ten_minutes(shop: Shop) -> None:
    _, token = make_link(shop.customer, "desk")
    _, late = make_link(shop.customer, "desk")

    assert (redeem_link(token), redeem_link(token)) == (shop.customer, None)
    clock.advance(timedelta(minutes=10))
    assert redeem_link(late) is None


def test_a_revoked_key_is_not_found(shop: Shop) -> None:  # noqa: ARG001  # the tables
    key, secret = create_key("Shop", [Scope.CASES])
    assert find_key(secret) == key

    key.revoked_at = clock.now()
    key.save(update_fields=["revoked_at"])

    assert find_key(secret) is None


def test_erasing_a_person_leaves_sums_hashes_and_decisions(shop: Shop) -> None:
    shop.ask(shop.sell(shop.monthly))
    shop.work()

    erase_customer(shop.customer, "desk")

    shop.customer.refresh_from_db()
    assert (shop.customer.name, "@customers" in shop.customer.email) == ("", False)
    assert [*check_books(), *check_decisions(), *broken_rows()] == []


def test_a_case_is_given_to_somebody(shop: Shop) -> None:
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    agent = shop.staff("agent", Role.AGENT)

    assign(case, agent, agent)

    assert now(case).assignee == agent


@pytest.mark.parametrize("reported, fixed", [(2, 5), (6, 6)])
def test_the_end_of_an_outage_fixes_every_fault_that_it_gathered(
    shop: Shop, reported: int, fixed: int
) -> None:
    go_to(day(7))
    incident = Incident.objects.create(title="Black images", started_at=day(1))
    agent = shop.staff("agent", Role.AGENT)
    line = shop.sell(shop.monthly)
    issue = Issue.objects.create(
        customer=shop.customer,
        line_id=line.id,
        incident=incident,
        reported_at=day(reported),
        description=WHY,
    )

    assert end_outage(incident, agent, day(5), WHY) == []

    issue.refresh_from_db()
    assert issue.fixed_at == day(fixed)
