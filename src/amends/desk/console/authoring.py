"""What the page of a draft shows: its text, what was found out about it, and what keeps it from being published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from amends.desk.accounts.models import Role, User
from amends.desk.console.backtests import Backtest, make_backtest
from amends.desk.console.rows import Badge, outcome_badge
from amends.desk.languages import reader_locale
from amends.desk.policies import actions as policies
from amends.desk.policies.drafting import latest_text, read_draft
from amends.desk.policies.examining import UNPROVED, latest, version_in_force
from amends.desk.policies.examples import Answer, answer_to, facts_in_words
from amends.desk.policies.models import (
    Draft,
    DraftText,
    Examination,
    ExaminationKind,
    PolicyVersion,
    Proposal,
    Waiver,
)
from amends.desk.policies.publishing import keeps_notice, obstacles, open_proposal
from amends.policy.errors import Problem
from amends.policy.model import Policy
from amends.policy.page.changes import TextChange, find_text_changes

_CHANGES: dict[str, tuple[str | Promise, str]] = {
    "gains": (_("gains"), "good"),
    "loses": (_("loses"), "bad"),
}
_SAME = (_("same result, other reasons"), "")
_REFUSED = Badge(_("Impossible"), "")


@dataclass(frozen=True, slots=True)
class Shown:
    """A case that shows something, and what the text answers."""

    facts: list[tuple[str, str]]
    answer: Answer

    @property
    def outcome(self) -> Badge:
        """The answer in a word."""
        return badge_of(self.answer)


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of a check, with its cases."""

    place: int
    content: Mapping[str, Any]
    cases: list[Shown]
    waiver: Waiver | None

    @property
    def may_be_waived(self) -> bool:
        """Whether a person may take it upon themselves."""
        return self.content["code"] == UNPROVED and self.waiver is None


@dataclass(frozen=True, slots=True)
class Difference:
    """One kind of case that two versions answer otherwise."""

    change: Badge
    before: Answer
    after: Answer
    most: int | None
    """The most that it was found to come to, of 100.00 paid; in minor units of `currency`."""
    facts: list[tuple[str, str]]

    @property
    def is_same(self) -> bool:
        """Whether only the reasons are others."""
        return not self.change.tone

    @property
    def sides(self) -> list[tuple[Badge, Answer]]:
        """Both answers, each with its word."""
        return [(badge_of(answer), answer) for answer in (self.before, self.after)]


@dataclass(frozen=True, slots=True)
class Publication:
    """What is still to be done before the text is in force."""

    obstacles: list[str]
    proposal: Proposal | None
    is_own: bool
    """Whether the reader proposed it, and cannot agree to it."""
    keeps_notice: bool
    is_admin: bool


@dataclass(frozen=True, slots=True)
class DraftPage:
    """Everything on the page of a draft."""

    draft: Draft
    text: DraftText
    policy: Policy | None
    problems: tuple[Problem, ...]
    rendered: str
    """The problems with the lines they stand in."""
    changes: tuple[TextChange, ...]
    in_force: PolicyVersion | None
    check: Examination | None
    findings: list[Finding]
    comparison: Examination | None
    differences: list[Difference]
    backtest: Examination | None
    replayed: Backtest | None
    bound: Examination | None
    bounded: Backtest | None
    publication: Publication

    @property
    def moved(self) -> list[Difference]:
        """Where somebody gains or loses."""
        return [one for one in self.differences if not one.is_same]

    @property
    def unmoved(self) -> list[Difference]:
        """Where only the reasons are others."""
        return [one for one in self.differences if one.is_same]

    @property
    def is_waiting(self) -> bool:
        """Whether a worker is still at something."""
        asked = (self.check, self.comparison, self.backtest, self.bound)
        return any(one is not None and one.finished_at is None for one in asked)


def badge_of(answer: Answer) -> Badge:
    """An answer in a word."""
    return _REFUSED if answer.outcome == "error" else outcome_badge(answer.outcome)


def make_page(draft: Draft, user: User) -> DraftPage:
    """The page of a draft as one person sees it."""
    text = latest_text(draft)
    policy, problems, rendered = read_draft(text.text)
    in_force = version_in_force()
    check, comparison, backtest, bound = (
        latest(text, kind)
        for kind in (
            ExaminationKind.CHECK,
            ExaminationKind.COMPARISON,
            ExaminationKind.BACKTEST,
            ExaminationKind.BOUND,
        )
    )
    return DraftPage(
        draft=draft,
        text=text,
        policy=policy,
        problems=problems,
        rendered=rendered,
        changes=find_text_changes(policies.read(in_force), policy, reader_locale())
        if policy and in_force
        else (),
        in_force=in_force,
        check=check,
        findings=findings_of(check, policy) if check and policy else [],
        comparison=comparison,
        differences=_differences(comparison, policy) if comparison and policy else [],
        backtest=backtest,
        replayed=make_backtest(backtest.result) if backtest and backtest.result else None,
        bound=bound,
        bounded=make_backtest(bound.result) if bound and bound.result else None,
        publication=_publication(draft, text, policy, user),
    )


def _publication(draft: Draft, text: DraftText, policy: Policy | None, user: User) -> Publication:
    proposal = open_proposal(draft)
    return Publication(
        obstacles=obstacles(text),
        proposal=proposal,
        is_own=proposal is not None and proposal.proposed_by_id == user.id,
        keeps_notice=policy is not None and keeps_notice(policy),
        is_admin=user.has_role(Role.ADMIN),
    )


def findings_of(check: Examination, policy: Policy) -> list[Finding]:
    """The findings of a finished check, each with its cases decided anew."""
    if check.result is None:
        return []
    waivers = {one.finding: one for one in check.waivers.select_related("by")}
    return [
        Finding(place, content, _cases(policy, content.get("witness", [])), waivers.get(place))
        for place, content in enumerate(check.result["findings"])
    ]


def _cases(policy: Policy, cases: Sequence[Mapping[str, object]]) -> list[Shown]:
    return [Shown(facts_in_words([policy], case), answer_to(policy, case)) for case in cases]


def _differences(comparison: Examination, policy: Policy) -> list[Difference]:
    if comparison.result is None or comparison.before is None:
        return []
    both = [policy, policies.read(comparison.before)]
    return [_difference(one, both) for one in comparison.result["differences"]]


def _difference(found: Mapping[str, Any], both: Sequence[Policy]) -> Difference:
    before, after = (_answer(found[side], str(found["case"]["currency"])) for side in ("before", "after"))
    change = Badge(*_CHANGES.get(found["change"], _SAME))
    return Difference(change, before, after, found["most_found"], facts_in_words(both, found["case"]))


def _answer(side: Mapping[str, Any], currency: str) -> Answer:
    return Answer(side["outcome"], side["amount"], currency, tuple(side["clauses"]))
