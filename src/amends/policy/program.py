"""What deciding needs to know of one policy, as functions of the facts.

`interpret` builds it on the interpreter and is the meaning; `compiled.compile_policy` builds the same, faster.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from amends.policy.evaluation import Evaluation
from amends.policy.expression import Node
from amends.policy.facts import Facts, Value
from amends.policy.model import Policy, PromiseKind, Rule, Verb
from amends.policy.timing import openable_condition

Amounts: TypeAlias = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """What a promise may ask of a decision."""

    refund: int
    outcome: str
    grant: str
    denials: str
    """Ids of the denying clauses, separated by spaces."""


@dataclass(frozen=True, slots=True)
class Program:
    """One policy, ready to decide."""

    policy: Policy
    truth: Callable[[Facts], tuple[int, int]]
    """Bit masks of the rules whose condition is true, and unknown."""
    amounts: tuple[Callable[[Facts], Amounts], ...]
    """For each rule, its lines in minor units; None where unknown."""
    broken_assumption: Callable[[Facts], int]
    """The number of the first assumption that is false, or -1."""
    may_open: Callable[[Facts], bool]
    """False where no grant can come to hold by the passing of time alone."""
    broken_promise: Callable[[Facts, Results], int]
    """The number of the first promise that the results break, or -1."""
    shapes: dict[tuple[int, int], object] = field(default_factory=dict)
    """What deciding remembers of each combination of true and unknown rules."""


def interpret(policy: Policy) -> Program:
    """The program as the interpreter understands it."""
    openable = tuple(
        openable_condition(policy, rule.when) for rule in policy.rules if rule.verb is Verb.GRANT
    )

    def truth(facts: Facts) -> tuple[int, int]:
        evaluation = Evaluation(policy, facts)
        true = unknown = 0
        for rule in policy.rules:
            held = evaluation.value(rule.when)
            true |= (held is True) << rule.index
            unknown |= (held is None) << rule.index
        return true, unknown

    def broken_assumption(facts: Facts) -> int:
        evaluation = Evaluation(policy, facts)
        held = (evaluation.value(node) for node in policy.assumptions)
        return next((index for index, value in enumerate(held) if value is False), -1)

    def may_open(facts: Facts) -> bool:
        evaluation = Evaluation(policy, facts)
        return any(evaluation.value(node) is not False for node in openable)

    return Program(
        policy=policy,
        truth=truth,
        amounts=tuple(_amounts_of(policy, rule) for rule in policy.rules),
        broken_assumption=broken_assumption,
        may_open=may_open,
        broken_promise=lambda facts, results: _broken_promise(policy, facts, results),
    )


def _amounts_of(policy: Policy, rule: Rule) -> Callable[[Facts], Amounts]:
    def amounts(facts: Facts) -> Amounts:
        evaluation = Evaluation(policy, facts)
        return tuple(_whole(evaluation.value(line.expression)) for line in rule.lines)

    return amounts


def _whole(value: Value) -> int | None:
    return value if isinstance(value, int) else None


def _broken_promise(policy: Policy, facts: Facts, results: Results) -> int:
    named: dict[str, Value] = {
        "refund": results.refund,
        "outcome": results.outcome,
        "grant": results.grant,
        "denials": results.denials,
    }
    evaluation = Evaluation(policy, facts, named)

    def is_broken(kind: PromiseKind, statement: Node, condition: Node | None) -> bool:
        if kind not in (PromiseKind.ALWAYS, PromiseKind.NEVER):
            return False
        if condition is not None and evaluation.value(condition) is not True:
            return False
        return evaluation.value(statement) is (kind is PromiseKind.NEVER)

    broken = (is_broken(p.kind, p.statement, p.condition) for p in policy.promises)
    return next((index for index, value in enumerate(broken) if value), -1)
