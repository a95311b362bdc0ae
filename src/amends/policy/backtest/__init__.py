"""Two policies over past requests: how many, how much and who, counted where the data lives.

One query decides every row by both policies and counts the rows that come out alike; what is counted is small, and
the report is made of it here, so that every engine gives the same numbers. Examples are decided again by `decide`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from amends.policy.backtest.examples import examples_of
from amends.policy.backtest.plan import BacktestError, Group, Plan, Report, Row, Side, Source
from amends.policy.backtest.query import present_columns, query_of
from amends.policy.errors import InputError, suggest
from amends.policy.facts import NONE, Input
from amends.policy.model import Policy
from amends.policy.sql.contract import column_names
from amends.policy.types import Kind

__all__ = ["BacktestError", "Plan", "Report", "Source", "backtest"]


def backtest(before: Policy, after: Policy, source: Source, plan: Plan | None = None) -> Report:
    """Decide every row of a table by two policies and count what changes.

    Amounts: minor units, summed for each currency.
    Raises: BacktestError: a column that must be there is not, or an input is of two kinds.
    UncompilableError, NameTakenError: SQL cannot say one of the policies.
    """
    plan = plan or Plan()
    present = present_columns(before, after, source, plan)
    inputs = {**after.inputs, **before.inputs}
    _check_kinds(before, after)
    _check_columns(before, source, plan, list(present))
    _check_plan(inputs, plan)
    groups = tuple(_groups(source.rows(query_of(before, after, source, plan))))
    known = {*column_names(before), *column_names(after), plan.since}
    unread = {name: suggest(name, known, "") for name in source.columns if name not in known}
    unknown = tuple(name for name in inputs if name not in present and f"{name}_{NONE}" not in present)
    examples = tuple(examples_of((before, after), source, plan, groups))
    return Report(before, after, plan, groups, examples, unread, unknown)


def _check_kinds(before: Policy, after: Policy) -> None:
    for name in before.inputs.keys() & after.inputs.keys():
        types = [policy.inputs[name].type for policy in (before, after)]
        kinds = [(one.kind, one.unit, one.shown_in) for one in types]
        if kinds[0] != kinds[1]:
            message = (
                f"`{name}` is `{types[0]}` in one policy and `{types[1]}` in the other. Rename one of them."
            )
            raise BacktestError(message)


def _check_columns(before: Policy, source: Source, plan: Plan, present: Sequence[str]) -> None:
    for name in ("id", "currency"):
        if name not in present:
            message = f"The table has no column `{name}`, and every row needs one. It has {', '.join(source.columns)}."
            raise BacktestError(message)
    if plan.asks_on_day is not None and (before.roles.asked is None or plan.since not in source.columns):
        message = f"To ask on a day, the policy needs an input in the role `asked`, and the table a column `{plan.since}` to count from."
        raise BacktestError(message)


def _check_plan(inputs: dict[str, Input], plan: Plan) -> None:
    few = [name for name, one in inputs.items() if one.type.kind in (Kind.ENUM, Kind.YES_NO)]
    if plan.by is not None and plan.by not in few:
        hint = suggest(plan.by, few, f"There are {', '.join(few)}.")
        raise BacktestError(f"`{plan.by}` is no input with few values. {hint}")
    for name, value in plan.given.items():
        if name == "currency":
            continue
        if name not in inputs:
            hint = suggest(name, inputs, f"There are {', '.join(inputs)}.")
            raise BacktestError(f"`{name}` is no input of these policies. {hint}")
        try:
            inputs[name].read(inputs[name], value)
        except InputError as error:
            raise BacktestError(error.message) from None


def _groups(rows: Iterable[Row]) -> Iterator[Group]:
    for currency, month, member, *rest in rows:
        sides, counts = rest[:8], [int(cast("int", value)) for value in rest[8:-1]]
        count, before, after, gaining, gained, losing, lost = counts
        yield Group(
            currency=str(currency or ""),
            month=_month_name(month),
            member=str(member or ""),
            before=_side(sides[:4], before),
            after=_side(sides[4:], after),
            rows=count,
            gaining=gaining,
            losing=losing,
            gained=gained,
            lost=lost,
            example=str(rest[-1]),
        )


def _month_name(number: object) -> str:
    if number is None:
        return ""
    year, month = divmod(int(cast("int", number)) - 1, 12)
    return f"{year}-{month + 1:02}"


def _side(values: Sequence[object], amount: int) -> Side:
    outcome, grant, clauses, error = values
    return Side(
        outcome=str(outcome),
        grant=None if grant is None else str(grant),
        clauses=tuple(str(clauses or "").split()),
        error=None if error is None else str(error),
        amount=amount,
    )
