"""A refund of which nobody knew what became of it: once two people know, its case goes on.

Locks: the case, then the payment, then the refund.
"""

from django.utils.translation import gettext_noop

from amends.desk.accounts.models import User
from amends.desk.cases import tasks
from amends.desk.cases.models import Case, CaseState, TaskKind
from amends.desk.cases.paying import follow
from amends.desk.payments import clearing
from amends.desk.payments.clearing import Statement
from amends.desk.payments.models import Refund
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.desk.unit_of_work import unit_of_work

_TO_CONFIRM = gettext_noop(
    "It is stated what became of the refund: somebody else of finance confirms it (refund %(refund)s)"
)


def state_finding(gateway: StripeGateway, refund: Refund, by: User, statement: Statement) -> None:
    """Write down what somebody found, and give it to a second person.

    Raises: ClearingError: nothing was written.
    """
    with unit_of_work():
        case = _lock(refund)
        clearing.state_finding(gateway, refund, by, statement)
        tasks.finish(case, TaskKind.FAILED_REFUND, by=by, about=refund.id)
        tasks.give(case, TaskKind.FAILED_REFUND, _TO_CONFIRM, about=refund.id, refund=refund.id)


def confirm_finding(gateway: StripeGateway, refund: Refund, by: User, finding_id: str) -> None:
    """Confirm it, and bring the case to where the refund is then.

    Raises: ClearingError: nothing was written.
    """
    with unit_of_work():
        case = _lock(refund)
        clearing.confirm_finding(gateway, refund, by, finding_id)
        tasks.finish(case, TaskKind.FAILED_REFUND, by=by, about=refund.id)
        case.state = CaseState.PAYING
        case.save(update_fields=["state"])
        follow(case.id)


def _lock(refund: Refund) -> Case:
    assert refund.case_id is not None
    return Case.objects.select_for_update(no_key=True).get(id=refund.case_id)
