"""Which clauses a definition is computed for: where none of them may hold, a costly one stays unknown and nobody reads it."""

from collections.abc import Iterable, Iterator

from amends.policy.expression import All, Arithmetic, Call, Cell, Choice, Derived, Node, walk
from amends.policy.model import Policy, Rule
from amends.policy.types import Kind

READERS_MAX = 8
"""Asking whether any of more rules may hold costs more than it saves."""
_QUICK = frozenset({"min", "max", "clamp"})


def conditions(rule: Rule) -> tuple[Node, ...]:
    """What must hold for a rule, one by one."""
    return tuple(_conjuncts(rule.when))


def quick_conditions(policy: Policy, rule: Rule) -> tuple[Node, ...]:
    """Those of its conditions that cost less to compute for nothing than to ask whether to."""
    return tuple(part for part in conditions(rule) if _is_quick(policy, part))


def readers(policy: Policy, name: str) -> tuple[Rule, ...] | None:
    """The only rules that read a costly definition; None where more than rules read it, or it is quick."""
    definition = policy.derived[name]
    if definition.type.kind is Kind.YES_NO or _is_quick(policy, definition):
        return None
    others = [*policy.assumptions, *(cap.limit for cap in policy.caps)]
    for promise in policy.promises:
        others += [promise.statement, *([promise.condition] if promise.condition is not None else [])]
    if _read(policy, name, others):
        return None
    found = tuple(rule for rule in policy.rules if _read(policy, name, _parts(rule)))
    return found if len(found) <= READERS_MAX else None


def _is_quick(policy: Policy, node: Node) -> bool:
    return not any(_is_costly(part) for part in _deep(policy, node))


def _conjuncts(node: Node) -> Iterator[Node]:
    if isinstance(node, All):
        for part in node.operands:
            yield from _conjuncts(part)
    else:
        yield node


def _is_costly(node: Node) -> bool:
    match node:
        case Call():
            return node.function not in _QUICK
        case Arithmetic():
            return node.operator in ("*", "/")
        case Cell() | Choice():
            return True
        case _:
            return False


def _parts(rule: Rule) -> Iterator[Node]:
    yield rule.when
    yield from (line.expression for line in rule.lines)
    yield from (need.condition for need in rule.needs if need.condition is not None)
    if rule.then.condition is not None:
        yield rule.then.condition


def _read(policy: Policy, name: str, nodes: Iterable[Node]) -> bool:
    return any(
        isinstance(part, Derived) and part.name == name for node in nodes for part in _deep(policy, node)
    )


def _deep(policy: Policy, node: Node) -> Iterator[Node]:
    """An expression and all its parts, through definitions and the keys of tables."""
    seen: set[str] = set()
    waiting = [node]
    while waiting:
        for part in walk(waiting.pop()):
            yield part
            if isinstance(part, Derived) and part.name not in seen:
                seen.add(part.name)
                waiting.append(policy.derived[part.name])
            elif isinstance(part, Cell) and part.table not in seen:
                seen.add(part.table)
                waiting.extend(policy.tables[part.table].keys)
