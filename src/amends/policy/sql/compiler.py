"""The statement in the SQL of an engine: the only place that knows sqlglot.

sqlglot parses the text with its markers, each marker becomes what the engine calls it, and sqlglot writes the rest.
Division and wide numbers are written here, because engines differ in both and a translation in general terms goes
through floating point.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import reduce

import sqlglot
from sqlglot import exp

from amends.policy.model import Policy
from amends.policy.sql.expressions import UncompilableError
from amends.policy.sql.statement import Statement, state_apart
from amends.policy.sql.terms import TRUE

COLUMNS_MAX = 1_664
"""What PostgreSQL takes in one SELECT."""
_NEUTRAL = "duckdb"
FACTS = "facts"
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between)
_CLOSED = (exp.Column, exp.Literal, exp.Paren, exp.Case, exp.Cast, exp.Func)
"""What needs no brackets around it."""
_CLOSING = (exp.Alias, exp.If, exp.Case, exp.Paren)
"""What needs no brackets in it."""


_OPPOSITES: Mapping[type[exp.Expr], type[exp.Binary]] = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.LT: exp.GTE,
    exp.LTE: exp.GT,
    exp.GT: exp.LTE,
    exp.GTE: exp.LT,
}


class Dialect(StrEnum):
    """An engine whose SQL can be written."""

    DUCKDB = "duckdb"
    POSTGRES = "postgres"
    SPARK = "spark"


def compile_policy(policy: Policy, dialect: Dialect, table: str) -> str:
    """The SELECT that decides every row of a table with all columns of the contract.

    Raises: UncompilableError, NameTakenError: SQL cannot say it.
    """
    head = f"-- {policy.name} {policy.version}, sha256 {policy.sha256}\n"
    return head + write(state_apart(policy), dialect, table)


def write(statements: Sequence[Statement], dialect: Dialect, table: str) -> str:
    """Statements, of which each decides rows of its own, in the SQL of an engine.

    Raises: UncompilableError: the engine does not take as much.
    """
    if dialect is Dialect.POSTGRES:
        _hold_columns(statements)
    source = sqlglot.parse_one(table, dialect=dialect.value, into=exp.Table)
    queries = [_query(statement, source.copy()) for statement in statements]
    query = queries[0] if len(queries) == 1 else _together(queries)
    # The innermost first: what replaces a marker holds the markers it was given.
    for node in reversed(list(query.find_all(exp.Anonymous, bfs=True))):
        if node.name in _MARKERS:
            node.replace(_MARKERS[node.name](dialect, *node.expressions))
    _bare(query)
    if dialect is Dialect.POSTGRES:
        _fence(query)
    return query.sql(dialect=dialect.value, pretty=True, identify=True, pad=1, indent=1)


def _hold_columns(statements: Sequence[Statement]) -> None:
    """Refuse statements of which a step has more columns than PostgreSQL takes."""
    columns = max(sum(map(len, statement.layers)) for statement in statements)
    if columns > COLUMNS_MAX:
        message = f"The SQL computes {columns:,} columns for a row, and PostgreSQL takes {COLUMNS_MAX:,} at most. Use DuckDB or Spark for a policy of so many clauses."
        raise UncompilableError(message)


def _together(queries: Sequence[exp.Select]) -> exp.Union:
    """The rows of all queries; each keeps its steps to itself."""
    parts = [
        exp.Select()
        .select(*(exp.column(name, quoted=True) for name in query.named_selects), copy=False)
        .from_(query.subquery(f"part_{number}", copy=False), copy=False)
        for number, query in enumerate(queries, 1)
    ]
    return exp.union(*parts, distinct=False, copy=False)


def _query(statement: Statement, source: exp.Expr) -> exp.Select:
    """The layers as steps. Nothing is copied on the way: a policy is a large tree."""
    name, steps = FACTS, []
    step = _select(statement.layers[0]).from_(source, copy=False)
    if statement.rows != TRUE:
        step.where(_parse(statement.rows), copy=False)
    for number, layer in enumerate(statement.layers[1:], 1):
        steps.append((name, step))
        step = _select(layer, exp.Star()).from_(exp.to_identifier(name, quoted=True), copy=False)
        name = f"step_{number}"
    query = _select(statement.results).from_(exp.to_identifier(name, quoted=True), copy=False)
    for alias, found in [*steps, (name, step)]:
        query.with_(alias, as_=found, copy=False)
    return query.group_by(*map(_parse, statement.grouped), copy=False)


def _select(columns: Sequence[tuple[str, str]], *before: exp.Expr) -> exp.Select:
    aliased = (exp.alias_(_parse(text), name, quoted=True, copy=False) for name, text in columns)
    return exp.Select().select(*before, *aliased, copy=False)


def _parse(text: str) -> exp.Expr:
    return sqlglot.parse_one(text, dialect=_NEUTRAL)


def _bare(query: exp.Query) -> None:
    """Take away the brackets and double negations that change nothing, so that a reader sees those that do."""
    for denial in list(query.find_all(exp.Not, bfs=True)):
        denial.replace(_denied(denial.this))
    for paren in reversed(list(query.find_all(exp.Paren, bfs=True))):
        inner, around = paren.this, paren.parent
        joins = isinstance(around, exp.Connector) and isinstance(
            inner, (type(around), *_COMPARISONS, exp.Not)
        )
        denies = isinstance(around, exp.Not) and isinstance(inner, _COMPARISONS)
        is_closed = isinstance(inner, _CLOSED) and not isinstance(inner, exp.Connector)
        if joins or denies or is_closed or isinstance(around, _CLOSING):
            paren.replace(inner)


def _denied(condition: exp.Expr) -> exp.Expr:
    """The opposite of a condition, with no more denials in it than it needs: engines compare faster than they deny."""
    inner = condition.unnest()
    if isinstance(inner, exp.Not):
        return _bracketed(inner.this)
    if isinstance(inner, exp.Connector):
        turned = exp.Or if isinstance(inner, exp.And) else exp.And
        # A chain of a thousand conditions is a tree of that depth: it is turned in a row, not by recursion.
        denied = [_denied(one) for one in list(inner.flatten())]
        chain = reduce(lambda left, right: turned(this=left, expression=right), denied)
        return exp.paren(chain, copy=False)
    if type(inner) in _OPPOSITES:
        return exp.paren(_OPPOSITES[type(inner)](this=inner.this, expression=inner.expression), copy=False)
    return exp.Not(this=condition)


def _bracketed(condition: exp.Expr) -> exp.Expr:
    return condition if isinstance(condition, exp.Paren) else exp.paren(condition, copy=False)


def _fence(query: exp.Query) -> None:
    """Keep PostgreSQL from copying a column's expression to every place that reads the column."""
    for step in query.find_all(exp.CTE):
        step.this.offset(0, copy=False)


def _parsed(text: str, dialect: Dialect, **parts: exp.Expr) -> exp.Expr:
    """A text with parts in the places of its names."""
    found = sqlglot.parse_one(text, dialect=dialect.value)
    return found.transform(
        lambda node: parts[node.name].copy() if isinstance(node, exp.Column) and node.name in parts else node,
        copy=False,
    )


def _wide(dialect: Dialect, number: exp.Expr) -> exp.Expr:
    kind = {Dialect.DUCKDB: "HUGEINT", Dialect.POSTGRES: "NUMERIC", Dialect.SPARK: "DECIMAL(38, 0)"}[dialect]
    return exp.Cast(this=number, to=exp.DataType.build(kind, dialect=dialect.value))


def _exact_div(dialect: Dialect, top: exp.Expr, bottom: exp.Expr) -> exp.Expr:
    if dialect is Dialect.POSTGRES:
        return exp.paren(exp.Div(this=top, expression=bottom, typed=True), copy=False)
    return exp.paren(exp.IntDiv(this=top, expression=bottom), copy=False)


def _wide_div(dialect: Dialect, top: exp.Expr, bottom: exp.Expr) -> exp.Expr:
    if dialect is Dialect.POSTGRES:
        return exp.func("DIV", _wide(dialect, top), bottom, dialect="postgres")
    if dialect is Dialect.SPARK:
        # DIV would give 64 bits there. What is divided here leaves no rest, so the quotient is exact.
        return _parsed("CAST((t - t % b) / b AS DECIMAL(38, 0))", dialect, t=_wide(dialect, top), b=bottom)
    return _exact_div(dialect, top, bottom)


def _microseconds(dialect: Dialect, instant: exp.Expr) -> exp.Expr:
    text = {
        Dialect.DUCKDB: "EPOCH_US(x)",
        Dialect.POSTGRES: "CAST(EXTRACT(EPOCH FROM x) * 1000000 AS BIGINT)",
        Dialect.SPARK: "UNIX_MICROS(x)",
    }[dialect]
    return _parsed(text, dialect, x=instant)


def _texts(dialect: Dialect, *texts: exp.Expr) -> exp.Expr:
    """The texts that are not NULL, as an array."""
    array = exp.Array(expressions=list(texts))
    if not texts:
        kind = "ARRAY<STRING>" if dialect is Dialect.SPARK else "TEXT[]"
        return exp.Cast(this=array, to=exp.DataType.build(kind, dialect=dialect.value))
    if all(isinstance(text, exp.Literal) for text in texts):
        return array
    text = {
        Dialect.DUCKDB: "LIST_FILTER(x, y -> NOT y IS NULL)",
        Dialect.POSTGRES: "ARRAY_REMOVE(x, NULL)",
        Dialect.SPARK: "FILTER(x, y -> NOT y IS NULL)",
    }[dialect]
    return _parsed(text, dialect, x=array)


def _length(dialect: Dialect, array: exp.Expr) -> exp.Expr:
    text = {Dialect.DUCKDB: "LEN(x)", Dialect.POSTGRES: "CARDINALITY(x)", Dialect.SPARK: "SIZE(x)"}[dialect]
    return _parsed(text, dialect, x=array)


def _joined(dialect: Dialect, array: exp.Expr) -> exp.Expr:
    name = "ARRAY_JOIN" if dialect is Dialect.SPARK else "ARRAY_TO_STRING"
    return exp.Anonymous(this=name, expressions=[array, exp.Literal.string(" ")])


def _days_later(dialect: Dialect, instant: exp.Expr, zone: exp.Expr, days: exp.Expr) -> exp.Expr:
    """The same time of the day in a zone, some days later."""
    text = {
        Dialect.DUCKDB: "TIMEZONE(z, TIMEZONE(z, x) + TO_DAYS(d))",
        Dialect.POSTGRES: "(x AT TIME ZONE z + d * CAST('1 day' AS INTERVAL)) AT TIME ZONE z",
        Dialect.SPARK: "TO_UTC_TIMESTAMP(FROM_UTC_TIMESTAMP(x, z) + MAKE_INTERVAL(0, 0, 0, d), z)",
    }[dialect]
    return _parsed(text, dialect, x=instant, z=zone, d=days)


def _listed(dialect: Dialect, text: exp.Expr, *words: exp.Expr) -> exp.Expr:
    """Whether a text that is not NULL is one of many words; elsewhere FALSE or NULL."""
    if dialect is Dialect.DUCKDB:
        # DuckDB asks a function once for each word that a block of rows holds, `IN` once for each row.
        return _parsed(
            "(LIST_POSITION(w, x) > 0) IS TRUE", dialect, x=text, w=exp.Array(expressions=list(words))
        )
    return exp.In(this=text, expressions=list(words))


def _date(dialect: Dialect) -> str:
    if dialect is Dialect.SPARK:
        return "DATE_ADD(CAST('1970-01-01' AS DATE), CAST(x AS INT))"
    return "(CAST('1970-01-01' AS DATE) + CAST(x AS INT))"


def _month_number(dialect: Dialect, day: exp.Expr) -> exp.Expr:
    date = _date(dialect)
    text = f"CAST(EXTRACT(YEAR FROM {date}) * 12 + EXTRACT(MONTH FROM {date}) AS BIGINT)"
    return _parsed(text, dialect, x=day)


def _month_day(dialect: Dialect, day: exp.Expr) -> exp.Expr:
    return _parsed(f"CAST(EXTRACT(DAY FROM {_date(dialect)}) AS BIGINT)", dialect, x=day)


def _local_day(dialect: Dialect, instant: exp.Expr, zone: exp.Expr) -> exp.Expr:
    """Days from 1970-01-01 in a zone, from microseconds."""
    text = {
        Dialect.DUCKDB: "DATE_DIFF('day', CAST('1970-01-01' AS DATE), CAST(TIMEZONE(z, MAKE_TIMESTAMPTZ(x)) AS DATE))",
        Dialect.POSTGRES: "CAST((TO_TIMESTAMP(0) + x * CAST('1 microsecond' AS INTERVAL)) AT TIME ZONE z AS DATE) - CAST('1970-01-01' AS DATE)",
        Dialect.SPARK: "UNIX_MICROS(FROM_UTC_TIMESTAMP(TIMESTAMP_MICROS(x), z)) DIV 86400000000",
    }[dialect]
    return _parsed(text, dialect, x=instant, z=zone)


def _matches(dialect: Dialect, text: exp.Expr, pattern: exp.Expr) -> exp.Expr:
    name = "RLIKE" if dialect is Dialect.SPARK else "REGEXP_MATCHES"
    return exp.Anonymous(this=name, expressions=[text, pattern])


_MARKERS: Mapping[str, Callable[..., exp.Expr]] = {
    "WIDE": _wide,
    "EXACT_DIV": _exact_div,
    "WIDE_DIV": _wide_div,
    "MICROSECONDS": _microseconds,
    "TEXTS": _texts,
    "LENGTH_OF": _length,
    "MONTH_NUMBER": _month_number,
    "MONTH_DAY": _month_day,
    "LOCAL_DAY": _local_day,
    "JOINED": _joined,
    "DAYS_LATER": _days_later,
    "MATCHES": _matches,
    "LISTED": _listed,
}
