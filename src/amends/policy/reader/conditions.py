"""Conditions put together: of a rule, of the headings above it, of a need."""

from amends.policy import types
from amends.policy.expression import All, Literal, Node

TRUE = Literal(types.YES_NO, value=True)


def conjoin(conditions: tuple[Node, ...]) -> Node:
    """All conditions together, without those that are simply true."""
    parts: list[Node] = []
    for condition in conditions:
        if isinstance(condition, All):
            parts.extend(condition.operands)
        elif condition != TRUE:
            parts.append(condition)
    if not parts:
        return TRUE
    return parts[0] if len(parts) == 1 else All(types.YES_NO, tuple(parts), span=parts[0].span)
