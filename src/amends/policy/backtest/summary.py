"""A back-test in words, and as JSON."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from amends.policy.answer import Outcome
from amends.policy.backtest.plan import Group, Report, Side
from amends.policy.facts import NONE
from amends.policy.money import EXPONENTS, Money

ROWS_MAX = 20
"""A table for people stops here; the JSON holds all."""
OUTCOMES = (*(outcome.value for outcome in Outcome), "error")
Cells: TypeAlias = tuple[str | int, ...]


def summarise(report: Report) -> str:
    """The back-test as Markdown."""
    before, after, plan = report.before, report.after, report.plan
    title = f"## {before.title}: {before.version} to {after.version}"
    how = "Past requests, decided again."
    if plan.asks_on_day is not None:
        how = f"A bound: every order asks on day {plan.asks_on_day} after `{plan.since}`."
    parts = [title, f"{how} {report.rows:,} rows."]
    if report.unknown:
        parts.append(f"Unknown in every row, for want of a column: {', '.join(report.unknown)}.")
    parts += [_outcomes(report), _money(report), _transitions(report), _cohorts(report)]
    parts += [_deciding(report), _errors(report), _examples(report)]
    return "\n\n".join(part for part in parts if part)


def _outcomes(report: Report) -> str:
    before, after = (_count(report.groups, side) for side in (_before, _after))
    rows = [(name, before[name], after[name]) for name in OUTCOMES if before[name] or after[name]]
    return _table(("outcome", "before", "after"), rows)


def _before(group: Group) -> Side:
    return group.before


def _after(group: Group) -> Side:
    return group.after


def _count(groups: Iterable[Group], side: Callable[[Group], Side]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for group in groups:
        counts[side(group).outcome] += group.rows
    return counts


def money_of(report: Report, key: Callable[[Group], str]) -> dict[tuple[str, str], list[int]]:
    """For each currency and each value of the key: rows, amounts before and after, rows and amounts gained and lost."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 7)
    for group in report.groups:
        # Rows without a known currency are not decided, and pay nothing.
        currency = group.currency if group.currency in EXPONENTS else NONE
        found = sums[(currency, key(group))]
        values = (group.rows, group.before.amount, group.after.amount, group.gaining, group.gained)
        for place, value in enumerate((*values, group.losing, group.lost)):
            found[place] += value
    return dict(sorted(sums.items()))


def _money(report: Report) -> str:
    header = ("currency", "before", "after", "difference", "rows that gain", "by", "rows that lose", "by")
    rows: list[Cells] = [
        (
            currency,
            *_amounts(currency, before, after, after - before),
            gaining,
            *_amounts(currency, gained),
            losing,
            *_amounts(currency, lost),
        )
        for (currency, _), (_, before, after, gaining, gained, losing, lost) in money_of(report, _all).items()
    ]
    return _table(header, rows)


def _all(_: Group) -> str:
    return ""


def _amounts(currency: str, *amounts: int) -> list[str]:
    if currency == NONE:
        return ["0"] * len(amounts)
    return [str(Money(amount, currency)).removeprefix(f"{currency} ") for amount in amounts]


def _transitions(report: Report) -> str:
    rows: list[Cells] = [
        (change, currency, count, *_amounts(currency, after - before))
        for (currency, change), (count, before, after, *_) in money_of(report, _transition).items()
    ]
    return _table(("before -> after", "currency", "rows", "difference"), rows)


def _transition(group: Group) -> str:
    return f"{group.before.outcome} -> {group.after.outcome}"


def _cohorts(report: Report) -> str:
    tables = [_cohort(report, "month", lambda group: group.month)]
    if report.groups and not any(group.month for group in report.groups):
        since = report.plan.since
        tables = [f"No months: no row has `{since}`. `--since INPUT` counts them from another instant."]
    if report.plan.by is not None:
        tables.append(_cohort(report, report.plan.by, lambda group: group.member))
    return "\n\n".join(table for table in tables if table)


def _cohort(report: Report, name: str, key: Callable[[Group], str]) -> str:
    rows: list[Cells] = [
        (value or "unknown", currency, count, *_amounts(currency, before, after, after - before))
        for (currency, value), (count, before, after, *_) in money_of(report, key).items()
    ]
    return _table((name, "currency", "rows", "before", "after", "difference"), rows)


def deciding_clauses(report: Report) -> dict[tuple[str, str], list[int]]:
    """For each currency and each clause that grants: rows and amount before, rows and amount after.

    Where several grant alike, the amount counts for each of them.
    """
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 4)
    for group in report.groups:
        for place, side in enumerate((group.before, group.after)):
            granting = side.clauses if side.outcome == Outcome.GRANTED else ()
            for found in (sums[(group.currency, clause)] for clause in granting):
                found[2 * place] += group.rows
                found[2 * place + 1] += side.amount
    return dict(sorted(sums.items()))


def _deciding(report: Report) -> str:
    rows: list[Cells] = [
        (clause, currency, first, *_amounts(currency, before), second, *_amounts(currency, after))
        for (currency, clause), (first, before, second, after) in deciding_clauses(report).items()
    ]
    return _table(("granted by", "currency", "rows before", "amount", "rows after", "amount"), rows)


def errors_of(report: Report) -> dict[tuple[str, str], tuple[int, str]]:
    """For each side and error: how many rows, and the id of one."""
    found: dict[tuple[str, str], tuple[int, str]] = {}
    for group in report.groups:
        for name, side in (("before", group.before), ("after", group.after)):
            if side.error is not None:
                count, example = found.get((name, side.error), (0, group.example))
                found[(name, side.error)] = (count + group.rows, min(example, group.example))
    return dict(sorted(found.items()))


def _errors(report: Report) -> str:
    rows = [(side, error, count, example) for (side, error), (count, example) in errors_of(report).items()]
    return _table(("policy", "rows not decided", "rows", "such as"), rows)


def _examples(report: Report) -> str:
    blocks = []
    for one in report.examples:
        facts = ", ".join(f"{name} {NONE if value is None else value}" for name, value in one.case.items())
        blocks.append(f"Row {one.id}: {one.before} becomes {one.after}.\n{facts}.")
    return "\n\n".join(blocks)


def _table(header: tuple[str, ...], rows: Iterable[Cells]) -> str:
    listed = list(rows)
    if not listed:
        return ""
    shown = [_line(header), _line(("---",) * len(header)), *map(_line, listed[:ROWS_MAX])]
    if len(listed) > ROWS_MAX:
        shown.append(f"\n{len(listed) - ROWS_MAX} more; `--json` lists them.")
    return "\n".join(shown)


def _line(cells: Cells) -> str:
    return f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else cell for cell in cells)} |"


def report_json(report: Report) -> dict[str, object]:
    """The back-test for programs."""
    plan = report.plan
    before, after = (_count(report.groups, side) for side in (_before, _after))
    return {
        "before": {"version": report.before.version, "sha256": report.before.sha256},
        "after": {"version": report.after.version, "sha256": report.after.sha256},
        "asks_on_day": plan.asks_on_day,
        "given": dict(plan.given),
        "rows": report.rows,
        "unknown": list(report.unknown),
        "unread": dict(report.unread),
        "outcomes": {name: {"before": before[name], "after": after[name]} for name in OUTCOMES},
        "money": list(_money_json(report, _all, None)),
        "transitions": list(_money_json(report, _transition, "change")),
        "months": list(_money_json(report, lambda group: group.month, "month")),
        "by": list(_money_json(report, lambda group: group.member, plan.by)) if plan.by else [],
        "clauses": [
            {
                "clause": clause,
                "currency": currency,
                "rows_before": sums[0],
                "before": sums[1],
                "rows_after": sums[2],
                "after": sums[3],
            }
            for (currency, clause), sums in deciding_clauses(report).items()
        ],
        "errors": [
            {"policy": side, "error": error, "rows": count, "example": example}
            for (side, error), (count, example) in errors_of(report).items()
        ],
        "examples": [
            {"id": one.id, "before": one.before, "after": one.after, "case": dict(one.case)}
            for one in report.examples
        ],
    }


def _money_json(report: Report, key: Callable[[Group], str], name: str | None) -> Iterator[dict[str, object]]:
    places = ("rows", "before", "after", "rows_gaining", "gained", "rows_losing", "lost")
    for (currency, value), sums in money_of(report, key).items():
        shown: dict[str, object] = {} if name is None else {name: value}
        yield {**shown, "currency": currency, **dict(zip(places, sums, strict=True))}
