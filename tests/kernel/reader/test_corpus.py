"""Each bad policy and each bad file of cases gets the message beside it, each good policy the answers beside it.

`bin/test tests/kernel/reader/test_corpus.py --record` writes the files `.txt` anew; read them in the diff.
"""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from amends import PolicyError, read_policy
from amends.cli import main
from amends.policy.cases import read_worked_cases
from amends.policy.errors import WHY
from amends.policy.model import Policy

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
BAD = sorted((CORPUS / "bad").glob("*/*.md"))
CASES = sorted((CORPUS / "cases").glob("*.cases.md"))
GOOD = sorted((CORPUS / "good").glob("*/*.md"))
MADE_BY_TESTS = {"file-too-large"}
"""Codes whose files are too large to keep: test_hostile.py makes them."""


def expect(path: Path, text: str, config: pytest.Config) -> None:
    beside = path.with_suffix(".txt")
    if config.getoption("record"):
        beside.write_text(text, encoding="utf-8")

    assert text == beside.read_text(encoding="utf-8")


def message_for(path: Path) -> str:
    with pytest.raises(PolicyError) as caught:
        read_policy(path)
    return str(caught.value).replace(f"{path}:", f"{path.name}:") + "\n"


def message_for_cases(policy: Policy, path: Path) -> str:
    with pytest.raises(PolicyError) as caught:
        read_worked_cases(policy, path)
    return str(caught.value).replace(f"{path}:", f"{path.name}:") + "\n"


def answers_for(path: Path) -> str:
    run = CliRunner().invoke
    shown = run(main, ["inputs", str(path)], catch_exceptions=False).stdout
    cases = str(path.with_suffix(".jsonl"))
    decided = run(main, ["decide", str(path), cases, "--json"], catch_exceptions=False).stdout
    return shown + "".join(f"\n{answer(line)}\n" for line in decided.splitlines())


def answer(line: str) -> str:
    """What was decided, one part to a line, without what says nothing or only names the policy."""
    parts = json.loads(line).items()
    left_out = ("policy", "core_sha256", "facts")
    shown = {key: value for key, value in parts if key not in left_out and value not in (None, [], {})}
    return "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in shown.items())


@pytest.mark.parametrize("path", BAD, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_bad_policy_gets_the_message_beside_it(path: Path, pytestconfig: pytest.Config) -> None:
    expect(path, message_for(path), pytestconfig)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_bad_worked_cases_get_the_message_beside_them(
    path: Path, shipped: Policy, pytestconfig: pytest.Config
) -> None:
    expect(path, message_for_cases(shipped, path), pytestconfig)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_good_policy_asks_and_answers_as_recorded_beside_it(
    path: Path, pytestconfig: pytest.Config
) -> None:
    expect(path, answers_for(path), pytestconfig)


def test_every_code_of_the_catalogue_has_a_policy_that_gets_it() -> None:
    found = set()
    for path in BAD:
        with pytest.raises(PolicyError) as caught:
            read_policy(path)
        found |= {problem.code for problem in caught.value.problems}

    assert found | MADE_BY_TESTS == set(WHY)


def test_nothing_is_recorded_without_its_policy() -> None:
    recorded = {path.with_suffix(".md") for path in CORPUS.rglob("*.txt")}

    assert recorded == {*BAD, *CASES, *GOOD}
