"""The values beside each number, each shown by a case on either side that `decide` confirms.

The solver is asked beside the assumptions alone: a case of one rule need not carry all others along.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from amends.policy.checker.encoding import Encoding
from amends.policy.checker.situation import encode, is_met, is_possible, is_required
from amends.policy.checker.smt import Term, both, equal, opposite
from amends.policy.checker.witness import Case, read_case
from amends.policy.decision import decide
from amends.policy.expression import All, Compare, Node, Number
from amends.policy.limits import BoundaryExample, boundary_examples
from amends.policy.model import Policy, Rule
from amends.policy.resolution import members

_DECIDING = ("grants", "denies", "refers")


@dataclass(frozen=True, slots=True)
class Boundary:
    """A boundary example with a case on either side: by the last value the clause decides, by the next it does not."""

    clause: str
    example: BoundaryExample
    inside: Case
    outside: Case

    def as_json(self) -> dict[str, object]:
        """The boundary for programs."""
        return {
            "clause": self.clause,
            "number": self.example.limit.number.name,
            "fact": self.example.fact,
            "yes": self.example.last,
            "no": self.example.first_outside,
            "yes_case": dict(self.inside),
            "no_case": dict(self.outside),
        }


def find_boundaries(policy: Policy) -> tuple[Boundary, ...]:
    """Every boundary example of a policy that two cases show; one that no case can reach is left out."""
    encoding = encode(policy)
    encoding.prover.require(is_possible(encoding), is_required(encoding))
    return tuple(
        found
        for rule in policy.rules
        for example in boundary_examples(policy, rule)
        if (found := _boundary(encoding, rule, example)) is not None
    )


def _boundary(encoding: Encoding, rule: Rule, example: BoundaryExample) -> Boundary | None:
    policy, fact = encoding.policy, encoding.quantity(example.limit.fact)
    known = both(fact.known, *(encoding.truth(part).true for part in _other_conditions(rule, example)))
    last, beyond = example.values
    above = (encoding.truth(policy.rules[index].when) for index in members(policy.attackers[rule.index]))
    wins = both(encoding.truth(rule.when).true, *(opposite(when.true) for when in above))
    inside = _case(encoding, known, wins, is_met(encoding, rule), equal(fact.top, last))
    outside = _case(encoding, known, equal(fact.top, beyond))
    if inside is None or outside is None:
        return None
    if not _decides(policy, rule, inside) or _decides(policy, rule, outside):
        return None
    return Boundary(rule.clause, example, inside, outside)


def _other_conditions(rule: Rule, example: BoundaryExample) -> Iterator[Node]:
    """What else the rule demands, so that nothing but the number keeps it from holding."""
    parts = rule.when.operands if isinstance(rule.when, All) else ()
    for part in parts:
        match part:
            case Compare(left=Number() as number) | Compare(right=Number() as number):
                if number.name != example.limit.number.name:
                    yield part
            case _:
                yield part


def _case(encoding: Encoding, *terms: Term) -> Case | None:
    return read_case(encoding) if encoding.prover.allows(*terms) else None


def _decides(policy: Policy, rule: Rule, case: Case) -> bool:
    return any(one.id == rule.clause and one.role in _DECIDING for one in decide(policy, case).clauses)
