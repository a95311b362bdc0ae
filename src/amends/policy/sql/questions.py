"""Conditions as questions with answers in two values, and what is left of a condition when one is answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from amends.policy.expression import (
    All,
    Among,
    Arithmetic,
    Call,
    Cell,
    Choice,
    Compare,
    Derived,
    Given,
    Literal,
    Node,
    Not,
    Some,
)
from amends.policy.facts import NONE
from amends.policy.model import Policy, walk_deep
from amends.policy.types import Kind

Question = Node | str
"""A condition to answer with yes or no, or an input of words."""
Answer = bool | str
_ASKED = ("<", "<=", "==")
"""The comparisons that are asked; their opposites are the other answer."""
COSTLY = 2
_QUICK = frozenset({"min", "max", "clamp"})


@dataclass(frozen=True, slots=True)
class Asked:
    """Whether a question, by its number, has one of some answers."""

    question: int
    answers: frozenset[Answer]


@dataclass(frozen=True, slots=True)
class Joined:
    """Several conditions, of which all or one must hold."""

    parts: tuple["Formula", ...]
    all: bool
    asks: frozenset[int] = field(compare=False)
    """The questions of the parts."""


Formula = bool | Asked | Joined


class Questions:
    """The questions of one policy, each with its number."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.asked: list[Question] = []
        self._numbers: dict[Question, int] = {}

    def formula(self, node: Node, *, holds: bool = True) -> Formula:
        """A condition, or its opposite, in questions."""
        match node:
            case Literal() if isinstance(node.value, bool):
                return node.value is holds
            case Derived():
                return self.formula(self.policy.derived[node.name], holds=holds)
            case Not():
                return self.formula(node.operand, holds=not holds)
            case All() | Some():
                parts = [self.formula(part, holds=holds) for part in node.operands]
                return joined(parts, of_all=isinstance(node, All) is holds)
            case Among() if (name := self._word(node.operand)) is not None:
                return self._is_one(name, frozenset(node.members), holds=holds)
            case Compare():
                return self._compared(node, holds=holds)
            case _:
                return self._is(node, frozenset({holds}))

    def possible(self, number: int) -> Sequence[Answer]:
        """All answers to a question."""
        question = self.asked[number]
        if not isinstance(question, str):
            return (True, False)
        type_ = self.policy.inputs[question].type
        has_none = type_.optional and NONE not in type_.members
        return (*type_.members, NONE) if has_none else type_.members

    def cost(self, number: int) -> int:
        """How much an answer costs to compute."""
        question = self.asked[number]
        return 0 if isinstance(question, str) else cost_of(self.policy, question)

    def _compared(self, node: Compare, *, holds: bool) -> Formula:
        if node.operator not in _ASKED:
            return self._compared(opposite_of(node), holds=not holds)
        name = self._word(node.left) if isinstance(node.right, Literal) else None
        if node.operator == "==" and name is not None:
            assert isinstance(node.right, Literal)
            return self._is_one(name, frozenset({str(node.right.value)}), holds=holds)
        return self._is(node, frozenset({holds}))

    def _is_one(self, name: str, members: frozenset[str], *, holds: bool) -> Formula:
        asked = self._is(name, frozenset())
        return replace(
            asked,
            answers=frozenset(one for one in self.possible(asked.question) if (one in members) is holds),
        )

    def _is(self, question: Question, answers: frozenset[Answer]) -> Asked:
        if question not in self._numbers:
            self._numbers[question] = len(self.asked)
            self.asked.append(question)
        return Asked(self._numbers[question], answers)

    def _word(self, node: Node) -> str | None:
        """The input of words that this is, with every word that it can be; None for anything else."""
        if not isinstance(node, Given) or node.type.kind is not Kind.ENUM:
            return None
        return node.name if self.policy.inputs[node.name].type.optional == node.type.optional else None


def opposite_of(comparison: Compare) -> Compare:
    """The comparison that holds where this one does not."""
    match comparison.operator:
        case "<":
            return replace(comparison, operator=">=")
        case "<=":
            return replace(comparison, operator=">")
        case "==":
            return replace(comparison, operator="!=")
        case "!=":
            return replace(comparison, operator="==")
        case ">":
            return replace(comparison, operator="<=")
        case ">=":
            return replace(comparison, operator="<")


def joined(parts: Sequence[Formula], *, of_all: bool) -> Formula:
    """That all of some conditions hold, or one of them."""
    kept = tuple(dict.fromkeys(part for part in parts if part is not of_all))
    if (not of_all) in kept:
        return not of_all
    if not kept:
        return of_all
    return kept[0] if len(kept) == 1 else Joined(kept, of_all, frozenset().union(*map(asked_in, kept)))


def asked_in(formula: Formula) -> frozenset[int]:
    """The questions of a condition."""
    match formula:
        case Asked():
            return frozenset({formula.question})
        case Joined():
            return formula.asks
        case _:
            return frozenset()


def answered(formula: Formula, question: int, answer: Answer) -> Formula:
    """What is left of a condition when a question is answered."""
    match formula:
        case Asked() if formula.question == question:
            return answer in formula.answers
        case Joined() if question in asked_in(formula):
            return joined([answered(part, question, answer) for part in formula.parts], of_all=formula.all)
        case _:
            return formula


def cost_of(policy: Policy, node: Node) -> int:
    """How much a value costs to compute: nothing, little, or more."""
    if isinstance(node, Given):
        return 0
    return COSTLY if any(_is_costly(part) for part in walk_deep(policy, node)) else 1


def _is_costly(node: Node) -> bool:
    match node:
        case Call():
            return node.function not in _QUICK
        case Arithmetic():
            return node.operator in ("*", "/")
        case Cell() | Choice():
            return True
        case _:
            return False
