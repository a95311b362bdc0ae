"""Decide a case by the policy, and put it where its outcome belongs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from amends import Decision, InputError
from amends.desk import clock
from amends.desk.accounts.models import Customer, User
from amends.desk.audit.actions import record
from amends.desk.cases import letters, tasks, telling
from amends.desk.cases.approving import settle_approval
from amends.desk.cases.diagnosis import Diagnosis, origins
from amends.desk.cases.due_dates import due_dates, pause_days, skipped
from amends.desk.cases.facts import CaseFacts, as_first_told, as_just_reported, gather
from amends.desk.cases.models import Case, CaseState, DecisionRecord, RequestKind, TaskKind
from amends.desk.cases.plans import correction_plan, is_correction, plan_of, plan_sha256
from amends.desk.languages import reader_locale, speaking
from amends.desk.policies import actions as policies
from amends.desk.policies.models import PolicyVersion
from amends.desk.unit_of_work import add, unit_of_work, write_now
from amends.policy import dates
from amends.policy.answer import Outcome
from amends.policy.dates import add_business_days
from amends.policy.explanation import Explanation, explain
from amends.policy.facts import read_facts
from amends.policy.model import Policy
from amends.policy.waiting import find_reopening

LOOK_AGAIN_EVERY = timedelta(minutes=15)
_STATE = gettext_noop("Please state: %(facts)s")
_STATE_WITHOUT_JOBS = gettext_noop("Please state: %(facts)s. No job has run since the report.")
_STATE_BY_JOBS = gettext_noop(
    "Please state: %(facts)s. The jobs leave it open: %(failed)s failed of %(tried)s jobs, "
    "%(bad)s bad and %(good)s good of %(days)s days with jobs."
)
_STATE_BY_FIRST_JOBS = gettext_noop(
    "Please state: %(facts)s. The jobs leave it open: %(failed)s failed of the first %(tried)s jobs, "
    "%(bad)s bad and %(good)s good of %(days)s days with jobs."
)


@dataclass(frozen=True, slots=True)
class Waiver:
    """What a person sets aside, and why (semantics, rule 32)."""

    by: User
    clauses: frozenset[str]
    reason: str
    grant: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A decision with the version that gave it and its sentences."""

    version: PolicyVersion
    decision: Decision
    alternatives: tuple[Decision, ...]
    explanation: Explanation
    origins: tuple[str, ...]
    """Where the facts of a fault came from."""

    @property
    def said(self) -> dict[str, object]:
        """All sentences under their names."""
        return self.explanation.as_json() | {"origins": list(self.origins)}


def judge(case: Case, found: CaseFacts, waiver: Waiver | None = None) -> Judgement:
    """Ask the versions that apply; nothing is written.

    Raises: InputError: the facts contradict each other.
    """
    asked_at = datetime.fromisoformat(str(found.inputs["requested_at"]))
    versions = policies.applicable_versions(found.published, case.line.purchased_at, asked_at)
    version, decision, others = policies.decide_best(
        versions,
        found.inputs,
        waive=waiver.clauses if waiver else (),
        grant=waiver.grant if waiver else None,
    )
    policy = decision.policy
    facts = read_facts(policy.inputs, policy.currencies, found.inputs)
    with speaking(case.customer.locale):
        sources = tuple(origins(decision, found.diagnosis)) if found.diagnosis else ()
        explanation = explain(policy, facts, decision, reader_locale())
    return Judgement(version, decision, tuple(others), explanation, sources)


def judge_now(case: Case, waiver: Waiver | None = None) -> tuple[CaseFacts, Judgement]:
    """Gather and judge; what a fault was entitled to at the first contact is not lost by what came later (reading R16).

    Raises: InputError: the facts contradict each other.
    """
    found = gather(case)
    early = as_first_told(case, found)
    if early.inputs["requested_at"] != found.inputs["requested_at"]:
        judgement = judge(case, early, waiver)
        decision = judgement.decision
        waits_for_desk = bool(decision.missing) and _asked_of(decision, "desk") == list(decision.missing)
        if decision.outcome is Outcome.GRANTED or waits_for_desk:
            return early, judgement
    return found, judge(case, found, waiver)


def foresee(case: Case) -> tuple[Judgement, dict[str, object]]:
    """What would be decided of a case that is not stored, and what would be done; nothing is written.

    A fault that was not reported counts as reported by this request.
    Raises: InputError: the facts contradict each other.
    """
    found = gather(case)
    if case.request == RequestKind.TECHNICAL and found.inputs.get("issue_resolved_at") != "none":
        found = as_just_reported(found)
    judgement = judge(case, found)
    return judgement, _plan(case, judgement.decision, found)


def decide_case(case: Case, waiver: Waiver | None = None) -> DecisionRecord | None:
    """Decide a case from what is known now; None where its facts contradict each other and a person has to look.

    Locks: the customer, then the case, so that two cases of one account are decided one after the other.
    Raises: InputError: with a waiver only; nothing was written.
    """
    with unit_of_work():
        # What this unit has decided before, of other cases of the account, counts for this one.
        write_now()
        Customer.objects.select_for_update(no_key=True).get(id=case.customer_id)
        case.refresh_from_db(from_queryset=_whole_cases().select_for_update(of=("self",), no_key=True))
        return decide_locked(case, waiver)


def decide_locked(case: Case, waiver: Waiver | None = None) -> DecisionRecord | None:
    """As `decide_case`, for a case that is new or locked, of a customer who is locked."""
    try:
        found, judgement = judge_now(case, waiver)
        _complete_if_nothing_is_asked(case, found, judgement if waiver is None else judge_now(case)[1])
    except InputError as error:
        if waiver is not None:
            # A person waits for the answer, such as that there is no such clause.
            raise
        tasks.give(
            case, TaskKind.REVIEW, gettext_noop("The facts contradict each other: %(why)s"), why=error.message
        )
        _put(case, CaseState.OPEN)
        record(f"case:{case.id}", "desk", "not_decidable", input=error.input, why=error.message)
        return None
    decided = _write(case, found, judgement, waiver)
    if decided.sequence == 1:
        letters.received(case)
    _route(case, decided, judgement)
    return decided


def _whole_cases() -> QuerySet[Case]:
    """Cases with all that a decision looks at on the way to the money."""
    return Case.objects.select_related("customer", "line__plan", "line__order")


def _complete_if_nothing_is_asked(case: Case, found: CaseFacts, judgement: Judgement) -> None:
    """The count and the clock start when the customer owes nothing more (readings R2, R14)."""
    if case.complete_at is None and not _asked_of(judgement.decision, "customer"):
        _start_clock(case, judgement.decision.policy, found.at)


def _start_clock(case: Case, policy: Policy, at: datetime) -> None:
    case.complete_at = at
    target = policies.service_number(policy, "answer_target")
    due = policies.service_number(policy, "answer_due")
    if target is not None and due is not None:
        promised = due_dates(case.complete_at, policy.zone, target, due)
        case.target_on, case.due_on = promised.target_on, promised.due_on
        case.skipped_days = [[day.isoformat(), name] for day, name in promised.skipped]
    case.keep("complete_at", "target_on", "due_on", "skipped_days")


def _asked_of(decision: Decision, answerer: str) -> list[str]:
    inputs = decision.policy.inputs
    return [name for name in decision.missing if inputs[name].answered_by == answerer]


def _write(case: Case, found: CaseFacts, judgement: Judgement, waiver: Waiver | None) -> DecisionRecord:
    decision = judgement.decision
    plan = _plan(case, decision, found)
    decided = DecisionRecord(
        case=case,
        sequence=1 if case.is_unwritten else case.decisions.count() + 1,
        version=judgement.version,
        inputs=found.inputs,
        core=decision.core(),
        core_sha256=decision.core_sha256,
        explanation=judgement.said,
        alternatives=[other.core() for other in judgement.alternatives],
        outcome=decision.outcome.value,
        grant=decision.grant or "",
        amount=decision.amount,
        currency=decision.currency,
        plan=plan,
        plan_sha256=plan_sha256(plan),
        waived=sorted(waiver.clauses) if waiver else [],
        grant_by=(waiver.grant or "") if waiver else "",
        proposed_by=waiver.by if waiver else case.opened_by,
        proposal_reason=waiver.reason if waiver else "",
        usage_count=found.usage.count,
        usage_watermark=found.usage.watermark,
        usage_sha256=found.usage.sha256,
        diagnosis=found.diagnosis.as_json() if found.diagnosis else None,
        decided_at=clock.now(),
    )
    add(decided)
    record(
        f"case:{case.id}",
        f"staff:{waiver.by.id}" if waiver else "desk",
        "decided",
        outcome=decision.outcome.value,
        amount=decision.amount,
        core_sha256=decision.core_sha256,
        plan_sha256=decided.plan_sha256,
        waived=decided.waived,
    )
    telling.decided(case, decided)
    return decided


def _plan(case: Case, decision: Decision, found: CaseFacts) -> dict[str, object]:
    if decision.outcome is Outcome.GRANTED:
        return plan_of(case, decision)
    if is_correction(case) and decision.outcome is Outcome.NEEDS_REVIEW:
        refunded = found.inputs["refunded"]
        assert isinstance(refunded, int)
        return correction_plan(case, refunded)
    return {}


def _route(case: Case, decided: DecisionRecord, judgement: Judgement) -> None:
    tasks.finish(case, TaskKind.STATE_FACTS, TaskKind.MISSING_AT_DESK, TaskKind.REVIEW, TaskKind.APPROVE)
    match judgement.decision.outcome:
        case Outcome.NEEDS_INFORMATION:
            _ask(case, decided, judgement)
        case Outcome.NEEDS_REVIEW:
            tasks.give(
                case,
                TaskKind.REVIEW,
                gettext_noop("The policy asks for a person: %(why)s"),
                why=judgement.decision.reason,
            )
            _put(case, CaseState.OPEN)
        case Outcome.DENIED:
            _deny(case, decided, judgement)
        case Outcome.GRANTED:
            _put(case, CaseState.DECIDED)
            settle_approval(case, decided)


def _ask(case: Case, decided: DecisionRecord, judgement: Judgement) -> None:
    """Missing inputs go to whoever answers them: the customer first, then staff, then the desk itself."""
    decision = judgement.decision
    if _asked_of(decision, "customer") or "identified" in decision.missing:
        case.paused_at = case.paused_at or clock.now()
        _put(case, CaseState.WAITING_ON_CUSTOMER)
        _ask_customer(case, decided, decision, judgement.explanation)
    elif names := _asked_of(decision, "staff"):
        _ask_staff(case, decided, names)
        _put(case, CaseState.OPEN)
    else:
        names = _asked_of(decision, "desk")
        tasks.give(
            case, TaskKind.MISSING_AT_DESK, gettext_noop("Not known yet: %(facts)s"), facts=", ".join(names)
        )
        _put(case, CaseState.WAITING_ON_DESK, wakes_at=clock.now() + LOOK_AGAIN_EVERY)


def _ask_staff(case: Case, decided: DecisionRecord, names: list[str]) -> None:
    """Have a person state facts, with what the jobs of a fault say of them."""
    facts = ", ".join(names)
    if decided.diagnosis is None:
        tasks.give(case, TaskKind.STATE_FACTS, _STATE, facts=facts)
        return
    found = Diagnosis(**decided.diagnosis)
    sentence = _STATE_BY_JOBS if found.is_whole else _STATE_BY_FIRST_JOBS
    tasks.give(
        case,
        TaskKind.STATE_FACTS,
        sentence if found.tried else _STATE_WITHOUT_JOBS,
        facts=facts,
        failed=found.failed,
        tried=found.tried,
        bad=found.bad_days,
        good=found.good_days,
        days=found.days,
    )


def _ask_customer(case: Case, decided: DecisionRecord, decision: Decision, explanation: Explanation) -> None:
    if not case.is_identified:
        # Nothing about the order may be said, not even that it exists (reading R13).
        return
    questions = [
        question
        for name, question in zip(decision.missing, explanation.questions, strict=True)
        if decision.policy.inputs[name].answered_by == "customer"
    ]
    letters.more_needed(case, decided, tuple(questions))


def _deny(case: Case, decided: DecisionRecord, judgement: Judgement) -> None:
    """A denial ends the case, unless time may turn it: then the case waits for the day, and asks in the meantime."""
    policy = judgement.decision.policy
    reopening = find_reopening(policy, decided.inputs)
    if reopening is None:
        letters.decided(case, decided)
        close(case, "denied")
        return
    letters.decided(case, decided, again_on=reopening.day)
    _put(case, CaseState.SCHEDULED, wakes_at=dates.local_time(reopening.starts_at, "UTC"))
    later = reopening.decision
    if _asked_of(later, "customer"):
        facts = read_facts(policy.inputs, policy.currencies, decided.inputs)
        _ask_customer(case, decided, later, explain(policy, facts, later, case.customer.locale))
    if names := _asked_of(later, "staff"):
        tasks.give(case, TaskKind.STATE_FACTS, _STATE, facts=", ".join(names))


def _put(case: Case, state: CaseState, *, wakes_at: datetime | None = None) -> None:
    case.state, case.wakes_at = state, wakes_at
    case.keep("state", "wakes_at", "paused_at")


def close(case: Case, why: str) -> None:
    """Nothing more happens by itself; a person may reopen it."""
    case.closed_at, case.closing = clock.now(), why
    case.keep("closed_at", "closing")
    tasks.finish(case)
    _put(case, CaseState.CLOSED)
    record(f"case:{case.id}", "desk", "closed", why=why)
    telling.closed(case)


def resume_clock(case: Case, policy: Policy) -> None:
    """The customer answered: the day moves by the business days of the pause, and the weekdays skipped are kept."""
    if case.paused_at is None:
        return
    paused = pause_days(case.paused_at, clock.now(), policy.zone)
    case.paused_at = None
    if case.due_on is not None and case.target_on is not None and paused:
        before = case.due_on
        case.target_on = add_business_days(case.target_on, paused)
        case.due_on = add_business_days(case.due_on, paused)
        case.skipped_days += [[day.isoformat(), name] for day, name in skipped(before, case.due_on)]
    case.save(update_fields=["paused_at", "target_on", "due_on", "skipped_days"])


def wake_due(limit: int = 100) -> list[Case]:
    """Decide the cases whose day has come: faults that are open long enough, facts that may be known now."""
    due = list(Case.objects.filter(wakes_at__lte=clock.now()).order_by("wakes_at")[:limit])
    for case in due:
        if case.state == CaseState.SCHEDULED:
            case.asked_again_at = case.wakes_at
            case.save(update_fields=["asked_again_at"])
        decide_case(case)
    return due
