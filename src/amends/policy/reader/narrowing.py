"""What a condition shows about values that may be none."""

from amends.policy.expression import All, Compare, Derived, Given, Literal, Node, Not, Some


def shown_given(condition: Node, *, held: bool) -> frozenset[str]:
    """The names that cannot be none where a condition is true (held) or false."""
    match condition:
        case Compare(operator="==" | "!=", left=Given() | Derived() as value, right=Literal(value="none")):
            return frozenset({value.name} if (condition.operator == "!=") is held else ())
        case Not():
            return shown_given(condition.operand, held=not held)
        case All() if held:
            return frozenset().union(*(shown_given(part, held=True) for part in condition.operands))
        case Some() if not held:
            return frozenset().union(*(shown_given(part, held=False) for part in condition.operands))
        case _:
            return frozenset()
