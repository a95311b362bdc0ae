"""The columns with which a value is known, where that is plain from how it is written."""

from amends.policy.expression import (
    Cell,
    Choice,
    Compare,
    DeniedBy,
    Derived,
    Given,
    Literal,
    Node,
    Number,
    Result,
    children,
)
from amends.policy.facts import NONE
from amends.policy.model import Policy, Rule
from amends.policy.sql.contract import has_companion

Columns = frozenset[str] | None
"""What must be known; None if a value may be unknown all the same."""


def known_by(policy: Policy, question: Node | str, given: frozenset[str] = frozenset()) -> Columns:
    """What must be known for a value to be; `given` are the inputs that are not none here."""
    match question:
        case str():
            return frozenset({question})
        case Given():
            return _known_by_input(policy, question.name, given)
        case Derived():
            return known_by(policy, policy.derived[question.name], given)
        case Number():
            return frozenset() if policy.parameters[question.name].currency is None else None
        case Choice():
            return _known_by_choice(policy, question, given)
        case Cell() | Result() | DeniedBy():
            return None
        case _ if (name := _input_compared_with_none(question)) is not None:
            return frozenset({_none_of(policy, name)})
        case _:
            return _joined(*(known_by(policy, part, given) for part in children(question)))


def known_by_amount(policy: Policy, rule: Rule) -> Columns:
    """What must be known for the amount of a grant to be."""
    parts = [line.expression for line in rule.lines] + [cap.limit for cap in policy.caps]
    if rule.then.condition is not None:
        parts.append(rule.then.condition)
    read = {policy.roles.paid, policy.roles.refunded, rule.pay, *(cap.history for cap in policy.caps)}
    return _joined(frozenset(policy.inputs) & read, *(known_by(policy, part) for part in parts))


def _known_by_input(policy: Policy, name: str, given: frozenset[str]) -> Columns:
    if not policy.inputs[name].type.optional:
        return frozenset({name})
    return frozenset({_none_of(policy, name)}) if name in given else None


def _known_by_choice(policy: Policy, choice: Choice, given: frozenset[str]) -> Columns:
    name = _input_compared_with_none(choice.condition)
    sides = [given, given]
    if name is not None and isinstance(choice.condition, Compare):
        sides[1 if choice.condition.operator == "==" else 0] = given | {name}
    then, otherwise = (
        known_by(policy, part, side)
        for part, side in zip((choice.then, choice.otherwise), sides, strict=True)
    )
    return _joined(known_by(policy, choice.condition, given), then, otherwise)


def _input_compared_with_none(node: Node) -> str | None:
    if isinstance(node, Compare) and isinstance(node.right, Literal) and node.right.value == NONE:
        return node.left.name if isinstance(node.left, Given) else None
    return None


def _none_of(policy: Policy, name: str) -> str:
    """The column that tells whether an input is none."""
    return f"{name}_{NONE}" if has_companion(policy.inputs[name]) else name


def _joined(*parts: Columns) -> Columns:
    found: frozenset[str] = frozenset()
    for part in parts:
        if part is None:
            return None
        found |= part
    return found
