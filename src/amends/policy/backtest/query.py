"""The one query of a back-test: both policies over every row, and the rows that come out alike counted together."""

from collections.abc import Iterator, Mapping
from itertools import chain, zip_longest

from amends.policy.backtest.plan import SIDES, Plan, Source
from amends.policy.facts import NONE, Input
from amends.policy.model import Policy
from amends.policy.sql.compiler import write
from amends.policy.sql.contract import Form, column_names, has_companion
from amends.policy.sql.statement import Statement, state
from amends.policy.sql.terms import column, word
from amends.policy.types import Kind


def present_columns(before: Policy, after: Policy, source: Source, plan: Plan) -> dict[str, Form]:
    """The columns that the query reads: those of the table and those that the plan sets."""
    set_here = (_set_column({**after.inputs, **before.inputs}.get(name), name, plan) for name in plan.given)
    present = dict(source.columns) | dict.fromkeys(set_here, Form.TYPED)
    if plan.asks_on_day is not None and before.roles.asked is not None:
        present[before.roles.asked] = Form.TYPED
    return present


def _set_column(declared: Input | None, name: str, plan: Plan) -> str:
    says_none = declared is not None and has_companion(declared) and plan.given[name] == NONE
    return f"{name}_{NONE}" if says_none else name


def query_of(before: Policy, after: Policy, source: Source, plan: Plan) -> str:
    """The one query: both policies over every row, and rows that come out alike counted together."""
    present = present_columns(before, after, source, plan)
    sides = [state(policy, present, f"{name} ") for name, policy in zip(SIDES, (before, after), strict=True)]
    known = {*column_names(before), *column_names(after)}
    layers = [tuple(_read((before, after), source, plan, [name for name in present if name in known]))]
    deepest = zip_longest(*(side.layers for side in sides), fillvalue=())
    layers += [tuple(chain.from_iterable(parts)) for parts in deepest]
    named = zip(SIDES, sides, strict=True)
    answers = [(f"{key} {name}", text) for name, side in named for key, text in side.results]
    layers.append((*answers, ("month", _month(before, plan)), ("member", _member(plan, present))))
    keys = tuple(_keys())
    results = tuple((f"c{number}", text) for number, text in enumerate((*keys, *_counted()), 1))
    return write([Statement(tuple(layers), results, keys)], source.dialect, source.table)


def _read(
    policies: tuple[Policy, Policy], source: Source, plan: Plan, names: list[str]
) -> Iterator[tuple[str, str]]:
    """The columns of the table, but for those that the plan sets."""
    zone, asked = policies[0].zone, policies[0].roles.asked if plan.asks_on_day is not None else None
    inputs = {**policies[0].inputs, **policies[1].inputs}
    for name in names:
        if name == asked:
            since = column(plan.since)
            instant = (
                since if source.columns[plan.since] is Form.TYPED else f"TRY_CAST({since} AS TIMESTAMPTZ)"
            )
            yield name, f"DAYS_LATER({instant}, {word(zone)}, {plan.asks_on_day})"
        elif name in plan.given:
            yield name, _constant(inputs.get(name), plan.given[name])
        elif name.removesuffix(f"_{NONE}") in plan.given:
            yield name, "TRUE" if plan.given[name.removesuffix(f"_{NONE}")] == NONE else "FALSE"
        else:
            yield name, column(name)


def _constant(declared: Input | None, value: object) -> str:
    if value == NONE and declared is not None and has_companion(declared):
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if declared and declared.type.kind is Kind.INSTANT:
        return f"CAST({word(str(value))} AS TIMESTAMPTZ)"
    return str(value) if isinstance(value, int) else word(str(value))


def _month(policy: Policy, plan: Plan) -> str:
    """The month of the purchase as a number; NULL where it is unknown."""
    declared = policy.inputs.get(plan.since)
    if declared is None or declared.type.kind is not Kind.INSTANT:
        return "CAST(NULL AS BIGINT)"
    since = f"before {plan.since}"
    if policy.zone == "UTC":
        return f"MONTH_NUMBER(EXACT_DIV({column(since)}, 86400000000))"
    return f"MONTH_NUMBER({column(f'{since}_day')})"


def _member(plan: Plan, present: Mapping[str, Form]) -> str:
    if plan.by is None or plan.by not in present:
        return "''"
    return f"CAST({column(plan.by)} AS TEXT)"


def _keys() -> Iterator[str]:
    yield from map(column, ("before currency", "month", "member"))
    for side in SIDES:
        yield from (column(f"outcome {side}"), column(f"grant {side}"))
        yield from (f"JOINED({column(f'clauses {side}')})", column(f"error {side}"))


def _counted() -> Iterator[str]:
    moved = f"({column('amount after')} - {column('amount before')})"
    yield "COUNT(*)"
    for side in SIDES:
        yield f"CAST(SUM({column(f'amount {side}')}) AS BIGINT)"
    for sign, value in ((">", moved), ("<", f"(-{moved})")):
        yield f"CAST(SUM(CASE WHEN {moved} {sign} 0 THEN 1 ELSE 0 END) AS BIGINT)"
        yield f"CAST(SUM(CASE WHEN {moved} {sign} 0 THEN {value} ELSE 0 END) AS BIGINT)"
    yield f"MIN(CAST({column('before id')} AS TEXT))"
