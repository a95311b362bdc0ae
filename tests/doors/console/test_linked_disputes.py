"""Linking a dispute from the finance page and from a case."""

from amends.desk.accounts.models import Role
from amends.desk.cases.models import Case
from amends.desk.payments.models import Dispute
from browsing import Browser
from shop import WHY, Shop, now
from web import Client


def waiting(shop: Shop) -> tuple[Case, str]:
    case, other = shop.ask(shop.sell(shop.annual, fee=691)), shop.sell(shop.monthly)
    shop.dispute(other)
    shop.sync(other)
    return case, Dispute.objects.get().gateway_ref


def test_finance_links_a_dispute_that_no_case_knows(web: Client, shop: Shop) -> None:
    case, ref = waiting(shop)
    browser = Browser(web).sign_in(shop.staff("finance", Role.FINANCE))
    assert "Disputes that no case knows Nobody has asked about the charge" in browser.page("/console/finance")

    form = {"dispute": ref, "number": case.number.lower(), "reason": WHY}
    said = browser.submit("/console/finance/disputes", form)

    assert "Linked. While it is open nothing is paid without a person" in said
    assert f"Dispute Open: $19.00 {ref} Linked by hand." in said
    assert "Disputes that no case knows" not in browser.page("/console/finance")
    assert case.number in browser.page("/console/?queue=disputes")
    assert "dispute" in browser.page("/console/?queue=unassigned")


def test_a_link_is_undone_from_the_case(web: Client, shop: Shop) -> None:
    case, ref = waiting(shop)
    browser = Browser(web).sign_in(shop.staff("finance", Role.FINANCE))
    path = f"/console/cases/{case.number}"
    browser.submit(f"{path}/link-dispute", {"dispute": ref, "reason": WHY})
    assert now(case).state == "open"

    said = browser.submit(f"{path}/unlink-dispute", {"dispute": ref, "reason": WHY})

    assert "Unlinked. The case is judged without it." in said
    assert (now(case).state, Dispute.objects.get().linked_payment) == ("decided", None)


def test_an_agent_reads_of_it_and_links_nothing(web: Client, shop: Shop) -> None:
    case, ref = waiting(shop)
    browser = Browser(web).sign_in(shop.staff("agent", Role.AGENT))
    shown = browser.page("/console/finance")
    assert ref in shown
    assert "Link it to a case" not in shown
    assert "Link a dispute" not in browser.page(f"/console/cases/{case.number}")

    said = browser.submit("/console/finance/disputes", {"dispute": ref, "number": case.number, "reason": WHY})
    lost = browser.submit("/console/finance/disputes", {"dispute": ref, "number": "R-0", "reason": WHY})

    assert "Your role does not include this." in said
    assert "There is no case “R-0”." in lost
    assert (now(case).state, Dispute.objects.get().linked_payment) == ("decided", None)
