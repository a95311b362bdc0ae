"""What people do with a case: correct, decline, ask, give."""

from amends.desk.accounts.models import Role
from amends.desk.cases.models import (
    CaseState,
    RequestKind,
)
from amends.desk.cases.stating import Gift, ask, decline, goodwill, next_gift
from amends.desk.credits.actions import wallet
from amends.desk.journal.models import Posting
from shop import METER, Shop, approve_by_one, day, go_to, latest, letters, nothing_moved, now


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


def test_goodwill_is_a_posting_of_its_own(shop: Shop) -> None:
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)

    approver = shop.staff("approver", Role.APPROVER)
    gift = Gift(next_gift(case), 20, 400)
    # The button is pressed twice.
    goodwill(case, approver, gift, "Sorry for the long wait.")
    goodwill(case, approver, gift, "Sorry for the long wait.")

    assert wallet(shop.customer, METER) == 20
    posted = Posting.objects.filter(entry__kind="goodwill").values_list("account", "side", "amount")
    assert sorted(posted) == [
        ("credit_liability_promotional", "credit", 400),
        ("goodwill", "debit", 400),
    ]
