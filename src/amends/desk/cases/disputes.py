"""Disputes that the gateway's ids do not lead to their case: finance says which one they are about."""

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from amends.desk import clock
from amends.desk.accounts.models import Role, User
from amends.desk.audit.actions import record
from amends.desk.cases.answering import lock
from amends.desk.cases.approving import NotAllowedError, OutdatedError
from amends.desk.cases.deciding import decide_case
from amends.desk.cases.models import Case, CaseState
from amends.desk.cases.paying import follow_payment
from amends.desk.cases.permissions import demand_reason
from amends.desk.payments import actions as payments
from amends.desk.payments.models import Dispute, DisputeStatus, Payment
from amends.desk.unit_of_work import unit_of_work

LINKERS = (Role.FINANCE,)
"""Who says what a dispute is about."""
LOST_LATELY = timedelta(days=90)
"""How long a lost dispute is shown as one that no case knows."""
_SETTLED = (CaseState.PAYING, CaseState.CLOSED)


def disputes_without_case() -> QuerySet[Dispute]:
    """Disputes under way or lost lately about whose payment nobody asked, and which nobody linked to a case."""
    asked = Case.objects.filter(line__order__paid_by__payment=OuterRef("payment"))
    lost_lately = Q(status=DisputeStatus.LOST, changed_at__gte=clock.now() - LOST_LATELY)
    standing = Dispute.objects.under_way() | Dispute.objects.filter(lost_lately)
    return (
        standing.filter(linked_payment=None)
        .filter(~Exists(asked))
        .select_related("payment__customer")
        .order_by("-opened_at")
    )


def link_dispute(case: Case, by: User, ref: str, reason: str) -> None:
    """Say that a dispute is about the purchase of a case: from here on it stands against that payment, too.

    While it is open nothing is decided or sent without a person; lost, it counts as returned. One that was linked to
    another purchase is linked to this one instead.
    Locks: the customer, the case, the dispute and the payment.
    Raises: NotAllowedError, OutdatedError: nothing was written.
    """
    demand_reason(by, reason, *LINKERS)
    with unit_of_work():
        lock(case)
        charged, dispute = case.line.order.payments, _lock_dispute(ref)
        payment = _demand_linkable(dispute, charged)
        before = dispute.linked_payment
        payments.link_dispute(dispute, payment, f"staff:{by.id}", reason)
        record(f"case:{case.id}", f"staff:{by.id}", "dispute_linked", ref=ref, reason=reason)
        for touched in filter(None, (payment, before)):
            _take_into_account(touched)


def unlink_dispute(case: Case, by: User, ref: str, reason: str) -> None:
    """Say that a dispute that somebody linked to the purchase of a case is about something else.

    Raises: NotAllowedError, OutdatedError: nothing was written.
    """
    demand_reason(by, reason, *LINKERS)
    with unit_of_work():
        lock(case)
        charged, dispute = case.line.order.payments, _lock_dispute(ref)
        payment = next((one for one in charged if one.id == dispute.linked_payment_id), None)
        if payment is None:
            raise OutdatedError(_("The dispute is not linked to this case by now."))
        payments.link_dispute(dispute, None, f"staff:{by.id}", reason)
        record(f"case:{case.id}", f"staff:{by.id}", "dispute_unlinked", ref=ref, reason=reason)
        _take_into_account(payment)


def _lock_dispute(ref: str) -> Dispute:
    locked = Dispute.objects.select_for_update(no_key=True, of=("self",)).select_related("linked_payment")
    dispute = locked.filter(gateway_ref=ref.strip()).first()
    if dispute is None:
        raise NotAllowedError(_("The payment provider has told of no dispute “%(ref)s”.") % {"ref": ref})
    return dispute


def _demand_linkable(dispute: Dispute, charged: list[Payment]) -> Payment:
    """The payment to which it is linked: the last one, which is paid back first."""
    if not charged:
        raise NotAllowedError(_("Nothing was charged for the order of this case."))
    payment = charged[-1]
    if {dispute.payment_id, dispute.linked_payment_id} & {one.id for one in charged}:
        raise OutdatedError(_("The dispute stands against this payment already."))
    if dispute.currency != payment.currency:
        words = {"dispute": dispute.currency, "payment": payment.currency}
        raise NotAllowedError(_("The dispute is in %(dispute)s, the payment in %(payment)s.") % words)
    return payment


def _take_into_account(payment: Payment) -> None:
    """Decide again what is undecided about a payment, and raise the alarm where money went back already."""
    about = Case.objects.filter(line__order__paid_by__payment=payment, merged_into=None)
    for case in about.exclude(state__in=_SETTLED).order_by("id"):
        decide_case(case)
    follow_payment(payment)
