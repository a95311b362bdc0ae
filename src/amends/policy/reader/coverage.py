"""Coverage both ways: no sentence without a rule, no rule without a sentence, no number and no fact unread."""

from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction

from amends.policy.errors import Problems, nearest, suggest
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
from amends.policy.reader.drafts import Draft
from amends.policy.reader.order import resolution_order
from amends.policy.reader.prose import Prose
from amends.policy.reader.scope import Scope
from amends.policy.source import Span

BITS_MAX = 4_096
"""No exact number may grow longer than this while a case is decided."""


def check_clauses(prose: Prose, tables: Collection[str], drafts: Sequence[Draft], problems: Problems) -> None:
    """Each id has one kind of block, and each block has a sentence."""
    kinds: dict[str, set[str]] = {}
    for draft in drafts:
        does = {verb.value for verb in draft.verbs} if draft.kind == "rule" else {draft.kind}
        # A rule that does two things has a problem of its own.
        kinds.setdefault(draft.id, set()).update(does if len(does) == 1 else ())
        if draft.id not in prose.clauses and draft.id not in prose.broken:
            _refuse_block(draft, prose, kinds, problems)
    for id_, clause in prose.clauses.items():
        if id_ not in kinds and id_ not in tables and id_ not in prose.broken:
            fix = f"Add a block ```` ```rule {id_} ````, or mark the sentence `{{.info}}` if it decides nothing."
            message = f"Nothing carries out the sentence `{id_}`."
            problems.add("clause-without-rule", clause.span, message, fix)
        elif len(kinds.get(id_, ())) > 1:
            message = f"The blocks of `{id_}` do different things: {' and '.join(sorted(kinds[id_]))}."
            problems.add("mixed-kinds", clause.span, message, "Give each a sentence of its own.")


def _refuse_block(draft: Draft, prose: Prose, kinds: Collection[str], problems: Problems) -> None:
    close = nearest(draft.id, prose.clauses)
    if close and close not in kinds:
        prose.broken.add(close)
    fix = f"Did you mean `{close}`?" if close else f"End the sentence above the block with `{{#{draft.id}}}`."
    message = f"No sentence has the id `{draft.id}`."
    problems.add("rule-without-clause", draft.span, message, fix)


def check_overrides(
    prose: Prose, tables: Collection[str], drafts: Sequence[Draft], problems: Problems
) -> None:
    """Overrides and needs name clauses with rules, and overrides never lead back to themselves."""
    ruled = {draft.id for draft in drafts if draft.kind == "rule"}
    carried_out = {*tables, *(draft.id for draft in drafts)}
    edges: dict[str, set[str]] = {draft.id: set() for draft in drafts if draft.kind == "rule"}
    for draft in drafts:
        for target, span in draft.words("for" if draft.kind == "need" else "overrides"):
            if target in ruled and draft.kind == "rule":
                edges[draft.id].add(target)
            elif not (
                target in ruled or target in prose.broken or target in prose.clauses.keys() - carried_out
            ):
                has_sentence = target in prose.clauses
                message = f"`{target}` is {'a sentence without a rule' if has_sentence else 'no clause'}."
                fix = suggest(target, ruled, f"These have rules: {', '.join(sorted(ruled)[:12])}.")
                problems.add("unknown-clause", span, message, fix)
    for circle in resolution_order(edges)[1]:
        words = [word for draft in drafts if draft.id == circle[0] for word in draft.words("overrides")]
        span = next(span for target, span in words if target == circle[1])
        message = f"The clauses override each other: {' -> '.join(circle)}."
        if circle[0] == circle[1]:
            message = f"`{circle[0]}` overrides itself."
        fix = "Remove one of these overrides: decide which clause wins."
        problems.add("cycle", span, message, fix)


def check_used(scope: Scope, problems: Problems) -> None:
    """Every number, every input and every fact is read by something."""
    for name, parameter in scope.parameters.items():
        if name not in scope.used and not parameter.is_service:
            fix = f"Use `{name}` in a rule, or write `{{#{name} .service}}` if the desk keeps it."
            problems.add("unused-parameter", parameter.span, f"No rule reads `{name}`.", fix)
    for table in scope.tables.values():
        for column in table.columns if not table.is_service else ():
            if f"{table.name}.{column}" not in scope.used:
                fix = f"Use `{table.name}.{column}` in a rule, or remove the column."
                span = scope.places.get(f"{table.name}.{column}", table.span)
                problems.add("unused-column", span, f"No rule reads the column `{column}`.", fix)
    for name in scope.inputs:
        if name not in scope.used:
            fix = "Use it in a rule, or remove it."
            problems.add("unused-input", scope.places[name], f"No rule reads the input `{name}`.", fix)
    for name in scope.definitions:
        if name not in scope.used:
            fix = "Use it in a rule, or remove it."
            problems.add("unused-fact", scope.places[name], f"No rule reads the fact `{name}`.", fix)


def check_divisions(scope: Scope, assumptions: Iterable[Node], problems: Problems) -> None:
    """Every divisor is a number above zero, or assumed to be at least 1."""
    positive = [node for assumption in assumptions for node in _shown_positive(assumption)]
    for divisor, text in scope.divisions:
        if divisor in positive or _is_positive(divisor, scope):
            continue
        message = f"Nothing shows that `{text.text}` is at least 1."
        fix = f"Add to the head, below `assume:`, the line `{text.text} >= 1`."
        problems.add("unguarded-division", text.span(), message, fix)


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
    for name, node in scope.derived.items():
        # Each comes after its parts, so this never goes deeper than one expression.
        known[name] = _bits(node, scope, known)
    for node, span in places:
        if _bits(node, scope, known) > BITS_MAX:
            message = "The products here can make a number of more than 1,000 digits."
            problems.add("too-deep", span, message, "Multiply fewer values.")


def _bits(node: Node, scope: Scope, known: dict[str, int]) -> int:
    match node:
        case Derived():
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
