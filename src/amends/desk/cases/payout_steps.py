"""What each state of a payout means for its case: whose turn it is, and what the customer is told."""

from uuid import UUID

from django.utils.translation import gettext_noop

from amends.desk.cases import refund_letters, tasks, telling
from amends.desk.cases.models import Case, Task, TaskKind
from amends.desk.payouts.models import Payout
from amends.desk.payouts.states import PayoutState

_NEXT = {
    PayoutState.ASKED: gettext_noop("The customer is asked for a bank account; write again if none comes"),
    PayoutState.GIVEN: gettext_noop("The customer named a bank account: propose to pay it"),
    PayoutState.PROPOSED: gettext_noop("A payout is proposed: somebody else of finance releases it"),
    PayoutState.RELEASED: gettext_noop("A payout is released: make a file for the bank"),
    PayoutState.EXPORTED: gettext_noop(
        "A payout is in a file: say when the bank booked it, or that it came back"
    ),
}


def follow_payout(case: Case, payout: Payout) -> None:
    """Bring its task and letters to where a payout is.

    Idempotent: called after every change of the case.
    """
    state = PayoutState(payout.state)
    if state is PayoutState.ASKED:
        refund_letters.account_needed(case, payout)
    if state is PayoutState.GIVEN:
        refund_letters.account_named(case, payout)
    if state is PayoutState.PAID:
        refund_letters.payout_sent(case, payout)
        telling.refund_sent(case, payout.refund)
    assert payout.refund.instead_of_id is not None
    _keep_task(case, payout.refund.instead_of_id, _NEXT.get(state, ""))


def _keep_task(case: Case, root_id: UUID, sentence: str) -> None:
    """The one open task about a refund that is paid by bank says the next step; an earlier step is done."""
    waiting = Task.objects.filter(case=case, kind=TaskKind.PAYOUT, about=root_id, done_at=None).first()
    if waiting is not None and waiting.sentence.get("text") != sentence:
        tasks.finish(case, TaskKind.PAYOUT, about=root_id)
    if sentence:
        tasks.give(case, TaskKind.PAYOUT, sentence, about=root_id)
