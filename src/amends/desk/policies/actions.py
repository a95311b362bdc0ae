"""Publish versions, find those that apply, and ask them."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.db import transaction

from amends import Decision, parse_policy
from amends.desk import clock
from amends.desk.accounts.models import Customer, User
from amends.desk.audit.actions import record
from amends.desk.languages import reader_locale
from amends.desk.policies.models import Acknowledgement, PolicyVersion, Proposal
from amends.desk.questions import Question
from amends.policy import dates
from amends.policy.explanation import count_of
from amends.policy.expression import Compare, Given, Number, walk
from amends.policy.facts import read_facts
from amends.policy.model import Parameter, Policy
from amends.policy.page.changes import TextChange, find_text_changes
from amends.policy.report import Fact, RuleReport, report_facts, report_rules
from amends.policy.versions import best_of, decide_each

_PUBLISHED = """
SELECT ARRAY(SELECT version.id FROM policies_policyversion AS version
    WHERE version.name = %s AND version.published_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM policies_cancellation AS called_off WHERE called_off.version_id = version.id)
    ORDER BY version.effective_at, version.published_at)
"""


class NoPolicyError(Exception):
    """No version of the policy was published."""


def effective_at(policy: Policy) -> datetime:
    """The first instant of the day in the head of a policy, in its own zone."""
    day = datetime.fromisoformat(policy.effective).toordinal()
    return dates.local_time(dates.day_start(day, policy.zone), policy.zone).astimezone(UTC)


def publish(text: str, by: User | None, proposal: Proposal | None = None) -> PolicyVersion:
    """Publish a text as a version, for good; without a proposal it is the one that a desk is installed with.

    Raises: PolicyError: the text does not read. IntegrityError: the version exists.
    """
    policy = parse_policy(text)
    now = clock.now()
    with transaction.atomic():
        version = PolicyVersion.objects.create(
            name=policy.name,
            version=policy.version,
            effective_at=effective_at(policy),
            text=text,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            created_at=now,
            published_at=now,
            published_by=by,
            proposal=proposal,
        )
        actor = f"staff:{by.id}" if by else "desk"
        record(f"policy:{version.id}", actor, "published", version=version.version, sha256=version.sha256)
    return version


@lru_cache(maxsize=64)
def _parse(sha256: str, version_id: UUID) -> Policy:
    return parse_policy(PolicyVersion.objects.get(id=version_id, sha256=sha256).text)


def read(version: PolicyVersion) -> Policy:
    """The version as the kernel reads it; a published text never changes, so it is read once."""
    return _parse(version.sha256, version.id)


def version_at(name: str, at: datetime) -> PolicyVersion:
    """The version in force at an instant; before the first, the first (reading R15).

    Raises: NoPolicyError.
    """
    return _in_force(_ask_published(name).ask(), at)


def published_versions(name: str) -> list[PolicyVersion]:
    """Every published version that was or will be in force, the latest first."""
    published = PolicyVersion.objects.filter(name=name, published_at__isnull=False, cancellation=None)
    return list(published.select_related("published_by").order_by("-effective_at"))


def canceled_versions(name: str) -> list[PolicyVersion]:
    """The versions that were called off before their day, the latest first."""
    canceled = PolicyVersion.objects.filter(name=name, cancellation__isnull=False)
    return list(canceled.select_related("published_by", "cancellation").order_by("-effective_at"))


def text_changes(
    name: str, before: str, after: str
) -> tuple[PolicyVersion, PolicyVersion, tuple[TextChange, ...]] | None:
    """Two published versions and what changed from one text to the other; None where one of them is not there."""
    found = {one.version: one for one in published_versions(name)}
    if before not in found or after not in found:
        return None
    old, new = found[before], found[after]
    return old, new, find_text_changes(read(old), read(new), reader_locale())


def version_at_purchase(purchased_at: datetime) -> PolicyVersion:
    """The version of the desk's policy that was in force at a purchase."""
    return version_at(settings.POLICY_NAME, purchased_at)


def applicable_versions(
    published: Sequence[PolicyVersion], purchased_at: datetime, requested_at: datetime
) -> list[PolicyVersion]:
    """The version in force at the purchase and the one in force at the request (reading R15)."""
    versions = [_in_force(published, at) for at in (purchased_at, requested_at)]
    return list({version.id: version for version in versions}.values())


def ask_published() -> Question[list[PolicyVersion]]:
    """The versions of the desk's policy in the order in which they came into force.

    Raises: NoPolicyError: when it is asked.
    """
    return _ask_published(settings.POLICY_NAME)


def _ask_published(name: str) -> Question[list[PolicyVersion]]:
    def read_ids(version_ids: list[UUID]) -> list[PolicyVersion]:
        if not version_ids:
            raise NoPolicyError(name)
        return [find_version(version_id) for version_id in version_ids]

    return Question(_PUBLISHED, [name], read_ids)


@lru_cache(maxsize=64)
def find_version(version_id: UUID) -> PolicyVersion:
    """A published version without its text, which is long; it never changes, so it is looked up once."""
    return PolicyVersion.objects.defer("text").get(id=version_id)


def _in_force(versions: Sequence[PolicyVersion], at: datetime) -> PolicyVersion:
    begun = [version for version in versions if version.effective_at <= at]
    return begun[-1] if begun else versions[0]


def decide_best(
    versions: Sequence[PolicyVersion],
    inputs: Mapping[str, object],
    *,
    waive: Collection[str] = (),
    grant: str | None = None,
) -> tuple[PolicyVersion, Decision, list[Decision]]:
    """The version that gives the better result, its decision, and those of the others.

    Raises: InputError: the facts contradict each other.
    """
    policies = [read(version) for version in versions]
    decisions = decide_each(policies, inputs, waive=waive, grant=grant)
    best = best_of(decisions)
    chosen = next(version for version, one in zip(versions, policies, strict=True) if one is best.policy)
    return chosen, best, [decision for decision in decisions if decision.policy is not best.policy]


def versions_named(cores: Sequence[Mapping[str, Mapping[str, str]]]) -> list[PolicyVersion]:
    """The versions that stored decisions were made by."""
    return [PolicyVersion.objects.get(sha256=core["policy"]["sha256"]) for core in cores]


def service_number(policy: Policy, name: str) -> int | None:
    """A number that the page promises and the desk keeps, such as `answer_due`."""
    parameter = policy.parameters.get(name)
    value = parameter.value if parameter is not None and parameter.is_service else None
    return value if isinstance(value, int) else None


def limits_on(policy: Policy, name: str) -> list[Parameter]:
    """The numbers of the page that an input is compared with."""
    compared = [
        (part.left, part.right)
        for rule in policy.rules
        for part in walk(rule.when)
        if isinstance(part, Compare)
    ]
    found = [
        right.name
        for left, right in compared
        if isinstance(left, Given) and left.name == name and isinstance(right, Number)
    ]
    return [policy.parameters[number] for number in dict.fromkeys(found)]


def report_on(
    version: PolicyVersion, inputs: Mapping[str, object]
) -> tuple[tuple[RuleReport, ...], tuple[Fact, ...]]:
    """What every rule of a version makes of the facts of a case, and the facts as people read them."""
    policy = read(version)
    facts = read_facts(policy.inputs, policy.currencies, inputs)
    locale = reader_locale()
    return report_rules(policy, facts, locale), report_facts(policy, facts, locale)


def fix_days(policy: Policy) -> int | None:
    """Within how many days the page promises to fix a fault."""
    parameter = policy.parameters.get("fix_time")
    return parameter.value if parameter is not None and isinstance(parameter.value, int) else None


def days_open(policy: Policy, reported_at: datetime, at: datetime) -> int:
    """For how many days a fault was open at an instant: 0 on the day of the report.

    Time: days of the policy's zone.
    """
    zone = dates.load_zone(policy.zone)
    return (at.astimezone(zone).date() - reported_at.astimezone(zone).date()).days


@dataclass(frozen=True, slots=True)
class FaultMeasure:
    """The numbers of the page by which jobs show what a fault does (reading R12)."""

    share_broken: Fraction
    """From this share on it is so: of failed jobs, or of days."""
    share_working: Fraction
    """Up to this share of failed jobs it is not."""
    jobs_enough: int
    days_enough: int


def fault_measure(policy: Policy) -> FaultMeasure | None:
    """By which numbers the page judges a fault; None where it does not name them all."""
    shares = [_service_share(policy, name) for name in ("share_broken", "share_working")]
    counts = [service_number(policy, name) for name in ("jobs_enough", "days_enough")]
    match [*shares, *counts]:
        case [Fraction() as broken, Fraction() as working, int(jobs), int(days)]:
            return FaultMeasure(broken, working, jobs, days)
        case _:
            return None


def _service_share(policy: Policy, name: str) -> Fraction | None:
    parameter = policy.parameters.get(name)
    value = parameter.value if parameter is not None and parameter.is_service else None
    return value if isinstance(value, Fraction) else None


def arrival(policy: Policy, method: str) -> tuple[str, str] | None:
    """When money arrives by a payment method, by the page's own table: earliest and latest (P3)."""
    table = policy.tables.get("arrival")
    row = next((row for row in table.rows if row.keys[0].member == method), None) if table else None
    return (_in_words(row.values[0]), _in_words(row.values[-1])) if row else None


def question_lang(policy: Policy, question: str) -> str:
    """The language of a question: of the page where the page asks it, empty where the words are ours."""
    asked = {need.question for rule in policy.rules for need in rule.needs}
    return policy.lang if question in asked else ""


def _in_words(number: Parameter) -> str:
    """A number of the page in the reader's language, or as the page has it where it counts nothing."""
    if isinstance(number.value, int) and len(number.type.unit) == 1 and number.currency is None:
        return count_of(number.value, number.type.unit[0][0], reader_locale())
    return number.text


def acknowledge(customer: Customer, version: PolicyVersion, how: str) -> None:
    """Keep that a customer was shown a version (V2).

    Idempotent: the first acknowledgement stays.
    """
    Acknowledgement.objects.get_or_create(
        customer=customer, version=version, defaults={"at": clock.now(), "how": how}
    )
