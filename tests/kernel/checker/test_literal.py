"""The first policy, read word by word: what contradicts what, and what can never be paid."""

import pytest

from amends import decide, read_policy
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


LITERAL = read_policy(ROOT / "policies" / "literal.md")


@pytest.fixture(scope="module")
def report() -> Report:
    return check_policy(LITERAL)


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


def test_a_case_that_shows_a_contradiction_pays_nothing(report: Report) -> None:
    cases = [case for finding in report.findings if finding.witness for case in finding.witness.cases]
    decisions = [decide(LITERAL, case) for case in cases]

    assert len(cases) == 16
    assert {(one.outcome.value, one.amount) for one in decisions} == {("needs_review", 0)}


def test_a_second_check_says_the_same(report: Report) -> None:
    assert check_policy(LITERAL).render("literal.md") == report.render("literal.md")
