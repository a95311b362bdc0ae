"""Lints are found where they are planted, not where the sentence is mended, and they change no proof."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from amends import parse_policy, read_policy
from amends.cli import main
from amends.policy.checker.findings import LINTS as KINDS
from amends.policy.checker.lints import find_lints
from conftest import ROOT
from planted import BACK, DAYS, LATE, LINTS, MENDED, Planted, deny, grant, lean, sentence

CLEAN = [
    ROOT / "policies" / "flux-kontext.md",
    *sorted(path for path in (ROOT / "examples").glob("*.md") if path.name != "README.md"),
]


def codes(text: str) -> list[str]:
    return [one.code for one in find_lints(parse_policy(text))]


def check(path: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["check", str(path), *options], catch_exceptions=False)


@pytest.mark.parametrize("planted", LINTS, ids=[one.name for one in LINTS])
def test_a_planted_lint_is_found_at_its_line(planted: Planted) -> None:
    (lint,) = find_lints(parse_policy(planted.text))

    assert (lint.code, lint.clauses) == (planted.code, planted.clauses)
    line = planted.text.split("\n")[lint.span.line - 1]
    assert any(word in line for word in ("days]", "lessons]", "rule back", "age_of_account", "We never"))


def test_the_planted_lints_are_of_every_kind() -> None:
    assert {one.code for one in LINTS} == set(KINDS)


@pytest.mark.parametrize(
    "words",
    [
        "At most [3 lessons]{#top}",
        "Up to [3 lessons]{#top}",
        "With no more than [3 lessons]{#top}",
        "Until [3 lessons]{#top}",
    ],
)
def test_words_that_say_the_side_are_no_lint(words: str) -> None:
    assert (
        codes(
            lean(
                DAYS, BACK, LATE, grant("few", "lessons <= top", "paid=paid", words=f"{words} it comes back.")
            )
        )
        == []
    )


@pytest.mark.parametrize(
    "convention",
    [
        "Days are calendar days.",
        "The day of the purchase is day zero.",
        "The last day counts to its end.",
        "All times are inclusive.",
    ],
)
def test_a_sentence_on_how_days_are_counted_is_enough(convention: str) -> None:
    assert codes(lean(f"- {convention} {{.info}}\n\n", BACK, LATE)) == []
    assert codes(lean("- Ask us by mail. {.info}\n\n", BACK, LATE)) == ["unstated-boundary"] * 2


def test_a_last_month_that_says_nothing_about_counting_is_not_enough() -> None:
    assert (
        codes(lean("- In the last month nothing comes back. {.info}\n\n", BACK, LATE))
        == ["unstated-boundary"] * 2
    )


def test_a_number_that_another_sentence_shows_needs_no_words_here() -> None:
    later = deny("many", "lessons > top", words="After that nothing comes back.")

    assert (
        codes(
            lean(
                DAYS,
                BACK,
                LATE,
                grant("few", "lessons <= top", "paid=paid", words="At most [3 lessons]{#top}."),
                later,
            )
        )
        == []
    )


@pytest.mark.parametrize(
    "words, when",
    [
        ("Up to [3 lessons]{#top} before the last one", "lessons >= top"),
        ("Later than [3 lessons]{#top} before the last one", "lessons < top"),
        ("At least [3 lessons]{#top} before the last one", "lessons >= top"),
        ("Fewer than [3 lessons]{#top} do not count; then", "lessons >= top"),
    ],
)
def test_what_is_counted_back_or_not_counted_is_read_the_other_way_round(words: str, when: str) -> None:
    counted = grant("few", when, "paid=paid", words=f"{words} it comes back.")

    assert codes(lean(DAYS, BACK, LATE, counted)) == []


@pytest.mark.parametrize("words", ["Until [3 lessons]{#top} before", "At most [3 lessons]{#top} before"])
def test_words_counted_back_can_still_say_the_opposite_of_a_rule(words: str) -> None:
    when = "lessons < top" if words.startswith("Until") else "lessons > top"
    counted = grant("few", when, "paid=paid", words=f"{words} the last one it comes back.")

    assert codes(lean(DAYS, BACK, LATE, counted)) == ["opposite-words"]


def test_the_words_of_an_information_are_not_those_of_the_next_clause() -> None:
    told = "- We tell you within [10 days]{=window}. {.info}\n\n"

    assert codes(lean(DAYS, BACK, told, LATE)) == []


def test_never_in_a_sentence_that_a_promise_or_a_rule_carries_out_is_no_lint() -> None:
    promise = sentence(
        "bound", "We never return more than you paid.", "always: refund <= paid", kind="promise"
    )
    refused = deny("gift", "paid <= 0", words="Gifts are never refunded.")

    assert codes(MENDED + promise + refused) == []


def test_never_about_something_else_than_money_is_no_lint() -> None:
    assert codes(f"{MENDED}- A refusal is never the last word. {{.info}}\n") == []


def test_an_input_that_only_a_line_of_a_rule_reads_is_read() -> None:
    line_only = lean(DAYS, BACK, LATE, grant("part", "plan == pro", "paid=round(paid * share)"))

    assert codes(line_only) == []
    assert codes(line_only.replace("round(paid * share)", "paid")) == ["unread-input"]


@pytest.mark.parametrize("path", CLEAN, ids=[path.stem for path in CLEAN])
def test_the_shipped_policies_have_no_lint(path: Path) -> None:
    assert find_lints(read_policy(path)) == ()


def test_lints_are_warnings_and_strict_makes_them_count(tmp_path: Path) -> None:
    file = tmp_path / "mild.md"
    file.write_text(f"{MENDED}- We never return more than you paid. {{.info}}\n")

    mild, strict = check(file), check(file, "--strict")
    report = json.loads(check(file, "--json").stdout)

    assert (mild.exit_code, strict.exit_code) == (0, 1)
    proved, _, warned = mild.stdout.partition("Not proved, but read")
    assert "some clause decides every case" in proved
    assert "promise-without-proof: The sentence says “never” of money" in warned
    assert "0 finding(s), 1 warning(s)." in warned
    assert (report["findings"], [one["kind"] for one in report["lints"]]) == ([], ["lint"])


def test_strict_changes_nothing_for_a_policy_without_a_lint(tmp_path: Path) -> None:
    file = tmp_path / "clean.md"
    file.write_text(MENDED)

    assert check(file, "--strict").exit_code == 0
    assert "warning" not in check(file).stdout
