"""The page on which a customer names the account for a refund that cannot go back the way it was paid."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from amends.desk.accounts.models import Customer
from amends.desk.cases.models import Case
from amends.desk.cases.paying_out import awaiting_account, give_account
from amends.desk.payouts.actions import PayoutError
from amends.desk.payouts.iban import BadAccountError
from amends.desk.portal.access import customer_only
from amends.desk.portal.forms import AccountForm


@sensitive_post_parameters("holder", "iban")
@require_http_methods(["GET", "POST"])
@customer_only
def name_account(request: HttpRequest, customer: Customer, number: str) -> HttpResponseBase:
    """Name the account, or another one until the transfer is at the bank."""
    case = Case.objects.filter(customer=customer, number=number).first()
    if case is None:
        raise Http404
    payouts = awaiting_account(case)
    if not payouts:
        messages.error(request, _("No bank account is needed for this request."), extra_tags="bad")
        return redirect("case", number)
    shown = {
        "customer": customer,
        "case": case,
        "amount": sum(payout.refund.amount for payout in payouts),
        "currency": payouts[0].refund.currency,
        "came_back": [payout for payout in payouts if payout.opened_by_id is None],
    }
    if request.method == "GET":
        return render(request, "portal/account.html", shown | {"form": AccountForm()})
    form = AccountForm(request.POST)
    if form.is_valid():
        try:
            give_account(payouts, form.cleaned_data["holder"], form.cleaned_data["iban"])
        except BadAccountError as error:
            form.add_error(error.field, str(error))
        except PayoutError as error:
            messages.error(request, str(error), extra_tags="bad")
            return redirect("case", number)
        else:
            messages.success(
                request, _("Thank you. Two people check the transfer before we send it."), extra_tags="good"
            )
            return redirect("case", number)
    return render(request, "portal/account.html", shown | {"form": form}, status=422)
