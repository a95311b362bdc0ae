"""The page of differences: empty, open, seen to; and that the command says the same."""

import os
import subprocess
import sys

import pytest
from django.db import connection

from amends.desk.accounts.models import Role
from amends.desk.cases.models import Case
from amends.desk.payments.models import Payment
from amends.desk.reconciliation.actions import open_discrepancies, reconcile
from amends.desk.reconciliation.models import Discrepancy
from browsing import Browser
from conftest import ROOT
from shop import WHY, Shop, day, go_to
from web import Client

PAGE = "/console/finance/differences"


def differing(shop: Shop) -> Case:
    line = shop.sell(shop.monthly)
    go_to(day(3))
    case = shop.ask(line)
    shop.work()
    Payment.objects.update(captured=2000)
    reconcile()
    return case


def test_before_the_first_run_the_page_says_how_to_compare(web: Client, shop: Shop) -> None:
    shown = Browser(web).sign_in(shop.staff("finance", Role.FINANCE)).page(PAGE)

    assert "Nothing was compared yet." in shown
    assert "bin/amends reconcile" in shown


def test_where_nothing_differs_the_page_says_so_with_the_time(web: Client, shop: Shop) -> None:
    shop.sell(shop.monthly)
    reconcile()

    shown = Browser(web).sign_in(shop.staff("agent", Role.AGENT)).page(PAGE)

    assert "every payment, 1 payment." in shown
    assert "Our books and the payment provider say the same." in shown


def test_a_difference_has_sides_owner_date_and_case_and_is_seen_to(web: Client, shop: Shop) -> None:
    case = differing(shop)
    browser = Browser(web).sign_in(shop.staff("finance", Role.FINANCE))
    shown = browser.page(PAGE)
    assert "A charge of another amount Finance, by 5 Sep 2025, 10:00 UTC" in shown
    assert "Here $20.00 At the payment provider $19.00" in shown
    assert case.number in shown
    assert "Differences 1" in browser.page("/console/finance")

    said = browser.submit(f"{PAGE}/{Discrepancy.objects.get().id}", {"reason": WHY})

    assert "Noted. The same difference is not asked about again." in said
    assert "seen to" in said
    assert WHY in said
    assert not open_discrepancies().exists()


def test_what_is_late_is_marked(web: Client, shop: Shop) -> None:
    differing(shop)
    browser = Browser(web).sign_in(shop.staff("finance", Role.FINANCE))
    assert browser.get(PAGE).body.count(b"badge bad") == 0

    go_to(day(6))

    assert browser.get(PAGE).body.count(b"badge bad") == 1


def test_others_read_and_settle_nothing(web: Client, shop: Shop) -> None:
    differing(shop)
    browser = Browser(web).sign_in(shop.staff("agent", Role.AGENT))
    path = f"{PAGE}/{Discrepancy.objects.get().id}"

    assert "I have seen to it" not in browser.page(PAGE)
    assert "Your role does not include this." in browser.submit(path, {"reason": WHY})
    assert browser.post(f"{PAGE}/00000000-0000-4000-8000-000000000000", {"reason": WHY}).status == 404
    assert open_discrepancies().count() == 1


@pytest.mark.parametrize("differs", [False, True])
def test_the_command_lists_the_same_differences(web: Client, shop: Shop, *, differs: bool) -> None:  # noqa: ARG001  # its gateway
    if differs:
        differing(shop)
    else:
        shop.sell(shop.monthly)
    database = connection.settings_dict
    host, port = database["HOST"], database["PORT"]
    address = f"postgresql://{database['USER']}@/{database['NAME']}?host={host}&port={port or 5432}"
    environment = os.environ | {
        "DATABASE_URL": address,
        "STRIPE_API_BASE": shop.sandbox.address,
        "PYTHONPATH": str(ROOT / "src"),
    }

    done = subprocess.run(
        [sys.executable, "-m", "amends", "reconcile"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    lines = done.stdout.splitlines()
    assert (done.returncode, lines[0]) == (int(differs), "1 payments compared; 0 refunds were taken over.")
    charge = Payment.objects.get().gateway_ref
    assert [line.partition("; for")[0] for line in lines[1:]] == (
        [f"{charge} of {charge}: A charge of another amount; here $20.00, there $19.00"] if differs else []
    )
