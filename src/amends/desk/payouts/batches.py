"""Files for the bank, and what the bank then says: each released payout is in one file, once and for ever.

Making a file and counting its payouts as on their way is one transaction, so a payout that may be at the bank can
never be in a second file. A file that was lost is handed over again as it was, byte for byte.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db.models import Sum
from django.utils.translation import gettext as _

from amends.desk import clock, ids
from amends.desk.accounts.models import User
from amends.desk.audit.actions import record
from amends.desk.payments.actions import move
from amends.desk.payments.models import Payment
from amends.desk.payouts.actions import (
    SEPA_CURRENCY,
    PayoutError,
    demand_finance,
    demand_ready,
    lock,
    open_next,
    stop_reason,
)
from amends.desk.payouts.bank_files import Order, Payer, Transfer, csv_file, pain001
from amends.desk.payouts.models import Batch, Payout
from amends.desk.payouts.sealing import open_account, seal, unseal
from amends.desk.payouts.states import REFUND_STATES, PayoutState, check_transition
from amends.desk.unit_of_work import unit_of_work

BATCH_MAX = 500
REFERENCE_LENGTH_MAX = 140


def make_batch(currency: str, by: User) -> Batch:
    """Put what is released in a currency into a file; from now on it counts as on its way.

    Locks: the payments in the order of their ids, then the payouts.
    Raises: PayoutError: nothing may be paid; nothing was written.
    """
    demand_finance(by)
    demand_ready()
    with unit_of_work():
        payouts = [payout for payout in _lock_released(currency) if not stop_reason(payout)]
        if not payouts:
            raise PayoutError(_("Nothing in %(currency)s is released.") % {"currency": currency})
        batch = _write(currency, payouts, by)
        for payout in payouts:
            payout.batch = batch
            _change(payout, PayoutState.EXPORTED, ("batch",), f"staff:{by.id}")
        record(f"batch:{batch.id}", f"staff:{by.id}", "made", count=batch.count, total=batch.total)
    return batch


def _lock_released(currency: str) -> list[Payout]:
    released = Payout.objects.filter(state=PayoutState.RELEASED, refund__currency=currency).order_by(
        "changed_at"
    )
    found = dict(released.values_list("refund_id", "refund__payment_id")[:BATCH_MAX])
    payments = Payment.objects.select_for_update(no_key=True).filter(id__in=found.values())
    list(payments.order_by("id"))
    whole = released.filter(refund_id__in=found).select_related("refund__payment", "refund__instead_of")
    return list(whole.select_for_update(of=("self", "refund"), no_key=True).order_by("refund_id"))


def _write(currency: str, payouts: Sequence[Payout], by: User) -> Batch:
    batch = Batch(
        id=ids.make_id(),
        currency=currency,
        count=len(payouts),
        total=sum(payout.refund.amount for payout in payouts),
        made_by=by,
        made_at=clock.now(),
    )
    payer = Payer(settings.PAYER_NAME, settings.PAYER_IBAN, settings.PAYER_BIC)
    orders = [_order(payout) for payout in payouts]
    transfer = Transfer(batch.id.hex, batch.made_at, payer, currency, orders)
    as_csv = csv_file(transfer)
    batch.sealed_csv, batch.csv_sha256 = seal(as_csv), hashlib.sha256(as_csv).hexdigest()
    if currency == SEPA_CURRENCY:
        as_xml = pain001(transfer)
        batch.sealed_xml, batch.xml_sha256 = seal(as_xml), hashlib.sha256(as_xml).hexdigest()
    batch.save(force_insert=True)
    return batch


def _order(payout: Payout) -> Order:
    account = open_account(payout.refund_id, payout.sealed_account)
    return Order(payout.refund_id.hex, account.holder, account.iban, payout.refund.amount, payout.remittance)


@dataclass(frozen=True, slots=True, repr=False)
class BankFile:
    """A file as the bank gets it."""

    name: str
    media_type: str
    content: bytes


def read_file(batch: Batch, form: str, by: User) -> BankFile:
    """The file of a batch, `xml` or `csv`, as it was made; that it was handed out stands in the audit trail.

    Raises: PayoutError, NoKeyError.
    """
    demand_finance(by)
    kept = {"csv": (batch.sealed_csv, batch.csv_sha256), "xml": (batch.sealed_xml, batch.xml_sha256)}
    sealed, sha256 = kept[form]
    if batch.is_erased:
        raise PayoutError(_("The file was erased with the bank details in it."))
    if not sealed:
        raise PayoutError(_("A SEPA file is of euro only; take the CSV for this one."))
    content = unseal(sealed)
    assert hashlib.sha256(content).hexdigest() == sha256
    with unit_of_work():
        record(f"batch:{batch.id}", f"staff:{by.id}", "handed_out", form=form, sha256=sha256)
    return BankFile(
        f"payouts-{batch.id.hex}.{form}", "application/xml" if form == "xml" else "text/csv", content
    )


def mark_paid(payout: Payout, by: User, bank_reference: str, booked_on: date) -> Payout:
    """Note that the bank has booked a payout.

    Raises: PayoutError: nothing was written.
    """
    demand_finance(by)
    if not bank_reference or len(bank_reference) > REFERENCE_LENGTH_MAX:
        raise PayoutError(_("Please write the reference of the bank's statement."))
    locked = lock(payout)
    if locked.state != PayoutState.EXPORTED:
        raise PayoutError(_("Only what is in a file for the bank can be marked as paid."))
    _demand_day(locked, booked_on)
    locked.bank_reference, locked.booked_on = bank_reference, booked_on
    _change(locked, PayoutState.PAID, ("bank_reference", "booked_on"), f"staff:{by.id}")
    return locked


def _demand_day(payout: Payout, booked_on: date) -> None:
    assert payout.batch is not None
    if not payout.batch.made_at.date() <= booked_on <= clock.now().date():
        raise PayoutError(_("The day of the booking lies between the file and today."))


def mark_returned(payout: Payout, by: User, reason: str) -> Payout | None:
    """Note that the money came back to our account; the payout that follows it, which asks for another account.

    None where the money may not go out any more.
    Raises: PayoutError: nothing was written.
    """
    demand_finance(by)
    if not reason:
        raise PayoutError(_("Please say why the bank sent it back; the customer reads it."))
    locked = lock(payout)
    if locked.state not in (PayoutState.EXPORTED, PayoutState.PAID):
        raise PayoutError(_("Only what is in a file for the bank can come back."))
    locked.return_reason = reason
    _change(locked, PayoutState.RETURNED, ("return_reason",), f"staff:{by.id}")
    return open_next(locked)


def _change(payout: Payout, state: PayoutState, learned: Sequence[str], actor: str) -> None:
    check_transition(PayoutState(payout.state), state)
    payout.state, payout.changed_at = state, clock.now()
    payout.save(update_fields=["state", "changed_at", *learned])
    # By this reference the customer's bank finds the transfer.
    payout.refund.trace = payout.refund_id.hex
    move(payout.refund, REFUND_STATES[state], reason=payout.return_reason, learned=["trace"], actor=actor)


def wrong_payouts() -> list[str]:
    """Every payout and file that does not fit what it belongs to, in words."""
    wrong = [
        f"payout {payout.refund_id}: is {payout.state}, but its refund is {payout.refund.state}"
        for payout in Payout.objects.select_related("refund").order_by("refund_id").iterator()
        if REFUND_STATES[PayoutState(payout.state)] != payout.refund.state
    ]
    summed = Batch.objects.annotate(paid=Sum("payouts__refund__amount", default=0))
    wrong += [f"file {one.id}: its payouts sum to another amount" for one in summed if one.paid != one.total]
    return wrong
