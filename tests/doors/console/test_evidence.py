"""Pictures that prove a fault, and its end, through the console's forms."""

import pytest

from amends.desk.accounts.models import Role
from amends.desk.audit.models import AuditRow
from amends.desk.cases.models import Case, Evidence, RequestKind
from amends.desk.issues.models import Issue
from asking import opened, picture, send_file
from browsing import Browser
from shop import WHY, Shop, day, go_to, open_tasks
from web import Client


def member(web: Client, shop: Shop, *roles: Role, name: str = "member") -> Browser:
    return Browser(web).sign_in(shop.staff(name, *roles))


def of(case: Case, action: str = "") -> str:
    return f"/console/cases/{case.number}/{action}".rstrip("/")


def for_person(shop: Shop) -> Case:
    return shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)


def with_picture(program: Client, shop: Shop) -> Case:
    """A fault of more than fourteen days, with one picture that nobody has judged."""
    line = shop.sell(shop.monthly)
    go_to(day(9))
    number = opened(program, line, "technical", reason="Every job fails.")["number"]
    assert send_file(program, number, picture()).status == 201
    return Case.objects.get(number=number)


def test_evidence_is_shown_and_judged_by_name(web: Client, program: Client, shop: Shop) -> None:
    case = with_picture(program, shop)
    kept = Evidence.objects.get()
    browser = member(web, shop, Role.AGENT, name="ada")

    image = browser.get(f"/console/evidence/{kept.id}")
    said = browser.submit(
        of(case, "judge"), {"evidence": kept.id, "verdict": "accept", "reason": "It shows the error."}
    )

    assert (image.status, image.headers["content-type"]) == (200, "image/png")
    assert "ada: It shows the error." in said
    kept.refresh_from_db()
    assert (kept.state, Issue.objects.get().handed_over_at is not None) == ("accepted", True)


def test_evidence_is_rejected_with_a_reason_only(web: Client, program: Client, shop: Shop) -> None:
    case = with_picture(program, shop)
    kept = Evidence.objects.get()
    browser = member(web, shop, Role.AGENT)
    form = {"evidence": kept.id, "verdict": "reject"}

    mute = browser.submit(of(case, "judge"), form | {"reason": ""})
    kept.refresh_from_db()
    assert ("Please say why" in mute, kept.state) == (True, "received")

    browser.submit(of(case, "judge"), form | {"reason": "It shows another program."})
    kept.refresh_from_db()
    assert kept.state == "rejected"


def test_the_task_to_look_at_pictures_is_done_with_the_last_of_them(
    web: Client, program: Client, shop: Shop
) -> None:
    case = with_picture(program, shop)
    send_file(program, case.number, picture(size=(50, 30)))
    first, second = Evidence.objects.order_by("uploaded_at")
    browser = member(web, shop, Role.AGENT)
    form = {"verdict": "accept", "reason": "It shows the error."}

    browser.submit(of(case, "judge"), form | {"evidence": first.id})
    assert "judge_evidence" in open_tasks(case)
    browser.submit(of(case, "judge"), form | {"evidence": second.id, "verdict": "reject"})

    assert "judge_evidence" not in open_tasks(case)


def test_evidence_of_another_case_is_not_there(web: Client, program: Client, shop: Shop) -> None:
    with_picture(program, shop)
    kept = Evidence.objects.get()
    other = for_person(shop)
    browser = member(web, shop, Role.AGENT)

    for id_ in (kept.id, "nonsense"):
        form = {"evidence": id_, "verdict": "accept", "reason": "It shows the error."}
        assert browser.post(of(other, "judge"), form).status == 404
    kept.refresh_from_db()
    assert kept.state == "received"


def test_a_fault_is_marked_as_fixed_once(web: Client, program: Client, shop: Shop) -> None:
    with_picture(program, shop)
    issue = Issue.objects.get()
    go_to(day(14))
    browser = member(web, shop, Role.AGENT)
    form = {"at": "2025-09-13T08:00", "reason": "The release of Saturday."}

    assert "day 5 of 14" in browser.page("/console/issues")
    fixed = browser.submit(f"/console/issues/{issue.id}/fixed", form)
    again = browser.submit(f"/console/issues/{issue.id}/fixed", form)

    assert "Fixed. 1 case was decided." in fixed
    assert "No open fault" in fixed
    assert "marked as fixed already" in again
    assert AuditRow.objects.filter(action="fault_fixed").count() == 1


@pytest.mark.parametrize(
    "role, form, why",
    [
        (Role.FINANCE, {"at": "2025-09-13T08:00", "reason": WHY}, "Your role does not include this."),
        (Role.AGENT, {"at": "2025-08-13T08:00", "reason": WHY}, "between its report and now"),
        (Role.AGENT, {"at": "2027-08-13T08:00", "reason": WHY}, "between its report and now"),
        (Role.AGENT, {"at": "soon", "reason": WHY}, "Please give the day and the time"),
        (Role.AGENT, {"at": "2025-09-13T08:00", "reason": ""}, "Please say why"),
    ],
)
def test_a_fix_that_cannot_be_is_refused(
    web: Client, program: Client, shop: Shop, role: Role, form: dict[str, object], why: str
) -> None:
    with_picture(program, shop)
    go_to(day(14))

    said = member(web, shop, role).submit(f"/console/issues/{Issue.objects.get().id}/fixed", form)

    assert why in said
    assert Issue.objects.get().fixed_at is None
