"""`amends sql` writes SQL that an engine takes, or says what SQL cannot hold, and where."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlglot
from click.testing import CliRunner, Result

from amends import parse_policy
from amends.cli import main
from amends.policy.model import Policy
from amends.policy.sql.compiler import Dialect, compile_policy
from amends.policy.sql.expressions import UncompilableError
from amends.policy.sql.tree import Tree
from conftest import ROOT
from generated_policies import HEAD, many_denials
from wide import policy_text

SHORT = 180_000
POLICY = ROOT / "policies" / "flux-kontext.md"
SMALL = """---
policy: small
title: Small
version: 1
effective: 2025-01-01
contact: support@example.com
inputs:
  paid: money, from desk
{inputs}---
# Small

- Some of it comes back. {{#back}}

```rule back
grant: refund
{rule}lines:
  paid "Paid": {line}
```
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["sql", *map(str, arguments)], catch_exceptions=False)


@pytest.mark.parametrize("dialect", list(Dialect))
def test_the_select_is_one_statement_over_the_table_named(shipped: Policy, dialect: Dialect) -> None:
    result = run(POLICY, "--dialect", dialect, "--table", "shop.orders")

    (statement,) = sqlglot.parse(result.stdout, dialect=dialect.value)
    assert isinstance(statement, sqlglot.exp.Query)
    assert statement.named_selects == ["id", "outcome", "grant", "amount", "clauses", "missing", "error"]
    assert result.stdout.startswith(f"-- {shipped.name} {shipped.version}, sha256 {shipped.sha256}\n")
    assert result.exit_code == 0


@pytest.mark.parametrize("dialect", list(Dialect))
def test_the_select_names_every_clause_and_stays_short(shipped: Policy, dialect: Dialect) -> None:
    text = compile_policy(shipped, dialect, "requests")

    assert [rule.clause for rule in shipped.rules if f"holds_{rule.clause}" not in text] == []
    assert len(text) < SHORT


def test_complete_rows_are_decided_apart_where_the_tree_tells_the_end_of_each(shipped: Policy) -> None:
    plain = SMALL.format(inputs="", rule="", line="paid")
    in_one_currency = SMALL.format(inputs="", rule="", line="min(paid, most)").replace(
        "```rule", "- At most [USD 5.00]{#most}. {.info}\n\n```rule"
    )

    assert compile_policy(shipped, Dialect.DUCKDB, "requests").count("UNION ALL") == 1
    assert compile_policy(parse_policy(plain), Dialect.DUCKDB, "requests").count("UNION ALL") == 1
    assert "UNION ALL" not in compile_policy(parse_policy(in_one_currency), Dialect.DUCKDB, "requests")


def test_the_select_grows_in_step_with_the_clauses() -> None:
    lengths = [
        len(compile_policy(parse_policy(policy_text(clauses)), Dialect.DUCKDB, "requests"))
        for clauses in (20, 40)
    ]

    assert lengths[1] < 2 * lengths[0]


def test_every_complete_case_of_the_shipped_policy_is_decided_by_a_few_questions(shipped: Policy) -> None:
    tree = Tree(shipped)

    longest = max(leaf.depth for leaf in tree.leaves())
    assert longest < len(tree.questions.asked)
    assert not any(leaf.question is None and leaf.winners is None for leaf in tree.places())
    assert len(list(tree.leaves())) < 2 * len(shipped.rules)


def test_a_row_is_asked_only_what_decides_it(shipped: Policy) -> None:
    """An open dispute goes to a person, and credits are never refunded, whatever else is known."""
    tree = Tree(shipped)
    asked = tree.questions.asked
    disputed, undisputed = (below for _, below in tree.root.answers)
    credits_bought = next(below for answers, below in undisputed.answers if answers == ("credits",))

    assert asked[tree.root.question or 0] == "dispute"
    assert (disputed.question, disputed.depth) == (None, 1)
    assert asked[credits_bought.question or 0] == "request"
    assert all(below.question is None for _, below in credits_bought.answers)


def test_spark_divides_wide_numbers_without_div_which_holds_64_bits() -> None:
    inputs = "  share: ratio, from desk\n"
    policy = parse_policy(SMALL.format(inputs=inputs, rule="", line="round(paid * share)"))

    text = " ".join(compile_policy(policy, Dialect.SPARK, "requests").split())

    assert "DECIMAL(38, 0)) * `share`" in text
    assert " DIV " not in text


@pytest.mark.parametrize("table", ["x; DROP TABLE y", "a b", "", 'o"', "a..b"])
def test_a_table_that_is_no_name_is_refused(table: str) -> None:
    result = run(POLICY, "--dialect", "duckdb", "--table", table)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "is no name of a table" in result.stderr


def test_a_number_of_more_than_38_digits_is_refused_with_its_line(tmp_path: Path) -> None:
    inputs = "  bought: count of things, from desk\n  used: count of things, from desk\n  spare: count of things, from desk\n"
    line = "round_down(paid * bought * bought / max(1, used) / max(1, spare))"
    text = SMALL.format(inputs=inputs, rule="", line=line)
    policy = tmp_path / "wide.md"
    policy.write_text(text)

    result = run(policy, "--dialect", "duckdb")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert "a number here may have more than 38 digits" in result.stderr
    assert "wide.md: line 20, column 27" in result.stderr


def test_an_input_named_as_a_companion_is_refused(tmp_path: Path) -> None:
    inputs = "  fixed_at: instant or none, from desk\n  fixed_at_none: yes or no, from desk\n"
    policy = tmp_path / "taken.md"
    policy.write_text(
        SMALL.format(inputs=inputs, rule="when: fixed_at == none or fixed_at_none\n", line="paid")
    )

    result = run(policy, "--dialect", "postgres")

    assert result.exit_code == 1
    assert "The input `fixed_at_none` has the name of the column" in result.stderr


def test_more_different_grants_than_can_be_compared_are_refused_with_a_line() -> None:
    sentences = "".join(
        f"- Sentence {number}. {{#c{number}}}\n\n```rule c{number}\ngrant: refund\nwhen: red\n"
        f'lines:\n  paid "Paid": paid\n  fee "Fee": {"-" * (number % 2 + 1)}fee{" - fee" * number}\n```\n\n'
        for number in range(22)
    )
    head = HEAD.format(inputs="  red: yes or no, from desk\n")
    policy = parse_policy(head + sentences)

    with pytest.raises(UncompilableError, match=r"line \d+: too many rules may pay differently"):
        compile_policy(policy, Dialect.DUCKDB, "requests")


def test_more_columns_than_postgres_takes_are_refused_for_it_alone(tmp_path: Path) -> None:
    policy = tmp_path / "many.md"
    policy.write_text(many_denials(500))

    result = run(policy, "--dialect", "postgres")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert "PostgreSQL takes 1,664 at most. Use DuckDB or Spark" in result.stderr
    assert run(policy, "--dialect", "duckdb").exit_code == 0


def test_the_command_line_loads_the_writer_of_sql_only_to_write_it() -> None:
    ask = "import sys, amends.cli; print('sqlglot' in sys.modules, 'duckdb' in sys.modules)"

    assert subprocess.check_output([sys.executable, "-c", ask], text=True) == "False False\n"
