"""Every engine against `decide`, on 100,000 cases and more: DuckDB, PostgreSQL and Spark.

`bin/campaign sql [CASES [ENGINE...]]` takes the shipped policy, all examples, the good policies of the corpus and
policies made at random. Spark takes part where Java is installed. The first difference is printed, and ends it with 1.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import duckdb
import psycopg
from psycopg import sql

from agreement import Row, column_types, differences, row_of
from amends import read_policy
from amends.desk import embedded_postgres
from amends.policy.model import Policy
from amends.policy.sql.compiler import Dialect, compile_policy
from arguments import add_choices, at_least, reader
from generated import Case, Cases
from generated_policies import generated_policy

ROOT = Path(__file__).parent.parent
STATE = ROOT / "var" / "test" / "postgres" / "18"
CASES = 120_000
MADE = 60
ORDER = "ORDER BY CAST(id AS BIGINT)"


class Engine(Protocol):
    def answers(self, policy: Policy, cases: list[Case]) -> list[Row]: ...


def definition(policy: Policy) -> str:
    return ", ".join(f'"{name}" {kind}' for name, kind in column_types(policy).items())


class Duck:
    def answers(self, policy: Policy, cases: list[Case]) -> list[Row]:
        with duckdb.connect() as engine:
            engine.execute("SET TimeZone = 'UTC'")
            engine.execute(f"CREATE TABLE requests ({definition(policy)})")
            places = ", ".join("?" * len(column_types(policy)))
            rows = [row_of(policy, case) for case in cases]
            engine.executemany(f"INSERT INTO requests VALUES ({places})", rows)
            query = compile_policy(policy, Dialect.DUCKDB, "requests")
            return engine.execute(f"SELECT * FROM ({query}) {ORDER}").fetchall()


class Postgres:
    def __init__(self) -> None:
        self.connection = psycopg.connect(embedded_postgres.use(STATE, fast=True))

    def answers(self, policy: Policy, cases: list[Case]) -> list[Row]:
        self.connection.execute(f"CREATE TEMPORARY TABLE requests ({definition(policy)})".encode())
        with self.connection.cursor().copy("COPY requests FROM STDIN") as copy:
            for case in cases:
                copy.write_row(row_of(policy, case))
        query = sql.SQL(compile_policy(policy, Dialect.POSTGRES, "requests"))
        found = self.connection.execute(sql.SQL("SELECT * FROM ({}) x {}").format(query, sql.SQL(ORDER)))
        rows = found.fetchall()
        self.connection.rollback()
        return rows


class Spark:
    def __init__(self) -> None:
        from pyspark.sql import SparkSession

        session: Any = SparkSession.builder
        session = (
            session.master("local[2]").config("spark.ui.enabled", "false").config("spark.driver.memory", "3g")
        )
        settings = {
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.ansi.enabled": "true",
            "spark.sql.shuffle.partitions": "1",
            "spark.log.level": "FATAL",
            "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.CollapseProject",
            "spark.ui.showConsoleProgress": "false",
        }
        for name, value in settings.items():
            session = session.config(name, value)
        self.session = session.getOrCreate()

    def answers(self, policy: Policy, cases: list[Case]) -> list[Row]:
        kinds = {"text": "string", "timestamptz": "timestamp"}
        schema = ", ".join(f"`{name}` {kinds.get(kind, kind)}" for name, kind in column_types(policy).items())
        rows = [row_of(policy, case) for case in cases]
        self.session.createDataFrame(rows, schema).createOrReplaceTempView("requests")
        query = compile_policy(policy, Dialect.SPARK, "requests")
        return [tuple(row) for row in self.session.sql(f"SELECT * FROM ({query}) {ORDER}").collect()]


ENGINES: dict[str, type[Engine]] = {"duckdb": Duck, "postgres": Postgres, "spark": Spark}


def policies() -> Iterator[tuple[str, Policy]]:
    paths = [ROOT / "policies" / "flux-kontext.md", ROOT / "policies" / "literal.md"]
    paths += sorted(path for path in (ROOT / "examples").glob("*.md") if path.name != "README.md")
    paths += sorted((ROOT / "tests" / "corpus" / "good").glob("*/*.md"))
    paths += sorted((ROOT / "tests" / "corpus" / "open").glob("*.md"))
    yield from ((path.stem, read_policy(path)) for path in paths)
    yield from ((f"random {seed}", generated_policy(seed)) for seed in range(MADE))


def wanted() -> tuple[int, list[str]]:
    """How many cases, and the engines to try them on."""
    parser = reader("sql", __doc__)
    parser.add_argument(
        "cases", nargs="?", type=at_least(1), default=CASES, metavar="CASES", help=f"how many ({CASES})"
    )
    add_choices(parser, "engines", tuple(ENGINES))
    asked = parser.parse_args()
    if asked.engines:
        return asked.cases, asked.engines
    found = [name for name in ENGINES if name != "spark" or shutil.which("java")]
    if "spark" not in found:
        print("Spark is left out: no Java was found.")
    return asked.cases, found


def main() -> None:
    total, names = wanted()
    os.environ["TZ"] = "UTC"
    engines = {name: ENGINES[name]() for name in names}
    every = list(policies())
    share = -(-total // len(every))
    tried, begun = 0, monotonic()
    for seed, (name, policy) in enumerate(every):
        cases = Cases(policy, 1_000 + seed).several(share)
        for engine, opened in engines.items():
            different = next(differences(policy, cases, opened.answers(policy, cases)), None)
            if different is not None:
                case, expected, answer = different
                sys.exit(f"{name}, {engine}: {case}\n  decide: {expected}\n  SQL:    {answer}")
        tried += len(cases)
        print(f"{name}: {len(cases)} cases, {', '.join(engines)} say what decide says", flush=True)
    print(f"{tried:,} cases of {len(every)} policies, {monotonic() - begun:.0f} s: no difference.")


if __name__ == "__main__":
    main()
