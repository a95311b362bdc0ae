"""Two open requests of one customer that are about one thing: one of them goes on, the other says where."""

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from amends.desk.accounts.models import Customer, User
from amends.desk.audit.actions import record
from amends.desk.cases import letters, tasks
from amends.desk.cases.answering import WROTE, decide_again
from amends.desk.cases.approving import NotAllowedError, OutdatedError
from amends.desk.cases.deciding import close
from amends.desk.cases.models import (
    Appeal,
    Case,
    CaseState,
    Evidence,
    EvidenceState,
    RequestKind,
    TaskKind,
    Verdict,
)
from amends.desk.cases.permissions import HANDLERS, demand_reason
from amends.desk.orders.models import PlanChange
from amends.desk.payments.models import Refund
from amends.desk.payments.states import LIVE
from amends.desk.unit_of_work import unit_of_work

_SETTLED = (CaseState.PAYING, CaseState.CLOSED)


def mergeable(case: Case) -> list[Case]:
    """The open cases of the same customer that a case may go on in, those about the same order first."""
    if case.state in _SETTLED:
        return []
    others = Case.objects.filter(customer=case.customer_id).exclude(id=case.id).exclude(state__in=_SETTLED)
    found = others.select_related("line__order").order_by("opened_at")
    return sorted(found, key=lambda other: other.line.order_id != case.line.order_id)


def merge(case: Case, by: User, number: str, reason: str) -> Case:
    """Close a case because another one of its customer is about the same thing, in which it goes on from here.

    What was written and shown in it is read there, and counts; the earlier first contact holds, everything else stays
    as it is in the one that goes on. Neither may have money under way.
    Locks: the customer, then both cases, so that of two people who merge at once one is too late.
    Raises: NotAllowedError, OutdatedError: nothing was written.
    """
    demand_reason(by, reason, *HANDLERS)
    with unit_of_work():
        Customer.objects.select_for_update(no_key=True).get(id=case.customer_id)
        case, into = _lock_both(case, number)
        for one in (case, into):
            _demand_open(one)
        _demand_without_past(case)
        case.merged_into = into
        case.save(update_fields=["merged_into"])
        words = {"number": case.number, "into": into.number, "reason": reason}
        record(f"case:{case.id}", f"staff:{by.id}", "merged", **words)
        record(f"case:{into.id}", f"staff:{by.id}", "took_in", **words)
        close(case, "merged")
        _go_on(case, into)
    return into


def part(case: Case, by: User) -> None:
    """Make a merged case that is reopened a request of its own again; both are judged without each other.

    Only inside a unit of work that holds the customer and the case.
    """
    if case.merged_into_id is None:
        return
    into = Case.objects.select_for_update(no_key=True).get(id=case.merged_into_id)
    case.merged_into = None
    case.save(update_fields=["merged_into"])
    words = {"number": case.number, "into": into.number}
    record(f"case:{case.id}", f"staff:{by.id}", "parted", **words)
    record(f"case:{into.id}", f"staff:{by.id}", "parted", **words)
    letters.parted(case, into)
    _settle_first_contact(into)
    if into.state not in _SETTLED:
        decide_again(into)


def _lock_both(case: Case, number: str) -> tuple[Case, Case]:
    of_customer = Case.objects.filter(customer=case.customer_id)
    asked = of_customer.filter(Q(id=case.id) | Q(number=number.strip().upper()))
    locked = {one.id: one for one in asked.select_for_update(no_key=True).order_by("id")}
    own = locked.pop(case.id)
    if not locked:
        raise NotAllowedError(_("This customer has no other case “%(number)s”.") % {"number": number})
    (into,) = locked.values()
    return own, into


def _demand_open(case: Case) -> None:
    """Refuse a case that is over, or whose money somebody agreed to or is under way."""
    words = {"number": case.number}
    if case.state == CaseState.CLOSED:
        raise OutdatedError(_("%(number)s is closed by now.") % words)
    decided = case.decisions.order_by("-sequence").first()
    if (
        case.state == CaseState.PAYING
        or Refund.objects.filter(case_id=case.id, state__in=LIVE).exists()
        or (decided is not None and decided.approvals.filter(verdict=Verdict.APPROVE).exists())
    ):
        raise NotAllowedError(_("In %(number)s somebody has agreed to a payment; let it end first.") % words)


def _demand_without_past(case: Case) -> None:
    """Refuse to close what has to go on under its own number."""
    words = {"number": case.number}
    is_paid = Refund.objects.filter(case_id=case.id).exists()
    if is_paid or PlanChange.objects.filter(case_id=case.id).exists():
        raise NotAllowedError(
            _("%(number)s has a refund or a change of the plan; let it be the one that goes on.") % words
        )
    if Appeal.objects.filter(case=case, decided_at=None).exists():
        raise NotAllowedError(_("An appeal waits in %(number)s; answer it first.") % words)
    if case.merged.exists():
        raise NotAllowedError(
            _("Others were merged into %(number)s; let it be the one that goes on.") % words
        )


def _go_on(case: Case, into: Case) -> None:
    if case.tasks.to_answer().exists():
        tasks.finish(case, TaskKind.ANSWER)
        tasks.give(into, TaskKind.ANSWER, WROTE)
    unjudged = Evidence.objects.filter(case=case, state=EvidenceState.RECEIVED).first()
    if unjudged is not None and into.request == RequestKind.TECHNICAL:
        sentence = gettext_noop("Please look at %(file)s")
        tasks.give(into, TaskKind.JUDGE_EVIDENCE, sentence, file=unjudged.name or unjudged.sha256)
    before = into.first_contact_at
    _settle_first_contact(into)
    letters.merged(case, into)
    if into.first_contact_at != before or _says_more(case, into):
        decide_again(into)


def _says_more(case: Case, into: Case) -> bool:
    """Whether the policy may answer otherwise with what was said and shown in a merged case."""
    is_reason = bool(case.reason.strip()) and not into.reason.strip()
    return is_reason or bool(case.answers.keys() - into.answers.keys()) or case.evidence.exists()


def _settle_first_contact(case: Case) -> None:
    """The earliest of those that were merged into it, and its own."""
    own = case.own_first_contact_at or case.first_contact_at
    case.own_first_contact_at = own
    case.first_contact_at = min([own, *case.merged.values_list("first_contact_at", flat=True)])
    case.save(update_fields=["own_first_contact_at", "first_contact_at"])
