"""Where a case and its refunds are, in words that a customer understands, in the reader's language."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amends.desk.cases.models import Case, CaseState
from amends.desk.payments.models import Refund
from amends.desk.payments.states import RefundState
from amends.desk.payouts.states import PayoutState
from amends.desk.policies import actions as policies

BANK_TRANSFER = "Bank transfer"
"""What the policy's table of arrival times calls it."""
_CASES = {
    CaseState.OPEN: _("A person is looking at the request."),
    CaseState.WAITING_ON_CUSTOMER: _("We wait for the customer's answer; until then our time does not run."),
    CaseState.WAITING_ON_DESK: _("We wait for something that the payment provider has not told us yet."),
    CaseState.SCHEDULED: _("Not yet: the request is decided again by itself on a later day."),
    CaseState.DECIDED: _("The request is decided; a person checks the payment."),
    CaseState.PAYING: _("The request is granted; the money and the plan are on their way."),
}
_CLOSINGS = {
    "paid": _("Closed: the money was sent."),
    "denied": _("Closed: the request was declined."),
    "declined": _("Closed: a person declined the request."),
    "cancelled": _("Closed: the customer took the request back."),
    "nothing to pay": _("Closed: it is done; nothing had to be paid."),
}
_REFUNDS = {
    RefundState.PLANNED: _("About to be sent."),
    RefundState.SENDING: _("Being sent."),
    RefundState.UNKNOWN: _("Being sent; we are making sure that it arrived at the payment provider."),
    RefundState.PENDING: _("With the payment provider, which has not sent it yet."),
    RefundState.REQUIRES_ACTION: _("The payment provider waits for the customer's bank details."),
    RefundState.SUCCEEDED: _("Sent to the bank."),
    RefundState.REJECTED: _("The payment provider refused it; a person finds another way."),
    RefundState.FAILED: _("The bank sent it back; a person finds another way."),
    RefundState.CANCELED: _("Stopped before it was sent."),
}
_PAYOUTS = {
    PayoutState.ASKED: _("We wait for the bank account to which it goes."),
    PayoutState.GIVEN: _("A person checks the bank account to which it goes."),
    PayoutState.PROPOSED: _("A person checks the bank account to which it goes."),
    PayoutState.RELEASED: _("About to be sent by bank transfer."),
    PayoutState.EXPORTED: _("Handed to our bank as a transfer."),
    PayoutState.PAID: _("Sent by bank transfer."),
    PayoutState.RETURNED: _("The bank sent the transfer back."),
    PayoutState.WITHDRAWN: _("The bank transfer was called off before it was sent."),
}


def case_in_words(case: Case) -> str:
    """Where a case is."""
    if case.merged_into is not None:
        return gettext("Closed: it goes on in %(number)s.") % {"number": case.merged_into.number}
    if case.state == CaseState.CLOSED:
        closing = _CLOSINGS.get(case.closing)
        return str(closing) if closing else gettext("Closed: %(why)s.") % {"why": case.closing}
    return str(_CASES[CaseState(case.state)])


def refund_in_words(refund: Refund) -> str:
    """Where a refund is; it is never called returned."""
    if refund.by_bank:
        return str(_PAYOUTS[PayoutState(refund.payout.state)])
    return str(_REFUNDS[RefundState(refund.state)])


def arrival_of(case: Case, refund: Refund) -> tuple[str, str] | None:
    """Earliest and latest arrival after the sending, in the words of the policy that decided (P3)."""
    decided = case.decisions.order_by("-sequence").select_related("version").first()
    method = BANK_TRANSFER if refund.by_bank else refund.payment.method
    return policies.arrival(policies.read(decided.version), method) if decided else None
