"""Two policies side by side: who gains, who loses, how much, with a case for each; or a proof of no difference.

The whole verdict counts: outcome, grant, lines and the clauses cited. Cases are complete; an input that only one of
the policies knows ranges freely (semantics, rule 35).
"""

from amends.policy.checker.smt import Answer, Term, opposite
from amends.policy.comparison.difference import Change, Comparison, Difference, Verdict
from amends.policy.comparison.pair import DifferentInputsError, Pair
from amends.policy.comparison.report import comparison_json, summarise
from amends.policy.model import Policy

__all__ = [
    "Change",
    "Comparison",
    "Difference",
    "DifferentInputsError",
    "Verdict",
    "compare",
    "comparison_json",
    "summarise",
]

DIFFERENCES_MAX = 60
"""Comparing stops here: a policy that differs in more ways is another policy."""


def compare(before: Policy, after: Policy) -> Comparison:
    """Every pair of reasons with which two policies answer a case differently.

    Raises: DifferentInputsError: no case fits both.
    """
    pair = Pair(before, after)
    found: list[Difference] = []
    is_complete = True
    for differs in (pair.differs_in_result, pair.differs_in_reasons, pair.is_unclear):
        seen: list[Term] = []
        while len(seen) < DIFFERENCES_MAX and (answer := pair.prover.ask(differs, *seen)) is Answer.POSSIBLE:
            pattern = pair.pattern()
            difference = pair.difference(differs, pattern)
            seen.append(opposite(pattern))
            if difference is None:
                is_complete = False
            else:
                found.append(difference)
        is_complete = is_complete and answer is Answer.IMPOSSIBLE
    return Comparison(before, after, tuple(_sorted(found)), is_complete)


def _sorted(found: list[Difference]) -> list[Difference]:
    order = list(Change)
    return sorted(found, key=lambda one: (order.index(one.change), -(one.amount or 0)))
