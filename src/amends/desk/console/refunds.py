"""One refund that needs a person: what is known of it, what became of it, each step of paying it by bank transfer."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from amends.desk import clock
from amends.desk.accounts.models import Role, User
from amends.desk.audit.models import AuditRow
from amends.desk.cases import clearing, paying_out
from amends.desk.cases.models import Case
from amends.desk.cases.progress import refund_in_words
from amends.desk.console.access import staff_only
from amends.desk.console.entries import BadEntryError, read_day, read_text
from amends.desk.payments.clearing import ClearingError, Statement
from amends.desk.payments.models import Claim, Origin, Refund
from amends.desk.payments.protocol import NEEDS_PERSON
from amends.desk.payments.states import ENDED_WITHOUT_MONEY, RefundState
from amends.desk.payments.stripe_gateway import connect
from amends.desk.payouts.actions import PayoutError, terms_sha256
from amends.desk.payouts.models import Payout
from amends.desk.payouts.sealing import NoKeyError
from amends.desk.payouts.states import BEFORE_FILE


@require_GET
@staff_only
def show_refund(request: HttpRequest, user: User, refund_id: UUID) -> HttpResponseBase:
    """A refund, the payout that stands for it, and what this person may do."""
    refund = _find(refund_id)
    payout = _payout_of(refund)
    finding = refund.findings.select_related("stated_by").filter(confirmed_by=None).first()
    shown = {
        "here": "finance",
        "refund": refund,
        "words": refund_in_words(refund),
        "case": Case.objects.filter(id=refund.case_id).first() if refund.case_id else None,
        "payout": payout,
        "terms": terms_sha256(payout) if payout else "",
        "is_before_file": payout is not None and payout.state in BEFORE_FILE,
        "is_mine": payout is not None and payout.proposed_by_id == user.id,
        "stand_ins": refund.stand_ins.order_by("created_at"),
        "is_unknown": refund.state == RefundState.UNKNOWN and refund.reason == NEEDS_PERSON,
        "finding": finding,
        "is_own_finding": finding is not None and finding.stated_by_id == user.id,
        "claims": Claim.choices,
        "may_open": _may_open(refund),
        "may_pay": user.has_role(Role.FINANCE),
        "today": clock.now().date(),
        "trail": AuditRow.objects.filter(subject=f"refund:{refund.id}").order_by("sequence"),
    }
    return render(request, "console/refund.html", shown)


def _find(refund_id: UUID) -> Refund:
    refund = Refund.objects.select_related("payment", "instead_of").filter(id=refund_id).first()
    if refund is None:
        raise Http404
    return refund


def _payout_of(refund: Refund) -> Payout | None:
    people = ("opened_by", "proposed_by", "released_by", "batch", "refund")
    return Payout.objects.select_related(*people).filter(refund=refund).first()


def _may_open(refund: Refund) -> bool:
    live = refund.stand_ins.exclude(state__in=ENDED_WITHOUT_MONEY)
    is_ours = refund.origin == Origin.DESK and not refund.by_bank
    return is_ours and refund.state in ENDED_WITHOUT_MONEY and not live.exists()


@require_POST
@staff_only
def act(request: HttpRequest, user: User, refund_id: UUID, action: str) -> HttpResponseBase:
    """Do one thing, say what became of it, and show where the money is now."""
    refund = _find(refund_id)
    if action not in _ACTIONS:
        raise Http404
    try:
        said = _ACTIONS[action](request, refund, user)
    except (PayoutError, ClearingError, NoKeyError, BadEntryError) as error:
        messages.error(request, str(error), extra_tags="bad")
    else:
        messages.success(request, said, extra_tags="good")
    return redirect("console_refund", refund_id)


def _own_payout(refund: Refund) -> Payout:
    payout = _payout_of(refund)
    if payout is None:
        raise Http404
    return payout


def _open(request: HttpRequest, refund: Refund, user: User) -> str:
    paying_out.open_payout(refund, user, read_text(request, "why"))
    return _("The customer is asked for an account, by mail and on the page of the request.")


def _propose(request: HttpRequest, refund: Refund, user: User) -> str:
    paying_out.propose(_own_payout(refund), user, read_text(request, "terms"))
    return _("Proposed. Somebody else of finance has to release it.")


def _release(request: HttpRequest, refund: Refund, user: User) -> str:
    paying_out.release(_own_payout(refund), user, read_text(request, "terms"))
    return _("Released. The next file for the bank takes it along.")


def _withdraw(request: HttpRequest, refund: Refund, user: User) -> str:
    paying_out.withdraw(_own_payout(refund), user, read_text(request, "why"))
    return _("Called off. The case waits for another way.")


def _paid(request: HttpRequest, refund: Refund, user: User) -> str:
    booked_on = read_day(read_text(request, "booked_on"))
    paying_out.mark_paid(_own_payout(refund), user, read_text(request, "bank_reference"), booked_on)
    return _("Noted. The customer has a letter.")


def _returned(request: HttpRequest, refund: Refund, user: User) -> str:
    paying_out.mark_returned(_own_payout(refund), user, read_text(request, "reason"))
    return _("Noted. The customer is told why and asked for another account.")


def _state(request: HttpRequest, refund: Refund, user: User) -> str:
    claim = read_text(request, "claim")
    if claim not in Claim.values:
        raise BadEntryError(_("Please choose what you found."))
    gateway_ref = read_text(request, "gateway_ref")
    if claim == Claim.PAID and not gateway_ref:
        raise BadEntryError(_("Please name the refund at the payment provider, such as re_1AbC."))
    clearing.state_finding(
        connect(), refund, user, Statement(Claim(claim), read_text(request, "reason"), gateway_ref)
    )
    return _("Stated. Somebody else of finance has to confirm it.")


def _confirm(request: HttpRequest, refund: Refund, user: User) -> str:
    clearing.confirm_finding(connect(), refund, user, read_text(request, "finding"))
    return _("Confirmed. The refund goes on from there.")


_ACTIONS = {
    "state": _state,
    "confirm": _confirm,
    "pay-by-bank": _open,
    "propose": _propose,
    "release": _release,
    "withdraw": _withdraw,
    "paid": _paid,
    "returned": _returned,
}
