"""Ask a worker what can be found out about a text, and keep what it found.

Proofs take seconds and the whole of a processor, so no request waits for them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version as version_of
from typing import TypeAlias
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from amends import PolicyError, parse_policy
from amends.desk import clock
from amends.desk.accounts.models import User
from amends.desk.audit.actions import record
from amends.desk.jobs import enqueue
from amends.desk.policies.actions import NoPolicyError, read, version_at
from amends.desk.policies.drafting import RefusedError, demand_author
from amends.desk.policies.models import DraftText, Examination, ExaminationKind, PolicyVersion, Waiver
from amends.desk.unit_of_work import unit_of_work
from amends.policy.model import Policy

DAYS_MAX = 3_650
"""A bound asks within ten years of a purchase."""
UNPROVED = "unproved"
"""The one kind of finding that somebody may take upon themselves: nobody knows whether it is one."""
Result: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class Past:
    """The past of the desk, decided by two versions: it lives in a room above."""

    requests: Callable[[Policy, Policy], Result]
    purchases: Callable[[Policy, Policy, int], Result]
    """As if everybody had asked on a day."""


class NotPossibleError(Exception):
    """An examination has no result; the message says why."""


def version_in_force() -> PolicyVersion | None:
    """The version in force now; None on a desk without one."""
    try:
        return version_at(settings.POLICY_NAME, clock.now())
    except NoPolicyError:
        return None


def ask(text: DraftText, kind: ExaminationKind, by: User, *, asks_on_day: int | None = None) -> Examination:
    """Have a worker find something out about a text; one that is under way is not asked for again.

    A bound needs `asks_on_day`, the day after its purchase on which everybody asks; nothing else has one.
    Raises: RefusedError.
    """
    demand_author(by)
    if asks_on_day is not None and asks_on_day > DAYS_MAX:
        raise RefusedError(_("Please name a day from 0 to %(most)s.") % {"most": DAYS_MAX})
    before = version_in_force() if kind != ExaminationKind.CHECK else None
    if kind != ExaminationKind.CHECK and before is None:
        raise RefusedError(_("There is no version in force to compare with."))
    with unit_of_work():
        examination, is_fresh = Examination.objects.get_or_create(
            text=text,
            kind=kind,
            finished_at=None,
            defaults={
                "before": before,
                "asks_on_day": asks_on_day,
                "asked_by": by,
                "asked_at": clock.now(),
            },
        )
        if is_fresh:
            enqueue("examine_draft", examination_id=str(examination.id))
    return examination


def examine(examination_id: UUID, past: Past) -> None:
    """Find out what was asked, and keep it; the worker's part.

    No transaction is open meanwhile. Idempotent: what is finished stays as it is.
    """
    examination = Examination.objects.select_related("text", "before").get(id=examination_id)
    if examination.finished_at is not None:
        return
    try:
        examination.result = _find_out(examination, past)
    except (PolicyError, NotPossibleError) as error:
        examination.failure = str(error)
    if examination.kind in (ExaminationKind.CHECK, ExaminationKind.COMPARISON):
        examination.solver = f"z3 {version_of('z3-solver')}"
    examination.finished_at = clock.now()
    examination.save(update_fields=["result", "failure", "solver", "finished_at"])


def _find_out(examination: Examination, past: Past) -> Result:
    policy = parse_policy(examination.text.text)
    if examination.kind == ExaminationKind.CHECK:
        return _check(policy)
    assert examination.before is not None
    before = read(examination.before)
    if examination.kind == ExaminationKind.COMPARISON:
        return _compare(before, policy)
    if examination.asks_on_day is None:
        return past.requests(before, policy)
    return past.purchases(before, policy, examination.asks_on_day)


def _check(policy: Policy) -> Result:
    from amends.policy.checker import check_policy  # noqa: PLC0415 -- loads the solver, which web does without

    return check_policy(policy).as_json("policy")


def _compare(before: Policy, after: Policy) -> Result:
    from amends.policy.comparison import (  # noqa: PLC0415 -- as above
        DifferentInputsError,
        compare,
        comparison_json,
    )

    try:
        return comparison_json(compare(before, after))
    except DifferentInputsError as error:
        raise NotPossibleError(str(error)) from error


def latest(text: DraftText, kind: ExaminationKind) -> Examination | None:
    """The examination of a kind that was asked for last."""
    found = text.examinations.filter(kind=kind).select_related("before", "text", "asked_by")
    return found.order_by("-asked_at", "-id").first()


def open_findings(check: Examination) -> list[int]:
    """The places of the findings of a finished check that nobody waived: each keeps the text from being published."""
    assert check.result is not None
    waived = set(check.waivers.values_list("finding", flat=True))
    return [place for place in range(len(check.result["findings"])) if place not in waived]


def waive(check: Examination, place: int, by: User, reason: str) -> Waiver:
    """Take a finding that the solver could not settle upon oneself, by name.

    Raises: RefusedError: the finding is a defect, or no reason is given.
    """
    demand_author(by)
    found = check.result["findings"] if check.result is not None else []
    if not 0 <= place < len(found):
        raise RefusedError(_("There is no such finding; look at the check again."))
    if found[place]["code"] != UNPROVED:
        raise RefusedError(
            _("Only what the solver could not settle can be waived. Correct the text instead.")
        )
    if not reason:
        raise RefusedError(_("Please say why it cannot happen; the reason stays with the version."))
    with unit_of_work():
        waiver, is_fresh = Waiver.objects.get_or_create(
            examination=check, finding=place, defaults={"by": by, "reason": reason, "at": clock.now()}
        )
        if is_fresh:
            draft = f"draft:{check.text.draft_id}"
            record(draft, f"staff:{by.id}", "waived", finding=found[place]["message"], reason=reason)
    return waiver
