"""Who has to agree to a decision, and what happens when they have."""

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from amends.desk import clock
from amends.desk.accounts.models import Customer, Role, User
from amends.desk.audit.actions import record
from amends.desk.cases import tasks
from amends.desk.cases.models import (
    Approval,
    ApprovalLimit,
    Case,
    CaseState,
    DecisionRecord,
    TaskKind,
    Verdict,
)
from amends.desk.cases.paying import carry_out
from amends.desk.orders.actions import SWITCH_TO_MONTH, ask_converted
from amends.desk.payments.actions import AlreadyRequestedError
from amends.desk.payments.allocation import NothingLeftError
from amends.desk.questions import Question, ask
from amends.desk.unit_of_work import add, unit_of_work

_LIMITS = """
SELECT ARRAY[automatic, single] FROM cases_approvallimit WHERE currency = %s AND from_at <= %s
ORDER BY from_at DESC, id DESC LIMIT 1
"""
_AGREED = """
SELECT coalesce(sum(decided.amount), 0) FROM cases_decisionrecord AS decided
    JOIN cases_case AS other ON other.id = decided.case_id
WHERE other.customer_id = %s AND other.id <> %s AND decided.currency = %s AND EXISTS (
    SELECT FROM cases_approval AS agreed
    WHERE agreed.decision_id = decided.id AND agreed.verdict = 'approve' AND agreed.at >= %s)
"""


class NotAllowedError(Exception):
    """The person may not do this; the message says why."""


class OutdatedError(Exception):
    """What was shown is no longer what would be done."""


def limits(currency: str) -> tuple[int, int]:
    """Up to which amount nobody, and up to which amount one person has to agree; in minor units."""
    return _ask_limits(currency).ask()


def _ask_limits(currency: str) -> Question[tuple[int, int]]:
    def read(chosen: list[int] | None) -> tuple[int, int]:
        automatic, single = chosen or settings.APPROVAL_LIMITS.get(
            currency, (settings.AUTOMATIC_LIMIT, settings.SINGLE_APPROVAL_LIMIT)
        )
        return automatic, single

    return Question(_LIMITS, [currency, clock.now()], read)


def set_limits(currency: str, automatic: int, single: int, by: User) -> ApprovalLimit:
    """Set the limits of a currency from now on; the earlier ones stay as history.

    Raises: NotAllowedError: not an administrator, or the limits are out of order; nothing was written.
    """
    if not by.has_role(Role.ADMIN):
        raise NotAllowedError(_("Only administrators set limits."))
    if not 0 <= automatic <= single:
        raise NotAllowedError(_("The first limit lies between 0 and the second."))
    chosen = ApprovalLimit.objects.create(
        currency=currency, automatic=automatic, single=single, from_at=clock.now(), set_by=by
    )
    record(f"limits:{currency}", f"staff:{by.id}", "set", automatic=automatic, single=single)
    return chosen


def approvals_needed(case: Case, decided: DecisionRecord) -> int:
    """How many people have to agree: to what the customer gets today, so that parts do not stay below a limit."""
    amount = refund_amount(decided)
    if decided.proposed_by is None and amount == 0:
        return 0
    agreed, chosen = _ask_agreed_today(case, decided.currency), _ask_limits(decided.currency)
    ask(agreed, chosen)
    amount += agreed.answer
    automatic, single = chosen.answer
    if amount > single:
        return 2
    return 1 if amount > automatic or decided.proposed_by is not None else 0


def _ask_agreed_today(case: Case, currency: str) -> Question[int]:
    """What was agreed to today for the customer's other cases."""
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return Question(_AGREED, [case.customer_id, case.id, currency, today], int)


def refund_amount(decided: DecisionRecord) -> int:
    """What the plan pays."""
    amount = decided.plan.get("refund", 0)
    assert isinstance(amount, int)
    return amount


def settle_approval(case: Case, decided: DecisionRecord, given: int = 0) -> None:
    """Carry the plan out if enough people agreed, else ask for the next one."""
    needed = approvals_needed(case, decided)
    if needed == 0 and given == 0:
        agreed = Approval(
            decision=decided, verdict=Verdict.APPROVE, plan_sha256=decided.plan_sha256, at=clock.now()
        )
        add(agreed)
        record(f"case:{case.id}", "desk", "approved", plan_sha256=decided.plan_sha256, limit="automatic")
    elif given < needed:
        tasks.give(case, TaskKind.APPROVE, gettext_noop("%(n)s to agree"), n=needed - given)
        return
    tasks.finish(case, TaskKind.APPROVE)
    carry_out(case, decided)


def approve(case: Case, by: User, plan_sha256: str) -> DecisionRecord:
    """Agree to the plan of the latest decision, as it was shown.

    Locks: the customer, then the case. The database refuses the proposer's own yes, and a second one of the same person.
    Raises: NotAllowedError, OutdatedError: nothing was written.
    """
    with unit_of_work():
        Customer.objects.select_for_update(no_key=True).get(id=case.customer_id)
        case.refresh_from_db(from_queryset=Case.objects.select_for_update(no_key=True))
        decided = case.decisions.order_by("-sequence").first()
        if not by.has_role(*APPROVERS):
            raise NotAllowedError(_("Only approvers agree to payments."))
        if decided is None or case.state not in _APPROVABLE or decided.plan_sha256 != plan_sha256:
            raise OutdatedError(_("The case has moved on; look at it again."))
        if not decided.plan:
            raise NotAllowedError(_("The decision pays nothing, so there is nothing to agree to."))
        if _was_converted_since(case, decided):
            raise OutdatedError(
                _("The account was changed to monthly by another case since this was decided.")
            )
        _write(case, decided, by, Verdict.APPROVE)
        case.state = CaseState.DECIDED
        case.save(update_fields=["state"])
        try:
            settle_approval(case, decided, decided.approvals.filter(verdict=Verdict.APPROVE).count())
        except NothingLeftError as error:
            raise OutdatedError(_("Less is left of the payment by now than this plan pays.")) from error
        except AlreadyRequestedError as error:
            raise OutdatedError(_("This refund is being paid already, by bank transfer.")) from error
    return decided


def _was_converted_since(case: Case, decided: DecisionRecord) -> bool:
    """An account is converted once (reading R5): two cases may both have been decided before either is agreed to."""
    knew = decided.inputs.get("converted_before") is True
    return decided.plan["then"] == SWITCH_TO_MONTH and not knew and ask_converted(case.customer_id).ask()


APPROVERS = (Role.APPROVER,)
"""Who agrees to payments."""
_APPROVABLE = (CaseState.DECIDED, CaseState.OPEN)


def _write(case: Case, decided: DecisionRecord, by: User, verdict: Verdict) -> None:
    try:
        with transaction.atomic():
            Approval.objects.create(
                decision=decided, by=by, verdict=verdict, plan_sha256=decided.plan_sha256, at=clock.now()
            )
    except IntegrityError as error:
        if "one_approval_per_person" in str(error):
            raise NotAllowedError(_("You have agreed already; somebody else has to.")) from error
        if "they proposed" in str(error):
            raise NotAllowedError(_("You proposed this; somebody else has to agree.")) from error
        raise
    record(f"case:{case.id}", f"staff:{by.id}", verdict.value, plan_sha256=decided.plan_sha256)
