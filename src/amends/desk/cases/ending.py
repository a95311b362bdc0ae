"""Ends that are not payments: the customer takes the request back, or wants a person after a denial."""

from datetime import date

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from amends.desk import clock
from amends.desk.audit.actions import record
from amends.desk.cases import tasks
from amends.desk.cases.answering import NotPossibleError, demand_undecided, lock
from amends.desk.cases.deciding import close
from amends.desk.cases.due_dates import due_dates
from amends.desk.cases.models import Appeal, Case, CaseState, TaskKind
from amends.desk.policies import actions as policies
from amends.desk.unit_of_work import unit_of_work

DENIALS = ("denied", "declined")


def cancel(case: Case, actor: str) -> None:
    """The customer wants nothing any more.

    Raises: NotPossibleError: the money is on its way, or the case is closed; nothing was written.
    """
    with unit_of_work():
        lock(case)
        demand_undecided(case)
        record(f"case:{case.id}", actor, "cancelled")
        close(case, "cancelled")


def appeal(case: Case, actor: str, text: str) -> Appeal:
    """Have a person look at a denial, with an owner and a date (reading R24).

    Raises: NotPossibleError: nothing was denied, or there is an appeal; nothing was written.
    """
    with unit_of_work():
        lock(case)
        if case.state != CaseState.SCHEDULED and case.closing not in DENIALS:
            raise NotPossibleError(_("Only a denial can be appealed."))
        made = _write(case, text)
        tasks.give(case, TaskKind.APPEAL, gettext_noop("The customer appeals: %(text)s"), text=text)
        case.state, case.closed_at, case.closing, case.wakes_at = CaseState.OPEN, None, "", None
        case.save(update_fields=["state", "closed_at", "closing", "wakes_at"])
        record(f"case:{case.id}", actor, "appealed", due_on=made.due_on.isoformat())
    return made


def _write(case: Case, text: str) -> Appeal:
    try:
        with transaction.atomic():
            return Appeal.objects.create(case=case, text=text, at=clock.now(), due_on=_due_on(case))
    except IntegrityError as error:
        raise NotPossibleError(_("A person has this appeal already.")) from error


def _due_on(case: Case) -> date:
    decided = case.decisions.order_by("-sequence").select_related("version").first()
    if decided is None:
        raise NotPossibleError(_("Nothing was decided yet."))
    policy = policies.read(decided.version)
    days = policies.service_number(policy, "appeal_due")
    if days is None:
        raise NotPossibleError(_("The policy promises no appeal."))
    return due_dates(clock.now(), policy.zone, days, days).due_on
