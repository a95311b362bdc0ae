"""The whole way of a bank transfer through the doors: finance, the customer's page, finance again, the file."""

import csv
import io
import re

import pytest

import several
from amends.desk import clock
from amends.desk.accounts.models import Role
from amends.desk.books import check_books
from amends.desk.cases import paying_out
from amends.desk.cases.models import Case
from amends.desk.notices.models import Letter
from amends.desk.payments.models import Refund
from amends.desk.payouts.models import Batch, Payout
from amends.desk.portal.access import user_of
from browsing import Browser
from payouts import IBAN, WHY, asked, finance, fresh, refused, released
from shop import Shop
from trade import make_customer
from web import Client


def staff(web: Client, shop: Shop, name: str, *roles: Role) -> Browser:
    return Browser(web).sign_in(shop.staff(name, *(roles or (Role.FINANCE,))))


def customer(web: Client, case: Case) -> Browser:
    return Browser(web).sign_in(user_of(case.customer))


def terms_on(browser: Browser, path: str) -> str:
    found = re.search(r'name="terms" value="([0-9a-f]+)"', browser.get(path).body.decode())
    assert found
    return found.group(1)


def test_two_people_of_finance_and_the_customer_bring_the_money_back(web: Client, shop: Shop) -> None:
    case = refused(shop)
    first, second = staff(web, shop, "fiona"), staff(web, shop, "felix")
    failed = f"/console/refunds/{Refund.objects.get().id}"
    assert "Pay it by bank transfer" in first.page(failed)

    assert "The customer is asked for an account" in first.submit(f"{failed}/pay-by-bank", {"why": WHY})
    url = re.search(r"/cases/\S+/account", Letter.objects.order_by("created_at").last().text)  # type: ignore[union-attr]  # there is one
    assert url
    theirs = customer(web, case)
    assert "Where should we send your refund?" in theirs.page(f"/cases/{case.number}")
    assert "We send you $18.15 by bank transfer" in theirs.page(url.group())
    said = theirs.submit(url.group(), {"holder": "Ada Lovelace", "iban": "de89 3704 0044 0532 0130 00"})
    assert "Two people check the transfer" in said
    assert "We send your refund to DE… 3000" in said
    page = f"/console/refunds/{Payout.objects.get().refund_id}"
    assert "Somebody else of finance" in first.submit(f"{page}/propose", {"terms": terms_on(first, page)})
    assert "Released." in second.submit(f"{page}/release", {"terms": terms_on(second, page)})
    assert "1 released transfer, $18.15" in first.page("/console/finance")
    assert "The file is made with one transfer" in first.submit("/console/files", {"currency": "USD"})
    file = first.get(f"/console/files/{Batch.objects.get().id}.csv")
    again = first.get(f"/console/files/{Batch.objects.get().id}.csv")
    booked = {"bank_reference": "STMT-7", "booked_on": clock.now().date().isoformat()}
    assert "The customer has a letter" in second.submit(f"{page}/paid", booked)

    assert [row["iban"] for row in csv.DictReader(io.StringIO(file.body.decode()))] == [IBAN]
    assert file.body == again.body
    assert "no-store" in file.headers["cache-control"]
    told = theirs.page(f"/cases/{case.number}")
    assert "Sent by bank transfer." in told
    assert "It usually arrives 7 business days to 14 business days" in told
    assert "Name another account" not in told
    assert list(check_books()) == []


def test_a_customer_of_two_payments_names_one_account_for_both(web: Client, shop: Shop) -> None:
    case = several.refused(shop)
    first, _ = finance(shop)
    console = Browser(web).sign_in(first)
    parts = list(Refund.objects.order_by("amount"))
    shown = console.page(f"/console/cases/{case.number}")
    assert all(f"(refund {part.id})" in shown for part in parts)
    assert console.page("/console/?queue=failed").count("refund failed") == 1
    payouts = [paying_out.open_payout(part, first, WHY) for part in parts]
    theirs, path = customer(web, case), f"/cases/{case.number}/account"
    assert "We send you $23.67 by bank transfer" in theirs.page(path)

    said = theirs.submit(path, {"holder": "Ada Lovelace", "iban": IBAN})

    assert "We send your refund to DE… 3000" in said
    assert [fresh(payout).state for payout in payouts] == ["given", "given"]
    assert "$23.67" in theirs.page(path)


@pytest.mark.parametrize(
    "form, said",
    [
        ({"holder": "Ada", "iban": "DE89370400440532013001"}, "check digits"),
        ({"holder": "Ада", "iban": IBAN}, "Latin letters"),
        ({"holder": "Ada", "iban": ""}, "This field is required."),
    ],
)
def test_a_customer_reads_at_the_field_what_is_wrong(
    web: Client, shop: Shop, form: dict[str, str], said: str
) -> None:
    case, payout = asked(shop, finance(shop)[0])

    answer = customer(web, case).post(f"/cases/{case.number}/account", form)

    assert (answer.status, said in answer.body.decode()) == (422, True)
    payout.refresh_from_db()
    assert (payout.state, payout.sealed_account) == ("asked", "")


def test_an_account_is_named_by_its_customer_alone_and_only_while_one_is_needed(
    web: Client, shop: Shop
) -> None:
    case, payout = asked(shop, finance(shop)[0])
    path, form = f"/cases/{case.number}/account", {"holder": "Eve", "iban": IBAN}
    stranger = Browser(web).sign_in(user_of(make_customer()))

    assert stranger.post(path, form).status == stranger.get(path).status == 404
    assert Browser(web).post(path, form).headers["location"].startswith("/start")
    payout.refresh_from_db()
    assert payout.state == "asked"
    Payout.objects.update(state="withdrawn")
    assert "No bank account is needed" in customer(web, case).submit(path, form)


def test_others_of_the_staff_see_the_state_and_move_nothing(web: Client, shop: Shop) -> None:
    first, second = finance(shop)
    _, payout = released(shop, first, second)
    page = f"/console/refunds/{payout.refund_id}"
    for role in (Role.AGENT, Role.APPROVER, Role.ADMIN):
        browser = staff(web, shop, str(role), role)
        shown = browser.page(page)
        assert "Only finance pays by bank transfer." in shown
        assert "DE… 3000" in shown
        assert IBAN not in shown
        for action, form in (
            ("withdraw", {"why": "x"}),
            ("paid", {"bank_reference": "S", "booked_on": "2025-09-04"}),
        ):
            assert "Only finance pays by bank transfer." in browser.submit(f"{page}/{action}", form)
        assert "Only finance pays by bank transfer." in browser.submit("/console/files", {"currency": "USD"})
    payout.refresh_from_db()
    assert (payout.state, Batch.objects.count()) == ("released", 0)


@pytest.mark.parametrize("path", ["refunds/{}", "files/{}.csv", "files/{}.exe"])
def test_what_is_not_there_is_a_404(web: Client, shop: Shop, path: str) -> None:
    browser = staff(web, shop, "fiona")
    unknown = make_customer().id
    assert browser.get(f"/console/{path.format(unknown)}").status == 404
    assert browser.post(f"/console/refunds/{unknown}/paid", {}).status == 404


def test_finance_clears_up_in_the_console_what_nobody_knows(web: Client, shop: Shop) -> None:
    case = refused(shop)
    payment = case.line.order.payments[0]
    Refund.objects.create(
        payment=payment,
        case_id=case.id,
        purpose="lost",
        amount=85,
        currency="USD",
        state="unknown",
        reason="needs_person",
        sends=2,
        generation=1,
        next_try_at=clock.now(),
        created_at=clock.now(),
        changed_at=clock.now(),
    )
    page = f"/console/refunds/{Refund.objects.get(purpose='lost').id}"
    first, second = staff(web, shop, "fiona"), staff(web, shop, "felix")
    assert "What became of it?" in first.page(page)

    assert "Please choose what you found." in first.submit(f"{page}/state", {"reason": "x"})
    assert "Please name the refund" in first.submit(f"{page}/state", {"claim": "paid", "reason": "x"})
    wrong = {"claim": "paid", "gateway_ref": "re_nothing", "reason": "x"}
    assert "does not confirm it" in first.submit(f"{page}/state", wrong)
    assert "Please say how you know." in first.submit(f"{page}/state", {"claim": "never_made", "reason": ""})
    said = first.submit(f"{page}/state", {"claim": "never_made", "reason": "The list is empty."})
    assert "The list is empty." in said
    found = re.search(r'name="finding" value="([0-9a-f-]+)"', second.get(page).body.decode())
    assert found
    assert "somebody else" in first.submit(f"{page}/confirm", {"finding": found.group(1)})
    assert "Confirmed." in second.submit(f"{page}/confirm", {"finding": found.group(1)})
    assert Refund.objects.get(purpose="lost").reason == "never_made"
