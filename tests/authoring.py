"""Texts of the policy as an author changes them, and the jobs that publishing gives the worker."""

from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

import amends.desk.schedule.tasks  # noqa: F401  # the bodies of the jobs
from amends.desk.accounts.models import Role, User
from amends.desk.notices.models import Letter
from amends.desk.policies.actions import publish
from amends.desk.policies.drafting import latest_text, start_draft
from amends.desk.policies.examining import ask
from amends.desk.policies.models import Draft, ExaminationKind, PolicyVersion
from amends.desk.policies.publishing import approve, propose
from conftest import ROOT
from shop import Shop

SHIPPED = (ROOT / "policies" / "flux-kontext.md").read_text()
TASKS = ("examine_draft", "announce_version")
CHANGED = "The window was too short for some."


SMALL = """---
policy: flux-kontext-refunds
title: Refunds
version: 2025-10-01
effective: 2025-10-01
contact: help@shop.example
inputs:
  purchased_at: instant, from desk, "When it was bought"
  requested_at: instant, from desk, "When you asked"
  paid: money, from desk, "What you paid"
  refunded: money, from desk, "Returned before"
assume: requested_at >= purchased_at and paid >= 0 and refunded >= 0 and refunded <= paid
---
# Refunds

- Days are calendar days; the day of the purchase is day 0. {.info}

- Within [7 days]{#window} you get back what you paid. {#full}

```rule full
grant: refund
when: age <= window
lines:
  paid "What you paid": paid
  returned "Returned before": -refunded
```

```define age
days_between(purchased_at, requested_at)
```

- Later than [7 days]{=window} nothing is returned. {#late}

```rule late
deny
when: age > window
```
"""
"""A policy that is checked in a moment."""


def small(effective: str = "2025-10-01", window: str = "14 days") -> str:
    """A small policy of the desk's name as a later version."""
    return SMALL.replace("2025-10-01", effective).replace("[7 days]", f"[{window}]")


def broken(effective: str = "2025-10-01") -> str:
    """A later version that says nothing of the last day."""
    return small(effective).replace("age <= window", "age < window")


def later(effective: str = "2025-10-01", window: str = "14 days") -> str:
    """The shipped policy as a later version with another window."""
    return SHIPPED.replace("2025-08-18", effective).replace("[7 days]", f"[{window}]")


def install(text: str | None) -> None:
    """Make a text the one version of the desk, in place of the shipped one, which takes long to compare with."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SET session_replication_role = replica; DELETE FROM policies_policyversion; "
            "SET session_replication_role = DEFAULT"
        )
    if text is not None:
        publish(text, None)


def work_on_policies() -> None:
    """The worker's part: what drafts and versions gave it to do, until none is left."""
    while job := ProcrastinateJob.objects.filter(task_name__in=TASKS).order_by("id").first():
        app.tasks[job.task_name].func(**job.args)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [job.id])


def checked(shop: Shop, text: str, name: str = "author", *roles: Role) -> tuple[Draft, User]:
    """A draft that a worker has checked, and its author."""
    author = shop.staff(name, *(roles or (Role.POLICY_OWNER,)))
    draft = start_draft(author, text, "")
    ask(latest_text(draft), ExaminationKind.CHECK, author)
    work_on_policies()
    return draft, author


def nothing_published() -> bool:
    return PolicyVersion.objects.count() == 1 and not Letter.objects.filter(kind="policy_change").exists()


def proposed(shop: Shop, text: str, name: str = "author") -> Draft:
    draft, author = checked(shop, text, name)
    propose(draft, author, latest_text(draft).sha256, CHANGED)
    return draft


def published(shop: Shop, text: str) -> PolicyVersion:
    draft = proposed(shop, text)
    version = approve(draft, shop.staff("second", Role.ADMIN), latest_text(draft).sha256)
    work_on_policies()
    return version
