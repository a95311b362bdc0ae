"""Which conditions the passing of time alone can make true.

Time is the input in the role `asked`. A comparison can open if its two sides may drift apart in its favour as that
input grows; what cannot open keeps its value, so most denials are known at once never to turn into a grant.
"""

from dataclasses import replace
from typing import TypeAlias

from amends.policy.expression import (
    All,
    Arithmetic,
    Call,
    Choice,
    Compare,
    Derived,
    Given,
    Literal,
    Node,
    Not,
    Number,
    Some,
    children,
)
from amends.policy.model import Policy, inputs_read
from amends.policy.types import YES_NO

STILL, RISES, FALLS, MIXED = 0, 1, -1, None
Drift: TypeAlias = int | None

_UNKNOWN = Literal(YES_NO, None)


def openable_condition(policy: Policy, node: Node) -> Node:
    """The condition with every part that time could make true replaced by an unknown.

    If it is false for a case, the condition itself stays false however long one waits.
    """
    match node:
        case All() | Some():
            return replace(node, operands=tuple(openable_condition(policy, part) for part in node.operands))
        case Derived() if _reads_time(policy, node):
            return openable_condition(policy, policy.derived[node.name])
        case Compare() if _reads_time(policy, node):
            return _UNKNOWN if _can_open(policy, node) else node
        case _ if _reads_time(policy, node):
            return _UNKNOWN
        case _:
            return node


def time_comparisons(policy: Policy, node: Node) -> list[Compare]:
    """The comparisons of a condition that depend on time, through derived facts."""
    match node:
        case Compare() if _reads_time(policy, node):
            return [node]
        case Derived() if _reads_time(policy, node):
            return time_comparisons(policy, policy.derived[node.name])
        case All() | Some() | Not() | Choice():
            return [found for part in children(node) for found in time_comparisons(policy, part)]
        case _:
            return []


def _reads_time(policy: Policy, node: Node) -> bool:
    return policy.roles.asked in inputs_read(policy, node)


def _can_open(policy: Policy, node: Compare) -> bool:
    drift = _combine(_drift(policy, node.left), _negate(_drift(policy, node.right)))
    if drift is MIXED or node.operator in ("==", "!="):
        return True
    if node.operator in (">", ">="):
        return drift == RISES
    return drift == FALLS


def _drift(policy: Policy, node: Node) -> Drift:
    """How a value moves as time passes."""
    match node:
        case Given():
            return RISES if node.name == policy.roles.asked else STILL
        case Derived():
            return _drift(policy, policy.derived[node.name])
        case Call(function="days_between" | "elapsed" | "months_started", arguments=(start, end)):
            return _combine(_negate(_drift(policy, start)), _drift(policy, end))
        case Call():
            return _combine(*(_drift(policy, part) for part in node.arguments))
        case Arithmetic(operator="+"):
            return _combine(_drift(policy, node.left), _drift(policy, node.right))
        case Arithmetic(operator="-"):
            return _combine(_drift(policy, node.left), _negate(_drift(policy, node.right)))
        case Arithmetic(operator="*" | "/", right=Number()):
            return _scaled(policy, node)
        case Choice() if not _reads_time(policy, node.condition):
            return _combine(_drift(policy, node.then), _drift(policy, node.otherwise))
        case _:
            return MIXED if _reads_time(policy, node) else STILL


def _scaled(policy: Policy, node: Arithmetic) -> Drift:
    assert isinstance(node.right, Number)
    factor = policy.parameters[node.right.name].value
    drift = _drift(policy, node.left)
    return drift if not isinstance(factor, str) and factor is not None and factor >= 0 else _negate(drift)


def _negate(drift: Drift) -> Drift:
    return None if drift is None else -drift


def _combine(*drifts: Drift) -> Drift:
    moving = {drift for drift in drifts if drift != STILL}
    if len(moving) > 1:
        return MIXED
    return moving.pop() if moving else STILL
