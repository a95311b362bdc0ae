"""Report faults, hand them over, fix them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.audit.actions import record
from amends.desk.issues.models import Incident, Issue


def report(customer: Customer, line_id: UUID, description: str, reported_at: datetime) -> Issue:
    """A customer tells of a fault; a second report of one that is still open is the same issue."""
    still_open = Issue.objects.filter(line_id=line_id, fixed_at=None).order_by("reported_at").first()
    if still_open is not None:
        return still_open
    issue = Issue.objects.create(
        customer=customer, line_id=line_id, description=description, reported_at=reported_at
    )
    record(f"issue:{issue.id}", f"customer:{customer.id}", "reported", line=str(line_id))
    return issue


def hand_over(issue: Issue) -> bool:
    """The developers have what they need (T2); whether they had not before."""
    if issue.handed_over_at is not None:
        return False
    issue.handed_over_at = clock.now()
    issue.save(update_fields=["handed_over_at"])
    record(f"issue:{issue.id}", "desk", "handed_over")
    return True


def fix(issue: Issue, actor: str, fixed_at: datetime) -> None:
    """The fault is gone.

    Raises: ValueError: before it was reported, or in the future.
    """
    if not issue.reported_at <= fixed_at <= clock.now():
        raise ValueError("a fault is fixed between its report and now")
    issue.fixed_at = fixed_at
    issue.save(update_fields=["fixed_at"])
    record(f"issue:{issue.id}", actor, "fixed", at=fixed_at.isoformat())


def gather(title: str, issues: Sequence[Issue], actor: str) -> Incident:
    """Make one outage of what several customers reported; it began with the first report."""
    incident = Incident.objects.create(title=title, started_at=min(issue.reported_at for issue in issues))
    for issue in issues:
        issue.incident = incident
        issue.save(update_fields=["incident"])
        record(f"issue:{issue.id}", actor, "gathered", incident=str(incident.id))
    record(f"incident:{incident.id}", actor, "gathered", title=title, reports=len(issues))
    return incident


def end_incident(incident: Incident, actor: str, fixed_at: datetime) -> list[Issue]:
    """An outage is over; the faults that it gathered and that are still open, to be fixed with it.

    Raises: ValueError: before it began, or in the future; nothing was written.
    """
    if not incident.started_at <= fixed_at <= clock.now():
        raise ValueError("an outage ends between its beginning and now")
    incident.fixed_at = fixed_at
    incident.save(update_fields=["fixed_at"])
    record(f"incident:{incident.id}", actor, "fixed", at=fixed_at.isoformat())
    return list(Issue.objects.filter(incident=incident, fixed_at=None).order_by("reported_at"))


def latest(line_id: UUID) -> Issue | None:
    """The last fault that was reported for a purchase."""
    return Issue.objects.filter(line_id=line_id).order_by("-reported_at").first()


def erase_descriptions(customer: Customer) -> None:
    """Empty what a person wrote about faults; their times stay, because decisions rest on them."""
    Issue.objects.filter(customer=customer).update(description="")
