"""Coverage both ways: no sentence without a rule, no rule without a sentence, no number and no fact unread."""

from collections.abc import Iterable
from fractions import Fraction

from amends.policy.errors import Problems, suggest
from amends.policy.expression import (
    All,
    Arithmetic,
    Call,
    Cell,
    Choice,
    Compare,
    Derived,
    Literal,
    Node,
    Number,
    children,
)
from amends.policy.model import Clause, Rule, Table
from amends.policy.reader.rules import Blocks
from amends.policy.reader.scope import Scope
from amends.policy.source import Span

BITS_MAX = 4_096
"""No exact number may grow longer than this while a case is decided."""


def check_clauses(
    clauses: dict[str, Clause], tables: dict[str, Table], blocks: Blocks, problems: Problems
) -> None:
    """Each id has one kind of block, and each block has a sentence."""
    kinds: dict[str, set[str]] = {}
    for rule in blocks.rules:
        kinds.setdefault(rule.clause, set()).add(rule.verb)
    for id_, _, _ in blocks.needs:
        kinds.setdefault(id_, set()).add("need")
    for cap in blocks.caps:
        kinds.setdefault(cap.clause, set()).add("cap")
    for promise in blocks.promises:
        kinds.setdefault(promise.clause, set()).add("promise")
    for id_, clause in clauses.items():
        if id_ not in kinds and id_ not in tables:
            fix = f"Add a block ```` ```rule {id_} ````, or mark the sentence `{{.info}}` if it decides nothing."
            problems.add(
                "clause-without-rule", clause.span, f"Nothing carries out the sentence `{id_}`.", fix
            )
        elif len(kinds.get(id_, ())) > 1:
            message = f"The blocks of `{id_}` are {' and '.join(sorted(kinds[id_]))}."
            problems.add("mixed-kinds", clause.span, message, "Give each its own sentence.")


def check_overrides(clauses: dict[str, Clause], rules: list[Rule], problems: Problems) -> None:
    """Overrides name clauses with rules, and never lead back to themselves."""
    edges: dict[str, set[str]] = {}
    ruled = {rule.clause for rule in rules}
    for rule in rules:
        for target in rule.overrides:
            if target not in ruled:
                fix = suggest(target, ruled, f"The clauses with rules are {', '.join(sorted(ruled)[:12])}.")
                message = f"`{target}` is {'a clause without a rule' if target in clauses else 'no clause'}."
                problems.add("unknown-clause", rule.span, message, fix)
        edges.setdefault(rule.clause, set()).update(rule.overrides)
    if loop := _loop(edges):
        place = next(rule.span for rule in rules if rule.clause == loop[0])
        message = f"The clauses override each other: {' -> '.join(loop)}."
        problems.add("cycle", place, message, "Decide which one wins.")


def _loop(edges: dict[str, set[str]]) -> list[str] | None:
    """One cycle, found without recursion."""
    done: set[str] = set()
    for start in edges:
        path: list[str] = []
        waiting = [(start, iter(sorted(edges.get(start, ()))))] if start not in done else []
        path = [start]
        while waiting:
            node, targets = waiting[-1]
            target = next((t for t in targets if t not in done), None)
            if target is None:
                done.add(node)
                waiting.pop()
                path.pop()
            elif target in path:
                return [*path[path.index(target) :], target]
            else:
                path.append(target)
                waiting.append((target, iter(sorted(edges.get(target, ())))))
    return None


def check_used(scope: Scope, problems: Problems) -> None:
    """Every number and every input is read by something."""
    for name, parameter in scope.parameters.items():
        if name not in scope.used and not parameter.is_service:
            fix = f"Use `{name}` in a rule, or write `{{#{name} .service}}` if the desk keeps it."
            problems.add("unused-parameter", parameter.span, f"No rule reads `{name}`.", fix)
    for table in scope.tables.values():
        for column in table.columns if not table.is_service else ():
            if f"{table.name}.{column}" not in scope.used:
                fix = f"Use `{table.name}.{column}` in a rule, or remove the column."
                problems.add("unused-column", table.span, f"No rule reads the column `{column}`.", fix)
    for name in scope.inputs:
        if name not in scope.used:
            fix = "Use it in a rule, or remove it."
            problems.add("unused-input", scope.places[name], f"No rule reads the input `{name}`.", fix)
    for name in scope.definitions:
        if name not in scope.used:
            fix = "Use it in a rule, or remove it."
            problems.add("unused-input", scope.places[name], f"No rule reads the fact `{name}`.", fix)


def check_divisions(scope: Scope, assumptions: Iterable[Node], problems: Problems) -> None:
    """Every divisor is a number above zero, or assumed to be at least 1."""
    positive = [node for assumption in assumptions for node in _shown_positive(assumption)]
    for divisor, span in scope.divisions:
        if divisor in positive or _is_positive(divisor, scope):
            continue
        message = "Nothing shows that the divisor is at least 1."
        problems.add("unguarded-division", span, message, "Add it to the head: `assume: divisor >= 1`.")


def _shown_positive(assumption: Node) -> list[Node]:
    if isinstance(assumption, All):
        return [node for part in assumption.operands for node in _shown_positive(part)]
    match assumption:
        case (
            Compare(operator=">=", right=Literal(value=1)) | Compare(operator=">", right=Literal(value=0 | 1))
        ):
            return [assumption.left]
        case _:
            return []


def _is_positive(node: Node, scope: Scope) -> bool:
    match node:
        case Literal():
            values = [node.value]
        case Number():
            values = [scope.parameters[node.name].value]
        case Cell():
            table = scope.tables[node.table]
            values = [row.values[table.columns.index(node.column)].value for row in table.rows]
        case Call(function="max"):
            return any(_is_positive(part, scope) for part in node.arguments)
        case Derived():
            return _is_positive(scope.derived[node.name], scope)
        case _:
            return False
    return all(isinstance(value, int | Fraction) and value > 0 for value in values)


def check_sizes(scope: Scope, places: Iterable[tuple[Node, Span]], problems: Problems) -> None:
    """No chain of products makes a number of unbounded length."""
    known: dict[str, int] = {}
    for node, span in places:
        if _bits(node, scope, known) > BITS_MAX:
            message = "The products here can make a number of more than 1,000 digits."
            problems.add("too-deep", span, message, "Multiply fewer values.")


def _bits(node: Node, scope: Scope, known: dict[str, int]) -> int:
    match node:
        case Derived():
            if node.name not in known:
                known[node.name] = _bits(scope.derived[node.name], scope, known)
            return known[node.name]
        case Arithmetic(operator="*" | "/"):
            return _bits(node.left, scope, known) + _bits(node.right, scope, known)
        case Choice():
            return max(_bits(node.then, scope, known), _bits(node.otherwise, scope, known))
        case Arithmetic(operator="+" | "-"):
            # Sums of fractions multiply denominators.
            return _bits(node.left, scope, known) + _bits(node.right, scope, known)
        case _:
            return max((_bits(child, scope, known) for child in children(node)), default=64)
