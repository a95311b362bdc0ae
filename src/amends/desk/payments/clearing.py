"""Clear up what became of a refund that no automatic step may touch any more.

One member of finance states what the gateway shows, another one confirms it, and both times the gateway itself is asked.
Locks: the payment, then the refund, while the gateway is asked: what was seen still holds when it is applied.
"""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from amends.desk import clock
from amends.desk.accounts.models import Role, User
from amends.desk.audit.actions import record
from amends.desk.payments.actions import is_same, move, standing, take_over_refund
from amends.desk.payments.gateway import GatewayError, RefundSnapshot
from amends.desk.payments.models import Claim, Finding, Origin, Payment, Refund
from amends.desk.payments.protocol import NEEDS_PERSON, QUIET
from amends.desk.payments.sending import known_at_gateway, living
from amends.desk.payments.states import RefundState
from amends.desk.payments.stripe_gateway import StripeGateway

PAID_ELSEWHERE = "paid_elsewhere"
"""The reason of a refund for which somebody made another one at the gateway."""


class ClearingError(Exception):
    """It cannot be stated or confirmed; the message says why. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody says about a refund; `gateway_ref` names what was paid."""

    claim: Claim
    reason: str
    gateway_ref: str = ""


def state_finding(gateway: StripeGateway, refund: Refund, by: User, statement: Statement) -> Finding:
    """Write down what a member of finance found, in place of what was stated before and nobody confirmed.

    Raises: ClearingError: the gateway does not show it.
    """
    _demand_finance(by)
    if not statement.reason:
        raise ClearingError(_("Please say how you know."))
    locked = _lock(refund)
    _verify(gateway, locked, statement.claim, statement.gateway_ref)
    Finding.objects.filter(refund=locked, confirmed_by=None).delete()
    finding = Finding.objects.create(
        refund=locked,
        claim=statement.claim,
        gateway_ref=statement.gateway_ref if statement.claim == Claim.PAID else "",
        reason=statement.reason,
        stated_by=by,
        stated_at=clock.now(),
    )
    told = {"claim": statement.claim, "ref": finding.gateway_ref, "reason": statement.reason}
    record(f"refund:{refund.id}", f"staff:{by.id}", "finding_stated", **told)
    return finding


def confirm_finding(gateway: StripeGateway, refund: Refund, by: User, finding_id: str) -> Finding:
    """Agree to what somebody else found, as it was shown; the gateway is asked again, and the refund goes on.

    Raises: ClearingError: nothing was written.
    """
    _demand_finance(by)
    locked = _lock(refund)
    finding = Finding.objects.filter(refund=locked, confirmed_by=None).first()
    if finding is None or str(finding.id) != finding_id:
        raise ClearingError(_("Something else was stated meanwhile; look at it again."))
    if finding.stated_by_id == by.id:
        raise ClearingError(_("You stated this; somebody else of finance has to confirm it."))
    snapshot = _verify(gateway, locked, Claim(finding.claim), finding.gateway_ref)
    finding.confirmed_by, finding.confirmed_at = by, clock.now()
    finding.save(update_fields=["confirmed_by", "confirmed_at"])
    record(f"refund:{refund.id}", f"staff:{by.id}", "finding_confirmed", finding=str(finding.id))
    _carry_out(locked, Claim(finding.claim), snapshot, f"staff:{by.id}")
    return finding


def _demand_finance(user: User) -> None:
    if not user.has_role(Role.FINANCE):
        raise ClearingError(_("Only finance states what became of a refund."))


def _lock(refund: Refund) -> Refund:
    Payment.objects.select_for_update(no_key=True).get(id=refund.payment_id)
    whole = Refund.objects.select_related("payment").select_for_update(of=("self",), no_key=True)
    locked = whole.get(id=refund.id)
    if locked.state != RefundState.UNKNOWN or locked.reason != NEEDS_PERSON:
        raise ClearingError(_("What became of this refund is known, or is still being looked for."))
    return locked


def _verify(gateway: StripeGateway, refund: Refund, claim: Claim, gateway_ref: str) -> RefundSnapshot | None:
    """Ask the gateway whether it is so; the refund that was paid, where one was."""
    try:
        if claim == Claim.PAID:
            return _verify_paid(refund, gateway.refund(gateway_ref))
        _verify_absent(refund, gateway.refunds_of(refund.payment))
    except GatewayError as error:
        words = _("The payment provider does not confirm it (%(code)s). Check the id, or try again later.")
        raise ClearingError(words % {"code": error.code}) from error
    if claim == Claim.SEND_AGAIN and standing(refund.payment).is_disputed:
        raise ClearingError(_("The customer's bank disputes the charge; it must not be sent."))
    return None


def _verify_paid(refund: Refund, snapshot: RefundSnapshot) -> RefundSnapshot:
    if snapshot.charge_ref != refund.payment.gateway_ref or not is_same(refund, snapshot):
        raise ClearingError(_("%(ref)s is of another charge or another amount.") % {"ref": snapshot.ref})
    if snapshot.refund_id not in ("", str(refund.id)):
        raise ClearingError(_("%(ref)s belongs to another refund of ours.") % {"ref": snapshot.ref})
    known = Refund.objects.filter(gateway_ref=snapshot.ref).first()
    if known is not None and (known.origin != Origin.GATEWAY or known.instead_of_id not in (None, refund.id)):
        raise ClearingError(_("%(ref)s belongs to another refund of ours.") % {"ref": snapshot.ref})
    return snapshot


def _verify_absent(refund: Refund, snapshots: list[RefundSnapshot]) -> None:
    found = next((one.ref for one in snapshots if one.refund_id == str(refund.id)), None)
    if found is not None:
        raise ClearingError(_("The payment provider has it, as %(ref)s.") % {"ref": found})
    if refund.last_sent_at is not None and clock.now() - refund.last_sent_at <= QUIET:
        raise ClearingError(_("It was sent less than an hour ago and may still appear; try again later."))
    if living(snapshots) != known_at_gateway(refund.payment):
        raise ClearingError(
            _(
                "The payment provider returned more or less of this charge than we know of; compare them first."
            )
        )


def _carry_out(refund: Refund, claim: Claim, snapshot: RefundSnapshot | None, actor: str) -> None:
    if snapshot is not None:
        _take_as_paid(refund, snapshot, actor)
    elif claim == Claim.NEVER_MADE:
        move(refund, RefundState.REJECTED, reason=Claim.NEVER_MADE, actor=actor)
    else:
        _send_again(refund)


def _take_as_paid(refund: Refund, snapshot: RefundSnapshot, actor: str) -> None:
    """Adopt what is at the gateway; where it was imported as somebody else's, that one stands in for ours."""
    imported = Refund.objects.select_for_update(no_key=True).filter(gateway_ref=snapshot.ref).first()
    if imported is None:
        refund.reason = ""
        take_over_refund(refund, snapshot)
        return
    imported.instead_of = refund
    imported.save(update_fields=["instead_of"])
    move(refund, RefundState.REJECTED, reason=PAID_ELSEWHERE, actor=actor)


def _send_again(refund: Refund) -> None:
    """One more key: two people have seen that the earlier ones had no effect."""
    refund.generation += 1
    refund.first_sent_at, refund.reason = None, ""
    refund.next_try_at = clock.now()
    refund.save(update_fields=["generation", "first_sent_at", "reason", "next_try_at"])
