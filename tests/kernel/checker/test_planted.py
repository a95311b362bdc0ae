"""Every kind of defect is found where it is planted, with cases that anybody can decide again."""

from pathlib import Path

import pytest

from amends import decide, parse_policy, read_policy
from amends.policy.cases import check_worked_cases, read_worked_cases
from amends.policy.checker import Finding, Report, check_policy
from amends.policy.checker.findings import WHY
from amends.policy.checker.report import NOTED
from amends.policy.model import Policy
from conftest import ROOT
from planted import BACK, LATE, PLANTED, Planted, deny, small

POLICIES = sorted(path for path in (ROOT / "examples").glob("*.md") if path.name != "README.md")
WITHOUT_A_CASE = {"impossible-assumptions", "dead-clause", "vacuous-override", "never-pays"}
"""What says that something never happens, so that no case can show it."""


def finding_of(report: Report, planted: Planted) -> Finding:
    found = [one for one in report.findings if (one.code, one.clauses) == (planted.code, planted.clauses)]
    assert len(found) == 1, [(one.code, one.clauses) for one in report.findings]
    return found[0]


@pytest.mark.parametrize("planted", PLANTED, ids=[one.name for one in PLANTED])
def test_a_planted_defect_is_found_and_confirmed(planted: Planted, tmp_path: Path) -> None:
    policy = parse_policy(planted.text)

    report = check_policy(policy)

    finding = finding_of(report, planted)
    assert (finding.witness is None) == (planted.code in WITHOUT_A_CASE)
    assert not {"unproved", "not-confirmed"} & {one.code for one in report.findings}
    for one in report.findings:
        pasted_back(policy, one, tmp_path)


def pasted_back(policy: Policy, finding: Finding, folder: Path) -> None:
    """What a finding prints for the file of worked cases reads, and holds."""
    if finding.witness is None:
        return
    file = folder / "pasted.cases.md"
    file.write_text(finding.witness.as_worked_cases(finding.title))
    cases, numbers = read_worked_cases(policy, file)

    assert len(cases) == len(finding.witness.cases)
    assert list(check_worked_cases(policy, cases, numbers)) == []


def test_the_defects_are_of_every_kind_that_can_be_planted() -> None:
    kinds = {one.code for one in PLANTED}

    assert kinds == set(WHY) - {"unproved", "not-confirmed", *NOTED}
    assert len(PLANTED) >= 35


def test_the_shipped_policy_has_no_finding(shipped: Policy) -> None:
    report = check_policy(shipped)

    assert report.findings == ()
    assert report.is_complete
    assert len(report.proofs()) == 7


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_an_example_has_no_finding(path: Path) -> None:
    report = check_policy(read_policy(path))

    assert [(one.code, one.clauses) for one in report.findings] == []


def test_a_policy_without_a_defect_has_no_finding() -> None:
    assert check_policy(parse_policy(small(BACK, LATE))).findings == ()


def test_a_case_holds_nothing_that_does_not_matter() -> None:
    policy = parse_policy(small(BACK.replace("<=", "<"), LATE))

    (gap,) = check_policy(policy).findings

    assert gap.witness is not None
    assert gap.witness.cases == (
        {"currency": "USD", "bought_at": "2025-01-01T12:00:00Z", "requested_at": "2025-01-11T12:00:00Z"},
    )


def test_a_question_whose_answers_all_end_alike_is_noted() -> None:
    pro, basic = (
        deny(plan, f"plan == {plan}", words="Nothing comes back of this plan.") for plan in ("pro", "basic")
    )
    policy = parse_policy(small(pro, basic))

    report = check_policy(policy)

    (note,) = report.notes
    assert report.findings == ()
    assert (note.code, note.clauses) == ("needless-question", ("pro", "basic"))
    assert note.witness is not None
    assert decide(policy, note.witness.cases[0]).missing == ("plan",)


def test_a_question_that_matters_is_not_noted() -> None:
    policy = parse_policy(small(BACK, LATE, deny("pro", "plan == pro", "overrides: back")))

    assert check_policy(policy).notes == ()
