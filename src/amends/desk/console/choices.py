"""What the forms of a case offer: facts that staff state, clauses that can be set aside, grants that can be used."""

from dataclasses import dataclass

from amends.desk.cases.models import Case, DecisionRecord
from amends.desk.cases.stating import FIXED_AT
from amends.desk.policies import actions as policies
from amends.policy.facts import Input
from amends.policy.model import Policy, Rule, Verb


@dataclass(frozen=True, slots=True)
class Waivable:
    """A clause that a person may set aside."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Choices:
    """The options of the forms."""

    inputs: list[Input]
    cited: list[Waivable]
    """The latest decision names them."""
    others: list[Waivable]
    grants: list[Rule]


def choices_of(case: Case, record: DecisionRecord | None) -> Choices:
    """The options of a case, by the version that decided it."""
    version = record.version if record else policies.version_at_purchase(case.line.purchased_at)
    policy = policies.read(version)
    cited = {part["id"] for part in record.core["clauses"]} if record else set()
    waivable = _waivable(policy)
    return Choices(
        inputs=[one for one in policy.inputs.values() if one.answered_by == "staff" and one.name != FIXED_AT],
        cited=[one for one in waivable if one.id in cited],
        others=[one for one in waivable if one.id not in cited],
        grants=[rule for rule in policy.rules if rule.verb is Verb.GRANT],
    )


def _waivable(policy: Policy) -> list[Waivable]:
    ruled = dict.fromkeys(rule.clause for rule in policy.rules if rule.verb is not Verb.GRANT)
    return [Waivable(clause, policy.clauses[clause].text) for clause in ruled]
