"""`decide`: one case, one policy, one answer with its reasons.

Pure: no clock, no I/O, no randomness. The same inputs and the same file give the same bytes, in any process.
The rules are those of `docs/semantics.md`; each step below names its own.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from amends.policy import dates
from amends.policy.amounts import AmountLine, Entitlement, entitle, inputs_behind, written_lines
from amends.policy.answer import Decision, Outcome
from amends.policy.boundaries import opening_days
from amends.policy.citation import Citation, cite
from amends.policy.compiled import program_of
from amends.policy.errors import InputError, suggest
from amends.policy.evaluation import Evaluation
from amends.policy.facts import Facts, read_facts
from amends.policy.model import Policy, Rule, Verb, inputs_read
from amends.policy.program import Program, Results
from amends.policy.resolution import (
    DENIES,
    REFERS,
    UNDETERMINED,
    Clauses,
    Signature,
    Standing,
    mask,
    members,
    resolve,
)

SHAPES_MAX = 4_096


@dataclass(frozen=True, slots=True)
class Waiver:
    """What a person sets aside: named clauses, and the grant clause to use where nothing is left (semantics, rule 32)."""

    clauses: frozenset[str] = frozenset()
    grant: str | None = None


def decide(
    policy: Policy, inputs: Mapping[str, object], *, waive: Collection[str] = (), grant: str | None = None
) -> Decision:
    """Decide one case.

    `waive` names clauses that a person sets aside; `grant` names the granting clause that the person uses instead,
    if no other holds. No amount is ever given.
    Raises: InputError: a bad input, a broken assumption, or a waiver of an unknown clause.
    """
    facts = read_facts(policy.inputs, policy.currencies, inputs)
    return decide_facts(program_of(policy), facts, _read_waiver(policy, waive, grant))


def decide_facts(program: Program, facts: Facts, waiver: Waiver | None = None) -> Decision:
    """Decide a case whose inputs are validated.

    Raises: InputError: a broken assumption.
    """
    policy = program.policy
    _check_assumptions(program, facts)
    unmet = [name for name in policy.requires if facts[name] is not True]
    if unmet:
        return Decision(Outcome.NEEDS_INFORMATION, policy, str(facts["currency"]), missing=tuple(unmet))
    decision = _Case(program, facts, waiver).decide()
    if decision.outcome is Outcome.DENIED and waiver is None and (openable := program.openable(facts)):
        opens_on = _opening_date(program, facts, openable)
        decision = replace(decision, opens_on=opens_on) if opens_on else decision
    return _keep_promises(program, facts, decision, waiver)


def _read_waiver(policy: Policy, waive: Collection[str], grant: str | None) -> Waiver | None:
    if not waive and grant is None:
        return None
    for name in sorted(waive):
        if name not in policy.clauses:
            hint = suggest(name, policy.clauses, f"The clauses are {', '.join(policy.clauses)}.")
            raise InputError("unknown_clause", None, f"`{name}` is no clause of this policy. {hint}")
    grants = {rule.clause for rule in policy.rules if rule.verb is Verb.GRANT}
    if grant is not None and grant not in grants:
        raise InputError("unknown_clause", None, f"`{grant}` grants nothing; {', '.join(sorted(grants))} do.")
    return Waiver(frozenset(waive), grant)


def _check_assumptions(program: Program, facts: Facts) -> None:
    index = program.broken_assumption(facts)
    if index < 0:
        return
    policy = program.policy
    read = inputs_read(policy, policy.assumptions[index])
    name = next((name for name in policy.inputs if name in read), None)
    raise InputError(
        "impossible_case", name, f"The case contradicts `assume: {assumption_text(policy, index)}`."
    )


def assumption_text(policy: Policy, index: int) -> str:
    """An assumption as the policy writes it."""
    span = policy.assumptions[index].span
    return policy.text.split("\n")[span.line - 1][span.column - 1 : span.column - 1 + span.length]


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the truth of the clauses alone decides, remembered for the next case in which the same ones hold."""

    citations: tuple[Citation, ...]
    is_denial: bool
    """Every winner denies, whatever the lines and needs of others."""
    is_referral: bool
    """A winner refers, and no other grants, whatever the lines and needs of others."""
    granting: int | None
    """The one rule that wins, if it grants and nothing unknown can change that."""


def _shape_of(program: Program, true: int, unknown: int) -> _Shape:
    shape = program.shapes.get((true, unknown))
    if isinstance(shape, _Shape):
        return shape
    policy = program.policy
    # Signatures and needs depend on the case, so they are not looked at here.
    clauses = Clauses(true, unknown, policy.attackers, lambda _: UNDETERMINED, lambda _: True)
    winners = [policy.rules[index] for index in members(clauses.winning)]
    doubtful = bool(clauses.able_to_win) or any(policy.attackers[rule.index] & unknown for rule in winners)
    plain = not doubtful and all(
        rule.verb is not Verb.GRANT and not rule.lines and not rule.needs for rule in winners
    )
    refers = any(rule.verb is Verb.REFER for rule in winners)
    granting = len(winners) == 1 and winners[0].verb is Verb.GRANT
    shape = _Shape(
        citations=cite(policy, clauses, 0),
        is_denial=plain and bool(winners) and not refers,
        is_referral=plain and refers,
        granting=winners[0].index if granting and not doubtful else None,
    )
    if len(program.shapes) < SHAPES_MAX:
        program.shapes[(true, unknown)] = shape
    return shape


class _Case:
    """One case on its way to a decision."""

    def __init__(self, program: Program, facts: Facts, waiver: Waiver | None) -> None:
        self.program = program
        self.policy = program.policy
        self.facts = facts
        true, unknown = program.truth(facts)
        self.waived = 0
        if waiver is not None:
            true, unknown = self._waive(waiver, true, unknown)
        self.true, self.unknown = true, unknown
        self.shape = None if self.waived else _shape_of(program, true, unknown)
        self._entitlements: dict[int, Entitlement | None] = {}

    @cached_property
    def clauses(self) -> Clauses:
        """The rules of the case, for what their truth alone does not decide."""
        return Clauses(self.true, self.unknown, self.policy.attackers, self._signature, self._is_met)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Who is cited."""
        return self.shape.citations if self.shape else cite(self.policy, self.clauses, self.waived)

    def _waive(self, waiver: Waiver, true: int, unknown: int) -> tuple[int, int]:
        named = mask(rule.index for rule in self.policy.rules if rule.clause in waiver.clauses)
        self.waived = (true | unknown) & named
        true, unknown = true & ~named, unknown & ~named
        if not true and waiver.grant is not None:
            chosen = mask(
                r.index for r in self.policy.rules if r.clause == waiver.grant and r.verb is Verb.GRANT
            )
            true, unknown = chosen & -chosen, unknown & ~chosen
        return true, unknown

    def decide(self) -> Decision:
        """The decision; most cases are settled by the truth of the clauses alone."""
        shape = self.shape
        if shape is not None and shape.is_denial:
            return self._answer(Outcome.DENIED)
        if shape is not None and shape.is_referral:
            return self._answer(Outcome.NEEDS_REVIEW, reason=Standing.REFERS.value)
        if shape is not None and shape.granting is not None and self._is_met(shape.granting):
            entitlement = self._entitlement(shape.granting)
            if entitlement is not None:
                return self._granted(self.policy.rules[shape.granting], entitlement)
        return self._resolved()

    def _resolved(self) -> Decision:
        standing = resolve(self.clauses)
        if standing is Standing.ASK:
            return self._ask()
        if standing is Standing.AGREE:
            return self._agreed()
        return self._review(standing.value)

    def _agreed(self) -> Decision:
        first = self.policy.rules[next(members(self.clauses.winning))]
        if first.verb is Verb.DENY:
            return self._answer(Outcome.DENIED, owed=self._owed())
        entitlement = self._entitlement(first.index)
        assert entitlement is not None
        return self._granted(first, entitlement)

    def _granted(self, rule: Rule, entitlement: Entitlement) -> Decision:
        return Decision(
            Outcome.GRANTED,
            self.policy,
            str(self.facts["currency"]),
            grant=rule.grant,
            amount=entitlement.total,
            lines=entitlement.lines,
            clauses=self.citations,
            payouts=entitlement.payouts,
            then=entitlement.then,
        )

    def _ask(self) -> Decision:
        missing = self._missing()
        # Nobody can answer: money of another currency, or a table without a row for the case.
        if not missing:
            return self._review("unanswerable")
        return self._answer(Outcome.NEEDS_INFORMATION, missing=missing)

    def _review(self, reason: str) -> Decision:
        return self._answer(Outcome.NEEDS_REVIEW, reason=reason, proposal=self._proposal())

    def _answer(
        self,
        outcome: Outcome,
        missing: tuple[str, ...] = (),
        owed: tuple[AmountLine, ...] = (),
        reason: str | None = None,
        proposal: Entitlement | None = None,
    ) -> Decision:
        return Decision(
            outcome,
            self.policy,
            str(self.facts["currency"]),
            clauses=self.citations,
            missing=missing,
            owed=owed,
            reason=reason,
            proposal=proposal,
        )

    def _proposal(self) -> Entitlement | None:
        winning = self.clauses.winning
        rest = [index for index in members(winning) if self._signature(index) != REFERS]
        if not rest or len({self._signature(index) for index in rest}) > 1:
            return None
        return self._entitlement(rest[0]) if self.policy.rules[rest[0]].verb is Verb.GRANT else None

    def _owed(self) -> tuple[AmountLine, ...]:
        for index in members(self.clauses.winning):
            rule = self.policy.rules[index]
            if rule.lines:
                return written_lines(rule, self.program.amounts[index](self.facts)) or ()
        return ()

    def _signature(self, index: int) -> Signature:
        rule = self.policy.rules[index]
        if rule.verb is Verb.REFER:
            return REFERS
        if rule.verb is Verb.DENY:
            return self._debt_signature(rule)
        entitlement = self._entitlement(index)
        if entitlement is None:
            return UNDETERMINED
        amounts = tuple((line.id, line.amount) for line in entitlement.lines)
        return (rule.grant, amounts, entitlement.payouts, entitlement.then)

    def _debt_signature(self, rule: Rule) -> Signature:
        if not rule.lines:
            return DENIES
        amounts = self.program.amounts[rule.index](self.facts)
        return UNDETERMINED if None in amounts else (*DENIES, *amounts)

    def _entitlement(self, index: int) -> Entitlement | None:
        if index not in self._entitlements:
            written = self.program.amounts[index](self.facts)
            self._entitlements[index] = entitle(self.policy, self.policy.rules[index], written, self.facts)
        return self._entitlements[index]

    def _is_met(self, index: int) -> bool:
        return not self.policy.rules[index].needs or not self._unmet(index)

    def _unmet(self, index: int) -> list[str]:
        unmet = []
        for need in self.policy.rules[index].needs:
            if self.facts[need.input] is True:
                continue
            applies = need.condition is None or Evaluation(self.policy, self.facts).value(need.condition)
            if applies is not False:
                unmet.append(need.input)
        return unmet

    def _missing(self) -> tuple[str, ...]:
        """Everything that could still change the answer, in the order of declaration (semantics, rules 2, 4, 7)."""
        clauses = self.clauses
        able = clauses.winning | clauses.able_to_win
        wanted: set[str] = set()
        for index in members(able):
            rule = self.policy.rules[index]
            wanted.update(self._unmet(index))
            if rule.verb is Verb.GRANT and self._entitlement(index) is None:
                wanted |= inputs_behind(self.policy, rule, self.facts)
        evaluation = Evaluation(self.policy, self.facts)
        overriding = 0
        for index in members(able | clauses.true):
            overriding |= clauses.attackers[index]
        for index in members(clauses.unknown & (able | overriding)):
            wanted |= evaluation.unknown_inputs(self.policy.rules[index].when)
        return tuple(name for name in self.policy.inputs if name in wanted)


def _opening_date(program: Program, facts: Facts, openable: int) -> str | None:
    """The first day on which the same case would be granted (reading R6)."""
    asked = program.policy.roles.asked
    if asked is None:
        return None
    for instant in opening_days(program, facts, openable):
        later = {**facts, asked: instant}
        if program.broken_assumption(later) >= 0:
            continue
        if _Case(program, later, None).decide().outcome is Outcome.GRANTED:
            return dates.local_time(instant, program.policy.zone).date().isoformat()
    return None


def results_of(decision: Decision) -> Results:
    """What a decision comes to, for its promises."""
    denials = " ".join([citation.id for citation in decision.clauses if citation.role == "denies"])
    return Results(decision.amount, decision.outcome.value, decision.grant or "none", denials)


def _keep_promises(program: Program, facts: Facts, decision: Decision, waiver: Waiver | None) -> Decision:
    """A decision that breaks a promise goes to a person (semantics, rule 14)."""
    if not program.policy.promises or decision.outcome not in (Outcome.GRANTED, Outcome.DENIED):
        return decision
    index = program.broken_promise(facts, results_of(decision))
    if index < 0:
        return decision
    clause = program.policy.promises[index].clause
    if waiver is not None and clause in waiver.clauses:
        return decision
    broken = Citation(clause, "refers")
    return Decision(
        Outcome.NEEDS_REVIEW,
        program.policy,
        decision.currency,
        clauses=(broken, *decision.clauses),
        reason="broken_promise",
    )
