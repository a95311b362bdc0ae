"""The shipped policy keeps its worked cases, and they notice every small change to it."""

import re
from collections.abc import Iterator

import pytest

from amends import PolicyError, parse_policy
from amends.policy.cases import check_worked_cases, read_worked_cases
from amends.policy.model import Policy
from conftest import ROOT

TEXT = (ROOT / "policies" / "flux-kontext.md").read_text()
CASES = ROOT / "policies" / "flux-kontext.cases.md"
FLIPPED = {
    "==": ("!=",),
    "!=": ("==",),
    "<=": ("<", ">=", ">"),
    ">=": (">", "<=", "<"),
    "<": ("<=", ">"),
    ">": (">=", "<"),
    " and ": (" or ",),
    " or ": (" and ",),
    " + ": (" - ",),
    " - ": (" + ",),
    " * ": (" / ",),
    " / ": (" * ",),
    "min(": ("max(",),
    "max(": ("min(",),
    "round(": ("round_down(", "round_half_even("),
    ": -": (": ",),
    "not ": ("",),
    " in (": (" not in (",),
}
OPERATOR = re.compile(
    r"==|!=|<=|>=|<|>|(?<=\w) (?:and|or) (?=[\w(])| [-+*/] |\bmin\(|\bmax\(|\bround\(|(?<=\"): -|\bnot | in \("
)
QUOTED = re.compile(r'"[^"]*"|ask: .*')
NUMBER = re.compile(r"\[(\d+) |(?<=\| )(\d+)(?= business)")
CODE = re.compile(r"^assume:\n(?:  .*\n)+|^```(?:rule|define|promise|need) .*\n(?:.*\n)*?```", re.MULTILINE)


def numbers_changed() -> Iterator[tuple[str, str]]:
    for match in NUMBER.finditer(TEXT):
        group = 1 if match[1] else 2
        for step in (-1, 1):
            start, end = match.span(group)
            line = TEXT.count("\n", 0, start) + 1
            changed = str(int(match[group]) + step)
            yield f"line {line}: {match[group]} becomes {changed}", TEXT[:start] + changed + TEXT[end:]


def operators_flipped() -> Iterator[tuple[str, str]]:
    for block in CODE.finditer(TEXT):
        bare = QUOTED.sub(lambda match: '"' * len(match[0]), block[0])
        for match in OPERATOR.finditer(bare):
            start = block.start() + match.start()
            place = f"line {TEXT.count(chr(10), 0, start) + 1} column {start - TEXT.rfind(chr(10), 0, start)}"
            for changed in FLIPPED[match[0]]:
                yield (
                    f"{place}: {match[0]} becomes {changed}",
                    TEXT[:start] + changed + TEXT[start + len(match[0]) :],
                )


def is_noticed(text: str, shipped: Policy) -> bool:
    cases, numbers = read_worked_cases(shipped, CASES)
    try:
        policy = parse_policy(text)
    except PolicyError:
        return True
    return next(check_worked_cases(policy, cases, numbers), None) is not None


def test_every_worked_case_holds(shipped: Policy) -> None:
    cases, numbers = read_worked_cases(shipped, CASES)

    assert list(check_worked_cases(shipped, cases, numbers)) == []
    assert len(cases) >= 60


NUMBERS = list(numbers_changed())
OPERATORS = list(operators_flipped())


@pytest.mark.parametrize("name, text", NUMBERS, ids=[name for name, _ in NUMBERS])
def test_the_worked_cases_notice_a_changed_number(shipped: Policy, name: str, text: str) -> None:
    assert is_noticed(text, shipped), name


@pytest.mark.parametrize("name, text", OPERATORS, ids=[name for name, _ in OPERATORS])
def test_the_worked_cases_notice_a_flipped_operator(shipped: Policy, name: str, text: str) -> None:
    assert is_noticed(text, shipped), name


def test_the_changes_cover_the_numbers_and_operators_of_the_policy() -> None:
    assert len(NUMBERS) == 52
    assert len(OPERATORS) > 100
