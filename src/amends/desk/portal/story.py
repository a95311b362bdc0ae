"""A case as its customer reads it: what happened, in order, and what comes next."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amends.desk.cases.models import Audience, Case, CaseState, Message
from amends.desk.cases.paying_out import awaiting_account
from amends.desk.notices.models import Letter, LetterKind
from amends.desk.payments.models import Refund
from amends.desk.payments.states import RefundState

_OUTCOMES = {
    "granted": gettext_lazy("Granted"),
    "denied": gettext_lazy("Not granted"),
    "needs_information": gettext_lazy("We asked you for something more"),
    "needs_review": gettext_lazy("Handed to a person"),
}
_LETTERS = {
    LetterKind.FAILED: gettext_lazy("The refund came back; a person looks for another way"),
    LetterKind.DELAYED: gettext_lazy("The refund takes longer than usual"),
    LetterKind.APPEAL_RESULT: gettext_lazy("A person decided about your appeal"),
    LetterKind.MERGED: gettext_lazy("We told you in which request it goes on"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, or the one that comes next."""

    title: str
    at: datetime | None
    is_next: bool = False


def steps_of(case: Case) -> list[Step]:
    """The timeline of a case, oldest first, with what comes next at its end."""
    steps = [Step(_("We received your request"), case.opened_at)]
    last = ""
    for record in case.decisions.order_by("sequence"):
        title = str(_OUTCOMES[record.outcome])
        if title != last:
            steps.append(Step(title, record.decided_at))
        last = title
    sent = Refund.objects.filter(case_id=case.id, state=RefundState.SUCCEEDED)
    steps += [Step(_("Sent to your bank"), refund.changed_at) for refund in sent]
    told = Letter.objects.filter(case_id=case.id, kind__in=list(_LETTERS))
    steps += [Step(str(_LETTERS[LetterKind(letter.kind)]), letter.created_at) for letter in told]
    if hasattr(case, "appeal"):
        steps.append(Step(_("You appealed"), case.appeal.at))
    steps.sort(key=lambda step: step.at or case.opened_at)
    return [*steps, *_next(case)]


def _next(case: Case) -> list[Step]:
    words = {
        CaseState.OPEN: _("A person looks at it"),
        CaseState.WAITING_ON_CUSTOMER: _("We wait for your answer"),
        CaseState.WAITING_ON_DESK: _("We wait for the payment provider"),
        CaseState.SCHEDULED: _("Decided again by itself"),
        CaseState.DECIDED: _("A person checks the payment"),
        CaseState.PAYING: _("The money is on its way to your bank"),
    }
    if any(not payout.account_hint for payout in awaiting_account(case)):
        return [Step(_("We wait for your bank account"), None, is_next=True)]
    state = CaseState(case.state)
    if state is CaseState.CLOSED:
        return []
    return [Step(str(words[state]), case.wakes_at if state is CaseState.SCHEDULED else None, is_next=True)]


def thread_of(case: Case) -> list[Message]:
    """What was written, also in requests that were merged into it, without the desk's own notes."""
    return list(Message.objects.filter(case__in=case.with_merged, audience=Audience.CUSTOMER).order_by("at"))
