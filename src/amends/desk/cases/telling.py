"""What host products are told of a case: where it is and what was decided, nothing about the person."""

from collections.abc import Sequence

from django.conf import settings

from amends.desk.announcements.actions import announce
from amends.desk.announcements.models import EventKind
from amends.desk.cases.models import Case, DecisionRecord, Evidence
from amends.desk.issues.models import Issue
from amends.desk.payments.models import Refund


def opened(case: Case) -> None:
    """A request came in."""
    announce(EventKind.CASE_OPENED, case.id, _about(case))


def decided(case: Case, record: DecisionRecord) -> None:
    """The policy was asked; the plan may still need people's agreement."""
    told = {
        "outcome": record.outcome,
        "grant": record.grant or None,
        "amount": record.amount,
        "currency": record.currency,
    }
    announce(EventKind.CASE_DECIDED, record.id, _about(case) | told)


def closed(case: Case) -> None:
    """The case ended; it ends again if it was reopened."""
    at = case.closed_at.isoformat() if case.closed_at else ""
    told: dict[str, object] = {"closing": case.closing}
    if case.merged_into is not None:
        told["merged_into"] = case.merged_into.number
    announce(EventKind.CASE_CLOSED, f"{case.id}:{at}", _about(case) | told)


def refund_sent(case: Case, refund: Refund) -> None:
    """The money is on its way to the bank."""
    announce(EventKind.REFUND_SENT, refund.id, _about(case) | _money(refund))


def refund_failed(case: Case, refund: Refund) -> None:
    """The money did not arrive; a person looks for another way."""
    announce(EventKind.REFUND_FAILED, refund.id, _about(case) | _money(refund))


def fault_handed_over(case: Case, fault: Issue, pictures: Sequence[Evidence]) -> None:
    """The developers have what they need: where the report and its pictures stand, for members of staff."""
    told = {
        "fault": str(fault.id),
        "reported_at": fault.reported_at.isoformat(),
        "address": f"{settings.PUBLIC_URL}/console/cases/{case.number}",
        "pictures": [
            {"address": f"{settings.PUBLIC_URL}/console/evidence/{kept.id}", "sha256": kept.sha256}
            for kept in pictures
        ],
    }
    announce(EventKind.FAULT_HANDED_OVER, fault.id, _about(case) | told)


def _about(case: Case) -> dict[str, object]:
    return {
        "case": case.number,
        "customer": case.customer.external_id,
        "order": case.line.order.number,
        "request": case.request,
    }


def _money(refund: Refund) -> dict[str, object]:
    return {
        "refund": str(refund.id),
        "amount": refund.amount,
        "currency": refund.currency,
        "state": refund.state,
    }
