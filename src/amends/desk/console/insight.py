"""What the desk does, in numbers: from the decisions themselves."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from amends.desk import clock
from amends.desk.accounts.models import User
from amends.desk.cases import statistics
from amends.desk.cases.models import RequestKind
from amends.desk.cases.statistics import ClauseSum, Week
from amends.desk.console.access import staff_only
from amends.desk.console.rows import outcome_badge, policy_in_force
from amends.policy.model import Policy

PERIODS = (30, 90, 365)


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause with what it decided."""

    sum: ClauseSum
    text: str


@require_GET
@staff_only
def show_insight(request: HttpRequest, user: User) -> HttpResponseBase:  # noqa: ARG001  # Django's
    """Requests, outcomes, money, clauses and time of a period that stands in the address."""
    chosen = request.GET.get("days", str(PERIODS[0]))
    if chosen not in map(str, PERIODS):
        raise Http404
    since = clock.now() - timedelta(days=int(chosen))
    requests = statistics.count_requests(since)
    outcomes = statistics.sum_outcomes(since)
    clauses = statistics.sum_clauses(since)
    policy = policy_in_force()
    shown = {
        "here": "insight",
        "days": int(chosen),
        "periods": PERIODS,
        "requests": [(RequestKind(kind).label, count) for kind, count in requests.items()],
        "request_count": sum(requests.values()),
        "outcomes": [(outcome_badge(one.outcome), one) for one in outcomes],
        "clauses": [Clause(one, _sentence(policy, one.clause)) for one in clauses],
        "clause_currencies": list(dict.fromkeys(one.currency for one in clauses)),
        "weeks": _every_week(statistics.count_by_week(since), since.date()),
        "silent": _silent(policy, clauses),
        "policy_lang": policy.lang,
        "times": statistics.measure_times(since),
    }
    return render(request, "console/insight.html", shown)


def _every_week(found: list[Week], since: date) -> list[Week]:
    """The weeks of a period, also those in which nothing came."""
    known = {week.begins_on: week for week in found}
    first, last = since - timedelta(days=since.weekday()), clock.now().date()
    begins = [first + timedelta(days=days) for days in range(0, (last - first).days + 1, 7)]
    return [known.get(day, Week(day, 0, 0, None)) for day in begins]


def _sentence(policy: Policy, clause: str) -> str:
    return policy.clauses[clause].text if clause in policy.clauses else ""


def _silent(policy: Policy, clauses: list[ClauseSum]) -> list[tuple[str, str]]:
    """The clauses of the version in force that decided nothing in the period."""
    fired = {one.clause for one in clauses}
    ruled = dict.fromkeys(rule.clause for rule in policy.rules)
    return [(clause, policy.clauses[clause].text) for clause in ruled if clause not in fired]
