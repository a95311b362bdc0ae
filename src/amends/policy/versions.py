"""Several versions for one case: the better result wins (reading R15, semantics rule 30)."""

from collections.abc import Sequence
from dataclasses import replace

from amends.policy.answer import Decision, Outcome
from amends.policy.citation import Citation

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
