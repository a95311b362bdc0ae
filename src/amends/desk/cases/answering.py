"""What customers say in a case that is under way: messages, answers to what the policy asks, a fault that is over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.audit.actions import record
from amends.desk.cases import tasks
from amends.desk.cases.deciding import decide_case, resume_clock
from amends.desk.cases.facts import ANSWERABLE
from amends.desk.cases.models import (
    Audience,
    Case,
    CaseState,
    Channel,
    DecisionRecord,
    Message,
    RequestKind,
    TaskKind,
)
from amends.desk.issues import actions as issues
from amends.desk.issues.models import Issue
from amends.desk.policies import actions as policies
from amends.desk.unit_of_work import unit_of_work
from amends.policy.answer import Outcome

WROTE = gettext_noop("The customer wrote; please read and answer.")
_SETTLED = (CaseState.PAYING, CaseState.CLOSED)


class NotPossibleError(Exception):
    """The case is past the point at which this can be done; the message says why."""


class UnknownQuestionError(Exception):
    """The policy asks no such question."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks, and through which door."""

    actor: str
    channel: Channel


@dataclass(frozen=True, slots=True)
class Question:
    """What the policy still needs from the customer, and the sentence that asks for it."""

    input: str
    text: str
    lang: str
    """Of the page, where the page asks; empty where we do."""


def open_questions(case: Case) -> list[Question]:
    """What the latest decision waits for from the customer."""
    decided = case.decisions.order_by("-sequence").select_related("version").first()
    if decided is None or case.state in _SETTLED:
        return []
    policy = policies.read(decided.version)
    inputs = policy.inputs
    asked = zip(decided.core["missing"], decided.explanation["questions"], strict=True)
    return [
        Question(name, text, policies.question_lang(policy, text))
        for name, text in asked
        if inputs[name].answered_by == "customer"
    ]


def write_message(case: Case, speaker: Speaker, text: str) -> Message:
    """Add what the customer wrote to the thread, and have somebody read it.

    It answers what a member of staff asked; what the policy asks is answered by `answer` and by evidence only. In a case
    that was merged it is said where the request goes on.
    """
    with unit_of_work():
        case = lock_survivor(case)
        message = _say(case, speaker, text)
        if case.state == CaseState.WAITING_ON_CUSTOMER and not open_questions(case):
            decide_again(case)
        tasks.give(case, TaskKind.ANSWER, WROTE)
    return message


def answer(
    case: Case, speaker: Speaker, answers: Mapping[str, bool], reason: str = ""
) -> DecisionRecord | None:
    """Take in answers to the policy's questions, and decide again with them.

    Raises: NotPossibleError, UnknownQuestionError: nothing was written.
    """
    unknown = sorted(set(answers) - set(ANSWERABLE))
    if unknown:
        raise UnknownQuestionError(unknown[0])
    with unit_of_work():
        lock(case)
        demand_undecided(case)
        case.answers |= answers
        case.reason = reason or case.reason
        case.save(update_fields=["answers", "reason"])
        if reason:
            _say(case, speaker, reason)
        record(f"case:{case.id}", speaker.actor, "answered", answers=dict(answers), reason=bool(reason))
        return decide_again(case)


def decide_again(case: Case) -> DecisionRecord | None:
    """Decide a locked case with what the customer has just given; the time in which we answer runs on."""
    latest = case.decisions.order_by("-sequence").select_related("version").first()
    if latest is not None:
        resume_clock(case, policies.read(latest.version))
    return decide_case(case)


def end_fault(issue: Issue, actor: str, fixed_at: datetime) -> list[Case]:
    """The fault is gone; the cases that wait for what it came to are decided by how long it lasted.

    Raises: ValueError: before it was reported, or in the future; nothing was written.
    """
    with unit_of_work():
        issues.fix(issue, actor, fixed_at)
        under_way = Case.objects.filter(line_id=issue.line_id, request=RequestKind.TECHNICAL)
        waiting = [case for case in under_way.exclude(state__in=_SETTLED) if _waits_for_fault(case)]
        for case in waiting:
            case.asked_again_at = max(fixed_at, case.first_contact_at)
            case.save(update_fields=["asked_again_at"])
            decide_case(case)
    return waiting


def _waits_for_fault(case: Case) -> bool:
    """Whether only the fault can still grant it: the days of a change of mind are over, or too much was used."""
    if case.state == CaseState.SCHEDULED:
        return True
    latest = case.decisions.order_by("-sequence").first()
    is_asked = latest is not None and latest.outcome == Outcome.NEEDS_INFORMATION
    return is_asked and case.state in (CaseState.OPEN, CaseState.WAITING_ON_CUSTOMER)


def lock(case: Case) -> None:
    """Hold the case as it is now, and its customer first, as everybody does who decides.

    Locks: the customer, then the case.
    """
    Customer.objects.select_for_update(no_key=True).get(id=case.customer_id)
    case.refresh_from_db(from_queryset=Case.objects.select_for_update(no_key=True))


def lock_survivor(case: Case) -> Case:
    """Hold a case, or the one in which its request goes on."""
    lock(case)
    if case.merged_into is None:
        return case
    lock(case.merged_into)
    return case.merged_into


def demand_undecided(case: Case) -> None:
    """Refuse what comes after the decision was carried out.

    Raises: NotPossibleError.
    """
    if case.merged_into is not None:
        raise NotPossibleError(_("The request goes on in %(number)s.") % {"number": case.merged_into.number})
    if case.state in _SETTLED:
        raise NotPossibleError(
            _("The case is closed.")
            if case.state == CaseState.CLOSED
            else _("The money is on its way already.")
        )


def _say(case: Case, speaker: Speaker, text: str) -> Message:
    message = Message.objects.create(
        case=case,
        author=speaker.actor,
        audience=Audience.CUSTOMER,
        channel=speaker.channel,
        text=text,
        at=clock.now(),
    )
    record(f"case:{case.id}", speaker.actor, "wrote", message=str(message.id))
    return message
