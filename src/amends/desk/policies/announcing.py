"""Tell customers of a version: that it will be in force, or that it will not."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.audit.actions import record
from amends.desk.languages import reader_locale, speaking
from amends.desk.notices.actions import greeting, write
from amends.desk.notices.composition import Block, Paragraph
from amends.desk.notices.models import LetterKind
from amends.desk.policies.actions import read
from amends.desk.policies.models import Cancellation, Notification, PolicyVersion
from amends.policy.explanation import format_day
from amends.policy.model import Policy

BATCH = 500


def announce_to_all(version_id: UUID) -> None:
    """Tell every customer of a version, or, where it was called off, those who were told of it.

    Idempotent: what somebody was told is not told again.
    """
    version = PolicyVersion.objects.select_related("proposal").get(id=version_id)
    canceled = Cancellation.objects.filter(version=version).first()
    customers = Customer.objects.filter(erased_at=None).order_by("id")
    if canceled is None:
        announce(version, customers.iterator(BATCH))
    else:
        _take_back(canceled, customers.filter(notification__version=version).iterator(BATCH))


def announce(version: PolicyVersion, customers: Iterable[Customer]) -> int:
    """Tell customers that a version will be in force, each once, and keep who was told (V1).

    Idempotent: a customer who was told is not told again. Returns how many were told now.
    """
    policy = read(version)
    told = 0
    for customer in customers:
        with transaction.atomic():
            _told, is_fresh = Notification.objects.get_or_create(
                customer=customer, version=version, defaults={"at": clock.now()}
            )
            if is_fresh:
                _write_announcement(customer, version, policy)
                told += 1
    record(f"policy:{version.id}", "desk", "announced", told=told)
    return told


def _take_back(canceled: Cancellation, customers: Iterable[Customer]) -> None:
    version = canceled.version
    policy = read(version)
    for customer in customers:
        with speaking(customer.locale):
            _write(customer, f"{version.id}:{customer.id}:canceled", policy, _withdrawal(canceled, policy))


def _withdrawal(canceled: Cancellation, policy: Policy) -> list[Block]:
    named = {"version": canceled.version.version, "title": policy.title}
    return [
        Paragraph(
            _("We told you of version %(version)s of “%(title)s”. It will not come into force.") % named
        ),
        Paragraph(_("Why: %(reason)s") % {"reason": canceled.reason}),
        Paragraph(
            _("Nothing changes for you. What holds stands here: %(url)s")
            % {"url": f"{settings.PUBLIC_URL}/policy"}
        ),
    ]


def _write_announcement(customer: Customer, version: PolicyVersion, policy: Policy) -> None:
    with speaking(customer.locale):
        _write(customer, f"{version.id}:{customer.id}", policy, _announcement(version, policy))


def _announcement(version: PolicyVersion, policy: Policy) -> list[Block]:
    day = format_day(date.fromisoformat(policy.effective), reader_locale())
    named = {"day": day, "version": version.version, "title": policy.title}
    url = f"{settings.PUBLIC_URL}/policy?version={version.version}"
    blocks: list[Block] = [
        Paragraph(_("From %(day)s on, version %(version)s of “%(title)s” is in force.") % named)
    ]
    if version.proposal is not None:
        blocks.append(Paragraph(_("Why it changes: %(reason)s") % {"reason": version.proposal.reason}))
    return [
        *blocks,
        Paragraph(
            _(
                "What you bought before is judged by the version that was in force then, or by this one, "
                "whichever is better for you."
            )
        ),
        Paragraph(_("You can read it here: %(url)s") % {"url": url}),
    ]


def _write(customer: Customer, reference: str, policy: Policy, blocks: list[Block]) -> None:
    subject = _("A change of “%(title)s”") % {"title": policy.title}
    write(customer, LetterKind.POLICY_CHANGE, reference, subject, [Paragraph(greeting(customer)), *blocks])
