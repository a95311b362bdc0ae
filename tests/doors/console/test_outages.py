"""Faults of one outage end together; the developers are handed what they need."""

import json

import pytest
from django.core import mail
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from amends.desk.accounts.models import Role
from amends.desk.announcements.actions import register
from amends.desk.announcements.models import Delivery, EventKind
from amends.desk.cases.answering import Speaker
from amends.desk.cases.evidence import add_evidence
from amends.desk.cases.handing_over import mail_developers
from amends.desk.cases.models import Case, Channel, RequestKind
from amends.desk.issues.models import Incident, Issue
from asking import picture
from browsing import Browser
from shop import WHY, Shop, day, go_to, nothing_moved, now
from web import Client

TITLE = "Black images since the deployment"


def fault_of(shop: Shop) -> Case:
    """A fault that waits for its fix, as the day is not there yet."""
    line = shop.sell(shop.monthly)
    shop.use(60, day(0, 12))
    return shop.ask(line, RequestKind.TECHNICAL, reason="Every image is black.")


def two_faults(shop: Shop) -> tuple[list[Case], list[Issue]]:
    go_to(day(1))
    cases = [fault_of(shop), fault_of(shop)]
    return cases, list(Issue.objects.order_by("reported_at"))


def agent(web: Client, shop: Shop, *roles: Role, name: str = "agent") -> Browser:
    return Browser(web).sign_in(shop.staff(name, *(roles or (Role.AGENT,))))


def test_the_end_of_an_outage_ends_every_report_of_it(web: Client, shop: Shop) -> None:
    _, faults = two_faults(shop)
    browser = agent(web, shop)
    go_to(day(5))

    gathered = browser.submit("/console/outages", {"title": TITLE, "fault": [fault.id for fault in faults]})
    outage = Incident.objects.get()
    over = browser.submit(f"/console/outages/{outage.id}/over", {"at": "2025-09-05T09:00", "reason": WHY})

    assert "outage, 2 reports" in gathered
    assert "Fixed." in over
    assert {fault.fixed_at for fault in Issue.objects.all()} == {day(4, 9)}
    assert "No open fault" in over


@pytest.mark.parametrize("title, known", [("short", True), (TITLE, False)])
def test_an_outage_needs_words_and_open_faults(web: Client, shop: Shop, title: str, known: bool) -> None:  # noqa: FBT001  # of the table
    _, faults = two_faults(shop)

    agent(web, shop).submit("/console/outages", {"title": title, "fault": faults[0].id if known else "x"})

    assert Incident.objects.count() == 0
    assert not Issue.objects.exclude(incident=None).exists()


def test_a_fault_belongs_to_one_outage(web: Client, shop: Shop) -> None:
    _, faults = two_faults(shop)
    browser = agent(web, shop)
    browser.submit("/console/outages", {"title": TITLE, "fault": faults[0].id})

    said = browser.submit("/console/outages", {"title": TITLE, "fault": [fault.id for fault in faults]})

    assert "Choose open faults that belong to no outage yet." in said
    assert Incident.objects.count() == 1
    assert Issue.objects.filter(incident=None).count() == 1


@pytest.mark.parametrize("at", ["2025-08-30T09:00", "2025-12-01T09:00"])
def test_an_outage_ends_after_its_first_report_and_not_in_the_future(
    web: Client, shop: Shop, at: str
) -> None:
    cases, faults = two_faults(shop)
    browser = agent(web, shop)
    browser.submit("/console/outages", {"title": TITLE, "fault": faults[0].id})

    said = browser.submit(f"/console/outages/{Incident.objects.get().id}/over", {"at": at, "reason": WHY})

    assert "An outage ends between its first report and now." in said
    assert Issue.objects.filter(fixed_at=None).count() == 2
    assert [now(case).state for case in cases] == [case.state for case in cases]
    assert nothing_moved()


def test_only_agents_gather_and_end_outages(web: Client, shop: Shop) -> None:
    _, faults = two_faults(shop)
    agent(web, shop).submit("/console/outages", {"title": TITLE, "fault": faults[0].id})
    finance = agent(web, shop, Role.FINANCE, name="finance")
    outage = Incident.objects.get()

    shown = finance.page("/console/issues")
    finance.submit("/console/outages", {"title": TITLE, "fault": faults[1].id})
    over = finance.submit(f"/console/outages/{outage.id}/over", {"at": "2025-09-02T09:30", "reason": WHY})

    assert "Gather the chosen faults" not in shown
    assert "Your role does not include this." in over
    assert (Incident.objects.count(), Issue.objects.filter(fixed_at=None).count()) == (1, 2)


def test_the_developers_are_told_once_with_the_pictures(web: Client, shop: Shop, settings: Settings) -> None:
    settings.DEVELOPERS_ADDRESS = "developers@desk.example"
    register("https://host.example/hooks", [EventKind.FAULT_HANDED_OVER], "desk")
    go_to(day(1))
    case = fault_of(shop)
    files = [
        add_evidence(case, Speaker("customer:x", Channel.API), "a.png", picture(size=(40, side)))
        for side in (30, 31)
    ]
    browser = agent(web, shop)

    for file in files:
        form = {"evidence": file.id, "verdict": "accept", "reason": "It shows the black image."}
        browser.submit(f"/console/cases/{case.number}/judge", form)
    jobs = ProcrastinateJob.objects.filter(task_name="mail_developers")
    for job in jobs:
        mail_developers(**job.args)

    told = json.loads(Delivery.objects.get(kind=EventKind.FAULT_HANDED_OVER).body)["data"]
    assert [one["sha256"] for one in told["pictures"]] == [file.sha256 for file in files]
    assert jobs.count() == 1
    assert mail.outbox[-1].to == ["developers@desk.example"]
    assert [name for name, _, _ in mail.outbox[-1].attachments] == [
        str(file.file.name).rpartition("/")[2] for file in files
    ]
    assert shop.customer.email not in str(mail.outbox[-1].message())


def test_without_an_address_no_mail_goes_to_developers(web: Client, shop: Shop) -> None:
    go_to(day(1))
    case = fault_of(shop)
    file = add_evidence(case, Speaker("customer:x", Channel.API), "a.png", picture())

    form = {"evidence": file.id, "verdict": "accept", "reason": "It shows the black image."}
    agent(web, shop).submit(f"/console/cases/{case.number}/judge", form)

    assert Issue.objects.get().handed_over_at is not None
    assert not ProcrastinateJob.objects.filter(task_name="mail_developers").exists()
