"""The numbers of a policy as limits: on which side of each a rule lies, and the values beside it."""

from collections.abc import Iterator
from dataclasses import dataclass

from amends.policy.explanation import count_of
from amends.policy.expression import All, Compare, Node, Not, Number, Some
from amends.policy.model import Parameter, Policy, Rule
from amends.policy.money import Money
from amends.policy.translation import LOCALE
from amends.policy.types import Kind
from amends.policy.words import say

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
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
    """The numbers that the condition of a rule compares facts with."""
    for operator, fact, number in _comparisons(rule.when, holds=True):
        yield Limit(rule, fact, operator, policy.parameters[number])


def _comparisons(node: Node, *, holds: bool) -> Iterator[tuple[str, Node, str]]:
    match node:
        case All() | Some():
            for part in node.operands:
                yield from _comparisons(part, holds=holds)
        case Not():
            yield from _comparisons(node.operand, holds=not holds)
        case Compare(operator=("<" | "<=" | ">" | ">=") as written, left=fact, right=Number() as number):
            yield written if holds else _OPPOSITE[written], fact, number.name
        case Compare(operator=("<" | "<=" | ">" | ">=") as written, left=Number() as number, right=fact):
            turned = _MIRRORED[written]
            yield turned if holds else _OPPOSITE[turned], fact, number.name
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
