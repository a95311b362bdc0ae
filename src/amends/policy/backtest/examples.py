"""Rows that two policies answer differently, read back and decided again by `decide`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from amends.policy import dates
from amends.policy.backtest.plan import Example, Group, Plan, Source
from amends.policy.decision import decide
from amends.policy.errors import InputError
from amends.policy.facts import NONE, Input
from amends.policy.model import Policy
from amends.policy.money import Money
from amends.policy.sql.compiler import Dialect
from amends.policy.sql.contract import Form, has_companion
from amends.policy.sql.terms import word
from amends.policy.types import Kind
from amends.policy.versions import known_inputs

EXAMPLES_MAX = 5
_ENGINES_TEXT = {Dialect.DUCKDB: "VARCHAR", Dialect.POSTGRES: "TEXT", Dialect.SPARK: "STRING"}
_QUOTE = {Dialect.DUCKDB: '"', Dialect.POSTGRES: '"', Dialect.SPARK: "`"}


def examples_of(
    policies: tuple[Policy, Policy], source: Source, plan: Plan, groups: Sequence[Group]
) -> Iterator[Example]:
    """One row of each of the largest groups that come out differently.

    Each has been decided again here; one on which `decide` and the engine disagree is named so, never left out.
    """
    kinds: dict[object, Group] = {}
    for group in sorted(groups, key=lambda one: (-one.rows, one.example)):
        if group.is_different:
            kinds.setdefault(
                (group.before.outcome, group.after.outcome, group.before.clauses, group.after.clauses), group
            )
    for group in list(kinds.values())[:EXAMPLES_MAX]:
        case = _case(policies, source, plan, group.example)
        said = (group.before.outcome, group.after.outcome)
        verdicts = [_verdict(*one, policies, case) for one in zip(policies, said, strict=True)]
        yield Example(group.example, verdicts[0], verdicts[1], case)


def _verdict(policy: Policy, said: str, policies: tuple[Policy, Policy], case: Mapping[str, object]) -> str:
    try:
        decision = decide(policy, known_inputs(policy, policies, case))
    except InputError as error:
        return f"error: {error.message}{'' if said == 'error' else f' (SQL says {said})'}"
    doubt = "" if said == decision.outcome else f" (SQL says {said})"
    cited = ", ".join(one.id for one in decision.clauses if one.role in ("grants", "denies", "refers"))
    amount = f" {Money(decision.amount, decision.currency)}" if decision.amount else ""
    missing = f", missing {', '.join(decision.missing)}" if decision.missing else ""
    return f"{decision.outcome.value}{amount}{f' ({cited})' if cited else ''}{missing}{doubt}"


def _case(policies: tuple[Policy, Policy], source: Source, plan: Plan, name: str) -> dict[str, object]:
    inputs = {**policies[1].inputs, **policies[0].inputs}
    held = [one for one in ("currency", *_columns(inputs), plan.since) if one in source.columns]
    held = list(dict.fromkeys(held))
    quote = _QUOTE[source.dialect]
    listed = ", ".join(_as_text(source, quote, one, inputs.get(one)) for one in held)
    identity = f"CAST({quote}id{quote} AS {_ENGINES_TEXT[source.dialect]})"
    query = f"SELECT {listed} FROM {source.table} WHERE {identity} = {word(name)} LIMIT 1"  # noqa: S608 -- names of inputs, and a quoted word
    (row,) = source.rows(query)
    values = dict(zip(held, row, strict=True))
    case: dict[str, object] = {"currency": values.get("currency")}
    for declared in inputs.values():
        value = _value(declared, source, values)
        if value is not None:
            case[declared.name] = value
    asked = policies[0].roles.asked
    if plan.asks_on_day is not None and asked is not None:
        case[asked] = _days_later(_moment(values[plan.since]), plan.asks_on_day, policies[0].zone)
    return case | dict(plan.given)


def _columns(inputs: Mapping[str, Input]) -> Iterator[str]:
    for name, declared in inputs.items():
        yield name
        if has_companion(declared):
            yield f"{name}_{NONE}"


def _as_text(source: Source, quote: str, name: str, declared: Input | None) -> str:
    quoted = f"{quote}{name}{quote}"
    is_instant = declared is None or declared.type.kind is Kind.INSTANT
    if name == "currency" or not is_instant or source.columns[name] is Form.TEXT or name.endswith(f"_{NONE}"):
        return quoted
    return {
        Dialect.DUCKDB: f"EPOCH_US({quoted})",
        Dialect.POSTGRES: f"CAST(EXTRACT(EPOCH FROM {quoted}) * 1000000 AS BIGINT)",
        Dialect.SPARK: f"UNIX_MICROS({quoted})",
    }[source.dialect]


def _value(declared: Input, source: Source, values: Mapping[str, object]) -> object:
    companion = values.get(f"{declared.name}_{NONE}")
    if companion is True or companion == "true":
        return NONE
    value = values.get(declared.name)
    if declared.type.kind is Kind.INSTANT and isinstance(value, int):
        return _instant(value)
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if not declared.type.unit else int(value)
    if isinstance(value, str) and source.columns[declared.name] is Form.TEXT:
        return _read_text(declared, value)
    return value


def _read_text(declared: Input, text: str) -> object:
    if declared.type.kind is Kind.YES_NO and text in ("true", "false"):
        return text == "true"
    if declared.type.kind is Kind.NUMBER and declared.type.unit and text.lstrip("-").isdigit():
        return int(text)
    return text


def _instant(microseconds: int) -> str:
    return dates.local_time(microseconds, "UTC").isoformat()


def _moment(value: object) -> str:
    return _instant(value) if isinstance(value, int) else str(value)


def _days_later(since: str, days: int, zone: str) -> str:
    local = datetime.fromisoformat(since).astimezone(dates.load_zone(zone))
    later = datetime.fromordinal(local.toordinal() + days).replace(
        hour=local.hour, minute=local.minute, second=local.second, microsecond=local.microsecond
    )
    return later.replace(tzinfo=local.tzinfo).astimezone(UTC).isoformat()
