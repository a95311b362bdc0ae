"""A version is published when its text is proved, two people agree, and customers have time to read it."""

from collections.abc import Callable  # noqa: TC003  # read at run time by nobody, and by mypy
from copy import copy
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from django.db import IntegrityError, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from amends.desk import clock
from amends.desk.accounts.models import Role
from amends.desk.audit.models import AuditRow
from amends.desk.notices.models import Letter
from amends.desk.policies.actions import (
    applicable_versions,
    ask_published,
    version_at_purchase,
)
from amends.desk.policies.announcing import announce_to_all
from amends.desk.policies.drafting import RefusedError, discard_draft, latest_text, save_text, start_draft
from amends.desk.policies.examining import ask, latest, waive
from amends.desk.policies.models import (
    Answer,
    Cancellation,
    Draft,
    DraftText,
    Examination,
    ExaminationKind,
    Notification,
    PolicyVersion,
    Proposal,
    Verdict,
)
from amends.desk.policies.publishing import approve, decline, obstacles, propose
from authoring import (
    CHANGED,
    broken,
    checked,
    install,
    later,
    nothing_published,
    proposed,
    published,
    small,
)
from shop import Shop, day, go_to
from shop import latest as latest_decision

Row = TypeVar("Row", Answer, PolicyVersion)


def changed(row: Row, **fields: object) -> Row:
    found = copy(row)
    for name, value in fields.items():
        setattr(found, name, value)
    return found


def test_a_checked_text_that_two_people_agree_to_is_published_and_told_to_everybody(shop: Shop) -> None:
    version = published(shop, small())

    assert (version.version, version.effective_at) == ("2025-10-01", datetime(2025, 10, 1, tzinfo=UTC))
    assert version.proposal
    assert version.proposal.proof.result["findings"] == []
    assert "z3" in version.proposal.proof.solver
    assert Notification.objects.get().customer == shop.customer
    letter = Letter.objects.get(kind="policy_change")
    assert "From 1 October 2025 on" in letter.text
    assert CHANGED in letter.text
    told = AuditRow.objects.filter(subject__startswith="draft:").order_by("sequence")
    assert [row.action for row in told] == ["started", "proposed", "approved"]


def test_a_version_comes_into_force_on_its_day_by_itself(shop: Shop) -> None:
    line = shop.sell(shop.monthly, at=day(22))
    published(shop, later())
    go_to(datetime(2025, 9, 30, 23, 59, tzinfo=UTC))
    assert version_at_purchase(clock.now()).version == "2025-08-18"

    go_to(datetime(2025, 10, 1, tzinfo=UTC))

    assert version_at_purchase(clock.now()).version == "2025-10-01"
    both = applicable_versions(ask_published().ask(), line.purchased_at, clock.now())
    assert [one.version for one in both] == ["2025-08-18", "2025-10-01"]
    # Day 9: too late by the version at purchase, in time by the one at the request (reading R15).
    assert latest_decision(shop.ask(line)).version.version == "2025-10-01"


def test_nobody_publishes_what_they_proposed(shop: Shop) -> None:
    draft = proposed(shop, small())
    author = Draft.objects.get().started_by

    with pytest.raises(RefusedError, match="somebody else"):
        approve(draft, author, latest_text(draft).sha256)
    with pytest.raises(RefusedError, match="somebody else"):
        decline(draft, author, "No.")

    assert nothing_published()
    assert not Answer.objects.exists()


@pytest.mark.parametrize("role", [Role.AGENT, Role.APPROVER, Role.FINANCE])
def test_only_policy_owners_and_administrators_publish(shop: Shop, role: Role) -> None:
    draft = proposed(shop, small())
    other = shop.staff("other", role)
    sha256 = latest_text(draft).sha256

    for refused in (
        lambda: start_draft(other, small(), ""),
        lambda: save_text(draft, other, broken(), 1),
        lambda: discard_draft(draft, other),
        lambda: ask(latest_text(draft), ExaminationKind.CHECK, other),
        lambda: propose(draft, other, sha256, CHANGED),
        lambda: approve(draft, other, sha256),
        lambda: decline(draft, other, "No."),
    ):
        with pytest.raises(RefusedError, match="Only policy owners"):
            refused()

    assert nothing_published()
    assert (Draft.objects.count(), DraftText.objects.count(), Examination.objects.count()) == (1, 1, 1)


def test_a_text_that_was_not_checked_is_not_proposed(shop: Shop) -> None:
    author = shop.staff("author", Role.POLICY_OWNER)
    draft = start_draft(author, small(), "")

    with pytest.raises(RefusedError, match="not been checked"):
        propose(draft, author, latest_text(draft).sha256, CHANGED)

    assert not Proposal.objects.exists()


def test_a_changed_text_needs_a_new_check_and_a_new_proposal(shop: Shop) -> None:
    draft = proposed(shop, small())
    second = shop.staff("second", Role.POLICY_OWNER)
    shown = latest_text(draft)
    save_text(draft, second, small(window="10 days"), shown.sequence)

    with pytest.raises(RefusedError, match="Nothing is proposed"):
        approve(draft, second, shown.sha256)
    with pytest.raises(RefusedError, match="not been checked"):
        propose(draft, second, latest_text(draft).sha256, CHANGED)

    assert nothing_published()


def test_a_text_that_was_not_shown_is_not_agreed_to(shop: Shop) -> None:
    draft = proposed(shop, small())

    with pytest.raises(RefusedError, match="changed meanwhile"):
        approve(draft, shop.staff("second", Role.ADMIN), "0" * 64)

    assert nothing_published()


def test_findings_keep_a_text_from_being_proposed(shop: Shop) -> None:
    draft, author = checked(shop, broken())
    check = latest(latest_text(draft), ExaminationKind.CHECK)
    assert check
    assert "gap" in {finding["code"] for finding in check.result["findings"]}

    with pytest.raises(RefusedError, match="defect"):
        propose(draft, author, latest_text(draft).sha256, CHANGED)
    with pytest.raises(RefusedError, match="Correct the text"):
        waive(check, 0, author, "It never happens.")

    assert not Proposal.objects.exists()
    assert not check.waivers.exists()


def test_what_the_solver_could_not_settle_is_waived_by_name(shop: Shop) -> None:
    author = shop.staff("author", Role.POLICY_OWNER)
    draft = start_draft(author, small(), "")
    finding = {
        "code": "unproved",
        "clauses": ["fault"],
        "line": 90,
        "message": "Not known.",
        "fix": "Judge it.",
    }
    check = Examination.objects.create(
        text=latest_text(draft),
        kind=ExaminationKind.CHECK,
        asked_by=author,
        asked_at=clock.now(),
        finished_at=clock.now(),
        result={"findings": [finding], "notes": [], "proved": [], "complete": True, "questions": 1},
    )
    assert obstacles(latest_text(draft)) == ["The check found 1 defect."]
    with pytest.raises(RefusedError, match="say why"):
        waive(check, 0, author, "")
    with pytest.raises(RefusedError, match="no such finding"):
        waive(check, 1, author, "It never happens.")

    waive(check, 0, author, "No period is longer than a year.")

    assert obstacles(latest_text(draft)) == []
    assert check.waivers.get().by == author


def test_a_version_that_begins_after_the_notice_is_proposed(shop: Shop) -> None:
    # The clock goes on while the text is checked.
    go_to(datetime(2025, 9, 16, 23, 59, tzinfo=UTC))

    proposed(shop, small())

    assert Proposal.objects.get().short_notice_reason == ""


def test_a_version_that_begins_before_the_notice_ends_is_not_proposed(shop: Shop) -> None:
    go_to(datetime(2025, 9, 17, 0, 0, 1, tzinfo=UTC))
    draft, author = checked(shop, small())

    for reason in ("", "Required by law."):
        with pytest.raises(RefusedError, match="14 days before"):
            propose(draft, author, latest_text(draft).sha256, CHANGED, reason)

    assert not Proposal.objects.exists()


def test_an_administrator_shortens_the_notice_with_a_reason(shop: Shop) -> None:
    draft, _ = checked(shop, small("2025-09-03"))
    admin = shop.staff("admin", Role.ADMIN)
    sha256 = latest_text(draft).sha256
    with pytest.raises(RefusedError, match="why not this time"):
        propose(draft, admin, sha256, CHANGED)

    proposal = propose(draft, admin, sha256, CHANGED, "Required by law.")
    version = approve(draft, shop.staff("second", Role.POLICY_OWNER), sha256)

    assert proposal.short_notice_reason == "Required by law."
    assert version.effective_at == datetime(2025, 9, 3, tzinfo=UTC)


def test_notice_that_ran_out_before_the_second_person_agreed_is_refused(shop: Shop) -> None:
    draft = proposed(shop, small())
    go_to(datetime(2025, 9, 17, 0, 0, 1, tzinfo=UTC))

    with pytest.raises(RefusedError, match="too late by now"):
        approve(draft, shop.staff("second", Role.ADMIN), latest_text(draft).sha256)

    assert nothing_published()


def test_no_version_begins_in_the_past(shop: Shop) -> None:
    draft, _ = checked(shop, small("2025-08-31"))

    with pytest.raises(RefusedError, match="has begun"):
        propose(draft, shop.staff("admin", Role.ADMIN), latest_text(draft).sha256, CHANGED, "Law.")

    assert nothing_published()


@pytest.mark.parametrize(
    "text, why",
    [
        (small().replace("policy: flux-kontext-refunds", "policy: other"), "of the policy “other”"),
        (small().replace("version: 2025-10-01", "version: 2025-08-18"), "published before"),
        (small().replace("grant: refund", "grants: refund"), "does not read"),
    ],
    ids=["another policy", "a version of that name", "it does not read"],
)
def test_a_text_that_cannot_be_a_version_is_not_proposed(shop: Shop, text: str, why: str) -> None:
    draft, author = checked(shop, text)

    with pytest.raises(RefusedError, match=why):
        propose(draft, author, latest_text(draft).sha256, CHANGED)

    assert not Proposal.objects.exists()


def test_a_declined_draft_stays_open_and_can_be_proposed_again(shop: Shop) -> None:
    draft = proposed(shop, small())
    second = shop.staff("second", Role.ADMIN)
    with pytest.raises(RefusedError, match="say why"):
        decline(draft, second, "")

    decline(draft, second, "Ask the counsel first.")

    with pytest.raises(RefusedError, match="Nothing is proposed"):
        approve(draft, second, latest_text(draft).sha256)
    assert nothing_published()
    propose(draft, draft.started_by, latest_text(draft).sha256, CHANGED)
    assert approve(draft, second, latest_text(draft).sha256).version == "2025-10-01"


def test_letters_that_a_crash_interrupted_are_sent_to_the_rest_and_to_nobody_twice(shop: Shop) -> None:
    version = published(shop, small())
    told = Letter.objects.filter(kind="policy_change").count()
    announce_to_all(version.id)

    assert Letter.objects.filter(kind="policy_change").count() == told == 1


def test_the_database_refuses_what_the_desk_would(shop: Shop) -> None:
    version = published(shop, small())
    agreed = Proposal.objects.get()
    fresh = proposed(shop, small("2025-11-01"), "another")
    proposal = Proposal.objects.exclude(id=agreed.id).get()
    answer = Answer(proposal=proposal, verdict=Verdict.APPROVE, at=clock.now())
    other = PolicyVersion(name="x", version="1", effective_at=day(90), text="other", created_at=day(0))
    refused: tuple[Callable[[], object], ...] = (
        lambda: changed(answer, by=proposal.proposed_by, text_sha256=latest_text(fresh).sha256).save(),
        lambda: changed(answer, by=agreed.answer.by, text_sha256="0" * 64).save(),
        lambda: changed(other, proposal=proposal, sha256=latest_text(fresh).sha256).save(),
        lambda: Cancellation.objects.create(
            version=version, by=agreed.proposed_by, reason="No.", at=version.effective_at
        ),
        lambda: Examination.objects.update(result={}),
        lambda: DraftText.objects.update(text="other"),
        lambda: PolicyVersion.objects.filter(id=version.id).update(text="other"),
    )
    for attempt in refused:
        with pytest.raises(IntegrityError), transaction.atomic():
            attempt()
    assert PolicyVersion.objects.get(id=version.id).text == small()


def test_the_first_version_of_a_desk_needs_no_notice_and_tells_nobody(shop: Shop) -> None:
    install(None)
    draft, author = checked(shop, small("2025-08-18"))
    propose(draft, author, latest_text(draft).sha256, "It is the first.")

    version = approve(draft, shop.staff("second", Role.ADMIN), latest_text(draft).sha256)

    assert version_at_purchase(clock.now()) == version
    assert not ProcrastinateJob.objects.filter(task_name="announce_version").exists()
