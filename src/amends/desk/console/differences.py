"""Where our books and the payment provider say different things, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from amends.desk import clock
from amends.desk.accounts.models import User
from amends.desk.cases.models import Case
from amends.desk.console.access import staff_only
from amends.desk.console.entries import read_text
from amends.desk.console.telling import act_and_tell
from amends.desk.console.words import say_code
from amends.desk.reconciliation.actions import (
    OWNERS,
    handle,
    last_runs,
    open_discrepancies,
    settled_discrepancies,
)
from amends.desk.reconciliation.models import Discrepancy

SHOWN_MAX = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference with the case that it belongs to."""

    found: Discrepancy
    case: Case | None
    is_late: bool

    @property
    def sides(self) -> list[tuple[str, int, str]]:
        """Where, how much, and in which state."""
        one = self.found
        return [
            (_("Here"), one.ours, say_code(one.our_state)),
            (_("At the payment provider"), one.theirs, say_code(one.their_state)),
        ]


@require_GET
@staff_only
def show_differences(request: HttpRequest, user: User) -> HttpResponseBase:
    """What is open, what the last runs took over, what people saw to, and when was compared."""
    runs = last_runs()
    shown = {
        "here": "finance",
        "runs": runs,
        "waiting": _with_cases(list(open_discrepancies()[:SHOWN_MAX])),
        "settled": _with_cases(list(settled_discrepancies(runs)[:SHOWN_MAX])),
        "may_handle": user.has_role(*OWNERS),
    }
    return render(request, "console/differences.html", shown)


def _with_cases(found: Sequence[Discrepancy]) -> list[Difference]:
    payments = {one.payment_id for one in found if one.payment_id}
    about = Case.objects.filter(line__order__paid_by__payment__in=payments, merged_into=None)
    charged = about.annotate(charged=F("line__order__paid_by__payment")).order_by("opened_at")
    latest = {case.charged: case for case in charged}
    own = Case.objects.in_bulk([one.refund.case_id for one in found if one.refund and one.refund.case_id])
    now = clock.now()
    return [
        Difference(
            one,
            (own.get(one.refund.case_id) if one.refund else None) or latest.get(one.payment_id),
            one.due_at < now,
        )
        for one in found
    ]


@require_POST
@staff_only
def settle(request: HttpRequest, user: User, difference_id: UUID) -> HttpResponseBase:
    """Somebody has seen to it."""
    found = Discrepancy.objects.filter(id=difference_id).first()
    if found is None:
        raise Http404
    act_and_tell(request, lambda: _settle(request, found, user))
    return redirect("console_differences")


def _settle(request: HttpRequest, found: Discrepancy, user: User) -> str:
    handle(found, user, read_text(request, "reason"))
    return _("Noted. The same difference is not asked about again.")
