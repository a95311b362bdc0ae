"""The developers are given what they need to look at a fault (T2): by an event, and by mail with the pictures."""

from pathlib import PurePath
from uuid import UUID

from django.conf import settings

from amends.desk import jobs
from amends.desk.cases import telling
from amends.desk.cases.models import Case, Evidence, EvidenceState
from amends.desk.issues.models import Issue
from amends.desk.notices.actions import AttachedPicture, send_with_pictures


def tell_developers(case: Case, fault: Issue) -> None:
    """Put the event and the mail in line; without an address for developers there is no mail."""
    telling.fault_handed_over(case, fault, _useful(case))
    if settings.DEVELOPERS_ADDRESS:
        jobs.enqueue("mail_developers", case_id=str(case.id), fault_id=str(fault.id))


def mail_developers(case_id: UUID, fault_id: UUID) -> None:
    """Send the report of a fault with its pictures; nothing about who reported it.

    Raises: OSError, SMTPException: the mail server did not take it; the job tries again.
    """
    case, fault = Case.objects.get(id=case_id), Issue.objects.get(id=fault_id)
    pictures = []
    for kept in _useful(case):
        with kept.file.open("rb") as file:
            pictures.append(AttachedPicture(PurePath(str(kept.file.name)).name, kept.media_type, file.read()))
    text = (
        f"A fault was reported at {fault.reported_at.isoformat()} (UTC), with {len(pictures)} pictures.\n\n"
        f"{fault.description}\n\n"
        f"{settings.PUBLIC_URL}/console/cases/{case.number}\n"
    )
    send_with_pictures(settings.DEVELOPERS_ADDRESS, f"A fault: {case.number}", text, pictures)


def _useful(case: Case) -> list[Evidence]:
    found = Evidence.objects.filter(case__in=case.with_merged).exclude(state=EvidenceState.REJECTED)
    return list(found.order_by("uploaded_at"))
