"""The operators of the language, by the node that Python's parser makes of them."""

import ast
from collections.abc import Callable

from amends.policy.reader import typing
from amends.policy.types import Type

COMPARISONS = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
ARITHMETIC: dict[type[ast.operator], tuple[str, Callable[[Type, Type], Type]]] = {
    ast.Add: ("+", typing.add),
    ast.Sub: ("-", typing.add),
    ast.Mult: ("*", typing.multiply),
    ast.Div: ("/", typing.divide),
}
