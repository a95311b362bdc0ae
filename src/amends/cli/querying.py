"""The commands that write SQL and run it over past requests. They load the writer and the engines when called."""

import json
import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from amends.cli.policies import POLICY
from amends.policy.model import Policy

if TYPE_CHECKING:
    from amends.cli.tables import DuckTable, PostgresTable, SparkTable

DIFFERENT = 1
PATH = click.Path(exists=True, dir_okay=False)


class Options(TypedDict):
    """The options of a back-test."""

    orders: str
    asks_on_day: int | None
    since: str
    given: tuple[str, ...]
    by: str | None
    engine: str
    as_json: bool
    chart: str | None


@click.command("sql")
@click.argument("policy", type=PATH)
@click.option(
    "--dialect", type=click.Choice(["duckdb", "postgres", "spark"]), required=True, help="Whose SQL to write."
)
@click.option(
    "--table",
    default="requests",
    show_default=True,
    help="The table of inputs; see docs/sql.md for its columns.",
)
@click.pass_context
def sql_command(context: click.Context, policy: str, dialect: str, table: str) -> None:
    """Write POLICY as one SELECT that decides every row of a table."""
    read = POLICY.convert(policy, None, context)
    _require("sql")
    from amends.policy.sql.compiler import Dialect, compile_policy  # noqa: PLC0415 -- loads the writer
    from amends.policy.sql.contract import NameTakenError  # noqa: PLC0415
    from amends.policy.sql.expressions import UncompilableError  # noqa: PLC0415

    if not all(part.isidentifier() for part in table.split(".")):
        raise click.BadParameter(
            f"{table!r} is no name of a table. Write it as orders or shop.orders.", param_hint="--table"
        )
    try:
        click.echo(compile_policy(read, Dialect(dialect), table))
    except (UncompilableError, NameTakenError) as error:
        raise click.ClickException(f"{policy}: {error}") from None


@click.command("backtest")
@click.argument("before", type=PATH)
@click.argument("after", type=PATH)
@click.option(
    "--orders",
    required=True,
    metavar="FILE|URL",
    help="A .parquet or .csv file, or postgres://…/database#table.",
)
@click.option(
    "--asks-on-day",
    type=click.IntRange(0, 3_650),
    metavar="D",
    help="Let every order ask on day D after the purchase.",
)
@click.option(
    "--since",
    default="purchased_at",
    show_default=True,
    metavar="INPUT",
    help="The instant that days and months are counted from.",
)
@click.option(
    "--set", "given", multiple=True, metavar="INPUT=VALUE", help="Let an input have this value in every row."
)
@click.option("--by", metavar="INPUT", help="Tell rows apart by an input with few values.")
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    default="duckdb",
    show_default=True,
    help="What reads a file.",
)
@click.option("--json", "as_json", is_flag=True, help="Write the report as JSON.")
@click.option(
    "--chart", type=click.Path(dir_okay=False), metavar="FILE.svg", help="Draw what is paid back by month."
)
@click.pass_context
def backtest_command(context: click.Context, before: str, after: str, **chosen: Unpack[Options]) -> None:
    """Decide past requests by BEFORE and by AFTER: how many change, how much it costs, and who gains or loses."""
    policies = [POLICY.convert(path, None, context) for path in (before, after)]
    _require("backtest")
    from amends.policy.backtest import BacktestError, Plan, backtest  # noqa: PLC0415 -- loads the writer
    from amends.policy.backtest.chart import draw  # noqa: PLC0415
    from amends.policy.backtest.summary import report_json, summarise  # noqa: PLC0415
    from amends.policy.sql.contract import NameTakenError  # noqa: PLC0415
    from amends.policy.sql.expressions import UncompilableError  # noqa: PLC0415

    try:
        given = dict(map(_setting, chosen["given"]))
        plan = Plan(chosen["asks_on_day"], chosen["since"], chosen["by"], given)
        with closing(_open(chosen["orders"], chosen["engine"], policies, plan.since)) as source:
            report = backtest(policies[0], policies[1], source, plan)
    except (BacktestError, UncompilableError, NameTakenError) as error:
        raise click.ClickException(str(error)) from None
    for name, hint in report.unread.items():
        if hint:
            click.echo(f"Column `{name}` is no input of these policies and is not read. {hint}", err=True)
    if chosen["chart"] is not None:
        Path(chosen["chart"]).write_text(draw(report), encoding="utf-8")
    click.echo(
        json.dumps(report_json(report), indent=2, ensure_ascii=False)
        if chosen["as_json"]
        else summarise(report)
    )
    sys.exit(DIFFERENT if report.is_different else 0)


def _open(
    orders: str, engine: str, policies: list[Policy], since: str
) -> "DuckTable | PostgresTable | SparkTable":
    from amends.cli.tables import DuckTable, PostgresTable, SparkTable  # noqa: PLC0415 -- loads the writer
    from amends.policy.sql.contract import column_names  # noqa: PLC0415

    names = frozenset([since, *(name for policy in policies for name in column_names(policy))])
    if orders.startswith(("postgres://", "postgresql://")):
        return PostgresTable(orders, names)
    path = Path(orders)
    if path.suffix not in (".parquet", ".csv"):
        raise click.BadParameter(
            f"{orders} is no .parquet or .csv file, and no postgres:// address.", param_hint="--orders"
        )
    if not path.is_file():
        raise click.BadParameter(f"{orders}: there is no such file.", param_hint="--orders")
    return SparkTable(path, names) if engine == "spark" else DuckTable(path, names)


def _setting(text: str) -> tuple[str, object]:
    name, sign, value = text.partition("=")
    if not sign:
        raise click.BadParameter(f"{text!r} is no INPUT=VALUE, such as request=refund.", param_hint="--set")
    try:
        found = json.loads(value)
    except json.JSONDecodeError:
        found = value
    return name, found


def _require(command: str) -> None:
    if find_spec("sqlglot") is None or find_spec("duckdb") is None:
        raise click.ClickException(
            f"`{command}` needs sqlglot and DuckDB, which are not installed. Install amends[sql]."
        )
