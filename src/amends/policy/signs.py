"""What is never below zero in a possible case, as far as it shows without a solver."""

from amends.policy.expression import All, Arithmetic, Call, Compare, Derived, Given, Literal, Node
from amends.policy.model import Policy


def is_never_negative(policy: Policy, node: Node) -> bool:
    """Whether an expression, where it is known, is at least 0 in every case that keeps the assumptions.

    False says only that this does not show.
    """
    match node:
        case Literal():
            return isinstance(node.value, int) and node.value >= 0
        case Derived():
            return is_never_negative(policy, policy.derived[node.name])
        case Given():
            return any(_states_order(assumed, None, node) for assumed in _assumed(policy))
        case Call(function="max"):
            return any(is_never_negative(policy, argument) for argument in node.arguments)
        case Arithmetic(operator="-"):
            return any(_states_order(assumed, node.right, node.left) for assumed in _assumed(policy))
        case _:
            return False


def _assumed(policy: Policy) -> list[Node]:
    parts: list[Node] = []
    for assumption in policy.assumptions:
        parts += assumption.operands if isinstance(assumption, All) else (assumption,)
    return parts


def _states_order(assumed: Node, lower: Node | None, upper: Node) -> bool:
    """Whether an assumption says that one expression is at most another; None stands for 0."""
    if not isinstance(assumed, Compare):
        return False
    sides = {"<=": (assumed.left, assumed.right), ">=": (assumed.right, assumed.left)}.get(assumed.operator)
    if sides is None or sides[1] != upper:
        return False
    return sides[0] == lower if lower is not None else isinstance(sides[0], Literal) and sides[0].value == 0
