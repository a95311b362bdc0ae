"""What deciding needs to know of one policy, as functions of the facts.

`interpret` builds it on the interpreter and is the meaning; `compiled.program_of` builds the same, faster.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple, TypeAlias

from amends.policy.evaluation import Evaluation
from amends.policy.expression import Node
from amends.policy.facts import Facts, Value
from amends.policy.model import Policy, PromiseKind, Rule, Verb
from amends.policy.resolution import mask
from amends.policy.timing import openable_condition, time_comparisons

Amounts: TypeAlias = tuple[int | None, ...]
Condition: TypeAlias = Callable[[Facts], Value]


class Results(NamedTuple):
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
    openable: Callable[[Facts], int]
    """Bit mask of the grants that may hold now or come to hold by the passing of time alone."""
    time_comparisons: Callable[[int], tuple[Condition, ...]]
    """Of a rule, each comparison that depends on time."""
    broken_promise: Callable[[Facts, Results], int]
    """The number of the first promise that the results break, or -1."""
    shapes: dict[tuple[int, int], object] = field(default_factory=dict)
    """What deciding remembers of each combination of true and unknown rules."""


def interpret(policy: Policy) -> Program:
    """The program as the interpreter understands it."""
    conditions = openable_conditions(policy)

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

    def openable(facts: Facts) -> int:
        evaluation = Evaluation(policy, facts)
        return mask(index for index, node in conditions if evaluation.value(node) is not False)

    @cache
    def time_comparisons_of(index: int) -> tuple[Condition, ...]:
        comparisons = time_comparisons(policy, policy.rules[index].when)
        return tuple(interpreted(policy, comparison) for comparison in comparisons)

    return Program(
        policy=policy,
        truth=truth,
        amounts=tuple(_amounts_of(policy, rule) for rule in policy.rules),
        broken_assumption=broken_assumption,
        openable=openable,
        time_comparisons=time_comparisons_of,
        broken_promise=lambda facts, results: _broken_promise(policy, facts, results),
    )


def openable_conditions(policy: Policy) -> list[tuple[int, Node]]:
    """For each grant, the condition that stays false where it cannot come to hold."""
    grants = (rule for rule in policy.rules if rule.verb is Verb.GRANT)
    return [(rule.index, openable_condition(policy, rule.when)) for rule in grants]


def interpreted(policy: Policy, node: Node) -> Condition:
    """An expression as a function of the facts."""
    return lambda facts: Evaluation(policy, facts).value(node)


def _amounts_of(policy: Policy, rule: Rule) -> Callable[[Facts], Amounts]:
    def amounts(facts: Facts) -> Amounts:
        evaluation = Evaluation(policy, facts)
        return tuple(_whole(evaluation.value(line.expression)) for line in rule.lines)

    return amounts


def _whole(value: Value) -> int | None:
    return value if isinstance(value, int) else None


def _broken_promise(policy: Policy, facts: Facts, results: Results) -> int:
    evaluation = Evaluation(policy, facts, results._asdict())

    def is_broken(kind: PromiseKind, statement: Node, condition: Node | None) -> bool:
        if kind not in (PromiseKind.ALWAYS, PromiseKind.NEVER):
            return False
        if condition is not None and evaluation.value(condition) is not True:
            return False
        return evaluation.value(statement) is (kind is PromiseKind.NEVER)

    broken = (is_broken(p.kind, p.statement, p.condition) for p in policy.promises)
    return next((index for index, value in enumerate(broken) if value), -1)
