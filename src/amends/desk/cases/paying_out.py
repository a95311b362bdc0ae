"""Bank transfers of a case: each step is taken in the payouts room, and the case comes along in the same transaction.

Locks: the case, then the payment, then the payout.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from amends.desk.accounts.models import User
from amends.desk.audit.actions import record
from amends.desk.cases import tasks
from amends.desk.cases.models import Case, CaseState, TaskKind
from amends.desk.cases.paying import follow
from amends.desk.payments.models import Refund
from amends.desk.payouts import actions, batches
from amends.desk.payouts.models import Batch, Payout
from amends.desk.payouts.states import BEFORE_FILE, PayoutState
from amends.desk.unit_of_work import unit_of_work


def open_payout(refund: Refund, by: User, why: str) -> Payout:
    """Ask the customer for an account to which a refund goes that the gateway could not make.

    Raises: PayoutError: nothing was written.
    """
    with _case_of(refund) as case:
        payout = actions.open_payout(refund, by, why, case.number)
        tasks.finish(case, TaskKind.FAILED_REFUND, by=by, about=refund.id)
        case.state, case.closed_at, case.closing = CaseState.PAYING, None, ""
        case.save(update_fields=["state", "closed_at", "closing"])
        record(f"case:{case.id}", f"staff:{by.id}", "payout_opened", refund=str(refund.id))
    return payout


def give_account(payouts: Sequence[Payout], holder: str, iban: str) -> None:
    """The customer names the account for payouts of one case.

    Raises: PayoutError, BadAccountError: nothing was written.
    """
    with _case_of(payouts[0].refund):
        for payout in payouts:
            actions.give_account(payout, holder, iban)


def propose(payout: Payout, by: User, terms: str) -> None:
    """The first person of finance.

    Raises: PayoutError: nothing was written.
    """
    with _case_of(payout.refund):
        actions.propose(payout, by, terms)


def release(payout: Payout, by: User, terms: str) -> None:
    """The second person of finance.

    Raises: PayoutError: nothing was written.
    """
    with _case_of(payout.refund):
        actions.release(payout, by, terms)


def withdraw(payout: Payout, by: User, why: str) -> None:
    """Call it off; the case is with finance again.

    Raises: PayoutError: nothing was written.
    """
    with _case_of(payout.refund):
        actions.withdraw(payout, by, why)


def make_batch(currency: str, by: User) -> Batch:
    """Make a file for the bank, then bring its cases along; the sweeper does where this ends too early.

    Raises: PayoutError: nothing was written.
    """
    batch = batches.make_batch(currency, by)
    refunds = Refund.objects.filter(payout__batch=batch, case_id__isnull=False)
    for case_id in refunds.order_by("case_id").values_list("case_id", flat=True):
        assert case_id is not None
        follow(case_id)
    return batch


def mark_paid(payout: Payout, by: User, bank_reference: str, booked_on: date) -> None:
    """The bank has booked it: the customer has a letter, and the case ends.

    Raises: PayoutError: nothing was written.
    """
    with _case_of(payout.refund):
        batches.mark_paid(payout, by, bank_reference, booked_on)


def mark_returned(payout: Payout, by: User, reason: str) -> None:
    """The money came back: the customer is told why and asked for another account.

    Raises: PayoutError: nothing was written.
    """
    with _case_of(payout.refund) as case:
        batches.mark_returned(payout, by, reason)
        if case.state == CaseState.CLOSED:
            case.state, case.closed_at, case.closing = CaseState.PAYING, None, ""
            case.save(update_fields=["state", "closed_at", "closing"])
            record(f"case:{case.id}", f"staff:{by.id}", "payout_returned", refund=str(payout.refund_id))


def awaiting_account(case: Case) -> list[Payout]:
    """The payouts of a case for which its customer is to name an account, else those for which it can be changed.

    In the order in which payments are locked.
    """
    waiting = Payout.objects.filter(refund__case_id=case.id, state__in=BEFORE_FILE)
    payouts = list(waiting.select_related("refund__payment").order_by("refund__payment_id"))
    return [payout for payout in payouts if payout.state == PayoutState.ASKED] or payouts


@contextmanager
def _case_of(refund: Refund) -> Iterator[Case]:
    """One step: the case is held, and comes along at the end."""
    whole = Case.objects.select_related("customer", "line__order")
    assert refund.case_id is not None
    with unit_of_work():
        case = whole.select_for_update(of=("self",), no_key=True).get(id=refund.case_id)
        yield case
        follow(case.id)
