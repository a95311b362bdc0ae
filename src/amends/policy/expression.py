"""Expressions: a small closed set of nodes; each knows its type and where it was written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal as OneOf

from amends.policy.facts import Value
from amends.policy.source import Span
from amends.policy.types import Type

_NOWHERE = Span(1, 1)


@dataclass(frozen=True, slots=True)
class Node:
    """Part of an expression."""

    type: Type
    span: Span = field(default=_NOWHERE, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """true, false, none, 0, 1 or an enum member; a value of None is an unknown."""

    value: Value


@dataclass(frozen=True, slots=True)
class Given(Node):
    """The value of an input."""

    name: str


@dataclass(frozen=True, slots=True)
class Number(Node):
    """The value of a parameter."""

    name: str


@dataclass(frozen=True, slots=True)
class Cell(Node):
    """The value of a table column in the row that the case's own keys select."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Derived(Node):
    """The value of a `define`."""

    name: str


@dataclass(frozen=True, slots=True)
class Not(Node):
    """Negation."""

    operand: Node


@dataclass(frozen=True, slots=True)
class All(Node):
    """`and`: false as soon as one is false."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Some(Node):
    """`or`: true as soon as one is true."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """A comparison of two values of one type."""

    operator: OneOf["==", "!=", "<", "<=", ">", ">="]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Among(Node):
    """`x in (a, b)`."""

    operand: Node
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """Exact arithmetic on rationals."""

    operator: OneOf["+", "-", "*", "/"]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """One of the closed list of functions."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """`a if condition else b`."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Result(Node):
    """refund, outcome or grant of the decision: in promises only."""

    name: str


@dataclass(frozen=True, slots=True)
class DeniedBy(Node):
    """Whether the decision cites a denying clause: in promises only."""

    clause: str


def children(node: Node) -> tuple[Node, ...]:
    """The direct parts of an expression."""
    match node:
        case Not() | Among():
            return (node.operand,)
        case All() | Some():
            return node.operands
        case Compare() | Arithmetic():
            return (node.left, node.right)
        case Call():
            return node.arguments
        case Choice():
            return (node.condition, node.then, node.otherwise)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """An expression and all its parts, without looking into derived facts."""
    yield node
    for child in children(node):
        yield from walk(child)
