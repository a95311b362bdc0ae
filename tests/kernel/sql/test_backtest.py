"""A back-test counts what `decide` says of each row, gives the same on every engine, and refuses what it cannot trust."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest
from click.testing import CliRunner, Result

from agreement import column_types, decided, row_of
from amends import parse_policy, read_policy
from amends.cli import main
from amends.desk import embedded_postgres
from amends.policy.model import Policy
from conftest import ROOT, TEST_STATE
from generated import Case, Cases
from workload import complete_cases

BEFORE = ROOT / "policies" / "flux-kontext.md"
KNOWN = ("request=refund", "reason_given=true", "identified=true", "dispute=none")


def longer_window() -> str:
    text = BEFORE.read_text(encoding="utf-8")
    return text.replace("version: 2025-08-18", "version: 2026-01-01").replace("[7 days]", "[14 days]")


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("after") / "after.md"
    path.write_text(longer_window(), encoding="utf-8")
    return path


def mixed_cases(policy: Policy) -> list[Case]:
    complete = [{**case, "id": f"c{number}"} for number, case in enumerate(complete_cases(300))]
    return [*complete, *Cases(policy, 7).several(200)]


def definition(policy: Policy) -> str:
    return ", ".join(f'"{name}" {kind}' for name, kind in column_types(policy).items())


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    policy = read_policy(BEFORE)
    path = tmp_path_factory.mktemp("orders") / "orders.parquet"
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute(f"CREATE TABLE orders ({definition(policy)})")
        places = ", ".join("?" * len(column_types(policy)))
        rows = [row_of(policy, case) for case in mixed_cases(policy)]
        engine.executemany(f"INSERT INTO orders VALUES ({places})", rows)  # noqa: S608
        engine.execute(f"COPY orders TO '{path}'")
    return path


@pytest.fixture
def postgres_orders() -> Iterator[str]:
    policy = read_policy(BEFORE)
    address = embedded_postgres.use(TEST_STATE / "postgres" / "18", fast=True)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS backtest_orders")
        connection.execute(f"CREATE TABLE backtest_orders ({definition(policy)})".encode())
        with connection.cursor().copy("COPY backtest_orders FROM STDIN") as copy:
            for case in mixed_cases(policy):
                copy.write_row(row_of(policy, case))
        yield f"{address}#backtest_orders"
        connection.execute("DROP TABLE backtest_orders")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["backtest", *map(str, arguments)], catch_exceptions=False)


def report(*arguments: object) -> dict[str, object]:
    result = run(*arguments, "--json")
    assert result.stdout, result.stderr
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def test_counts_and_sums_are_those_of_deciding_each_case(after: Path, parquet: Path) -> None:
    policies = read_policy(BEFORE), read_policy(after)
    cases = mixed_cases(policies[0])
    answers = [[decided(policy, case) for case in cases] for policy in policies]
    transitions = Counter(f"{old[0]} -> {new[0]}" for old, new in zip(*answers, strict=True))

    found = report(BEFORE, after, "--orders", parquet)

    assert found["rows"] == len(cases)
    for place, name in enumerate(("before", "after")):
        outcomes = Counter(answer[0] for answer in answers[place])
        assert {key: one[name] for key, one in found["outcomes"].items() if one[name]} == outcomes  # type: ignore[attr-defined]
        assert sum(one[name] for one in found["money"]) == sum(answer[2] for answer in answers[place])  # type: ignore[attr-defined, misc]
    counted: Counter[str] = Counter()
    for one in found["transitions"]:  # type: ignore[attr-defined]
        counted[one["change"]] += one["rows"]
    assert counted == transitions


def test_postgres_and_duckdb_give_the_same_report(after: Path, parquet: Path, postgres_orders: str) -> None:
    options = ("--by", "product", "--set", "dispute=none")

    on_duckdb = report(BEFORE, after, "--orders", parquet, *options)
    on_postgres = report(BEFORE, after, "--orders", postgres_orders, *options)

    assert on_postgres == on_duckdb


def test_examples_are_rows_that_decide_answers_as_the_report_says(after: Path, parquet: Path) -> None:
    by_id = {case["id"]: case for case in mixed_cases(read_policy(BEFORE))}

    examples = report(BEFORE, after, "--orders", parquet)["examples"]

    assert examples
    for one in examples:  # type: ignore[attr-defined]
        verdicts = [decided(read_policy(path), by_id[one["id"]]) for path in (BEFORE, after)]
        assert verdicts[0] != verdicts[1]
        assert [one["before"].split()[0], one["after"].split()[0]] == [verdict[0] for verdict in verdicts]


@pytest.mark.parametrize("day, granted", [(7, 1), (8, 0), (14, 0)])
def test_every_order_asks_on_the_day_given(tmp_path: Path, day: int, granted: int) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "id,currency,product,purchased_at,paid,fee,refunded,generations\n"
        "1,USD,subscription,2025-09-01T23:59:59Z,1900,85,0,50\n"
    )
    given = [part for value in KNOWN for part in ("--set", value)]

    found = report(BEFORE, BEFORE, "--orders", path, "--asks-on-day", day, *given)

    assert found["outcomes"]["granted"] == {"before": granted, "after": granted}  # type: ignore[index]
    assert found["outcomes"]["denied"] == {"before": 1 - granted, "after": 1 - granted}  # type: ignore[index]
    assert found["months"][0]["month"] == "2025-09"  # type: ignore[index]


def test_a_row_that_shows_a_later_fact_is_counted_as_an_error_and_pays_nothing(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "id,currency,purchased_at,requested_at\n9,USD,2025-09-02T00:00:00Z,2025-09-01T00:00:00Z\n"
    )

    found = report(BEFORE, BEFORE, "--orders", path)

    error = {"error": "impossible_case: purchased_at", "rows": 1, "example": "9"}
    assert found["errors"] == [{"policy": "before", **error}, {"policy": "after", **error}] or found[
        "errors"
    ] == [
        {"policy": "after", **error},
        {"policy": "before", **error},
    ]
    assert [one["after"] for one in found["money"]] == [0]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "value, error",
    [
        ("19.00", "bad_value: paid"),
        ("1e3", "bad_value: paid"),
        ("abc", "bad_value: paid"),
        ("1000000000000001", "bad_value: paid"),
        ("1000000000000000", None),
        ("", None),
    ],
)
def test_a_field_of_a_csv_file_is_read_strictly(tmp_path: Path, value: str, error: str | None) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(f"id,currency,paid\n1,USD,{value}\n")

    found = report(BEFORE, BEFORE, "--orders", path)

    assert {one["error"] for one in found["errors"]} == ({error} if error else set())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "header, message",
    [
        ("currency,paid", "The table has no column `id`"),
        ("id,paid", "The table has no column `currency`"),
    ],
)
def test_a_table_without_what_every_row_needs_is_refused(tmp_path: Path, header: str, message: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(f"{header}\n1,2\n")

    result = run(BEFORE, BEFORE, "--orders", path)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert message in result.stderr


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "has no header: its first line names the columns"),
        (b"\n", "has no header"),
        (b"id,currency,paid\n1,USD,5\n2,USD\n", "line 3 has 2 fields, and the header names 3 columns."),
        (b"id,currency,paid\n1,USD,5,6,7\n", "line 2 has more fields, and the header names 3 columns."),
        (b"id,currency,paid,paid\n1,USD,5,6\n", "two columns are called `paid`"),
        (b"id,currency,paid\n1,USD,\xe4\n", "orders.csv cannot be read: it is not UTF-8."),
    ],
    ids=["empty", "an empty line", "a field too few", "fields too many", "a column twice", "latin 1"],
)
def test_a_csv_file_that_is_none_is_refused_with_the_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(content)

    result = run(BEFORE, BEFORE, "--orders", path)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert message in result.stderr


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_csv_file_of_a_spreadsheet_is_read(tmp_path: Path, mark: str, start: str, end: str) -> None:
    path = tmp_path / "orders.csv"
    fields = (("id", "currency", "paid", "a 'note'"), ("1", "USD", "1900", '"a ""b"""'), ("2", "USD", "", ""))
    path.write_text(start + "".join(mark.join(line) + end for line in fields), encoding="utf-8", newline="")

    found = report(BEFORE, BEFORE, "--orders", path)

    assert found["rows"] == 2
    assert found["errors"] == []


def test_a_bad_line_far_down_is_named_and_no_trace_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    lines = [f"{number},USD,5" for number in range(30_000)]
    path.write_text("\n".join(["id,currency,paid", *lines, "30000,USD", ""]))

    result = run(BEFORE, BEFORE, "--orders", path)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "line 30002 has 2 fields" in result.stderr


def test_rows_without_the_instant_of_the_months_say_how_to_name_another(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("id,currency,requested_at\n1,USD,2025-09-01T10:00:00Z\n")

    assert (
        "No months: no row has `purchased_at`. `--since INPUT`"
        in run(BEFORE, BEFORE, "--orders", path).stdout
    )
    assert "| 2025-09 | USD |" in run(BEFORE, BEFORE, "--orders", path, "--since", "requested_at").stdout


@pytest.mark.parametrize(
    "kind, message",
    [("DOUBLE", "Floating point cannot hold amounts"), ("TIMESTAMP", "A time without an offset")],
)
def test_a_column_whose_type_loses_something_is_refused(tmp_path: Path, kind: str, message: str) -> None:
    path = tmp_path / "orders.parquet"
    with duckdb.connect() as engine:
        query = f"SELECT 'a' AS id, 'USD' AS currency, CAST(NULL AS {kind}) AS paid"
        engine.execute(f"COPY ({query}) TO '{path}'")

    result = run(BEFORE, BEFORE, "--orders", path)

    assert result.exit_code == 1
    assert message in result.stderr


def test_a_misspelt_column_is_named_with_what_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("id,currency,generatons\n1,USD,3\n")

    result = run(BEFORE, BEFORE, "--orders", path)

    assert (
        "Column `generatons` is no input of these policies and is not read. Did you mean `generations`?"
        in result.stderr
    )


def test_an_input_of_two_kinds_is_refused(tmp_path: Path, parquet: Path) -> None:
    other = tmp_path / "other.md"
    text = BEFORE.read_text(encoding="utf-8").replace(
        "reason_given: yes or no", "reason_given: yes or no or none"
    )
    other.write_text(
        text.replace("generations: count of generations", "generations: count of images"), encoding="utf-8"
    )

    result = run(BEFORE, other, "--orders", parquet)

    assert result.exit_code == 1
    assert result.stdout == ""


def test_the_chart_shows_both_versions(tmp_path: Path, after: Path, parquet: Path) -> None:
    chart = tmp_path / "chart.svg"

    run(BEFORE, after, "--orders", parquet, "--chart", chart)

    drawn = chart.read_text(encoding="utf-8")
    assert "before: 2025-08-18" in drawn
    assert "after: 2026-01-01" in drawn
    assert drawn.count('class="after"') > 1


def test_the_same_policy_twice_changes_nothing_and_ends_with_0(parquet: Path) -> None:
    assert run(BEFORE, BEFORE, "--orders", parquet).exit_code == 0


def test_policies_with_a_zone_ask_at_the_same_hour_across_a_change_of_clocks(tmp_path: Path) -> None:
    policy = parse_policy((ROOT / "policies" / "flux-kontext.md").read_text(encoding="utf-8"))
    text = policy.text.replace("zone: UTC", "zone: Europe/Berlin")
    zoned = tmp_path / "zoned.md"
    zoned.write_text(text, encoding="utf-8")
    path = tmp_path / "orders.csv"
    # 23:30 in Berlin; a week later, behind the change of clocks, the same hour is another one in UTC.
    path.write_text(
        "id,currency,product,purchased_at,paid,fee,refunded,generations\n"
        "1,USD,subscription,2025-03-26T22:30:00Z,1900,85,0,50\n"
    )
    given = [part for value in KNOWN for part in ("--set", value)]

    outcomes = [
        report(zoned, zoned, "--orders", path, "--asks-on-day", day, *given)["outcomes"]["granted"]["after"]  # type: ignore[index]
        for day in (7, 8)
    ]

    assert outcomes == [1, 0]
