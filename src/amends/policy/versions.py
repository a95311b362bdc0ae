"""Several versions for one case: the better result wins (reading R15, semantics rule 30)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from amends.policy.answer import Decision, Outcome
from amends.policy.citation import Citation
from amends.policy.decision import decide
from amends.policy.model import Policy

_RANK = (Outcome.DENIED, Outcome.NEEDS_REVIEW, Outcome.NEEDS_INFORMATION, Outcome.GRANTED)


def best_of(decisions: Sequence[Decision]) -> Decision:
    """The best decision for the customer; the others are cited with the role `alternative`.

    Granted by amount, then needs_information, needs_review, denied; ties go to the earlier effective date.
    """
    earliest_first = sorted(decisions, key=lambda decision: decision.policy.effective)
    best = max(earliest_first, key=lambda decision: (_RANK.index(decision.outcome), decision.amount))
    losing = tuple(
        Citation(f"{other.policy.name}@{other.policy.version}", "alternative")
        for other in earliest_first
        if other is not best
    )
    return replace(best, clauses=best.clauses + losing) if best.clauses and losing else best


def decide_each(
    policies: Sequence[Policy],
    inputs: Mapping[str, object],
    *,
    waive: Collection[str] = (),
    grant: str | None = None,
) -> list[Decision]:
    """One decision for each version; what only another version knows is left out for the others.

    Raises: InputError: a bad input, or a name that no version knows.
    """
    return [
        decide(
            policy,
            known_inputs(policy, policies, inputs),
            waive=[name for name in waive if name in policy.clauses or not _is_clause(name, policies)],
            grant=grant
            if grant is None or grant in policy.clauses or not _is_clause(grant, policies)
            else None,
        )
        for policy in policies
    ]


def known_inputs(
    policy: Policy, policies: Sequence[Policy], inputs: Mapping[str, object]
) -> Mapping[str, object]:
    """The inputs without those that another of the versions knows and this one does not."""
    if len(policies) == 1 or not isinstance(inputs, dict):
        return inputs
    foreign = {name for other in policies for name in other.inputs} - set(policy.inputs)
    return {name: value for name, value in inputs.items() if name not in foreign}


def _is_clause(name: str, policies: Sequence[Policy]) -> bool:
    return any(name in policy.clauses for policy in policies)
