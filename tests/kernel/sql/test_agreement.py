"""What SQL says of a case is what `decide` says of it: on DuckDB and PostgreSQL, with unknowns, borders and bad input."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest
from psycopg import sql

from agreement import Row, column_types, differences, row_of
from amends import parse_policy, read_policy
from amends.desk import embedded_postgres
from amends.policy.model import Policy
from amends.policy.sql.compiler import Dialect, compile_policy
from conftest import ROOT, TEST_STATE
from generated import Case, Cases
from generated_policies import HEAD, generated_policy, many_denials
from wide import policy_text

POLICIES = sorted(
    [
        *(path for path in (ROOT / "policies").glob("*.md") if not path.stem.endswith(".cases")),
        *(path for path in (ROOT / "examples").glob("*.md") if path.name != "README.md"),
        *(ROOT / "tests" / "corpus" / "good").glob("*/*.md"),
    ]
)
ON_POSTGRES = [path for path in POLICIES if path.parent.name not in ("examples", "promises", "needs")]
MANY = {"flux-kontext": 600}
COUNT = 60
TELLING = (8, 320, 328, 423, 504, 591, 827)
"""Policies that have cases on which everything hangs: what unknown clauses could override, and needs that may lack."""
OUTWEIGHED = """- One way. {#met}

```rule met
grant: refund
when: red
lines:
  paid "Paid": paid
```

- Another way, to the same end. {#unmet}

```rule unmet
grant: refund
when: green
needs: proof
overrides: met
lines:
  paid "Paid": paid
```
"""

CAPPED = """- We give back at most [$20.00]{#most}. {#capped}

```rule capped
grant: refund
when: red
lines:
  paid "Paid": min(paid, most)
```

- Else nothing. {#nothing}

```rule nothing
deny
when: not red
```
"""


def definition(policy: Policy) -> str:
    return ", ".join(f'"{name}" {kind}' for name, kind in column_types(policy).items())


def on_duckdb(policy: Policy, cases: list[Case]) -> list[Row]:
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute(f"CREATE TABLE requests ({definition(policy)})")
        places = ", ".join("?" * len(column_types(policy)))
        engine.executemany(
            f"INSERT INTO requests VALUES ({places})",  # noqa: S608
            [row_of(policy, case) for case in cases],
        )
        query = compile_policy(policy, Dialect.DUCKDB, "requests")
        return engine.execute(f"SELECT * FROM ({query}) ORDER BY CAST(id AS BIGINT)").fetchall()  # noqa: S608


@pytest.fixture(scope="module")
def postgres() -> Iterator[psycopg.Connection]:
    address = embedded_postgres.use(TEST_STATE / "postgres" / "18", fast=True)
    with psycopg.connect(address) as connection:
        yield connection
        connection.rollback()


def on_postgres(postgres: psycopg.Connection, policy: Policy, cases: list[Case]) -> list[Row]:
    postgres.execute(f"CREATE TEMPORARY TABLE requests ({definition(policy)}) ON COMMIT DROP".encode())
    with postgres.cursor().copy("COPY requests FROM STDIN") as copy:
        for case in cases:
            copy.write_row(row_of(policy, case))
    query = compile_policy(policy, Dialect.POSTGRES, "requests")
    found = postgres.execute(
        sql.SQL("SELECT * FROM ({}) x ORDER BY CAST(id AS bigint)").format(sql.SQL(query))
    )
    rows = found.fetchall()
    postgres.rollback()
    return rows


def read(path: Path) -> tuple[Policy, list[Case]]:
    policy = read_policy(path)
    return policy, Cases(policy, seed=1).several(MANY.get(path.stem, COUNT))


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_duckdb_says_what_decide_says(path: Path) -> None:
    policy, cases = read(path)

    assert list(differences(policy, cases, on_duckdb(policy, cases))) == []


@pytest.mark.parametrize("path", ON_POSTGRES, ids=lambda path: path.stem)
def test_postgres_says_what_decide_says(postgres: psycopg.Connection, path: Path) -> None:
    policy, cases = read(path)

    assert list(differences(policy, cases, on_postgres(postgres, policy, cases))) == []


@pytest.mark.parametrize("seed", TELLING)
def test_rules_that_override_need_owe_and_refer_at_random_are_decided_alike(
    postgres: psycopg.Connection, seed: int
) -> None:
    policy = generated_policy(seed)
    cases = Cases(policy, seed).several(80)

    assert list(differences(policy, cases, on_duckdb(policy, cases))) == []
    assert list(differences(policy, cases, on_postgres(postgres, policy, cases))) == []


def test_a_share_of_which_only_the_whole_is_unknown_is_asked_for(postgres: psycopg.Connection) -> None:
    policy = read_policy(ROOT / "tests" / "corpus" / "open" / "tickets.md")
    cases: list[Case] = [
        {
            "id": "1",
            "currency": "INR",
            "holder": True,
            "event": "planned",
            "requested_at": "2026-04-05T10:00:00+00:00",
            "starts_at": "2027-03-07T10:00:00+00:00",
            "paid": 5000,
            "service_fee": 100,
            "refunded": 0,
            "returned_tickets": 1,
            "scanned": False,
        }
    ]

    assert list(differences(policy, cases, on_duckdb(policy, cases))) == []
    assert list(differences(policy, cases, on_postgres(postgres, policy, cases))) == []


def test_an_unknown_clause_whose_need_lacks_may_override_the_one_that_would_decide() -> None:
    flags = "".join(f"  {name}: yes or no, from desk\n" for name in ("red", "green", "proof"))
    head = HEAD.format(inputs=flags)
    policy = parse_policy(
        head.replace("  way == original or way == credit\n", "  way == original or fee >= 0\n") + OUTWEIGHED
    )
    base = {"currency": "USD", "red": True, "paid": 1_900, "fee": 0, "refunded": 0, "way": "original"}
    doubts = [{}, {"green": False}, {"green": True}, {"proof": True}, {"proof": False}]
    cases: list[Case] = [{**base, **doubt, "id": str(number)} for number, doubt in enumerate(doubts)]

    answers = on_duckdb(policy, cases)

    assert list(differences(policy, cases, answers)) == []
    assert [answer[1] for answer in answers] == [
        "needs_information",
        "granted",
        "needs_information",
        "granted",
        "needs_information",
    ]


def test_a_case_in_another_currency_than_the_amount_it_needs_goes_to_a_person(
    postgres: psycopg.Connection,
) -> None:
    policy = parse_policy(
        HEAD.format(inputs="  red: yes or no, from desk\n").replace(
            "  way == original or way == credit\n", "  way == original or fee >= 0\n"
        )
        + CAPPED
    )
    base = {"red": True, "paid": 1_900, "fee": 0, "refunded": 0, "way": "original"}
    cases: list[Case] = [{**base, "id": "1", "currency": "USD"}, {**base, "id": "2", "currency": "EUR"}]

    answers = on_duckdb(policy, cases)

    assert list(differences(policy, cases, answers)) == []
    assert list(differences(policy, cases, on_postgres(postgres, policy, cases))) == []
    assert [(answer[1], answer[3]) for answer in answers] == [("granted", 1_900), ("needs_review", 0)]


def test_a_policy_of_many_clauses_is_decided_alike() -> None:
    policy = parse_policy(policy_text(20))
    cases = Cases(policy, 1).several(40)

    assert list(differences(policy, cases, on_duckdb(policy, cases))) == []


def test_a_thousand_clauses_are_decided_alike() -> None:
    policy = parse_policy(many_denials(1_000))
    uses = (0, 1, 2, 500, 1_001, 1_002, None)
    cases: list[Case] = [{"id": str(n), "currency": "USD", "used": used} for n, used in enumerate(uses)]

    assert list(differences(policy, cases, on_duckdb(policy, cases))) == []
