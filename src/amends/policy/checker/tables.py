"""Questions about what stays unknown although every input is known: rows that are missing, money of another currency."""

from functools import partial

from amends.policy.checker.findings import Finding
from amends.policy.checker.inquiry import Inquiry
from amends.policy.checker.smt import either
from amends.policy.checker.witness import Case
from amends.policy.decision import decide
from amends.policy.expression import Cell
from amends.policy.model import Policy, Rule, walk_deep


def check_unclear(inquiry: Inquiry) -> None:
    """Whether every clause and every amount is known where every input is."""
    policy = inquiry.policy
    for rule in policy.rules:
        table = _table_read(policy, rule)
        if table is None:
            message = f"`{rule.clause}` names money of one currency, and the case may be in another."
            fix = "Name the currency under `currencies:`, or put the number into a table with a row for each."
            finding = Finding("other-currency", (rule.clause,), rule.span, message, fix)
        else:
            message = f"The table `{table}` has no row for this case, and `{rule.clause}` reads it."
            fix = "Add the row, or narrow the clause so that it does not read the table there."
            finding = Finding("table-gap", (rule.clause, table), policy.tables[table].span, message, fix)
        shows = partial(_stays_open, policy, rule.clause)
        situation, index = inquiry.situation, rule.index
        # As long as a need is not met it is asked for first, and nobody looks at the amounts.
        is_looked_at = either(situation.unknown[index], situation.met[index])
        inquiry.rule_out(finding, shows, situation.unclear(index), is_looked_at)


def _stays_open(policy: Policy, clause: str, cases: tuple[Case, ...]) -> bool:
    """Whether a case that leaves nothing out is nevertheless not known to fall under a clause, or what it pays."""
    (case,) = cases
    decision = decide(policy, case)
    is_complete = all(name in case for name in policy.inputs)
    cited = {(citation.id, citation.role) for citation in decision.clauses}
    return is_complete and (decision.reason == "unanswerable" or (clause, "possible") in cited)


def _table_read(policy: Policy, rule: Rule) -> str | None:
    read = walk_deep(policy, rule.when, *(line.expression for line in rule.lines))
    return next((node.table for node in read if isinstance(node, Cell)), None)
