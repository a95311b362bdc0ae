"""The SQL of the shipped policy beside a hand-written query, in DuckDB, on a million and on ten million rows.

Both are first compared row by row on the repeated that the tables repeat. Each figure is the best of three runs, and
counts and sums what the query says of every row.
"""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import duckdb

from amends import parse_policy, read_policy
from amends.policy.facts import NONE
from amends.policy.model import Policy
from amends.policy.sql.compiler import Dialect, compile_policy
from amends.policy.sql.contract import column_names
from amends.policy.types import Kind
from wide import policy_text
from workload import Case, complete_cases

ROOT = Path(__file__).parent.parent
REPEATED = 50_000
SIZES = tuple(map(int, sys.argv[1:])) or (1_000_000, 10_000_000)
HAND = (ROOT / "benchmarks" / "hand_written.sql").read_text(encoding="utf-8")
VERDICT = 'SELECT outcome, "grant", count(*), sum(amount) FROM ({}) GROUP BY ALL ORDER BY ALL'
WHOLE = "SELECT outcome, count(*), sum(amount), sum(len(clauses)), sum(len(missing)) FROM ({}) GROUP BY ALL"
SCAN = (
    "SELECT sum(paid), sum(fee), max(epoch_us(requested_at)), count(product), sum(generations) FROM requests"
)
KINDS = {Kind.YES_NO: "boolean", Kind.ENUM: "text", Kind.INSTANT: "timestamptz"}


def columns(policy: Policy) -> dict[str, str]:
    """The columns of the contract, with their types in DuckDB."""
    kinds = {one.name: KINDS.get(one.type.kind, "bigint") for one in policy.inputs.values()}
    return {
        name: kinds.get(name, "boolean" if name.endswith(f"_{NONE}") else "text")
        for name in column_names(policy)
    }


def fields(policy: Policy, case: Case) -> list[object]:
    """A case as the fields of a CSV file."""
    absent = {name for name, value in case.items() if value == NONE and f"{name}_{NONE}" in columns(policy)}
    flags = {f"{name}_{NONE}": "true" for name in absent}
    return ["" if name in absent else flags.get(name, case.get(name, "")) for name in columns(policy)]


def fill(engine: duckdb.DuckDBPyConnection, policy: Policy, folder: Path) -> None:
    """The table `repeated`."""
    path = folder / "repeated.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        for number, case in enumerate(complete_cases(REPEATED)):
            rows.writerow(fields(policy, {**case, "id": str(number)}))
    listed = ", ".join(f'"{name}" {kind}' for name, kind in columns(policy).items())
    engine.execute(f"CREATE TABLE repeated ({listed})")
    engine.execute(f"COPY repeated FROM '{path}' (HEADER false)")


def seconds(engine: duckdb.DuckDBPyConnection, query: str) -> float:
    """The best of three runs."""
    times = []
    for _ in range(3):
        begun = perf_counter()
        engine.execute(query).fetchall()
        times.append(perf_counter() - begun)
    return min(times)


def compare(engine: duckdb.DuckDBPyConnection, queries: Sequence[str]) -> None:
    """End with the first rows that the queries answer differently."""
    engine.execute("CREATE OR REPLACE VIEW requests AS SELECT * FROM repeated")
    verdicts = [f'SELECT id, outcome, "grant", amount FROM ({query})' for query in queries]  # noqa: S608
    query = f"({verdicts[0]} EXCEPT {verdicts[1]}) LIMIT 3"
    different = engine.execute(query).fetchall()
    if different:
        sys.exit(f"The queries differ: {different}")


def main() -> None:
    """Print one row for each size, and how the SQL grows with the policy."""
    policy = read_policy(ROOT / "policies" / "flux-kontext.md")
    made = compile_policy(policy, Dialect.DUCKDB, "requests")
    with TemporaryDirectory() as name, duckdb.connect(f"{name}/bench.db") as engine:
        engine.execute("SET TimeZone = 'UTC'; SET threads = 2; SET memory_limit = '4GB'")
        engine.execute("SET disabled_optimizers = 'partial_aggregate_pushdown'")
        fill(engine, policy, Path(name))
        compare(engine, (HAND, made))
        print(f"{'rows':>12} {'scan':>8} {'by hand':>8} {'verdict':>8} {'whole':>8}   seconds")
        for size in SIZES:
            engine.execute("DROP VIEW IF EXISTS requests")
            times = f"SELECT repeated.* FROM repeated, range({size // REPEATED})"  # noqa: S608 -- numbers of our own
            engine.execute(f"CREATE TABLE requests AS {times}")
            queries = (SCAN, VERDICT.format(HAND), VERDICT.format(made), WHOLE.format(made))
            print(
                f"{size:>12,}" + "".join(f"{seconds(engine, query):>9.2f}" for query in queries), flush=True
            )
            engine.execute("DROP TABLE requests")
    print(f"{'clauses':>12} {'compile, s':>12} {'SQL, kB':>8}")
    for clauses in (10, 100):
        wide = parse_policy(policy_text(clauses))
        begun = perf_counter()
        text = compile_policy(wide, Dialect.DUCKDB, "requests")
        print(f"{clauses:>12} {perf_counter() - begun:>12.2f} {len(text) / 1000:>8.0f}")


if __name__ == "__main__":
    main()
