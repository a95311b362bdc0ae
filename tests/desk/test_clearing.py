"""A refund of which nobody knows: one person states what the gateway shows, another one confirms it, then it goes on."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from amends.desk import clock
from amends.desk.accounts.models import Role, User
from amends.desk.audit.models import AuditRow
from amends.desk.books import check_books
from amends.desk.cases import clearing, paying_out
from amends.desk.cases.models import Case, CaseState, Task
from amends.desk.payments.clearing import ClearingError, Statement
from amends.desk.payments.models import Claim, Finding, Refund
from amends.desk.payments.states import RefundState
from payouts import both, finance
from shop import Shop, day, go_to, letters, now, open_tasks
from trade import make_payment, sdk

HOW = "I looked at the charge in the dashboard."


def lost(shop: Shop) -> tuple[Case, Refund]:
    """A case whose refund needs a person: two keys had no effect that anybody knows of."""
    line = shop.sell(shop.monthly)
    go_to(day(3))
    case = shop.ask(line)
    shop.sandbox.api.faults.add({"fault": "stored_error", "path": "/v1/refunds", "count": "9"})
    for _ in range(12):
        shop.work()
        clock.advance(timedelta(minutes=31))
    shop.sandbox.api.faults.clear()
    clock.advance(timedelta(hours=2))
    refund = Refund.objects.select_related("payment").get(case_id=case.id)
    assert (refund.state, refund.reason, refund.generation) == ("unknown", "needs_person", 1)
    return now(case), refund


def pay_at_gateway(shop: Shop, refund: Refund, amount: int = 1815, **metadata: str) -> str:
    made = sdk(shop.sandbox).v1.refunds.create(
        {"charge": refund.payment.gateway_ref, "amount": amount, "metadata": metadata}
    )
    return made.id


def say(shop: Shop, refund: Refund, by: User, claim: Claim, ref: str = "") -> None:
    clearing.state_finding(shop.gateway, refund, by, Statement(claim, HOW, ref))


def agree(shop: Shop, refund: Refund, by: User) -> None:
    clearing.confirm_finding(shop.gateway, refund, by, str(Finding.objects.get(confirmed_by=None).id))


def test_what_was_paid_is_taken_over_once_two_people_have_seen_it(shop: Shop) -> None:
    first, second = finance(shop)
    case, refund = lost(shop)
    assert (case.state, open_tasks(case)) == (CaseState.OPEN, ["failed_refund"])
    ref = pay_at_gateway(shop, refund, refund_id=str(refund.id))

    say(shop, refund, first, Claim.PAID, ref)
    refund.refresh_from_db()
    assert (refund.state, open_tasks(case)) == ("unknown", ["failed_refund"])
    task = Task.objects.get(done_at=None)
    assert (task.role, task.due_at - task.created_at, "confirms" in task.detail) == (
        "finance",
        timedelta(days=1),
        True,
    )
    agree(shop, refund, second)

    refund.refresh_from_db()
    assert (refund.state, refund.gateway_ref, now(case).closing) == ("succeeded", ref, "paid")
    assert (shop.refunded(case.line), letters()[-1], open_tasks(case)) == ([1815], "refund_sent", [])
    assert list(check_books()) == []
    trail = AuditRow.objects.filter(subject=f"refund:{refund.id}", action__startswith="finding")
    assert list(trail.order_by("sequence").values_list("action", "actor")) == [
        ("finding_stated", f"staff:{first.id}"),
        ("finding_confirmed", f"staff:{second.id}"),
    ]


@pytest.mark.parametrize("is_imported", [False, True])
def test_a_refund_made_by_hand_in_the_dashboard_can_be_what_was_paid(
    shop: Shop, *, is_imported: bool
) -> None:
    first, second = finance(shop)
    case, refund = lost(shop)
    ref = pay_at_gateway(shop, refund)
    if is_imported:
        # Our own reservation and the refund beside it are more than the charge.
        shop.sync(case.line)

    say(shop, refund, first, Claim.PAID, ref)
    agree(shop, refund, second)

    refund.refresh_from_db()
    assert refund.state == (RefundState.REJECTED if is_imported else RefundState.SUCCEEDED)
    assert (now(case).closing, shop.refunded(case.line), list(check_books())) == ("paid", [1815], [])


def test_what_was_never_made_is_sent_again_with_a_new_key(shop: Shop) -> None:
    first, second = finance(shop)
    case, refund = lost(shop)

    say(shop, refund, first, Claim.SEND_AGAIN)
    agree(shop, refund, second)
    shop.work()

    refund.refresh_from_db()
    assert (refund.state, refund.generation, now(case).closing) == ("succeeded", 2, "paid")
    assert (shop.refunded(case.line), list(check_books())) == ([1815], [])


def test_a_refund_that_is_lost_again_needs_a_person_again(shop: Shop) -> None:
    first, second = finance(shop)
    case, refund = lost(shop)
    say(shop, refund, first, Claim.SEND_AGAIN)
    agree(shop, refund, second)
    shop.sandbox.api.faults.add({"fault": "stored_error", "path": "/v1/refunds", "count": "9"})

    for _ in range(12):
        shop.work()
        clock.advance(timedelta(minutes=31))

    refund.refresh_from_db()
    assert (refund.state, refund.reason, refund.generation) == ("unknown", "needs_person", 2)
    assert (now(case).state, open_tasks(case), shop.refunded(case.line)) == ("open", ["failed_refund"], [])


def test_what_was_never_made_ends_and_may_be_paid_by_bank(shop: Shop) -> None:
    first, second = finance(shop)
    case, refund = lost(shop)

    say(shop, refund, first, Claim.NEVER_MADE)
    agree(shop, refund, second)

    refund.refresh_from_db()
    assert (refund.state, refund.reason) == ("rejected", "never_made")
    assert (now(case).state, open_tasks(case)) == ("open", ["failed_refund"])
    paying_out.open_payout(refund, first, "The gateway does not take it.")
    assert (now(case).state, open_tasks(case), list(check_books())) == ("paying", ["payout"], [])


def test_nothing_is_stated_that_the_gateway_does_not_show(shop: Shop) -> None:
    first, second = finance(shop)
    _, refund = lost(shop)
    other = make_payment(shop.sandbox, shop.gateway)
    of_another = sdk(shop.sandbox).v1.refunds.create({"charge": other.gateway_ref, "amount": 1815}).id
    refusals = [
        (Claim.PAID, "re_unknown", "does not confirm it"),
        (Claim.PAID, of_another, "another charge or another amount"),
        (Claim.PAID, pay_at_gateway(shop, refund, 10), "another charge or another amount"),
        (Claim.SEND_AGAIN, "", "more or less of this charge"),
        (Claim.NEVER_MADE, "", "more or less of this charge"),
    ]

    for claim, ref, said in refusals:
        with pytest.raises(ClearingError, match=said):
            say(shop, refund, first, claim, ref)
    for somebody in (shop.staff("anna", Role.APPROVER), shop.staff("adam", Role.ADMIN)):
        with pytest.raises(ClearingError, match="Only finance"):
            say(shop, refund, somebody, Claim.SEND_AGAIN)

    refund.refresh_from_db()
    assert (refund.state, refund.generation, Finding.objects.count()) == ("unknown", 1, 0)
    assert second.has_role(Role.FINANCE)


def test_a_refund_that_appears_between_statement_and_confirmation_is_not_sent_again(shop: Shop) -> None:
    first, second = finance(shop)
    case, refund = lost(shop)
    say(shop, refund, first, Claim.SEND_AGAIN)
    pay_at_gateway(shop, refund, refund_id=str(refund.id))

    with pytest.raises(ClearingError, match="has it, as re_"):
        agree(shop, refund, second)
    shop.work()

    assert (shop.refunded(case.line), Finding.objects.get().confirmed_by) == ([1815], None)


def test_a_refund_is_not_declared_absent_within_an_hour_of_its_last_send(shop: Shop) -> None:
    first, _ = finance(shop)
    _, refund = lost(shop)
    Refund.objects.filter(id=refund.id).update(last_sent_at=clock.now() - timedelta(minutes=59))

    with pytest.raises(ClearingError, match="less than an hour"):
        say(shop, refund, first, Claim.NEVER_MADE)

    Refund.objects.filter(id=refund.id).update(last_sent_at=clock.now() - timedelta(minutes=61))
    say(shop, refund, first, Claim.NEVER_MADE)


def test_one_person_states_and_does_not_confirm(shop: Shop) -> None:
    first, second = finance(shop)
    _, refund = lost(shop)
    say(shop, refund, first, Claim.SEND_AGAIN)

    with pytest.raises(ClearingError, match="somebody else"):
        agree(shop, refund, first)
    with pytest.raises(IntegrityError, match="finding_by_two_people"), transaction.atomic():
        Finding.objects.update(confirmed_by=first)
    with pytest.raises(ClearingError, match="Something else was stated"):
        clearing.confirm_finding(shop.gateway, refund, second, str(refund.id))
    say(shop, refund, second, Claim.NEVER_MADE)

    refund.refresh_from_db()
    assert (refund.state, Finding.objects.get().stated_by) == ("unknown", second)


def test_two_people_who_confirm_at_once_send_once(shop: Shop) -> None:
    first, second = finance(shop)
    third = shop.staff("fred", Role.FINANCE)
    case, refund = lost(shop)
    say(shop, refund, first, Claim.SEND_AGAIN)
    shown = str(Finding.objects.get().id)

    came_to = both(
        lambda: clearing.confirm_finding(shop.gateway, refund, second, shown),
        lambda: clearing.confirm_finding(shop.gateway, refund, third, shown),
    )
    shop.work()

    assert (came_to, shop.refunded(case.line)) == (["done", "refused"], [1815])


def test_a_disputed_charge_is_not_sent_again(shop: Shop) -> None:
    first, _ = finance(shop)
    case, refund = lost(shop)
    shop.dispute(case.line)
    shop.sync(case.line)

    with pytest.raises(ClearingError, match="disputes"):
        say(shop, refund, first, Claim.SEND_AGAIN)
    say(shop, refund, first, Claim.NEVER_MADE)


def test_only_what_nobody_knows_is_cleared_up(shop: Shop) -> None:
    first, _ = finance(shop)
    line = shop.sell(shop.monthly)
    go_to(day(3))
    refund = Refund.objects.get(case_id=shop.ask(line).id)

    for _ in range(2):
        with pytest.raises(ClearingError, match="is known, or is still"):
            say(shop, refund, first, Claim.NEVER_MADE)
        shop.work()
