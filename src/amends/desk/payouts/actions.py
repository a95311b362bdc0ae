"""Open a payout, take the account for it, have two people agree, or call it off; files are made by `batches`.

Each function is a part of its caller's transaction, as a case comes along with it (`cases/paying_out.py`).
Locks: the payment, then the payout with its refund, in this order everywhere.
"""

import hashlib
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from amends.desk import clock
from amends.desk.accounts.models import Role, User
from amends.desk.audit.actions import record
from amends.desk.payments.actions import move, standing
from amends.desk.payments.models import Origin, Payment, Refund
from amends.desk.payments.states import ENDED_WITHOUT_MONEY, RefundState
from amends.desk.payouts.bank_text import HOLDER_LENGTH_MAX, is_sayable
from amends.desk.payouts.iban import SEPA, BadAccountError, NotAnIbanError, mask, read_iban
from amends.desk.payouts.models import Payout
from amends.desk.payouts.sealing import Account, seal_account
from amends.desk.payouts.states import BEFORE_FILE, REFUND_STATES, PayoutState, check_transition
from amends.policy.answer import canonical_json

SEPA_CURRENCY = "EUR"
RETURNED_AT_GATEWAY = "returned_at_gateway"
DISPUTED = "disputed"
WHY_STOPPED = {
    RETURNED_AT_GATEWAY: gettext_noop(
        "The payment provider returned the money after all; it must not go out twice."
    ),
    DISPUTED: gettext_noop("The customer's bank disputes the charge; answer the dispute first."),
}


class PayoutError(Exception):
    """It cannot be done; the message says why. Nothing was written."""


def demand_finance(user: User) -> None:
    """Only finance moves money by bank.

    Raises: PayoutError.
    """
    if not user.has_role(Role.FINANCE):
        raise PayoutError(_("Only finance pays by bank transfer."))


def demand_ready() -> None:
    """A payout needs a key to seal accounts with, and an account of ours that a bank can read.

    Raises: PayoutError.
    """
    missing = [
        name
        for name, is_set in (
            ("AMENDS_ACCOUNT_KEYS", settings.ACCOUNT_KEYS),
            ("AMENDS_PAYER_NAME", settings.PAYER_NAME),
            ("AMENDS_PAYER_IBAN", settings.PAYER_IBAN),
        )
        if not is_set
    ]
    if missing:
        raise PayoutError(
            _("This desk cannot pay by bank transfer yet: %(names)s not set.") % {"names": ", ".join(missing)}
        )
    try:
        _read_account(settings.PAYER_NAME, settings.PAYER_IBAN, SEPA_CURRENCY)
    except BadAccountError as error:
        names = {"holder": "AMENDS_PAYER_NAME", "iban": "AMENDS_PAYER_IBAN"}
        raise PayoutError(f"{names[error.field]}: {error}") from error


def open_payout(refund: Refund, by: User, why: str, remittance: str) -> Payout:
    """Make a payout for a refund that ended without money; the amount is reserved again, as the refund had it.

    `remittance` is what the customer reads on the statement.
    Locks: the payment.
    Raises: PayoutError.
    """
    demand_finance(by)
    demand_ready()
    if not why:
        raise PayoutError(_("Please say why the payment provider cannot pay it."))
    payment = lock_payment(refund)
    refund.refresh_from_db()
    _demand_payable(refund, payment)
    return _write(refund, payment, _Opening(by, why, remittance))


def _demand_payable(refund: Refund, payment: Payment) -> None:
    if refund.origin != Origin.DESK or refund.by_bank or refund.state not in ENDED_WITHOUT_MONEY:
        raise PayoutError(
            _("Only a refund of ours that was refused, stopped or sent back is paid by bank transfer.")
        )
    if refund.stand_ins.filter(by_bank=True).exclude(state__in=ENDED_WITHOUT_MONEY).exists():
        raise PayoutError(_("It is being paid by bank transfer already."))
    if reason := _stop(refund, payment):
        raise PayoutError(_(WHY_STOPPED[reason]))


@dataclass(frozen=True, slots=True)
class _Opening:
    by: User | None
    why: str
    remittance: str


def _write(refund: Refund, payment: Payment, opening: _Opening) -> Payout:
    now = clock.now()
    reserved = Refund(
        payment=payment,
        case_id=refund.case_id,
        purpose=refund.purpose,
        by_bank=True,
        instead_of=refund,
        amount=refund.amount,
        currency=refund.currency,
        account=refund.account,
        tax=refund.tax,
        fee_retained=refund.fee_retained,
        rounding=refund.rounding,
        plan_sha256=refund.plan_sha256,
        is_held=True,
        next_try_at=now,
        created_at=now,
        changed_at=now,
    )
    try:
        with transaction.atomic():
            reserved.save(force_insert=True)
    except IntegrityError as error:
        if "refund_within_what_is_left" in str(error) or "exceeds what is left" in str(error):
            raise PayoutError(_("Less is left of the payment by now than this would pay.")) from error
        if "one_live_" in str(error):
            raise PayoutError(_("It is being paid in another way already.")) from error
        raise
    payout = Payout.objects.create(
        refund=reserved,
        opened_by=opening.by,
        opened_at=now,
        why=opening.why,
        remittance=opening.remittance,
        changed_at=now,
    )
    actor = f"staff:{opening.by.id}" if opening.by else "desk"
    record(f"refund:{reserved.id}", actor, "payout_opened", instead_of=str(refund.id), amount=refund.amount)
    return payout


def open_next(returned: Payout) -> Payout | None:
    """Ask for another account, where one was wrong; None where the money may not go out any more.

    Locks: expects the payment of the payout to be locked.
    """
    root = returned.refund.instead_of
    assert root is not None
    if _stop(root, returned.refund.payment):
        return None
    return _write(root, returned.refund.payment, _Opening(None, returned.return_reason, returned.remittance))


def lock_payment(refund: Refund) -> Payment:
    """The payment of a refund, locked until the transaction ends."""
    return Payment.objects.select_for_update(no_key=True).get(id=refund.payment_id)


def lock(payout: Payout) -> Payout:
    """A payout as it is now, locked with its payment until the transaction ends."""
    lock_payment(payout.refund)
    whole = Payout.objects.select_related("refund__payment", "refund__instead_of")
    return whole.select_for_update(of=("self", "refund"), no_key=True).get(refund_id=payout.refund_id)


def stop_reason(payout: Payout) -> str:
    """Why a payout must not go out, as a code; empty where it may."""
    root = payout.refund.instead_of
    assert root is not None
    return _stop(root, payout.refund.payment)


def _stop(root: Refund, payment: Payment) -> str:
    came_late = root.stand_ins.filter(by_bank=False).exclude(state__in=ENDED_WITHOUT_MONEY)
    if came_late.exists():
        return RETURNED_AT_GATEWAY
    return DISPUTED if standing(payment).is_disputed else ""


def give_account(payout: Payout, holder: str, iban: str) -> Payout:
    """Take the account that the customer names; whatever was agreed to about another one falls.

    Raises: PayoutError, BadAccountError: nothing was written, the account before stays.
    """
    account = _read_account(holder, iban, payout.refund.currency)
    demand_ready()
    locked = lock(payout)
    if locked.state not in BEFORE_FILE:
        raise PayoutError(_("The money is on its way already; the account cannot be changed any more."))
    locked.sealed_account = seal_account(locked.refund_id, account)
    locked.account_hint = mask(account.iban)
    locked.given_at = clock.now()
    locked.proposed_by = locked.released_by = None
    learned = ("sealed_account", "account_hint", "given_at", "proposed_by", "released_by")
    _save(locked, PayoutState.GIVEN, learned)
    record(f"refund:{locked.refund_id}", f"customer:{locked.refund.payment.customer_id}", "account_given")
    return locked


def _read_account(holder: str, iban: str, currency: str) -> Account:
    account = Account(" ".join(holder.split()), read_iban(iban))
    if not account.holder or len(account.holder) > HOLDER_LENGTH_MAX:
        raise BadAccountError(
            _("Please write the name of the account's holder, at most %(n)d characters.")
            % {"n": HOLDER_LENGTH_MAX}
        )
    if not is_sayable(account.holder):
        raise BadAccountError(
            _("Please write the holder's name in Latin letters, as on the card: banks take no others.")
        )
    if currency == SEPA_CURRENCY and account.iban[:2] not in SEPA:
        raise NotAnIbanError(
            _(
                "Euro go to accounts in the SEPA countries only, and “%(country)s” is none. Please name another account."
            )
            % {"country": account.iban[:2]}
        )
    return account


def terms_sha256(payout: Payout) -> str:
    """What two people agree to: this amount to this account, and to no other."""
    refund = payout.refund
    terms = [str(refund.id), refund.amount, refund.currency, payout.sealed_account]
    return hashlib.sha256(canonical_json(terms)).hexdigest()


def propose(payout: Payout, by: User, terms: str) -> Payout:
    """Say that the amount may go to the account as it was shown.

    Raises: PayoutError.
    """
    locked = _as_shown(payout, by, terms)
    if locked.state != PayoutState.GIVEN:
        raise PayoutError(_("This payout is not waiting to be proposed; look at it again."))
    locked.proposed_by = by
    _save(locked, PayoutState.PROPOSED, ("proposed_by",))
    record(f"refund:{locked.refund_id}", f"staff:{by.id}", "payout_proposed", terms=terms)
    return locked


def release(payout: Payout, by: User, terms: str) -> Payout:
    """Agree, as the second person; the database refuses the first one.

    Raises: PayoutError.
    """
    locked = _as_shown(payout, by, terms)
    if locked.state != PayoutState.PROPOSED:
        raise PayoutError(_("This payout is not waiting to be released; look at it again."))
    if locked.proposed_by_id == by.id:
        raise PayoutError(_("You proposed this; somebody else of finance has to release it."))
    locked.released_by = by
    _save(locked, PayoutState.RELEASED, ("released_by",))
    record(f"refund:{locked.refund_id}", f"staff:{by.id}", "payout_released", terms=terms)
    return locked


def _as_shown(payout: Payout, by: User, terms: str) -> Payout:
    demand_finance(by)
    locked = lock(payout)
    if terms_sha256(locked) != terms:
        raise PayoutError(_("The account has been changed since; look at it again."))
    if reason := stop_reason(locked):
        raise PayoutError(_(WHY_STOPPED[reason]))
    return locked


def withdraw(payout: Payout, by: User | None, why: str) -> Payout:
    """Call a payout off before any file; its account is emptied and its amount is free.

    Raises: PayoutError.
    """
    if by is not None:
        demand_finance(by)
    if not why:
        raise PayoutError(_("Please say why it is called off."))
    locked = lock(payout)
    if locked.state not in BEFORE_FILE:
        raise PayoutError(
            _("It is in a file for the bank already: stop it there, then note that it came back.")
        )
    locked.sealed_account = ""
    _save(locked, PayoutState.WITHDRAWN, ("sealed_account",))
    actor = f"staff:{by.id}" if by else "desk"
    move(locked.refund, REFUND_STATES[PayoutState.WITHDRAWN], reason=why, actor=actor)
    return locked


def withdraw_stopped(payment: Payment) -> None:
    """Call off what must not go out any more, because the gateway paid late or the charge is disputed."""
    waiting = Payout.objects.filter(refund__payment=payment, state__in=BEFORE_FILE).select_related("refund")
    for payout in waiting:
        locked = lock(payout)
        reason = stop_reason(locked) if locked.state in BEFORE_FILE else ""
        if reason:
            withdraw(locked, None, reason)


def is_paid_twice(payment: Payment) -> bool:
    """Whether a payout may be at the bank and the gateway has paid the same refund after all: somebody has to look."""
    live = payment.refunds.exclude(state__in=ENDED_WITHOUT_MONEY)
    late = live.filter(by_bank=False, instead_of__isnull=False).values("instead_of")
    return live.filter(by_bank=True, instead_of__in=late).exclude(state=RefundState.PLANNED).exists()


def _save(payout: Payout, state: PayoutState, learned: tuple[str, ...]) -> None:
    if payout.state != state:
        check_transition(PayoutState(payout.state), state)
    payout.state, payout.changed_at = state, clock.now()
    payout.save(update_fields=["state", "changed_at", *learned])
