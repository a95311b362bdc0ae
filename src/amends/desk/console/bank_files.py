"""Bank transfers on the page of finance: what waits, what may go into a file, and the files that were made."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from amends.desk.accounts.models import Role, User
from amends.desk.cases import paying_out
from amends.desk.cases.models import Case
from amends.desk.console.access import staff_only
from amends.desk.console.entries import BadEntryError, read_text
from amends.desk.payouts.actions import PayoutError
from amends.desk.payouts.batches import read_file
from amends.desk.payouts.models import Batch, Payout
from amends.desk.payouts.sealing import NoKeyError
from amends.desk.payouts.states import ENDED, PayoutState

SHOWN_MAX = 50


@dataclass(frozen=True, slots=True)
class Waiting:
    """A payout that has not ended, with its case."""

    payout: Payout
    case: Case | None


@dataclass(frozen=True, slots=True)
class Ready:
    """What is released in a currency: how many, and their sum in minor units."""

    currency: str
    count: int
    total: int


@dataclass(frozen=True, slots=True)
class Desk:
    """What finance sees of bank transfers."""

    waiting: list[Waiting]
    ready: list[Ready]
    batches: list[Batch]
    may_pay: bool


def read_desk(user: User) -> Desk:
    """What waits, what is ready for a file, and the latest files."""
    payouts = list(
        Payout.objects.exclude(state__in=ENDED).select_related("refund").order_by("changed_at")[:SHOWN_MAX]
    )
    cases = Case.objects.in_bulk([one.refund.case_id for one in payouts if one.refund.case_id])
    released = Payout.objects.filter(state=PayoutState.RELEASED).order_by("refund__currency")
    sums = released.values_list("refund__currency").annotate(
        count=Count("refund_id"), total=Sum("refund__amount")
    )
    return Desk(
        [Waiting(payout, cases.get(payout.refund.case_id)) for payout in payouts],
        [Ready(*found) for found in sums],
        list(Batch.objects.select_related("made_by").order_by("-made_at")[:SHOWN_MAX]),
        user.has_role(Role.FINANCE),
    )


@require_POST
@staff_only
def make_file(request: HttpRequest, user: User) -> HttpResponseBase:
    """Put what is released in a currency into a file."""
    try:
        batch = paying_out.make_batch(read_text(request, "currency"), user)
    except (PayoutError, NoKeyError, BadEntryError) as error:
        messages.error(request, str(error), extra_tags="bad")
    else:
        said = ngettext(
            "The file is made with one transfer. Hand it to the bank; it counts as on its way.",
            "The file is made with %(n)d transfers. Hand it to the bank; they count as on their way.",
            batch.count,
        )
        messages.success(request, said % {"n": batch.count}, extra_tags="good")
    return redirect("console_finance")


@require_GET
@staff_only
def download_file(request: HttpRequest, user: User, batch_id: UUID, form: str) -> HttpResponseBase:
    """A file as it was made; handing it over again pays nothing twice."""
    batch = Batch.objects.filter(id=batch_id).first()
    if batch is None or form not in ("csv", "xml"):
        raise Http404
    try:
        file = read_file(batch, form, user)
    except (PayoutError, NoKeyError) as error:
        messages.error(request, str(error), extra_tags="bad")
        return redirect("console_finance")
    answer = HttpResponse(file.content, content_type=file.media_type)
    answer["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return answer
