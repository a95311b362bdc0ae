"""The decision card: what was decided, what every rule of the policy makes of the case, and what would be done."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from amends.desk import clock
from amends.desk.cases.approving import approvals_needed
from amends.desk.cases.diagnosis import Diagnosis, counted_in_words
from amends.desk.cases.models import Approval, Case, CaseState, DecisionRecord, Verdict
from amends.desk.console.rows import Badge, outcome_badge
from amends.desk.console.words import say_code
from amends.desk.policies import actions as policies
from amends.desk.policies.models import PolicyVersion
from amends.policy.model import Verb
from amends.policy.report import Condition, Fact, RuleReport

_HEADLINES = {
    "granted": _("The policy grants it"),
    "denied": _("The policy denies it"),
    "needs_information": _("The policy needs more"),
    "needs_review": _("The policy asks for a person"),
}
_TRUTHS = {True: _("true"), False: _("false"), None: _("unknown")}
_ROLES = {
    "grants": _("grants"),
    "denies": _("denies"),
    "refers": _("asks for a person"),
    "overridden": _("overridden"),
    "possible": _("might apply"),
    "waived": _("set aside by a person"),
}
_TONES = {Verb.GRANT: "true", Verb.DENY: "deny", Verb.REFER: "unknown"}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One clause as the card shows it."""

    clause: str
    text: str
    truth: str | Promise
    tone: str
    role: str | Promise
    by: str
    """The clause that overrides it."""
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What people agree to, and how many still have to."""

    content: Mapping[str, object]
    sha256: str
    needed: int
    given: list[Approval]
    is_open: bool
    """Somebody may agree now."""


@dataclass(frozen=True, slots=True)
class Card:
    """The latest decision of a case."""

    record: DecisionRecord
    headline: Promise
    outcome: Badge
    applying: list[Sentence]
    """What has a part in the decision: it holds, might hold, was set aside, or a person used it."""
    others: list[Sentence]
    """What has none."""
    facts: tuple[Fact, ...]
    current: PolicyVersion
    plan: Plan | None

    @property
    def is_current(self) -> bool:
        """Whether the version that decided is the one in force."""
        return self.current.id == self.record.version_id


def make_card(case: Case, record: DecisionRecord) -> Card:
    """Everything that stands on the card."""
    rules, facts = policies.report_on(record.version, record.inputs)
    parts = {one["id"]: one for one in record.core["clauses"]}
    sources = _sources(case, record)
    sentences = [_sentence(rule, parts.get(rule.clause)) for rule in rules]
    return Card(
        record=record,
        headline=_HEADLINES[record.outcome],
        outcome=outcome_badge(record.outcome),
        applying=[one for one in sentences if one.role],
        others=[one for one in sentences if not one.role],
        facts=tuple(
            replace(fact, answered_by=sources.get(fact.name, say_code(fact.answered_by))) for fact in facts
        ),
        current=policies.version_at(settings.POLICY_NAME, clock.now()),
        plan=_plan(case, record) if record.plan else None,
    )


def _sources(case: Case, record: DecisionRecord) -> dict[str, str]:
    """Of the facts of a fault: the jobs that show it, or who stated it and why."""
    if record.diagnosis is None:
        return {}
    found = Diagnosis(**record.diagnosis)
    derived = {name: counted_in_words(found, name) for name in found.derived}
    stated = case.statements.filter(at__lte=record.decided_at, name__in=found.stated)
    by_name = {
        one.name: f"{one.stated_by.name or one.stated_by.email}: {one.reason}"
        for one in stated.select_related("stated_by").order_by("at", "id")
    }
    return derived | by_name


def _sentence(rule: RuleReport, part: Mapping[str, str] | None) -> Sentence:
    return Sentence(
        clause=rule.clause,
        text=rule.text,
        truth=_TRUTHS[rule.held],
        tone="" if rule.held is False else "unknown" if rule.held is None else _TONES[rule.verb],
        role=_ROLES[part["role"]] if part else "",
        by=part.get("by", "") if part else "",
        conditions=rule.conditions,
    )


def _plan(case: Case, record: DecisionRecord) -> Plan:
    given = list(record.approvals.filter(verdict=Verdict.APPROVE).select_related("by").order_by("at"))
    return Plan(
        content=record.plan,
        sha256=record.plan_sha256,
        needed=max(approvals_needed(case, record), 1),
        given=given,
        is_open=case.state in (CaseState.DECIDED, CaseState.OPEN),
    )
