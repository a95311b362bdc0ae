"""Questions about what stays unknown although every input is known: rows that are missing, money of another currency."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from amends.policy.checker.findings import Finding
from amends.policy.checker.inquiry import Inquiry
from amends.policy.checker.smt import Answer, Term, both, either, opposite
from amends.policy.checker.witness import Case
from amends.policy.decision import decide
from amends.policy.expression import Cell, Node, Number
from amends.policy.model import Parameter, Policy, Row, Rule, Table, walk_deep


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something may stay unknown, and when."""

    finding: Finding
    happens: Term


def check_unclear(inquiry: Inquiry) -> None:
    """Whether every clause and every amount is known where every input is."""
    situation = inquiry.situation
    for rule in inquiry.policy.rules:
        # As long as a need is not met it is asked for first, and nobody looks at the amounts.
        is_looked_at = either(situation.unknown[rule.index], situation.met[rule.index])
        terms = (situation.unclear(rule.index), is_looked_at)
        if inquiry.prover.ask(*terms) is Answer.IMPOSSIBLE:
            inquiry.proved["table-gap"] += 1
        else:
            _report_causes(inquiry, rule, terms)


def _report_causes(inquiry: Inquiry, rule: Rule, terms: tuple[Term, ...]) -> None:
    """Report each cause with a case in which it is the only one; if there is none, the first with any case."""
    causes = list(_causes(inquiry, rule))
    shows = partial(_stays_open, inquiry.policy, rule.clause)
    reported: set[tuple[str, tuple[str, ...]]] = set()
    for cause in causes:
        kind = (cause.finding.code, cause.finding.clauses)
        if kind not in reported:  # one row of a table is enough: the others are mended with it
            others = either(*(other.happens for other in causes if other is not cause))
            if inquiry.rule_out(cause.finding, shows, *terms, cause.happens, opposite(others)):
                reported.add(kind)
    if not reported:
        any(inquiry.rule_out(cause.finding, shows, *terms, cause.happens) for cause in causes)


def _stays_open(policy: Policy, clause: str, cases: tuple[Case, ...]) -> bool:
    """Whether a case that leaves nothing out is nevertheless not known to fall under a clause, or what it pays."""
    (case,) = cases
    decision = decide(policy, case)
    is_complete = all(name in case for name in policy.inputs)
    cited = {(citation.id, citation.role) for citation in decision.clauses}
    return is_complete and (decision.reason == "unanswerable" or (clause, "possible") in cited)


def _causes(inquiry: Inquiry, rule: Rule) -> Iterator[Cause]:
    policy, encoding = inquiry.policy, inquiry.encoding
    read = list(walk_deep(policy, *_parts(policy, rule)))
    columns = dict.fromkeys((node.table, node.column) for node in read if isinstance(node, Cell))
    for name in dict.fromkeys(table for table, _ in columns):
        table = policy.tables[name]
        matches = encoding.matches(table)
        yield Cause(_missing_row(rule, table), both(encoding.has_keys(table), opposite(either(*matches))))
        for row, matched in zip(table.rows, matches, strict=True):
            for number in _amounts(table, row, [column for of, column in columns if of == name]):
                other = opposite(encoding.is_in(number.currency or ""))
                yield Cause(_row_of_another_currency(rule, table, row, number), both(matched, other))
    for name in dict.fromkeys(node.name for node in read if isinstance(node, Number)):
        number = policy.parameters[name]
        if number.currency is not None:
            yield Cause(_number_of_another_currency(rule, number), opposite(encoding.is_in(number.currency)))


def _parts(policy: Policy, rule: Rule) -> Iterator[Node]:
    """What a rule reads to decide, and what its amounts depend on."""
    yield rule.when
    yield from (line.expression for line in rule.lines)
    yield from (cap.limit for cap in policy.caps)
    if rule.then.condition is not None:
        yield rule.then.condition


def _amounts(table: Table, row: Row, columns: list[str]) -> Iterator[Parameter]:
    """The first amount of each currency that a row holds in some columns."""
    found = (row.values[table.columns.index(column)] for column in columns)
    yield from {number.currency: number for number in found if number.currency is not None}.values()


def _missing_row(rule: Rule, table: Table) -> Finding:
    message = f"The table `{table.name}` has no row for this case, and `{rule.clause}` reads it."
    fix = "Add the row, or narrow the clause so that it does not read the table there."
    return Finding("table-gap", (rule.clause, table.name), table.span, message, fix)


def _row_of_another_currency(rule: Rule, table: Table, row: Row, number: Parameter) -> Finding:
    keys = " | ".join(str(key) for key in row.keys)
    message = f"The row `{keys}` of the table `{table.name}` says {number.text}, and `{rule.clause}` reads it in a case of another currency."
    fix = "Write the amount in the currency of the case, or give the table a key column `currency` with a row for each."
    return Finding("other-currency", (rule.clause, table.name), number.span, message, fix)


def _number_of_another_currency(rule: Rule, number: Parameter) -> Finding:
    message = f"`{rule.clause}` reads {number.text}, and the case may be in another currency."
    fix = "Name the currency under `currencies:`, or put the number into a table with a row for each."
    return Finding("other-currency", (rule.clause,), rule.span, message, fix)
