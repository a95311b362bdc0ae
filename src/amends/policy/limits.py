"""The numbers of a policy as limits: on which side of each a rule lies, and the values beside it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from amends.policy.explanation import count_of
from amends.policy.expression import All, Compare, Derived, Node, Not, Number, Some
from amends.policy.model import Parameter, Policy, Rule
from amends.policy.money import Money
from amends.policy.translation import LOCALE
from amends.policy.types import Kind
from amends.policy.words import say

MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


@dataclass(frozen=True, slots=True)
class Limit:
    """A comparison of a fact with a number, in the condition of a rule."""

    rule: Rule
    fact: Node
    operator: str
    """Between the fact, on the left, and the number: <, <=, > or >=."""
    number: Parameter

    @property
    def border(self) -> tuple[int, int] | None:
        """The last value that meets the comparison and the next, which does not; None where there is no next value."""
        number = self.number.value
        # Between two exact values there is always a third.
        if not isinstance(number, int) or self.number.type.kind is not Kind.NUMBER or self.fact.type.exact:
            return None
        step = 1 if self.is_upper else -1
        last = number if self.operator in ("<=", ">=") else number - step
        return last, last + step

    @property
    def is_upper(self) -> bool:
        """Whether the rule lies below the number."""
        return self.operator in ("<", "<=")

    @property
    def takes_in(self) -> bool:
        """Whether the rule holds at the number itself."""
        return self.operator in ("<=", ">=")


@dataclass(frozen=True, slots=True)
class BoundaryExample:
    """What a rule says of the number itself and of its neighbour: day 7 yes, day 8 no."""

    limit: Limit
    fact: str
    last: str
    """The value nearest to the number that meets the condition."""
    first_outside: str
    values: tuple[int, int]
    """Both as numbers, in the unit of the number."""


def limits_of(policy: Policy, rule: Rule) -> Iterator[Limit]:
    """The numbers that the condition of a rule itself compares facts with."""
    yield from _limits(policy, rule, {})


def limits_behind(policy: Policy, rule: Rule) -> Iterator[Limit]:
    """The same, and those of the derived facts that the condition asks for."""
    yield from _limits(policy, rule, policy.derived)


def _limits(policy: Policy, rule: Rule, facts: Mapping[str, Node]) -> Iterator[Limit]:
    for operator, left, right in comparisons(rule.when, facts):
        if isinstance(right, Number):
            yield Limit(rule, left, operator, policy.parameters[right.name])
        elif isinstance(left, Number):
            yield Limit(rule, right, MIRRORED[operator], policy.parameters[left.name])


def comparisons(
    node: Node, facts: Mapping[str, Node], *, holds: bool = True
) -> Iterator[tuple[str, Node, Node]]:
    """The comparisons by size in a condition, and in the derived facts given, as they are where it holds."""
    match node:
        case All() | Some():
            for part in node.operands:
                yield from comparisons(part, facts, holds=holds)
        case Not():
            yield from comparisons(node.operand, facts, holds=not holds)
        case Derived() if node.name in facts:
            yield from comparisons(facts[node.name], facts, holds=holds)
        case Compare(operator=("<" | "<=" | ">" | ">=") as written):
            yield written if holds else _OPPOSITE[written], node.left, node.right
        case _:
            pass


def boundary_examples(policy: Policy, rule: Rule, locale: str = LOCALE) -> list[BoundaryExample]:
    """For each number that a rule compares whole values with, the last value inside and the first outside."""
    found = []
    for limit in limits_of(policy, rule):
        if (border := limit.border) is not None:
            last, first_outside = (_shown(limit.number, value, locale) for value in border)
            found.append(BoundaryExample(limit, say(policy, limit.fact, locale), last, first_outside, border))
    return found


def _shown(number: Parameter, value: int, locale: str) -> str:
    if number.currency is not None:
        return str(Money(value, number.currency))
    (noun, _power), *_ = number.type.unit or (("", 1),)
    return count_of(value, noun, locale)
