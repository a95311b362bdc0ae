"""The first policy, read word by word: what contradicts what, and what can never be paid."""

import pytest

from amends import read_policy
from amends.policy.checker import Report, check_policy
from conftest import ROOT

CONTRADICTIONS = {
    ("broken-promise", "full", "in_full"),
    ("broken-promise", "full", "n2"),
    ("broken-promise", "full", "n6"),
    ("broken-promise", "convert", "n2"),
    ("broken-promise", "convert", "n4"),
    ("broken-promise", "convert", "n5"),
    ("broken-promise", "convert", "n6"),
    ("broken-promise", "fault", "n1"),
    ("broken-promise", "fault", "n2"),
    ("broken-promise", "fault", "n4"),
    ("broken-promise", "fault", "n5"),
    ("broken-promise", "fault", "n6"),
    ("conflict", "full", "convert"),
    ("conflict", "full", "fault"),
    ("conflict", "convert", "fault"),
}


@pytest.fixture(scope="module")
def report() -> Report:
    return check_policy(read_policy(ROOT / "policies" / "literal.md"))


def test_every_contradiction_is_found_and_shown(report: Report) -> None:
    pairs = [one for one in report.findings if len(one.clauses) == 2]

    assert {(one.code, *one.clauses) for one in pairs} == CONTRADICTIONS
    assert all(one.witness is not None for one in pairs)


def test_no_clause_that_pays_can_pay(report: Report) -> None:
    never = [one.clauses for one in report.findings if one.code == "never-pays"]

    assert never == [("full",), ("convert",), ("fault",)]


def test_nothing_else_is_found(report: Report) -> None:
    others = [
        one.code for one in report.findings if one.code not in ("broken-promise", "conflict", "never-pays")
    ]

    assert others == ["gap"]
    assert report.is_complete
