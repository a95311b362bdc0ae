"""The versions of the policy, and the parts that pages are made of."""

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from amends.desk import clock
from amends.desk.accounts.models import User
from amends.desk.console.access import staff_only
from amends.desk.policies.actions import published_versions, read, text_changes, version_at
from amends.desk.policies.models import PolicyVersion

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
def show_versions(request: HttpRequest, user: User) -> HttpResponseBase:  # noqa: ARG001  # Django's
    """Every published version, the latest first."""
    versions = published_versions(settings.POLICY_NAME)
    shown = {
        "here": "policies",
        "versions": list(zip(versions, [*versions[1:], None], strict=True)),
        "current": version_at(settings.POLICY_NAME, clock.now()),
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
def show_text(request: HttpRequest, user: User, version_id: UUID) -> HttpResponseBase:  # noqa: ARG001  # Django's
    """The file of a version, as it decides."""
    version = PolicyVersion.objects.filter(id=version_id, published_at__isnull=False).first()
    if version is None:
        raise Http404
    shown = {"here": "policies", "version": version, "policy_lang": read(version).lang}
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
