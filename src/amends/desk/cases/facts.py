"""From rows to the inputs of the policy: what is known of a case at this moment, nothing guessed."""

from dataclasses import dataclass, replace
from datetime import datetime

from amends.desk import clock
from amends.desk.cases.diagnosis import JUDGED, Diagnosis, examine
from amends.desk.cases.models import Case, Evidence, EvidenceState, RequestKind, Statement
from amends.desk.issues import actions as issues
from amends.desk.orders import actions as orders
from amends.desk.orders.models import Product
from amends.desk.payments import actions as payments
from amends.desk.payments.actions import Standing
from amends.desk.policies import actions as policies
from amends.desk.policies.models import PolicyVersion
from amends.desk.questions import ask
from amends.desk.usage.actions import Count, ask_used
from amends.policy.dates import format_instant

ANSWERABLE = ("accidental",)
"""Inputs that the customer answers with yes or no; the reason and the evidence are answers of their own kind."""


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """The inputs as the policy takes them, and the counts behind some of them."""

    inputs: dict[str, object]
    usage: Count
    published: list[PolicyVersion]
    """Of which those are asked that apply."""
    diagnosis: Diagnosis | None
    """What the jobs of a fault show, with what staff stated of it."""
    at: datetime
    """When they were gathered."""


def gather(case: Case) -> CaseFacts:
    """Everything that the desk, the customer and staff know of a case, None where nobody knows."""
    line, now, told = case.line, clock.now(), _told(case)
    standing = payments.ask_standing(line.order.payments)
    used = ask_used(case.customer_id, line.meter, line.purchased_at, case.complete_at or now)
    converted = orders.ask_converted(case.customer_id)
    published = policies.ask_published()
    ask(standing, used, converted, published)
    inputs: dict[str, object] = {
        "currency": line.order.currency,
        "identified": case.is_identified,
        "request": case.request,
        "product": line.product,
        "interval": line.plan.interval if line.plan else "none",
        "purchased_at": format_instant(line.purchased_at),
        "requested_at": format_instant(requested_at(case)),
        "paid": line.amount,
        "fee": orders.fee_share(line),
        "monthly_price": line.monthly_price,
        "refunded": _refunded(case, standing.answer),
        "generations": used.answer.count if line.product == Product.SUBSCRIPTION else 0,
        "reason_given": any(one.reason.strip() for one in told) or None,
        "converted_before": converted.answer,
        "period_start": format_instant(line.period_start) if line.period_start else None,
        "period_end": format_instant(line.period_end) if line.period_end else None,
        "dispute": _dispute(standing.answer),
    }
    answers = {name: value for one in reversed(told) for name, value in one.answers.items()}
    inputs |= {name: answers.get(name) for name in ANSWERABLE}
    diagnosis = None
    if case.request == RequestKind.TECHNICAL:
        inputs |= _fault(case)
        diagnosis = _diagnosis(case, published.answer)
        inputs |= diagnosis.derived if diagnosis else {}
    inputs |= _stated(case)
    known = {name: value for name, value in inputs.items() if value is not None}
    return CaseFacts(known, used.answer, published.answer, diagnosis, now)


def as_first_told(case: Case, found: CaseFacts) -> CaseFacts:
    """The same facts at the first contact: a fault that was fixed later was open then, one that came later was not there."""
    moment = max(case.first_contact_at, case.line.purchased_at)
    inputs = found.inputs | {"requested_at": format_instant(moment)}
    reported_at = inputs.get("issue_reported_at")
    if isinstance(reported_at, str) and datetime.fromisoformat(reported_at) > moment:
        return as_just_reported(replace(found, inputs=inputs))
    fixed_at = inputs.get("issue_resolved_at", "none")
    if isinstance(fixed_at, str) and fixed_at != "none" and datetime.fromisoformat(fixed_at) > moment:
        inputs["issue_resolved_at"] = "none"
    return replace(found, inputs=inputs)


def as_just_reported(found: CaseFacts) -> CaseFacts:
    """The same facts of a fault that is reported by this very request: no job has shown it yet."""
    inputs = {name: value for name, value in found.inputs.items() if name not in JUDGED}
    inputs |= {"issue_reported_at": inputs["requested_at"], "issue_resolved_at": "none"}
    return replace(found, inputs=inputs, diagnosis=None)


def requested_at(case: Case) -> datetime:
    """The moment that the request counts from: the first contact, at the earliest the charge (reading R8).

    A fault is judged as it came out: on the day that the case waited for, or when it was fixed; not before it was reported,
    which a case that was merged into this one may have been.
    """
    moments = [case.asked_again_at or case.first_contact_at, case.line.purchased_at]
    issue = issues.latest(case.line_id) if case.request == RequestKind.TECHNICAL else None
    if issue is not None:
        moments.append(issue.fixed_at or issue.reported_at)
    return max(moments)


def _told(case: Case) -> list[Case]:
    """The case and those that were merged into it; what the case itself says comes first."""
    return [case] if case.is_unwritten else [case, *case.merged.order_by("opened_at")]


def _refunded(case: Case, standing: Standing) -> int:
    asked_in = {case_id for case_id, _ in standing.refunds if case_id is not None}
    lines = dict(Case.objects.filter(id__in=asked_in).values_list("id", "line_id")) if asked_in else {}
    own = sum(
        amount for case_id, amount in standing.refunds if case_id and lines.get(case_id) == case.line_id
    )
    told = sum(amount for case_id, amount in standing.refunds if case_id in lines)
    return orders.taken_share(case.line, own, standing.taken - told)


def _dispute(standing: Standing) -> str:
    if standing.is_open:
        return "open"
    return "lost" if standing.lost else "none"


def _fault(case: Case) -> dict[str, object]:
    issue = issues.latest(case.line_id)
    found: dict[str, object] = {"evidence": _evidence(case)}
    if issue is not None:
        found["issue_reported_at"] = format_instant(issue.reported_at)
        found["issue_resolved_at"] = format_instant(issue.fixed_at) if issue.fixed_at else "none"
    return found


def _diagnosis(case: Case, published: list[PolicyVersion]) -> Diagnosis | None:
    issue = issues.latest(case.line_id)
    if issue is None:
        return None
    asked_at = requested_at(case)
    versions = policies.applicable_versions(published, case.line.purchased_at, asked_at)
    stated = {name: value for name, value in _stated(case).items() if name in JUDGED}
    return examine([policies.read(version) for version in versions], case.line, issue, asked_at, stated)


def _evidence(case: Case) -> bool | None:
    """One useful item completes it (reading R11); what nobody rejected is taken as useful."""
    if case.is_unwritten:
        return None
    states = list(Evidence.objects.filter(case__in=case.with_merged).values_list("state", flat=True))
    return any(state != EvidenceState.REJECTED for state in states) or None


def _stated(case: Case) -> dict[str, bool]:
    """What staff stated, the latest of each name."""
    if case.is_unwritten:
        return {}
    return {one.name: one.value for one in Statement.objects.filter(case=case).order_by("at", "id")}
