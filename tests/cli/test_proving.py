"""`amends check` and `amends compare`: what they print, and how they end."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from amends.cli import main
from conftest import ROOT
from planted import BACK, LATE, small

SHIPPED = str(ROOT / "policies" / "flux-kontext.md")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A policy without a defect, and one that says nothing of the last day."""
    texts = {"clean.md": small(BACK, LATE), "gap.md": small(BACK.replace("<=", "<"), LATE)}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return str(tmp_path / "clean.md"), str(tmp_path / "gap.md")


def test_a_policy_without_a_finding_ends_with_0_and_says_what_is_proved() -> None:
    result = run("check", SHIPPED)

    assert result.exit_code == 0
    assert "- some clause decides every case" in result.stdout
    assert "- every promise is kept by every clause (8 proofs)" in result.stdout
    assert "questions to the solver" in result.stderr


def test_a_finding_ends_with_1_and_prints_a_worked_case(files: tuple[str, str]) -> None:
    result = run("check", files[1])

    assert result.exit_code == 1
    assert f"{files[1]}:23: gap: No clause decides this case." in result.stdout
    assert "| requested_at | 2025-01-11 12:00 |" in result.stdout
    assert "| gap | needs_review | | 0.00 | |" in result.stdout
    assert "some clause decides every case" not in result.stdout


def test_a_claim_that_stays_open_hides_no_other_proof() -> None:
    result = run("check", str(ROOT / "tests" / "corpus" / "open" / "cubes.md"))

    assert result.exit_code == 1
    assert ": unproved: Not known whether this can happen: `more` is broken" in result.stdout
    assert "- some clause decides every case" in result.stdout
    assert "every promise is kept" not in result.stdout


def test_json_holds_every_finding_with_its_cases(files: tuple[str, str]) -> None:
    report = json.loads(run("check", "--json", files[1]).stdout)

    (finding,) = report["findings"]
    assert (finding["code"], finding["line"], report["complete"]) == ("gap", 23, True)
    assert finding["witness"] == [
        {"currency": "USD", "bought_at": "2025-01-01T12:00:00Z", "requested_at": "2025-01-11T12:00:00Z"}
    ]


def test_a_comparison_without_a_difference_ends_with_0(files: tuple[str, str]) -> None:
    result = run("compare", files[0], files[0])

    assert result.exit_code == 0
    assert "No difference. Proved over all complete cases" in result.stdout


def test_a_difference_ends_with_1_and_names_who_loses(files: tuple[str, str]) -> None:
    result = run("compare", *files)
    found = json.loads(run("compare", "--json", *files).stdout)

    assert result.exit_code == 1
    assert "| 1 | loses | granted (back) | needs_review | -100.00 |" in result.stdout
    assert [one["change"] for one in found["differences"]] == ["loses"]


def test_policies_that_cannot_be_compared_end_with_a_sentence(files: tuple[str, str]) -> None:
    other = Path(files[1])
    other.write_text(other.read_text().replace("lessons: count of lessons", "lessons: money"))

    result = run("compare", *files)

    assert result.exit_code == 1
    assert "Rename one of them." in result.stderr
