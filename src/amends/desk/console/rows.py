"""Cases as the rows of a queue: everything that is shown is read for all of them at once."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from amends.desk import clock
from amends.desk.cases.models import Case, CaseState, DecisionRecord, RequestKind, Task, TaskKind
from amends.desk.issues.models import Issue
from amends.desk.payments.models import Dispute
from amends.desk.policies import actions as policies
from amends.policy.model import Policy

_OUTCOMES = {
    "granted": (_("Grant"), "good"),
    "denied": (_("Deny"), "bad"),
    "needs_information": (_("Ask"), "warn"),
    "needs_review": (_("A person"), "accent"),
}
_FLAGS = {
    TaskKind.APPROVE: (_("approve"), "accent"),
    TaskKind.REVIEW: (_("review"), "accent"),
    TaskKind.STATE_FACTS: (_("state facts"), "accent"),
    TaskKind.JUDGE_EVIDENCE: (_("judge evidence"), "accent"),
    TaskKind.MISSING_AT_DESK: (_("fee missing"), "warn"),
    TaskKind.FAILED_REFUND: (_("refund failed"), "bad"),
    TaskKind.WAITING_REFUND: (_("refund waits"), "warn"),
    TaskKind.PAYOUT: (_("bank transfer"), "warn"),
    TaskKind.FAILED_PLAN_CHANGE: (_("plan change failed"), "bad"),
    TaskKind.OVER_RETURNED: (_("too much returned"), "bad"),
    TaskKind.APPEAL: (_("appeal"), "bad"),
    TaskKind.ANSWER: (_("customer wrote"), "accent"),
}


@dataclass(frozen=True, slots=True)
class Badge:
    """A word with its tone."""

    words: str | Promise
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One case in a queue."""

    case: Case
    decided: DecisionRecord | None
    outcome: Badge | None
    time_left: Badge | None
    flags: list[Badge]

    @property
    def amount(self) -> int | None:
        """What the plan pays; None where nothing is planned."""
        amount = self.decided.plan.get("refund") if self.decided else None
        return amount if isinstance(amount, int) else None


@dataclass(frozen=True, slots=True)
class FaultClock:
    """How long a fault has been open, and how long it may be."""

    day: int
    limit: int

    @property
    def is_over(self) -> bool:
        """Whether the promise was missed."""
        return self.day > self.limit


def make_rows(cases: Sequence[Case]) -> list[Row]:
    """The rows of a page; the number of queries does not depend on how many there are."""
    decided = _latest_decisions(cases)
    flags = _flags(cases)
    return [
        Row(
            case,
            record := decided.get(case.id),
            Badge(*_OUTCOMES[record.outcome]) if record else None,
            time_left(case),
            flags[case.id],
        )
        for case in cases
    ]


def outcome_badge(outcome: str) -> Badge:
    """An outcome of the policy in a word."""
    return Badge(*_OUTCOMES[outcome])


def time_left(case: Case) -> Badge | None:
    """How long there is to answer."""
    if case.due_on is None or case.state == CaseState.CLOSED:
        return None
    if case.paused_at is not None:
        return Badge(_("paused"))
    return days_left(case.due_on)


def days_left(due_on: date) -> Badge:
    """The days to a day, in words."""
    days = (due_on - clock.now().date()).days
    if days < 0:
        return Badge(ngettext("%(n)d day late", "%(n)d days late", -days) % {"n": -days}, "bad")
    if days == 0:
        return Badge(_("today"), "warn")
    return Badge(ngettext("%(n)d day", "%(n)d days", days) % {"n": days})


def fault_clock(issue: Issue, policy: Policy) -> FaultClock | None:
    """Day n of the days in which the policy promises a fix; None where it promises none."""
    limit = policies.fix_days(policy)
    if limit is None:
        return None
    return FaultClock(policies.days_open(policy, issue.reported_at, issue.fixed_at or clock.now()), limit)


def policy_in_force() -> Policy:
    """The policy of today."""
    return policies.read(policies.version_at(settings.POLICY_NAME, clock.now()))


def _latest_decisions(cases: Sequence[Case]) -> dict[UUID, DecisionRecord]:
    records = DecisionRecord.objects.filter(case__in=cases).order_by("case_id", "-sequence")
    shown = records.distinct("case_id").only(
        "case_id", "sequence", "outcome", "amount", "currency", "plan", "plan_sha256"
    )
    return {record.case_id: record for record in shown}


def _flags(cases: Sequence[Case]) -> dict[UUID, list[Badge]]:
    flags: dict[UUID, list[Badge]] = defaultdict(list)
    for task in Task.objects.filter(case__in=cases, done_at=None).order_by("created_at"):
        badge = Badge(*_FLAGS[TaskKind(task.kind)])
        # Two parts of one refund that failed are one thing to see to.
        if badge not in flags[task.case_id]:
            flags[task.case_id].append(badge)
    _flag_faults(cases, flags)
    _flag_disputes(cases, flags)
    return flags


def _flag_faults(cases: Sequence[Case], flags: dict[UUID, list[Badge]]) -> None:
    technical = {case.line_id: case for case in cases if case.request == RequestKind.TECHNICAL}
    issues = (
        Issue.objects.filter(line_id__in=technical).order_by("line_id", "-reported_at").distinct("line_id")
    )
    policy = policy_in_force()
    for issue in issues:
        found = fault_clock(issue, policy)
        if found is not None:
            words = _("day %(day)d of %(limit)d") % {"day": found.day, "limit": found.limit}
            flags[technical[issue.line_id].id].append(Badge(words, "bad" if found.is_over else "warn"))


def _flag_disputes(cases: Sequence[Case], flags: dict[UUID, list[Badge]]) -> None:
    orders: defaultdict[UUID | None, list[UUID]] = defaultdict(list)
    for case in cases:
        orders[case.line.order_id].append(case.id)
    own, linked = "payment__of_order__order", "linked_payment__of_order__order"
    about = Q(**{f"{own}__in": orders}) | Q(**{f"{linked}__in": orders})
    for touched in Dispute.objects.under_way().filter(about).values_list(own, linked):
        for order in set(touched) & orders.keys():
            for case_id in orders[order]:
                flags[case_id].append(Badge(_("dispute"), "bad"))
