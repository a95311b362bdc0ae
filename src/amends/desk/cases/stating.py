"""What staff say about a case, by name and with a reason: facts, evidence, clauses set aside, questions, a no."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from amends.desk import clock
from amends.desk.accounts.models import Role, User
from amends.desk.audit.actions import record
from amends.desk.cases import letters, tasks
from amends.desk.cases.answering import end_fault, lock, lock_survivor
from amends.desk.cases.approving import APPROVERS, NotAllowedError, OutdatedError
from amends.desk.cases.deciding import Waiver, close, decide_case
from amends.desk.cases.handing_over import tell_developers
from amends.desk.cases.merging import part
from amends.desk.cases.models import (
    Appeal,
    Approval,
    Audience,
    Case,
    CaseState,
    DecisionRecord,
    Evidence,
    EvidenceState,
    Message,
    Statement,
    TaskKind,
    Verdict,
)
from amends.desk.cases.permissions import GIVERS, HANDLERS, demand_reason
from amends.desk.cases.replying import say
from amends.desk.credits.actions import grant as grant_credits
from amends.desk.credits.models import Lot, LotSource
from amends.desk.issues import actions as issues
from amends.desk.issues.models import Incident, Issue
from amends.desk.journal.actions import credit, debit, post
from amends.desk.journal.models import Account
from amends.desk.policies import actions as policies
from amends.desk.unit_of_work import unit_of_work

FIXED_AT = "issue_resolved_at"


def state_fact(case: Case, by: User, name: str, value: object, reason: str) -> DecisionRecord | None:
    """State a fact that the policy leaves to staff; the case is decided again.

    Raises: NotAllowedError: no such fact, no reason, or not an agent; nothing was written.
    """
    demand_reason(by, reason, *HANDLERS)
    with unit_of_work():
        lock(case)
        declared = policies.read(policies.version_at_purchase(case.line.purchased_at)).inputs.get(name)
        if declared is None or declared.answered_by != "staff":
            raise NotAllowedError(_("`%(name)s` is no fact that staff state.") % {"name": name})
        if name == FIXED_AT:
            _fix(case, by, value)
        else:
            if not isinstance(value, bool):
                raise NotAllowedError(_("`%(name)s` is yes or no.") % {"name": name})
            Statement.objects.create(
                case=case, name=name, value=value, stated_by=by, reason=reason, at=clock.now()
            )
        record(f"case:{case.id}", f"staff:{by.id}", "stated", name=name, value=value, reason=reason)
        return decide_case(case)


def _fix(case: Case, by: User, value: object) -> None:
    issue = issues.latest(case.line_id)
    if issue is None or not isinstance(value, str):
        raise NotAllowedError(_("There is no fault to be fixed, or no instant of the fix."))
    try:
        issues.fix(issue, f"staff:{by.id}", datetime.fromisoformat(value))
    except (ValueError, TypeError) as error:
        raise NotAllowedError(
            _("`%(value)s` is no instant between the report and now.") % {"value": value}
        ) from error


def judge_evidence(evidence: Evidence, by: User, *, is_useful: bool, reason: str) -> DecisionRecord | None:
    """Accept or reject a file by name (reading R11); the case is decided again."""
    demand_reason(by, reason, *HANDLERS)
    with unit_of_work():
        case = lock_survivor(evidence.case)
        evidence.state = EvidenceState.ACCEPTED if is_useful else EvidenceState.REJECTED
        evidence.judged_by, evidence.judged_at, evidence.judgement = by, clock.now(), reason
        evidence.save(update_fields=["state", "judged_by", "judged_at", "judgement"])
        if not Evidence.objects.filter(case__in=case.with_merged, state=EvidenceState.RECEIVED).exists():
            tasks.finish(case, TaskKind.JUDGE_EVIDENCE, by=by)
        issue = issues.latest(case.line_id)
        if is_useful and issue is not None and issues.hand_over(issue):
            tell_developers(case, issue)
        record(
            f"case:{case.id}",
            f"staff:{by.id}",
            f"evidence_{evidence.state}",
            evidence=str(evidence.id),
            reason=reason,
        )
        return decide_case(case)


def waive(
    case: Case, by: User, clauses: frozenset[str], reason: str, grant: str | None = None
) -> DecisionRecord:
    """Set named clauses aside; the rest is computed as usual, and somebody else has to agree (semantics, rule 32).

    Raises: NotAllowedError, InputError: nothing was written.
    """
    demand_reason(by, reason, *HANDLERS)
    with unit_of_work():
        lock(case)
        if case.state == CaseState.PAYING:
            raise OutdatedError(_("The money is on its way already."))
        if not clauses:
            raise NotAllowedError(_("Name at least one clause."))
        _reopen(case, by)
        decided = decide_case(case, Waiver(by, clauses, reason, grant))
        if decided is None:
            raise NotAllowedError(_("The facts of the case contradict each other; they come first."))
    return decided


def decline(case: Case, by: User, reason: str) -> None:
    """Say no to what waits for a person, with the decision's own reasons.

    Raises: NotAllowedError, OutdatedError: nothing was written.
    """
    demand_reason(by, reason, *HANDLERS)
    with unit_of_work():
        lock(case)
        decided = case.decisions.order_by("-sequence").first()
        if decided is None or case.state not in (CaseState.OPEN, CaseState.DECIDED):
            raise OutdatedError(_("Nothing in this case waits for a person."))
        Approval.objects.create(
            decision=decided, by=by, verdict=Verdict.DECLINE, plan_sha256=decided.plan_sha256, at=clock.now()
        )
        record(f"case:{case.id}", f"staff:{by.id}", "declined", reason=reason)
        letters.declined(case, decided, reason)
        tasks.finish(case, TaskKind.ANSWER, by=by)
        close(case, "declined")


def reopen(case: Case, by: User, reason: str) -> None:
    """Take a closed case up again; a person has to look at it. One that was merged is a request of its own again.

    Raises: NotAllowedError, OutdatedError: nothing was written.
    """
    demand_reason(by, reason, *HANDLERS)
    with unit_of_work():
        lock(case)
        if case.state != CaseState.CLOSED:
            raise OutdatedError(_("The case is open."))
        case.state, case.closed_at, case.closing = CaseState.OPEN, None, ""
        case.save(update_fields=["state", "closed_at", "closing"])
        part(case, by)
        tasks.give(case, TaskKind.REVIEW, gettext_noop("Reopened: %(reason)s"), reason=reason)
        record(f"case:{case.id}", f"staff:{by.id}", "reopened", reason=reason)


def answer_appeal(case: Case, by: User, result: str) -> None:
    """Tell the customer what a person found; whoever declined the request cannot answer its appeal.

    Raises: NotAllowedError, OutdatedError: nothing was written.
    """
    demand_reason(by, result, *APPROVERS)
    with unit_of_work():
        lock(case)
        made = Appeal.objects.filter(case=case, decided_at=None).first()
        if made is None:
            raise OutdatedError(_("No appeal waits for an answer."))
        if Approval.objects.filter(decision__case=case, by=by, verdict=Verdict.DECLINE).exists():
            raise NotAllowedError(_("You declined the request; somebody else has to look at the appeal."))
        made.decided_at, made.decided_by, made.result = clock.now(), by, result
        made.save(update_fields=["decided_at", "decided_by", "result"])
        tasks.finish(case, TaskKind.APPEAL, TaskKind.ANSWER, by=by)
        letters.appeal_result(case, result)
        record(f"case:{case.id}", f"staff:{by.id}", "appeal_answered", result=result)
        if case.state == CaseState.OPEN:
            close(case, "denied")


def ask(case: Case, by: User, question: str) -> None:
    """Ask the customer; the time in which we answer stands still until they do."""
    demand_reason(by, question, *HANDLERS)
    with unit_of_work():
        lock(case)
        if case.state not in (CaseState.OPEN, CaseState.DECIDED, CaseState.WAITING_ON_CUSTOMER):
            raise OutdatedError(_("The case does not wait for anything that the customer could answer."))
        message = say(case, by, question, Audience.CUSTOMER)
        case.paused_at = case.paused_at or clock.now()
        case.state = CaseState.WAITING_ON_CUSTOMER
        case.save(update_fields=["paused_at", "state"])
        tasks.finish(case, TaskKind.ANSWER, by=by)
        record(f"case:{case.id}", f"staff:{by.id}", "asked", message=str(message.id))
        letters.asked(case, str(message.id), question)


def note(case: Case, by: User, text: str) -> Message:
    """A note that the customer never sees."""
    demand_reason(by, text, *Role)
    return say(case, by, text, Audience.INTERNAL)


def assign(case: Case, by: User, to: User | None) -> None:
    """Give a case to somebody, or to nobody."""
    with unit_of_work():
        case.assignee = to
        case.save(update_fields=["assignee"])
        record(f"case:{case.id}", f"staff:{by.id}", "assigned", to=str(to.id) if to else None)


@dataclass(frozen=True, slots=True)
class Gift:
    """Credits beyond the policy.

    Amounts: `value` in minor units of the order's currency, what the credits are worth in the books.
    """

    number: int
    """Which gift of the case it is, so that a button pressed twice gives once."""
    quantity: int
    value: int


def goodwill(case: Case, by: User, gift: Gift, reason: str) -> Lot:
    """Give credits beyond the policy: a posting of its own, never part of a decision.

    Idempotent: by the gift's number in the case.
    Raises: NotAllowedError, OutdatedError: nothing was written.
    """
    demand_reason(by, reason, *GIVERS)
    if gift.quantity <= 0 or gift.value < 0:
        raise NotAllowedError(_("A gift has at least one credit, and is not worth less than nothing."))
    with unit_of_work():
        lock(case)
        reference = f"goodwill:{case.id}:{gift.number}"
        known = Lot.objects.filter(reference=reference).first()
        if known is not None:
            return known
        if gift.number != next_gift(case):
            raise OutdatedError(_("The case has moved on; look at it again."))
        lot = grant_credits(case.customer, LotSource.GOODWILL, case.line.meter, gift.quantity, reference)
        lines = [
            debit(Account.GOODWILL, gift.value),
            credit(Account.CREDIT_LIABILITY_PROMOTIONAL, gift.value),
        ]
        post("goodwill", reference, case.line.order.currency, lines)
        record(
            f"case:{case.id}",
            f"staff:{by.id}",
            "goodwill",
            credits=gift.quantity,
            value=gift.value,
            reason=reason,
        )
    return lot


def next_gift(case: Case) -> int:
    """The number that the next gift of a case has."""
    return Lot.objects.filter(reference__startswith=f"goodwill:{case.id}:").count() + 1


def fix_fault(issue: Issue, by: User, fixed_at: datetime, reason: str) -> list[Case]:
    """Say that a fault is gone; the cases that wait for it are decided by how long it lasted.

    Locks: the issue, so that it is fixed once.
    Raises: NotAllowedError, OutdatedError: nothing was written.
    """
    demand_reason(by, reason, *HANDLERS)
    with unit_of_work():
        issue.refresh_from_db(from_queryset=Issue.objects.select_for_update(no_key=True))
        if issue.fixed_at is not None:
            raise OutdatedError(_("The fault is marked as fixed already."))
        try:
            cases = end_fault(issue, f"staff:{by.id}", fixed_at)
        except ValueError as error:
            raise NotAllowedError(_("A fault is fixed between its report and now.")) from error
        _record_fix(cases, by, reason)
    return cases


def gather_faults(title: str, faults: Sequence[Issue], by: User) -> Incident:
    """Make one outage of faults that several customers reported, so that its end ends them all.

    Raises: NotAllowedError: not an agent, no title, or a fault that is fixed or gathered already; nothing was written.
    """
    demand_reason(by, title, *HANDLERS)
    with unit_of_work():
        waiting = Issue.objects.filter(id__in=[fault.id for fault in faults], fixed_at=None, incident=None)
        found = list(waiting.select_for_update(no_key=True).order_by("reported_at"))
        if not found or len(found) != len(faults):
            raise NotAllowedError(_("Choose open faults that belong to no outage yet."))
        return issues.gather(title, found, f"staff:{by.id}")


def end_outage(incident: Incident, by: User, fixed_at: datetime, reason: str) -> list[Case]:
    """Say that an outage is over; the cases that wait for its faults are decided by how long each lasted.

    Locks: the outage, so that it ends once.
    Raises: NotAllowedError, OutdatedError: nothing was written.
    """
    demand_reason(by, reason, *HANDLERS)
    with unit_of_work():
        incident.refresh_from_db(from_queryset=Incident.objects.select_for_update(no_key=True))
        if incident.fixed_at is not None:
            raise OutdatedError(_("The outage is marked as over already."))
        try:
            gathered = issues.end_incident(incident, f"staff:{by.id}", fixed_at)
        except ValueError as error:
            raise NotAllowedError(_("An outage ends between its first report and now.")) from error
        cases = []
        for fault in gathered:
            cases += end_fault(fault, f"staff:{by.id}", max(fixed_at, fault.reported_at))
        _record_fix(cases, by, reason)
    return cases


def _record_fix(cases: Sequence[Case], by: User, reason: str) -> None:
    for case in cases:
        record(f"case:{case.id}", f"staff:{by.id}", "fault_fixed", reason=reason)


def _reopen(case: Case, by: User) -> None:
    if case.state == CaseState.CLOSED:
        case.closed_at, case.closing = None, ""
        case.save(update_fields=["closed_at", "closing"])
        tasks.finish(case, TaskKind.APPEAL)
        part(case, by)
