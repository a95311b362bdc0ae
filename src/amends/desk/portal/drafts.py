"""A request that came by mail: its customer looks at what was read, and confirms it or discards it."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from amends.desk.accounts.actions import redeem_link
from amends.desk.accounts.models import Customer
from amends.desk.cases.models import Case, CaseState
from amends.desk.mail.drafts import DraftOverError, add_to_case, discard
from amends.desk.mail.models import Draft, DraftState
from amends.desk.orders.models import Line
from amends.desk.portal.access import customer_only, sign_in

PAGE = 25


@require_http_methods(["GET", "POST"])
def enter_draft(request: HttpRequest, draft_id: UUID, token: str) -> HttpResponseBase:
    """A link of a letter signs in when its button is pressed: mail programs open links by themselves."""
    if request.method == "GET":
        return render(request, "portal/enter_draft.html", {"token": token, "draft_id": draft_id})
    customer = redeem_link(token)
    if customer is None:
        return render(request, "portal/enter_draft.html", {"is_over": True, "draft_id": draft_id}, status=410)
    sign_in(request, customer)
    return redirect("draft", draft_id)


def own_draft(customer: Customer, draft_id: UUID) -> Draft:
    """A draft of the customer; somebody else's is not there (invariant I21)."""
    draft = Draft.objects.select_related("order", "case").filter(id=draft_id, customer=customer).first()
    if draft is None:
        raise Http404
    return draft


@require_GET
@customer_only
def show_draft(request: HttpRequest, customer: Customer, draft_id: UUID) -> HttpResponseBase:
    """What was read in the letters, and the purchases that they may be about."""
    draft = own_draft(customer, draft_id)
    if draft.case is not None:
        return redirect("case", draft.case.number)
    lines = Line.objects.filter(order__customer=customer).select_related("order").order_by("-purchased_at")
    if draft.order is not None:
        lines = lines.filter(order=draft.order)
    under_way = Case.objects.filter(customer=customer).exclude(state=CaseState.CLOSED)
    numbers = dict(under_way.values_list("line_id", "number"))
    shown = {
        "customer": customer,
        "draft": draft,
        "is_over": draft.state != DraftState.OPEN,
        "files": [file for mail in draft.mail.order_by("received_at") for file in mail.files],
        "purchases": [(line, numbers.get(line.id)) for line in lines[:PAGE]],
    }
    return render(request, "portal/draft.html", shown)


@require_POST
@customer_only
def join_case(request: HttpRequest, customer: Customer, draft_id: UUID, number: str) -> HttpResponse:
    """The letters belong to a request that is under way."""
    draft = own_draft(customer, draft_id)
    case = Case.objects.filter(customer=customer, number=number).exclude(state=CaseState.CLOSED).first()
    if case is None:
        raise Http404
    try:
        add_to_case(draft, case)
    except DraftOverError:
        return _over(request, draft)
    messages.success(request, _("Your letter is in your request now."), extra_tags="good")
    return redirect("case", number)


@require_POST
@customer_only
def discard_draft(request: HttpRequest, customer: Customer, draft_id: UUID) -> HttpResponse:
    """The customer did not write it, or no longer wants it."""
    draft = own_draft(customer, draft_id)
    try:
        discard(draft, f"customer:{customer.id}")
    except DraftOverError:
        return _over(request, draft)
    messages.success(request, _("Discarded. Nothing was asked for."), extra_tags="good")
    return redirect("orders")


def _over(request: HttpRequest, draft: Draft) -> HttpResponse:
    messages.error(request, _("This was confirmed or discarded before."), extra_tags="warn")
    return redirect(reverse("draft", args=[draft.id]))
