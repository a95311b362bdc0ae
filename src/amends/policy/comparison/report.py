"""A comparison in words and as JSON."""

from collections.abc import Iterator

from amends.policy.checker.findings import cell_of
from amends.policy.checker.witness import Case
from amends.policy.comparison.difference import Change, Comparison, Difference, Verdict
from amends.policy.model import Policy
from amends.policy.money import Money


def summarise(comparison: Comparison) -> str:
    """The comparison as Markdown, fit for a pull request."""
    before, after = comparison.before, comparison.after
    title = f"## {before.title}: {before.version} to {after.version}"
    found = comparison.differences
    if not found and comparison.is_complete:
        return f"{title}\n\nNo difference. Proved over all complete cases: same outcome, amount, lines and clauses."
    counts = [f"{sum(one.change is change for one in found)} {change}" for change in Change]
    parts = [title, f"Kinds of case that differ: {len(found)}. {'; '.join(counts)}."]
    if not comparison.is_complete:
        parts.append(
            "**There may be more:** the solver did not finish, or both versions leave a case open (`amends check`), so nothing is proved about other cases."
        )
    rows = ["| | customer | before | after | most found, of 100.00 paid |", "|---|---|---|---|---|"]
    rows += [f"| {number} | {_summary_row(one)} |" for number, one in enumerate(found, 1)]
    parts += ["\n".join(rows)] if found else []
    parts += [_example(comparison, number, one) for number, one in enumerate(found, 1)]
    return "\n\n".join(parts)


def _summary_row(one: Difference) -> str:
    amount = "" if one.amount is None else f"{'+' if one.amount > 0 else '-'}{_plain(abs(one.amount), 'USD')}"
    return f"{one.change} | {one.before} | {one.after} | {amount}"


def _plain(amount: int, currency: str) -> str:
    return str(Money(amount, currency)).removeprefix(f"{currency} ")


def _example(comparison: Comparison, number: int, one: Difference) -> str:
    currency = str(one.case["currency"])
    amounts = f"{_plain(one.before.amount, currency)} becomes {_plain(one.after.amount, currency)}"
    policies = (comparison.after, comparison.before)
    facts = ", ".join(f"{name} {_fact(policies, one.case, name)}" for name in one.case)
    return f"Case {number}: {facts}. {one.before} becomes {one.after}; {amounts}{_otherwise(one, currency)}."


def _otherwise(one: Difference, currency: str) -> str:
    """What changes beside clauses and amount: a debt, or other things where both grant."""
    before, after = (_besides(side, currency) for side in (one.before, one.after))
    said = [name for name in before if before[name] and after.get(name)]
    changed = [name for name in said if before[name] != after[name]]
    return "".join(f"; {name}: {before[name]} becomes {after[name]}" for name in changed)


def _besides(side: Verdict, currency: str) -> dict[str, str]:
    owed = _plain(sum(amount for _, amount in side.owed), currency)
    if side.then is None:
        return {"owed": owed}
    return {
        "owed": owed,
        "plan": side.then,
        "grant": side.grant or "",
        "paid as": _ways(side.payouts, currency),
    }


def _ways(payouts: tuple[tuple[str, int], ...], currency: str) -> str:
    """Where a refund goes, with the amounts where it is split."""
    if len(payouts) == 1:
        return payouts[0][0]
    return " and ".join(f"{to} {_plain(amount, currency)}" for to, amount in payouts)


def _fact(policies: tuple[Policy, Policy], case: Case, name: str) -> str:
    policy = next((policy for policy in policies if name in policy.inputs), policies[0])
    return cell_of(policy, case, name)


def comparison_json(comparison: Comparison) -> dict[str, object]:
    """The comparison for programs."""
    return {
        "before": {"version": comparison.before.version, "sha256": comparison.before.sha256},
        "after": {"version": comparison.after.version, "sha256": comparison.after.sha256},
        "differences": list(_differences_json(comparison)),
        "complete": comparison.is_complete,
    }


def _differences_json(comparison: Comparison) -> Iterator[dict[str, object]]:
    for one in comparison.differences:
        sides = {
            name: {
                "outcome": side.outcome,
                "amount": side.amount,
                "owed": sum(amount for _, amount in side.owed),
                "clauses": list(side.clauses),
            }
            for name, side in (("before", one.before), ("after", one.after))
        }
        yield {"change": one.change.value, **sides, "most_found": one.amount, "case": one.case}
