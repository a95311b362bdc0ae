"""Faults that customers reported, with their clocks."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from amends.desk import clock
from amends.desk.accounts.models import User
from amends.desk.cases.diagnosis import Diagnosis, examine
from amends.desk.cases.models import Case, EvidenceState, RequestKind
from amends.desk.cases.permissions import HANDLERS
from amends.desk.cases.stating import end_outage, fix_fault, gather_faults
from amends.desk.console.access import staff_only
from amends.desk.console.entries import read_id, read_instant, read_text
from amends.desk.console.rows import FaultClock, fault_clock, policy_in_force
from amends.desk.console.telling import act_and_tell
from amends.desk.issues.models import Incident, Issue
from amends.desk.orders.models import Line

SHOWN_MAX = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """An open fault, its clock, its jobs, and the cases about it."""

    issue: Issue
    clock: FaultClock | None
    diagnosis: Diagnosis
    """What the jobs since the report say until now."""
    cases: list[Case]
    evidence_count: int


@require_GET
@staff_only
def show_issues(request: HttpRequest, user: User) -> HttpResponseBase:
    """The open faults, the oldest first."""
    issues = Issue.objects.filter(fixed_at=None).select_related("customer", "incident")
    outages = Incident.objects.filter(fixed_at=None).annotate(reports=Count("issue")).order_by("started_at")
    shown = {
        "here": "issues",
        "faults": _faults(list(issues.order_by("reported_at", "id")[:SHOWN_MAX])),
        "outages": outages[:SHOWN_MAX],
        "may_handle": user.has_role(*HANDLERS),
    }
    return render(request, "console/issues.html", shown)


def _faults(issues: Sequence[Issue]) -> list[Fault]:
    policy = policy_in_force()
    about = Case.objects.filter(
        line_id__in=[issue.line_id for issue in issues], request=RequestKind.TECHNICAL
    )
    cases = defaultdict(list)
    for case in about.prefetch_related("evidence").order_by("opened_at"):
        cases[case.line_id].append(case)
    lines = Line.objects.select_related("order").in_bulk([issue.line_id for issue in issues])
    now = clock.now()
    return [
        Fault(
            issue,
            fault_clock(issue, policy),
            examine([policy], lines[issue.line_id], issue, now, stated={}),
            cases[issue.line_id],
            _useful(cases[issue.line_id]),
        )
        for issue in issues
    ]


def _useful(cases: Sequence[Case]) -> int:
    return sum(file.state != EvidenceState.REJECTED for case in cases for file in case.evidence.all())


@require_POST
@staff_only
def mark_fixed(request: HttpRequest, user: User, issue_id: UUID) -> HttpResponseBase:
    """The fault is gone; the cases that wait for it are decided."""
    issue = Issue.objects.filter(id=issue_id).first()
    if issue is None:
        raise Http404
    return _end(request, lambda at, reason: fix_fault(issue, user, at, reason))


@require_POST
@staff_only
def gather_outage(request: HttpRequest, user: User) -> HttpResponseBase:
    """Make one outage of the chosen faults."""
    chosen = [read_id(one) for one in request.POST.getlist("fault")[:SHOWN_MAX]]
    found = list(Issue.objects.filter(id__in=[one for one in chosen if one]))
    act_and_tell(request, lambda: _gather(request, found, user))
    return redirect("console_issues")


def _gather(request: HttpRequest, faults: Sequence[Issue], user: User) -> str:
    gather_faults(read_text(request, "title"), faults, user)
    return _("Gathered. Its end ends them all.")


@require_POST
@staff_only
def mark_over(request: HttpRequest, user: User, incident_id: UUID) -> HttpResponseBase:
    """The outage is over; the cases that wait for its faults are decided."""
    incident = Incident.objects.filter(id=incident_id).first()
    if incident is None:
        raise Http404
    return _end(request, lambda at, reason: end_outage(incident, user, at, reason))


def _end(request: HttpRequest, act: Callable[[datetime, str], list[Case]]) -> HttpResponseBase:
    act_and_tell(request, lambda: _ended(request, act))
    return redirect("console_issues")


def _ended(request: HttpRequest, act: Callable[[datetime, str], list[Case]]) -> str:
    decided = act(read_instant(read_text(request, "at")), read_text(request, "reason"))
    words = ngettext("%(n)d case was decided.", "%(n)d cases were decided.", len(decided))
    return _("Fixed.") + " " + words % {"n": len(decided)}
