"""From a syntax tree to a typed expression of the model."""

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import Literal as OneOf
from typing import cast

from amends.policy import types
from amends.policy.errors import Problems, nearest, suggest
from amends.policy.expression import (
    All,
    Among,
    Arithmetic,
    Call,
    Cell,
    Choice,
    Compare,
    DeniedBy,
    Derived,
    Given,
    Literal,
    Node,
    Not,
    Number,
    Result,
    Some,
)
from amends.policy.facts import Value
from amends.policy.reader import functions, typing
from amends.policy.reader.narrowing import shown_given
from amends.policy.reader.operators import ARITHMETIC, COMPARISONS
from amends.policy.reader.scope import Scope
from amends.policy.reader.syntax import GRAMMAR, parse
from amends.policy.source import Fragment, Span
from amends.policy.types import Kind, Type

_CONSTANTS: dict[str, tuple[Type, Value]] = {
    "true": (types.YES_NO, True),
    "false": (types.YES_NO, False),
    "none": (types.NONE, "none"),
}
_RESULTS = {
    "refund": types.MONEY,
    "outcome": types.enum("granted", "denied", "needs_information", "needs_review"),
    "grant": types.enum("none"),
}


class _WrongError(Exception):
    """A problem was noted; the expression has no meaning."""


class Expressions:
    """Resolves the expressions of one policy; problems are collected, not raised."""

    def __init__(self, scope: Scope, problems: Problems) -> None:
        self.scope = scope
        self.problems = problems
        self.grants: tuple[str, ...] = ()
        self.denials: frozenset[str] = frozenset()

    def condition(self, text: Fragment, *, in_promise: bool = False) -> Node | None:
        """A yes-or-no expression."""
        node = self.expression(text, in_promise=in_promise)
        if node is not None and node.type.kind is not Kind.YES_NO:
            message = f"A condition is needed here, and this is `{node.type}`."
            self.problems.add("wrong-type", text.span(), message, _condition_advice(node))
            return None
        return node

    def expression(self, text: Fragment, *, in_promise: bool = False) -> Node | None:
        """Any expression; None where a problem was noted."""
        tree = parse(text, self.problems)
        if tree is None:
            return None
        try:
            return _Reading(self, text, in_promise=in_promise).node(tree, frozenset())
        except _WrongError:
            return None

    def derive(self, name: str) -> None:
        """Resolve a `define` whose parts are resolved."""
        node = self.expression(self.scope.definitions[name])
        if node is None:
            self.scope.broken.add(name)
        else:
            self.scope.derived[name] = node


class _Reading:
    """One expression being resolved; `known` holds the names shown not to be none where a part stands."""

    def __init__(self, expressions: Expressions, text: Fragment, *, in_promise: bool) -> None:
        self.expressions = expressions
        self.scope = expressions.scope
        self.text = text
        self.in_promise = in_promise

    def node(self, tree: ast.expr, known: frozenset[str]) -> Node:
        """Resolve one part, which may not be none."""
        node = self.optional(tree, known)
        if node.type.optional:
            fix = f"Ask first: `… if {ast.unparse(tree)} == none else …`, or `{ast.unparse(tree)} != none and …`."
            self.fail("unguarded-none", tree, f"`{ast.unparse(tree)}` may be `none`.", fix)
        return node

    def optional(self, tree: ast.expr, known: frozenset[str]) -> Node:
        """Resolve one part, which may be none."""
        match tree:
            case ast.Name():
                return self._name(tree, known)
            case ast.Constant():
                return self._constant(tree)
            case ast.Attribute():
                return self._cell(tree)
            case ast.BoolOp():
                return self._connect(tree, known)
            case ast.UnaryOp():
                return self._unary(tree, known)
            case ast.BinOp():
                return self._arithmetic(tree, known)
            case ast.Compare():
                return self._compare(tree, known)
            case ast.Call():
                return self._call(tree, known)
            case ast.IfExp():
                return self._choice(tree, known)
            case _:
                is_list = isinstance(tree, ast.Tuple)
                fix = "Write `and` or `or` between conditions; a list stands behind `in` only."
                message = f"{'A list' if is_list else 'This form'} has no meaning here."
                return self.fail("bad-expression", tree, message, fix if is_list else GRAMMAR)

    def fail(self, code: str, tree: ast.expr, message: str, fix: str) -> Node:
        """Note a problem at a part and give up the expression."""
        self.expressions.problems.add(code, self.span(tree), message, fix)
        raise _WrongError

    def span(self, tree: ast.expr) -> Span:
        """Where a part stands in the file."""
        return self.text.span(tree.col_offset, tree.end_col_offset)

    def _name(self, tree: ast.Name, known: frozenset[str]) -> Node:
        name, span = tree.id, self.span(tree)
        if name in _CONSTANTS:
            type_, value = _CONSTANTS[name]
            return Literal(type_, value, span=span)
        if self.in_promise and name in _RESULTS:
            grants = types.enum(*self.expressions.grants, "none")
            return Result(grants if name == "grant" else _RESULTS[name], name, span=span)
        node = self._declared(tree)
        self.scope.used.add(name)
        if name in known and isinstance(node, Given | Derived):
            # Only the type is narrowed; the value cannot be none where the part is reached.
            return replace(node, type=node.type.required)
        return node

    def _declared(self, tree: ast.Name) -> Node:
        name, span, scope = tree.id, self.span(tree), self.scope
        if name in scope.inputs:
            return Given(scope.inputs[name].type, name, span=span)
        if name in scope.parameters:
            return self._parameter(tree)
        if name in scope.derived:
            return Derived(scope.derived[name].type, name, span=span)
        if scope.may_be_declared(name):
            raise _WrongError
        if name in scope.tables:
            columns = ", ".join(f"{name}.{column}" for column in scope.tables[name].columns)
            return self.fail(
                "unknown-name", tree, f"`{name}` is a table.", f"Write one of its columns: {columns}."
            )
        if name in _RESULTS:
            message = f"`{name}` is what a decision comes to, and only promises speak about that."
            return self.fail("unknown-name", tree, message, "Name an input, a number or a fact.")
        close = nearest(name, scope.names())
        scope.used.add(close or "")
        fix = f"Did you mean `{close}`?" if close else "Declare it as an input, a number or a `define`."
        return self.fail("unknown-name", tree, f"Nothing is called `{name}`.", fix)

    def _parameter(self, tree: ast.Name) -> Node:
        parameter = self.scope.parameters[tree.id]
        if parameter.is_service:
            fix = "Remove `.service` behind the number, or do not use it in a rule."
            self.fail("service-in-rule", tree, f"`{tree.id}` is a service number.", fix)
        return Number(parameter.type, tree.id, span=self.span(tree))

    def _constant(self, tree: ast.Constant) -> Node:
        assert isinstance(tree.value, int)
        return Literal(types.NUMBER, tree.value, span=self.span(tree))

    def _cell(self, tree: ast.Attribute) -> Node:
        if not isinstance(tree.value, ast.Name):
            message = "A point stands between a table and its column only."
            return self.fail("bad-expression", tree, message, "Write `table.column`.")
        name, column = tree.value.id, tree.attr
        table = self.scope.tables.get(name)
        if table is None and self.scope.may_be_declared(name):
            raise _WrongError
        if table is None:
            fix = suggest(name, self.scope.tables, "Tables follow a sentence with an id.")
            return self.fail("unknown-name", tree, f"There is no table `{name}`.", fix)
        if column not in table.columns:
            self.scope.used.add(f"{name}.{nearest(column, table.columns)}")
            fix = suggest(column, table.columns, f"Its columns are {', '.join(table.columns)}.")
            return self.fail("unknown-name", tree, f"The table `{name}` has no column `{column}`.", fix)
        if table.is_service:
            fix = "Remove `.service` behind the sentence, or do not use the table in a rule."
            self.fail("service-in-rule", tree, f"`{name}` is a service table.", fix)
        self.scope.used.add(f"{name}.{column}")
        cell_type = table.rows[0].values[table.columns.index(column)].type
        return Cell(cell_type, name, column, span=self.span(tree))

    def _connect(self, tree: ast.BoolOp, known: frozenset[str]) -> Node:
        conjunction = isinstance(tree.op, ast.And)
        parts = []
        for value in tree.values:
            part = self._condition(value, known)
            parts.append(part)
            known |= shown_given(part, held=conjunction)
        kind = All if conjunction else Some
        return kind(types.YES_NO, tuple(parts), span=self.span(tree))

    def _condition(self, tree: ast.expr, known: frozenset[str]) -> Node:
        node = self.node(tree, known)
        if node.type.kind is not Kind.YES_NO:
            message = f"A condition is needed here, and this is `{node.type}`."
            self.fail("wrong-type", tree, message, _condition_advice(node))
        return node

    def _unary(self, tree: ast.UnaryOp, known: frozenset[str]) -> Node:
        if isinstance(tree.op, ast.Not):
            return Not(types.YES_NO, self._condition(tree.operand, known), span=self.span(tree))
        if not isinstance(tree.op, ast.USub):
            return self.fail("bad-expression", tree, "This sign is not part of the language.", GRAMMAR)
        operand = self.node(tree.operand, known)
        zero = Literal(types.NUMBER, 0)
        return Arithmetic(
            self._typed(tree, lambda: typing.add(zero.type, operand.type)),
            "-",
            zero,
            operand,
            span=self.span(tree),
        )

    def _arithmetic(self, tree: ast.BinOp, known: frozenset[str]) -> Node:
        if type(tree.op) not in ARITHMETIC:
            return self.fail("bad-expression", tree, "This operator is not part of the language.", GRAMMAR)
        symbol, combine = ARITHMETIC[type(tree.op)]
        left, right = self.node(tree.left, known), self.node(tree.right, known)
        type_ = self._typed(tree, lambda: combine(left.type, right.type))
        if symbol == "/":
            self.scope.divisions.append(
                (right, self.text.cut(tree.right.col_offset, tree.right.end_col_offset))
            )
        operator = cast('OneOf["+", "-", "*", "/"]', symbol)
        return Arithmetic(type_, operator, left, right, span=self.span(tree))

    def _typed(self, tree: ast.expr, combine: Callable[[], Type]) -> Type:
        """The type of a part made of typed parts; a mismatch is noted at the part."""
        try:
            return combine()
        except typing.MismatchError as mismatch:
            self.fail(mismatch.code, tree, mismatch.message, mismatch.fix)
            raise

    def _compare(self, tree: ast.Compare, known: frozenset[str]) -> Node:
        operands = [tree.left, *tree.comparators]
        parts = [
            self._comparison(tree, left, operator, right, known)
            for left, operator, right in zip(operands, tree.ops, operands[1:], strict=False)
        ]
        return parts[0] if len(parts) == 1 else All(types.YES_NO, tuple(parts), span=self.span(tree))

    def _comparison(
        self, tree: ast.Compare, left: ast.expr, operator: ast.cmpop, right: ast.expr, known: frozenset[str]
    ) -> Node:
        if isinstance(operator, ast.In | ast.NotIn):
            among = self._among(left, right, known)
            return Not(types.YES_NO, among, span=among.span) if isinstance(operator, ast.NotIn) else among
        if type(operator) not in COMPARISONS:
            return self.fail(
                "bad-expression", tree, "This comparison is not part of the language.", "Write `==`."
            )
        symbol = cast('OneOf["==", "!=", "<", "<=", ">", ">="]', COMPARISONS[type(operator)])
        first, second = self._operands(left, right, known)
        return self._checked(tree, symbol, first, second)

    def _checked(
        self, tree: ast.Compare, symbol: OneOf["==", "!=", "<", "<=", ">", ">="], first: Node, second: Node
    ) -> Node:
        is_equality = symbol in ("==", "!=")
        if is_equality and Kind.NONE in (first.type.kind, second.type.kind):
            value = first if second.type.kind is Kind.NONE else second
            if value.type.kind is Kind.NONE:
                self.fail("wrong-type", tree, "Both sides are `none`.", "Name a value on one side.")
            if not value.type.optional:
                fix = f"Leave the comparison out, or declare the value as `{value.type} or none`."
                self.fail("wrong-type", tree, "The value compared with `none` is never `none`.", fix)
        else:
            common = self._typed(tree, lambda: typing.unify(first.type, second.type, "compare"))
            if common.optional:
                side = ast.unparse(tree.left if first.type.optional else tree.comparators[0])
                fix = f"Ask first: `{side} != none and …`."
                self.fail("unguarded-none", tree, f"`{side}` may be `none`.", fix)
            if not is_equality and common.kind not in (Kind.NUMBER, Kind.INSTANT):
                self.fail("wrong-type", tree, f"`{common}` has no order.", "Write `==`, `!=` or `in (…)`.")
        return Compare(types.YES_NO, symbol, first, second, span=self.span(tree))

    def _operands(self, left: ast.expr, right: ast.expr, known: frozenset[str]) -> tuple[Node, Node]:
        left_members, right_members = self._members(left), self._members(right)
        if right_members and isinstance(left, ast.Name) and not left_members:
            second = self.node(right, known)
            return self._member(left, second.type), second
        if left_members and isinstance(right, ast.Name) and (right.id in left_members or not right_members):
            first = self.node(left, known)
            return first, self._member(right, first.type)
        return self.optional(left, known), self.optional(right, known)

    def _members(self, tree: ast.expr) -> tuple[str, ...]:
        """The members of an enum value; empty for everything else."""
        if not isinstance(tree, ast.Name):
            return ()
        if self.in_promise and tree.id in _RESULTS:
            return self._name(tree, frozenset()).type.members
        known = self.scope.known_type(tree.id)
        return known.members if known else ()

    def _member(self, tree: ast.expr, enum: Type) -> Node:
        word = tree.id if isinstance(tree, ast.Name) else ast.unparse(tree)
        if word not in enum.members:
            fix = suggest(word, enum.members, f"It is one of {', '.join(enum.members)}.")
            return self.fail("unknown-member", tree, f"`{word}` is not one of its values.", fix)
        return Literal(enum, word, span=self.span(tree))

    def _among(self, left: ast.expr, right: ast.expr, known: frozenset[str]) -> Node:
        operand = self.node(left, known)
        if operand.type.kind is not Kind.ENUM:
            return self.fail(
                "wrong-type", left, "`in (…)` asks for one of several words.", "Use comparisons."
            )
        words = right.elts if isinstance(right, ast.Tuple) else [right]
        members = tuple(
            cast("str", cast("Literal", self._member(word, operand.type)).value) for word in words
        )
        span = self.text.span(left.col_offset, right.end_col_offset)
        return Among(types.YES_NO, operand, members, span=span)

    def _choice(self, tree: ast.IfExp, known: frozenset[str]) -> Node:
        condition = self._condition(tree.test, known)
        then = self.optional(tree.body, known | shown_given(condition, held=True))
        otherwise = self.optional(tree.orelse, known | shown_given(condition, held=False))
        type_ = self._typed(tree, lambda: typing.unify(then.type, otherwise.type, "choose between"))
        return Choice(type_, condition, then, otherwise, span=self.span(tree))

    def _call(self, tree: ast.Call, known: frozenset[str]) -> Node:
        name = tree.func.id if isinstance(tree.func, ast.Name) else ast.unparse(tree.func)
        if tree.keywords or any(isinstance(argument, ast.Starred) for argument in tree.args):
            return self.fail("bad-expression", tree, "Arguments are plain values.", GRAMMAR)
        if self.in_promise and name == "denied_by":
            return self._denied_by(tree)
        if name == "denied_by":
            message = "Only promises speak about what a decision comes to."
            return self.fail("unknown-function", tree, message, "Write the condition of that clause.")
        if name not in functions.FUNCTIONS:
            fix = suggest(name, functions.FUNCTIONS, f"The functions are {', '.join(functions.FUNCTIONS)}.")
            return self.fail("unknown-function", tree, f"There is no function `{name}`.", fix)
        arguments = tuple(self.node(argument, known) for argument in tree.args)
        type_ = self._typed(
            tree, lambda: functions.result_type(name, [argument.type for argument in arguments])
        )
        return Call(type_, name, arguments, span=self.span(tree))

    def _denied_by(self, tree: ast.Call) -> Node:
        argument = tree.args[0] if len(tree.args) == 1 else None
        denials = self.expressions.denials
        if not isinstance(argument, ast.Name):
            fix = f"Write one of {', '.join(f'`denied_by({clause})`' for clause in sorted(denials))}."
            return self.fail("unknown-clause", tree, "`denied_by` names one clause.", fix)
        if argument.id not in denials:
            fix = suggest(argument.id, denials, f"These deny: {', '.join(sorted(denials)) or 'no clause'}.")
            return self.fail("unknown-clause", argument, f"No clause `{argument.id}` denies.", fix)
        return DeniedBy(types.YES_NO, argument.id, span=self.span(tree))


def _condition_advice(node: Node) -> str:
    if node.type.kind is Kind.ENUM:
        return f"Compare it with one of its words, as in `… == {node.type.members[0]}`."
    return "Compare it with another value, as in `… > 0`." if node.type.kind is Kind.NUMBER else "Compare it."
