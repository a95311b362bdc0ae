"""The SQL of the shipped policy beside the same by hand for DuckDB, Polars and OpenFisca, on up to ten million rows.

They are first compared on the cases that the tables repeat. All are run in turn, five times; each figure is the median,
in seconds and as a multiple of the query by hand, and counts and sums what is said of every row. The query by hand is
also run behind the conditions by which a row is one that can be decided at all, for those are not left to trust here.
The last tables hold a part of rows in which one column in six is unknown.
"""

import csv
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import duckdb
import polars as pl

from amends import parse_policy, read_policy
from amends.policy.facts import NONE, read_facts
from amends.policy.model import Policy
from amends.policy.money import EXPONENTS
from amends.policy.sql.compiler import Dialect, compile_policy
from amends.policy.sql.contract import column_names
from amends.policy.types import Kind
from engines.openfisca import population
from hand_polars import verdicts
from wide import policy_text
from workload import Case, complete_cases

ROOT = Path(__file__).parent.parent
REPEATED = 50_000
REPEATS = 5
CLAUSES = (10, 50, 100, 200)
KEPT = ("id", "currency", "identified", "request", "product")
"""What is known in every row."""
SIZES = tuple(map(int, sys.argv[1:])) or (1_000_000, 10_000_000)
HAND = (ROOT / "benchmarks" / "hand_written.sql").read_text(encoding="utf-8")
CHECKS = (ROOT / "benchmarks" / "hand_checks.sql").read_text(encoding="utf-8")
CHECKED = HAND.replace(
    "FROM requests",
    f"FROM (SELECT * FROM requests WHERE {CHECKS.format(currencies=', '.join(map(repr, sorted(EXPONENTS))))})",  # noqa: S608
)
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


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """A new database in a folder, with what every run is given."""
    engine = duckdb.connect(folder / "bench.db")
    engine.execute("SET TimeZone = 'UTC'; SET threads = 2; SET memory_limit = '4GB'")
    engine.execute("SET disabled_optimizers = 'partial_aggregate_pushdown'")
    return engine


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


def repeat(engine: duckdb.DuckDBPyConnection, repeats: int) -> None:
    """Fill the table `requests` with the cases, over and over."""
    engine.execute("DROP VIEW IF EXISTS requests")
    engine.execute(f"CREATE TABLE requests AS SELECT repeated.* FROM repeated, range({repeats})")  # noqa: S608


def lose(engine: duckdb.DuckDBPyConnection, policy: Policy, percent: int) -> None:
    """Make a part of the rows hold unknowns."""
    lost = [
        f"""CASE WHEN hash(row) % 100 < {percent} AND hash(row, '{name}') % 6 = 0 THEN NULL ELSE "{name}" END AS "{name}\""""
        if name not in KEPT
        else f'"{name}"'
        for name in columns(policy)
    ]
    numbered = "(SELECT *, row_number() OVER () AS row FROM requests)"
    engine.execute(f"CREATE OR REPLACE TABLE requests AS SELECT {', '.join(lost)} FROM {numbered}")  # noqa: S608


def show(name: str, runs: dict[str, Callable[[], object]], measure: str) -> None:
    """Print the median of each, and how its ratios to the measure spread."""
    times: dict[str, list[float]] = {key: [] for key in runs}
    for _ in range(REPEATS):
        for key, run in runs.items():
            begun = perf_counter()
            run()
            times[key].append(perf_counter() - begun)
    found = []
    for key, taken in times.items():
        ratios = sorted(one / other for one, other in zip(taken, times[measure], strict=True))
        found.append(f"{key} {median(taken):.2f} s, {median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})")
    print(f"{name}: {'; '.join(found)}", flush=True)


def compare(engine: duckdb.DuckDBPyConnection, queries: Sequence[str]) -> None:
    """End with the first rows that the queries answer differently."""
    engine.execute("CREATE OR REPLACE VIEW requests AS SELECT * FROM repeated")
    verdicts = [f'SELECT id, outcome, "grant", amount FROM ({query})' for query in queries]  # noqa: S608
    for verdict in verdicts[1:]:
        different = engine.execute(f"({verdicts[0]} EXCEPT {verdict}) LIMIT 3").fetchall()
        if different:
            sys.exit(f"The queries differ: {different}")


def runs_of(engine: duckdb.DuckDBPyConnection, made: str) -> dict[str, Callable[[], object]]:
    """What is measured on a table."""
    queries = {
        "scan": SCAN,
        "by hand": VERDICT.format(HAND),
        "by hand, checked": VERDICT.format(CHECKED),
        "amends": VERDICT.format(made),
        "with clauses and missing": WHOLE.format(made),
    }
    return {name: partial(_answer, engine, query) for name, query in queries.items()}


def _answer(engine: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return engine.execute(query).fetchall()


def in_polars(engine: duckdb.DuckDBPyConnection, path: Path) -> Callable[[], object]:
    """The same by Polars, on the table in memory."""
    engine.execute(f"COPY requests TO '{path}'")
    frame = pl.read_parquet(path)
    if verdicts(frame.lazy()).collect().rows() != engine.execute(VERDICT.format(HAND)).fetchall():
        sys.exit("Polars says something else.")
    return lambda: verdicts(frame.lazy()).collect()


def in_openfisca(engine: duckdb.DuckDBPyConnection, policy: Policy, repeats: int) -> Callable[[], object]:
    """The same by OpenFisca, on arrays in memory that hold words as numbers and the days already counted."""
    facts = [read_facts(policy.inputs, policy.currencies, case) for case in complete_cases(REPEATED)]
    verdicts_of_all = population(facts, repeats)
    if sorted(verdicts_of_all(), key=str) != sorted(_answer(engine, VERDICT.format(HAND)), key=str):
        sys.exit("OpenFisca says something else.")
    return verdicts_of_all


def others(
    engine: duckdb.DuckDBPyConnection, policy: Policy, repeats: int, folder: Path
) -> dict[str, Callable[[], object]]:
    """What the other engines do on the same rows."""
    return {
        "Polars": in_polars(engine, folder / "requests.parquet"),
        "OpenFisca": in_openfisca(engine, policy, repeats),
    }


def measure(engine: duckdb.DuckDBPyConnection, policy: Policy, made: str, size: int, folder: Path) -> None:
    """Print the figures of tables of one size."""
    repeat(engine, size // REPEATED)
    runs = runs_of(engine, made)
    show(f"{size:,} rows", runs | others(engine, policy, size // REPEATED, folder), "by hand")
    for percent in (1, 20):
        lose(engine, policy, percent)
        show(f"{size:,} rows, {percent} % with unknowns", runs, "by hand")
    engine.execute("DROP TABLE requests")


def main() -> None:
    """Print the figures for each size, and how the SQL grows with the policy."""
    policy = read_policy(ROOT / "policies" / "flux-kontext.md")
    made = compile_policy(policy, Dialect.DUCKDB, "requests")
    with TemporaryDirectory() as name, connect(Path(name)) as engine:
        fill(engine, policy, Path(name))
        compare(engine, (HAND, CHECKED, made))
        for size in SIZES:
            measure(engine, policy, made, size, Path(name))
    print(f"{'policy':>12} {'compile, s':>12} {'SQL, kB':>8}")
    for named, text in [("shipped", policy.text), *((f"{n} clauses", policy_text(n)) for n in CLAUSES)]:
        read = parse_policy(text)
        begun = perf_counter()
        written = compile_policy(read, Dialect.DUCKDB, "requests")
        print(f"{named:>12} {perf_counter() - begun:>12.2f} {len(written) / 1000:>8.0f}")


if __name__ == "__main__":
    main()
