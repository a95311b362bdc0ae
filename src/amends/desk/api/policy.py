"""The policy that is in force: its text for programs, its page for people, and who was shown it."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from ninja import Router, Schema, Status

from amends.desk import clock
from amends.desk.accounts.models import Scope
from amends.desk.api.access import Needs
from amends.desk.api.customers import named_customer
from amends.desk.api.problems import missing, unknown_reference
from amends.desk.api.schemas import Body, Id, Name
from amends.desk.policies.actions import NoPolicyError, acknowledge, read, version_at
from amends.desk.policies.models import Acknowledgement, PolicyVersion
from amends.policy.page.html import render_page
from amends.policy.schema import case_schema

router = Router(tags=["policy"])


class PolicyOut(Schema):
    """The version in force, with the schema of the facts that it decides by."""

    name: str
    title: str
    version: str
    effective_at: datetime
    sha256: str
    text: str
    page_url: str
    inputs: dict[str, Any]


class AcknowledgementIn(Body):
    """A customer was shown a version, by default the one in force."""

    customer: Id
    how: Name
    version: Name | None = None


class AcknowledgementOut(Schema):
    """When a customer was first shown a version."""

    customer: str
    version: str
    how: str
    at: datetime


def current() -> PolicyVersion:
    """The version in force now.

    Raises: Problem.
    """
    try:
        return version_at(settings.POLICY_NAME, clock.now())
    except NoPolicyError as error:
        raise missing() from error


@router.get("/policy", response=PolicyOut, auth=Needs())
def get_policy(request: HttpRequest) -> PolicyOut:  # noqa: ARG001  # ninja's
    """The version in force."""
    version = current()
    policy = read(version)
    return PolicyOut(
        name=version.name,
        title=policy.title,
        version=version.version,
        effective_at=version.effective_at,
        sha256=version.sha256,
        text=version.text,
        page_url=f"{settings.PUBLIC_URL}/policy",
        inputs=case_schema(policy),
    )


@router.post(
    "/acknowledgements",
    response={200: AcknowledgementOut, 201: AcknowledgementOut},
    auth=Needs(Scope.CUSTOMERS),
)
def post_acknowledgement(request: HttpRequest, body: AcknowledgementIn) -> Status[AcknowledgementOut]:  # noqa: ARG001  # ninja's
    """Keep that a customer was shown the policy; the first time stays (200)."""
    customer = named_customer(body.customer)
    version = current()
    if body.version is not None:
        named = PolicyVersion.objects.filter(
            name=settings.POLICY_NAME, version=body.version, published_at__isnull=False
        ).first()
        if named is None:
            raise unknown_reference("version")
        version = named
    shown = Acknowledgement.objects.filter(customer=customer, version=version)
    was_known = shown.exists()
    acknowledge(customer, version, body.how)
    kept = shown.get()
    out = AcknowledgementOut(customer=customer.external_id, version=version.version, how=kept.how, at=kept.at)
    return Status(200 if was_known else 201, out)


@require_safe
def show_page(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # Django's
    """The policy as customers read it."""
    try:
        version = version_at(settings.POLICY_NAME, clock.now())
    except NoPolicyError:
        return HttpResponse("No policy was published yet.\n", status=404, content_type="text/plain")
    page = HttpResponse(render_page(read(version)))
    page["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return page
