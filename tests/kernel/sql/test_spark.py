"""Spark says what `decide` says, and counts what DuckDB counts. A session takes seconds, so few policies take part."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

SHIPPED = ROOT / "policies" / "flux-kontext.md"
RANDOM = ("8", "320")
CASES = "300"
ORDERS = """id,currency,product,purchased_at,paid,fee,refunded,generations
1,USD,subscription,2025-09-01T10:00:00Z,1900,85,0,12
2,USD,subscription,2025-09-02T10:00:00Z,1900,85,0,51
3,EUR,credits,2025-09-03T10:00:00Z,500,30,0,0
4,EUR,subscription,2025-10-03T10:00:00Z,2000,,0,3
"""

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(autouse=True)
def _java() -> None:
    if shutil.which("java") is None:
        pytest.fail("No Java: as root, apt-get install --no-install-recommends default-jre-headless")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    folders = os.pathsep.join(str(ROOT / one) for one in ("src", "tests", "benchmarks", "campaigns"))
    environment = os.environ | {"PYTHONPATH": folders, "TZ": "UTC"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)


def test_spark_says_what_decide_says() -> None:
    done = run(str(Path(__file__).with_name("on_spark.py")), CASES, str(SHIPPED), *RANDOM)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"{CASES} cases alike") == 1 + len(RANDOM)


def test_a_back_test_on_spark_counts_what_duckdb_counts(tmp_path: Path) -> None:
    """On a table without most columns: each of them is unknown in every row."""
    after, orders = tmp_path / "after.md", tmp_path / "orders.csv"
    longer = SHIPPED.read_text(encoding="utf-8").replace("[7 days]", "[14 days]")
    after.write_text(longer.replace("version: 2025-08-18", "version: 2026-01-01"), encoding="utf-8")
    orders.write_text(ORDERS, encoding="utf-8")
    question = [
        "backtest",
        str(SHIPPED),
        str(after),
        "--orders",
        str(orders),
        "--asks-on-day",
        "10",
        "--json",
    ]
    for one in ("request=refund", "identified=true", "reason_given=true", "dispute=none"):
        question += ["--set", one]

    by_duckdb, by_spark = (run("-m", "amends", *question, "--engine", name) for name in ("duckdb", "spark"))

    assert by_spark.returncode == by_duckdb.returncode == 1
    assert json.loads(by_spark.stdout) == json.loads(by_duckdb.stdout)
    assert json.loads(by_spark.stdout)["rows"] == 4
