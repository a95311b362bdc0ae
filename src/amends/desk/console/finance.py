"""Money on its way, money that came back, and the balances of the books."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from amends.desk import clock
from amends.desk.accounts.models import Role, User
from amends.desk.cases.disputes import LINKERS, disputes_without_case
from amends.desk.cases.models import Case
from amends.desk.cases.progress import refund_in_words
from amends.desk.console.access import staff_only
from amends.desk.console.bank_files import read_desk
from amends.desk.console.case_actions import link_to_case
from amends.desk.console.telling import act_and_tell
from amends.desk.journal.actions import balances
from amends.desk.journal.export import csv_lines
from amends.desk.journal.models import Account
from amends.desk.payments.models import Refund
from amends.desk.payments.states import ENDED_WITHOUT_MONEY, LIVE
from amends.desk.reconciliation.actions import open_discrepancies

SHOWN_MAX = 100


@dataclass(frozen=True, slots=True)
class Sent:
    """A refund with its case and its age."""

    refund: Refund
    words: str
    case: Case | None
    age: timedelta


@dataclass(frozen=True, slots=True)
class Balance:
    """A ledger account in one currency.

    Amounts: minor units, positive on the account's own side.
    """

    account: str
    side: str
    currency: str
    amount: int


@require_GET
@staff_only
def show_finance(request: HttpRequest, user: User) -> HttpResponseBase:
    """What is in transit, what failed, what was kept, and the journal."""
    found = read_balances()
    shown = {
        "here": "finance",
        "bank": read_desk(user),
        "transit": _refunds([state.value for state in LIVE]),
        "failed": _refunds([state.value for state in ENDED_WITHOUT_MONEY]),
        "differences": open_discrepancies().count(),
        "disputes": disputes_without_case()[:SHOWN_MAX],
        "may_link": user.has_role(*LINKERS),
        "balances": found,
        "kept": [one for one in found if one.account == Account.FEES_RETAINED],
        "in_transit": [one for one in found if one.account == Account.REFUNDS_IN_TRANSIT],
        "may_export": _may_export(user),
    }
    return render(request, "console/finance.html", shown)


@require_POST
@staff_only
def link(request: HttpRequest, user: User) -> HttpResponseBase:
    """Link a dispute to the case with a number, and show the case."""
    number = request.POST.get("number", "").strip()
    case = Case.objects.select_related("line__order", "customer").filter(number=number.upper()).first()
    if case is None:
        said = _("There is no case “%(number)s”. Its number looks like R-7KQ4-9XWM.")
        messages.error(request, said % {"number": number}, extra_tags="bad")
        return redirect("console_finance")
    act_and_tell(request, lambda: link_to_case(request, case, user))
    return redirect("console_case", case.number)


@require_GET
@staff_only
def download_journal(request: HttpRequest, user: User) -> HttpResponseBase:
    """Every posting as CSV."""
    if not _may_export(user):
        messages.error(request, _("The journal is for finance and administrators."), extra_tags="bad")
        return redirect("console_finance")
    response = StreamingHttpResponse(csv_lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="journal.csv"'
    return response


def _may_export(user: User) -> bool:
    return user.has_role(Role.FINANCE, Role.ADMIN)


def read_balances() -> list[Balance]:
    """The accounts with what they hold, each seen from its own side."""
    return [
        Balance(account, side, currency, total if side == "debit" else -total)
        for (account, currency), total in balances().items()
        for side in (Account(account).label,)
    ]


def _refunds(states: list[str]) -> list[Sent]:
    at_gateway = Refund.objects.filter(state__in=states, by_bank=False)
    refunds = list(at_gateway.order_by("changed_at", "id")[:SHOWN_MAX])
    cases = Case.objects.in_bulk([refund.case_id for refund in refunds if refund.case_id])
    now = clock.now()
    return [
        Sent(refund, refund_in_words(refund), cases.get(refund.case_id), now - refund.created_at)
        for refund in refunds
    ]
