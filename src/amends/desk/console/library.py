"""The versions of the policy, and the parts that pages are made of."""

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from amends.desk import clock
from amends.desk.accounts.models import User
from amends.desk.console.access import staff_only
from amends.desk.console.authoring import findings_of
from amends.desk.policies.actions import canceled_versions, published_versions, read, text_changes
from amends.desk.policies.drafting import AUTHORS, latest_text
from amends.desk.policies.examining import version_in_force
from amends.desk.policies.models import Draft, Notification, PolicyVersion
from amends.desk.policies.publishing import is_scheduled, open_proposal

TOKENS = (
    "paper",
    "card",
    "sunken",
    "ink",
    "soft",
    "line",
    "strong-line",
    "accent",
    "accent-wash",
    "good",
    "good-wash",
    "warn",
    "warn-wash",
    "bad",
    "bad-wash",
)


@require_GET
@staff_only
def show_versions(request: HttpRequest, user: User) -> HttpResponseBase:
    """Every published version, the latest first, and the drafts."""
    versions = published_versions(settings.POLICY_NAME)
    drafts = Draft.objects.filter(closed_at=None).select_related("started_by").order_by("-started_at")
    shown = {
        "here": "policies",
        "versions": list(zip(versions, [*versions[1:], None], strict=True)),
        "canceled": canceled_versions(settings.POLICY_NAME),
        "current": version_in_force(),
        "now": clock.now(),
        "drafts": [(draft, latest_text(draft), open_proposal(draft)) for draft in drafts],
        "may_write": user.has_role(*AUTHORS),
    }
    return render(request, "console/policies.html", shown)


@require_GET
@staff_only
def show_changes(request: HttpRequest, user: User) -> HttpResponseBase:  # noqa: ARG001  # Django's
    """What changed in the text between two versions."""
    asked = request.GET.get("before", ""), request.GET.get("after", "")
    found = text_changes(settings.POLICY_NAME, *asked)
    if found is None:
        raise Http404
    before, after, changes = found
    shown = {
        "here": "policies",
        "versions": published_versions(settings.POLICY_NAME),
        "before": before,
        "after": after,
        "changes": changes,
        "policy_lang": read(after).lang,
    }
    return render(request, "console/policy_changes.html", shown)


@require_GET
@staff_only
def show_text(request: HttpRequest, user: User, version_id: UUID) -> HttpResponseBase:
    """The file of a version, as it decides, who wanted it and agreed to it, and its proof report."""
    wanted = PolicyVersion.objects.select_related(
        "proposal__proof", "proposal__proposed_by", "proposal__answer__by", "cancellation__by"
    )
    version = wanted.filter(id=version_id, published_at__isnull=False).first()
    if version is None:
        raise Http404
    current = version_in_force()
    proposal = version.proposal
    shown = {
        "here": "policies",
        "version": version,
        "policy_lang": read(version).lang,
        "current": current,
        "is_scheduled": is_scheduled(version),
        "proof": proposal.proof if proposal else None,
        "findings": findings_of(proposal.proof, read(version)) if proposal else [],
        "told": Notification.objects.filter(version=version).count(),
        "may_write": user.has_role(*AUTHORS),
    }
    return render(request, "console/policy_text.html", shown)


@require_GET
@staff_only
def show_styleguide(request: HttpRequest, user: User) -> HttpResponseBase:  # noqa: ARG001  # Django's
    """Every token and part of the design system."""
    lines = [
        {"label": "What was paid", "amount": 1900},
        {"label": "Processing fee", "amount": -85},
    ]
    return render(request, "console/styleguide.html", {"tokens": TOKENS, "lines": lines})
