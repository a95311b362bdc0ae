"""Which unknown inputs keep an expression from being known, as conditions (semantics, rule 2)."""

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
    Node,
    Not,
    Some,
    children,
)
from amends.policy.facts import NONE
from amends.policy.sql.expressions import Expressions
from amends.policy.sql.terms import FALSE, both, either, is_open


def missing(expressions: Expressions, node: Node, name: str) -> str:
    """Whether an unknown input keeps an unknown expression from being known."""
    if isinstance(node, All | Some | Choice):
        return either(*(_missing(expressions, part, name) for part in children(node)))
    return _missing(expressions, node, name)


def _missing(expressions: Expressions, node: Node, name: str) -> str:
    policy = expressions.policy
    match node:
        case Given():
            return _is_open_input(expressions, node) if node.name == name else FALSE
        case Derived():
            inner = missing(expressions, policy.derived[node.name], name)
            return both(_is_open(expressions, node), inner)
        case Cell():
            parts: tuple[Node, ...] = policy.tables[node.table].keys
        case _:
            parts = children(node)
    inner = either(*(_missing(expressions, part, name) for part in parts))
    if inner == FALSE or isinstance(node, Not | Among | Compare | Arithmetic | Call):
        # These are unknown as soon as one of their parts is.
        return inner
    return both(_is_open(expressions, node), inner)


def _is_open_input(expressions: Expressions, node: Given) -> str:
    none = expressions.inputs.get(f"{node.name}_{NONE}")
    return is_open(none.raw if none and node.type.optional else expressions.value(node).sql)


def _is_open(expressions: Expressions, node: Node) -> str:
    term = expressions.value(node)
    # Of a fraction, the part below may be the only one that is not known.
    return is_open(term.sql) if term.bottom is None else either(is_open(term.sql), is_open(term.bottom.sql))
