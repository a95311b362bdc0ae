"""Notes on rows: what a table says and no case ever reads.

One row after the other is taken out of its table. A row is read if some rule, or what it pays, then stays unknown in a
case in which every input is known.
"""

from collections.abc import Iterator
from dataclasses import replace

from amends.policy.checker.findings import Finding
from amends.policy.checker.inquiry import Inquiry
from amends.policy.checker.situation import Situation
from amends.policy.checker.smt import Answer, Term, either, equal
from amends.policy.checker.values import Quantity
from amends.policy.expression import Cell, Given, Node
from amends.policy.facts import Input
from amends.policy.model import Key, Policy, Row, Table, walk_deep
from amends.policy.types import count

_OUT = "row taken out"
"""No name of the language, so it meets no input."""


def check_rows(inquiry: Inquiry) -> None:
    """Note the rows of tables that no case reads."""
    tables = list(_read_by_rules_alone(inquiry.policy))
    rows = [(table, row) for table in tables for row in table.rows]
    if not rows:
        return
    encoding = inquiry.encoding.beside(_without_a_row(inquiry.policy, tables), inquiry.encoding.inputs)
    situation = Situation(encoding)
    out = encoding.inputs[_OUT]
    assert isinstance(out, Quantity)
    missed = either(*(situation.unclear(rule.index) for rule in inquiry.policy.rules))
    for number in _idle(inquiry, out.top, missed, len(rows)):
        table, row = rows[number]
        keys = " | ".join(str(key) for key in row.keys)
        message = f"No case reads the row `{keys}` of the table `{table.name}`."
        fix = "Take the row out, or widen the clause that was meant to read it."
        inquiry.notes.append(Finding("idle-row", (table.name,), row.values[0].span, message, fix))


def _idle(inquiry: Inquiry, out: Term, missed: Term, count_of_rows: int) -> list[int]:
    """The numbers of the rows that nothing misses; none of them where the solver cannot say."""
    rest = list(range(count_of_rows))
    while rest:
        answer = inquiry.prover.ask(missed, either(*(equal(out, number) for number in rest)))
        if answer is not Answer.POSSIBLE:
            return rest if answer is Answer.IMPOSSIBLE else []
        rest.remove(int(inquiry.prover.value(out)))
    return rest


def _read_by_rules_alone(policy: Policy) -> Iterator[Table]:
    """The tables whose rows matter to rules only, not to an assumption, a need or a promise."""
    needs = (need.condition for rule in policy.rules for need in rule.needs)
    promised = (node for promise in policy.promises for node in (promise.statement, promise.condition))
    others: list[Node] = [node for node in (*policy.assumptions, *needs, *promised) if node is not None]
    read = {node.table for node in walk_deep(policy, *others) if isinstance(node, Cell)}
    for table in policy.tables.values():
        if not table.is_service and table.name not in read:
            yield table


def _without_a_row(policy: Policy, tables: list[Table]) -> Policy:
    """The policy with one more input: the number of the row that is taken out of its table."""
    declared = Input(_OUT, count("rows"), "desk", _OUT)
    number, changed = 0, {}
    for table in tables:
        rows: list[Row] = []
        for row in table.rows:
            beside = Key(high=number - 1), Key(low=number + 1)
            rows += [replace(row, keys=(*row.keys, key)) for key in beside]
            number += 1
        changed[table.name] = replace(table, keys=(*table.keys, Given(declared.type, _OUT)), rows=tuple(rows))
    inputs = {**policy.inputs, _OUT: declared}
    return replace(policy, inputs=inputs, tables={**policy.tables, **changed})
