"""What each state of a payment, a refund and a dispute means in the books.

A state implies exactly its postings: `post_refund` brings them about, and `books check` computes them again.

    planned, sending, unknown, rejected   nothing
    pending, requires_action              refund_sent
    succeeded                             refund_sent, refund_settled
    failed, canceled                      whatever was posted, mirrored

A payout by bank transfer posts the same on accounts of its own: it travels once it is in a file for the bank, and has
left once the bank has booked it.
"""

from amends.desk.journal.actions import Line, credit, debit, post, post_each, reverse
from amends.desk.journal.models import Account, Entry
from amends.desk.payments.models import Dispute, DisputeStatus, Payment, Refund
from amends.desk.payments.states import RefundState
from amends.desk.unit_of_work import write_now

SENT, SETTLED = "refund_sent", "refund_settled"
LOST = "dispute_lost"
TAKEN_BACK = "_taken_back"
_POSTED = {
    RefundState.PENDING: (SENT,),
    RefundState.REQUIRES_ACTION: (SENT,),
    RefundState.SUCCEEDED: (SENT, SETTLED),
}
_WAYS = {
    False: (Account.REFUNDS_IN_TRANSIT, Account.GATEWAY_CASH),
    True: (Account.PAYOUTS_IN_TRANSIT, Account.BANK_CASH),
}
"""Whether it is a bank transfer, and on which accounts it travels and leaves."""


def post_refund(refund: Refund, before: RefundState = RefundState.PLANNED) -> None:
    """Make the books say what the state of a refund means, which was in another one before.

    Invariant: what its state before means stands already; an entry that does is refused by the database.
    """
    posted, wanted = _POSTED.get(before, ()), _POSTED.get(RefundState(refund.state), ())
    missing = [kind for kind in (SENT, SETTLED) if kind in wanted and kind not in posted]
    post_each(_reference(refund), refund.currency, {kind: refund_lines(refund, kind) for kind in missing})
    standing = standing_entries(refund) if set(posted) - set(wanted) else {}
    for kind in (SETTLED, SENT):
        if kind in standing and kind not in wanted:
            reverse(standing[kind], kind + TAKEN_BACK, _reference(refund))


def expected_kinds(refund: Refund) -> frozenset[str]:
    """The entries that stand, not mirrored, in a refund's state."""
    return frozenset(_POSTED.get(RefundState(refund.state), ()))


def standing_entries(refund: Refund) -> dict[str, Entry]:
    """The entries of a refund that were not mirrored, by kind."""
    write_now()
    entries = Entry.objects.filter(reference=_reference(refund), kind__in=(SENT, SETTLED), mirrored_by=None)
    return {entry.kind: entry for entry in entries}


def refund_lines(refund: Refund, kind: str) -> list[Line]:
    """The postings of one entry of a refund.

    Invariant: a fee that the customer does not get back moves from revenue to fees retained.
    """
    in_transit, cash = _WAYS[refund.by_bank]
    if kind == SETTLED:
        return [debit(in_transit, refund.amount), credit(cash, refund.amount)]
    from_account = refund.amount - refund.tax - refund.rounding
    return [
        debit(Account(refund.account), from_account + refund.fee_retained),
        debit(Account.TAX, refund.tax),
        debit(Account.ROUNDING, refund.rounding),
        credit(Account.FEES_RETAINED, refund.fee_retained),
        credit(in_transit, refund.amount),
    ]


def post_charge(payment: Payment, parts: dict[Account, int], tax: int) -> None:
    """Post a charge: what came in, and what it was for."""
    lines = [credit(account, amount) for account, amount in parts.items()]
    lines += [credit(Account.TAX, tax), debit(Account.GATEWAY_CASH, payment.captured)]
    post("charge", f"payment:{payment.id}", payment.currency, lines)


def post_fee(payment: Payment) -> None:
    """Post what the gateway kept, once it is known."""
    assert payment.fee is not None
    lines = [debit(Account.PROCESSING_FEES, payment.fee), credit(Account.GATEWAY_CASH, payment.fee)]
    post("fee", f"payment:{payment.id}", payment.currency, lines)


def post_dispute(dispute: Dispute) -> None:
    """Make the books say what a dispute came to: a loss is posted, and mirrored where the bank gave it back.

    A dispute about no payment that we know takes nothing out of our books.
    Idempotent: what stands already is left.
    """
    write_now()
    reference = f"dispute:{dispute.gateway_ref}"
    standing = Entry.objects.filter(reference=reference, kind=LOST, mirrored_by=None).first()
    is_ours = dispute.payment_id is not None or dispute.linked_payment_id is not None
    is_lost = is_ours and dispute.status == DisputeStatus.LOST
    if is_lost and standing is None:
        lines = [debit(Account.DISPUTE_LOSSES, dispute.amount), credit(Account.GATEWAY_CASH, dispute.amount)]
        post(LOST, reference, dispute.currency, lines)
    elif not is_lost and standing is not None:
        reverse(standing, LOST + TAKEN_BACK, reference)


def _reference(refund: Refund) -> str:
    return f"refund:{refund.id}"
