"""Ways in: a code by mail, a link of the host product, an order number."""

from django.conf import settings
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from amends.desk import clock, jobs
from amends.desk.accounts.actions import choose_locale, redeem_link
from amends.desk.accounts.models import Role, User
from amends.desk.design.reader import keep_choice
from amends.desk.languages import reader_locale
from amends.desk.notices.actions import keep_for_job
from amends.desk.policies.actions import NoPolicyError, published_versions, read, text_changes, version_at
from amends.desk.portal.access import find_customer, meet, sign_in
from amends.desk.portal.forms import StartForm
from amends.policy.page.html import render_article


@require_GET
def show_home(request: HttpRequest) -> HttpResponseBase:
    """The console for staff, orders for those who are known, a way in for the others."""
    if isinstance(request.user, User) and request.user.has_role(*Role):
        return redirect("console")
    return redirect("orders" if find_customer(request) else "start")


@require_http_methods(["GET", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """A guest names an address and an order; the answer is the same whether they exist or not (reading R13)."""
    form = StartForm(request.POST or None)
    is_sent = request.method == "POST" and form.is_valid()
    if is_sent:
        jobs.enqueue("invite_guest", key=keep_for_job(**form.cleaned_data, locale=reader_locale()))
    return render(request, "portal/start.html", {"form": form, "is_sent": is_sent})


@require_http_methods(["GET", "POST"])
def enter(request: HttpRequest, token: str) -> HttpResponseBase:
    """A link signs in when its button is pressed: mail programs open links by themselves."""
    if request.method == "GET":
        return render(request, "portal/enter.html", {"token": token})
    customer = redeem_link(token)
    if customer is None:
        return render(request, "portal/enter.html", {"is_over": True}, status=410)
    sign_in(request, customer)
    return redirect("orders")


@require_POST
def leave(request: HttpRequest) -> HttpResponseBase:
    """End the session."""
    logout(request)
    return redirect("start")


@require_POST
def choose_language(request: HttpRequest) -> HttpResponseBase:
    """Read the pages in another language, and have letters in it where it is known who reads."""
    language, place = request.POST.get("language", ""), request.POST.get("next", "")
    if language not in dict(settings.LANGUAGES):
        raise Http404
    customer = find_customer(request)
    if customer is not None:
        choose_locale(customer, language)
    is_ours = url_has_allowed_host_and_scheme(
        place, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    response = redirect(place if is_ours else "home")
    keep_choice(response, language)
    return response


@require_GET
def show_policy(request: HttpRequest) -> HttpResponse:
    """The policy in force, or another published version, with what changed."""
    versions = published_versions(settings.POLICY_NAME)
    try:
        current = version_at(settings.POLICY_NAME, clock.now())
    except NoPolicyError:
        raise Http404 from None
    wanted = request.GET.get("version", current.version)
    version = next((one for one in versions if one.version == wanted), current)
    customer, policy = meet(request), read(version)
    context = {
        "customer": customer,
        "version": version,
        "current": current,
        "now": clock.now(),
        "versions": list(zip(versions, [*versions[1:], None], strict=True)),
        "article": render_article(policy, reader_locale()),
        "policy_lang": policy.lang,
    }
    return render(request, "portal/policy.html", context)


@require_GET
def show_changes(request: HttpRequest) -> HttpResponse:
    """What changed in the text between two published versions (V1)."""
    customer = meet(request)
    asked = request.GET.get("before", ""), request.GET.get("after", "")
    found = text_changes(settings.POLICY_NAME, *asked)
    if found is None:
        raise Http404
    before, after, changes = found
    context = {
        "customer": customer,
        "before": before,
        "after": after,
        "changes": changes,
        "policy_lang": read(after).lang,
    }
    return render(request, "portal/policy_changes.html", context)
