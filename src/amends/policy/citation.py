"""Which clauses a decision cites, and in which role."""

from dataclasses import dataclass

from amends.policy.model import Policy, Verb
from amends.policy.resolution import Clauses, members

_ROLE = {Verb.GRANT: "grants", Verb.DENY: "denies", Verb.REFER: "refers"}
_ORDER = ("grants", "denies", "refers", "waived", "overridden", "possible")


@dataclass(frozen=True, slots=True)
class Citation:
    """A clause and the part it played: grants, denies, refers, overridden, possible or waived."""

    id: str
    role: str
    by: str | None = None
    """The first clause that overrides it."""

    def as_json(self) -> dict[str, str]:
        """The shape of the contract."""
        shown = {"id": self.id, "role": self.role}
        return shown | {"by": self.by} if self.by else shown


def cite(policy: Policy, clauses: Clauses, waived: int) -> tuple[Citation, ...]:
    """Every clause that holds, might hold or was set aside, each once, strongest role first."""
    found: dict[str, Citation] = {}
    winning = clauses.winning
    refers = any(policy.rules[index].verb is Verb.REFER for index in members(winning))
    for index in members(clauses.true | clauses.unknown | waived):
        citation = _citation(policy, clauses, index, waived)
        if refers and citation.role in ("grants", "denies"):
            citation = Citation(citation.id, "possible")
        known = found.get(citation.id)
        if known is None or _ORDER.index(citation.role) < _ORDER.index(known.role):
            found[citation.id] = citation
    return tuple(sorted(found.values(), key=lambda citation: _ORDER.index(citation.role)))


def _citation(policy: Policy, clauses: Clauses, index: int, waived: int) -> Citation:
    rule = policy.rules[index]
    if waived >> index & 1:
        return Citation(rule.clause, "waived")
    if not clauses.true >> index & 1:
        return Citation(rule.clause, "possible")
    attackers = clauses.attackers[index] & clauses.true
    if attackers:
        return Citation(rule.clause, "overridden", policy.rules[next(members(attackers))].clause)
    return Citation(rule.clause, _ROLE[rule.verb])
