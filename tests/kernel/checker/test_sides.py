"""Words beside a number are held to the rule behind it: the side of the number, the number itself, and the day."""

import pytest

from amends import parse_policy
from amends.policy.checker.lints import find_lints
from conftest import ROOT
from planted import BACK, DAYS, LATE, deny, grant, lean, sentence

HOTEL = (ROOT / "tests" / "corpus" / "trades" / "hotel.md").read_text()
TOP = "[3 lessons]{#top}"
OTHERS = ("<", "<=", ">", ">=")
SAID = [
    (f"At most {TOP}", "<="),
    (f"Up to {TOP}", "<="),
    (f"No more than {TOP}", "<="),
    (f"Not more than {TOP}", "<="),
    (f"{TOP} or fewer", "<="),
    (f"{TOP} or less", "<="),
    (f"Fewer than {TOP}", "<"),
    (f"Less than {TOP}", "<"),
    (f"Not at least {TOP}", "<"),
    (f"More than {TOP}", ">"),
    (f"Over {TOP}", ">"),
    (f"Not at most {TOP}", ">"),
    (f"At least {TOP}", ">="),
    (f"No fewer than {TOP}", ">="),
    (f"Not less than {TOP}", ">="),
    (f"{TOP} or more", ">="),
]


def codes(*sentences: str) -> list[str]:
    return [one.code for one in find_lints(parse_policy(lean(DAYS, BACK, LATE, *sentences)))]


def expected(operator: str, written: str) -> list[str]:
    if operator == written:
        return []
    return ["boundary-words" if operator[0] == written[0] else "opposite-words"]


@pytest.mark.parametrize("words, operator", SAID, ids=[words.replace(TOP, "3") for words, _ in SAID])
@pytest.mark.parametrize("written", OTHERS)
def test_words_go_with_one_comparison_and_no_other(words: str, operator: str, written: str) -> None:
    counted = grant("few", f"lessons {written} top", "paid=paid", words=f"{words}: it comes back.")

    assert codes(counted) == expected(operator, written)


@pytest.mark.parametrize("written, turned", [("<", ">="), ("<=", ">"), (">", "<="), (">=", "<")], ids=OTHERS)
def test_a_comparison_in_a_derived_fact_is_held_to_the_words(written: str, turned: str) -> None:
    fact = f"```define few_lessons\nlessons {written} top\n```\n\n"
    few = grant("few", "few_lessons", "paid=paid", words=f"At most {TOP} come back.")
    many = grant("many", "not few_lessons", "paid=paid", words=f"More than {TOP} come back.")

    assert codes(few, fact) == expected("<=", written)
    assert codes(many, fact) == expected(">", turned)


def test_within_days_takes_in_the_last_one_where_the_first_is_day_zero() -> None:
    short = BACK.replace("<=", "<")

    assert [one.code for one in find_lints(parse_policy(lean(DAYS, short, LATE)))] == ["boundary-words"]
    other = DAYS.replace("day 0", "day one")
    assert find_lints(parse_policy(lean(other, short, LATE))) == ()


def test_a_number_with_something_added_is_no_boundary() -> None:
    counted = grant("few", "lessons + 1 <= top", "paid=paid", words=f"Fewer than {TOP}.")

    assert codes(counted) == []


@pytest.mark.parametrize(
    "words", ["except with at most [3 lessons]{#top}", "unless you took up to [3 lessons]{#top}"]
)
def test_what_a_sentence_excepts_lies_on_the_other_side_of_its_rule(words: str) -> None:
    assert codes(deny("many", "lessons > top", words=f"Nothing comes back, {words}.")) == []


def test_one_rule_of_several_behind_a_sentence_is_enough_for_its_words() -> None:
    several = grant("few", "lessons <= top", "paid=paid", words=f"With at most {TOP} all of it, then half.")
    second = (
        several[several.index("```rule") :]
        .replace("<= top", "> top")
        .replace("paid\n", "round(paid * share)\n")
    )

    assert codes(several + second) == []


@pytest.mark.parametrize(
    "when, found",
    [("requested_at < last", []), ("requested_at <= last", ["boundary-words"])],
)
def test_a_date_that_takes_in_its_first_moment_only_is_told(when: str, found: list[str]) -> None:
    dated = grant("dated", when, "paid=paid", words="Until [1 March 2026]{#last} it comes back.")

    assert codes(dated) == found


def test_a_page_in_another_language_is_not_read() -> None:
    text = lean(DAYS, BACK.replace("<=", ">"), sentence("late", "Never paid.", "deny", "when: age <= window"))

    assert find_lints(parse_policy(text)) != ()
    assert find_lints(parse_policy(text.replace("version: 1\n", "version: 1\nlang: de\n"))) == ()


def test_a_day_that_a_shared_fact_moves_is_told_by_the_sentence_that_names_it() -> None:
    assert HOTEL.count("days_left > 0") == 1
    moved = find_lints(parse_policy(HOTEL.replace("days_left > 0", "days_left >= 0")))

    (lint,) = moved
    assert (lint.code, lint.clauses) == ("boundary-words", ("no_show",))
    assert lint.message == "`no_show` says “From the day of arrival on”, and its rule leaves that day out."
    assert find_lints(parse_policy(HOTEL.replace("days_left > 0", "days_left >= 1"))) == ()


@pytest.mark.parametrize(
    "words, written, found",
    [
        ("Before the day of arrival", ">", []),
        ("Before the day of arrival", ">=", ["boundary-words"]),
        ("Before the day of the sale", ">=", []),
        ("On or before the day of arrival", ">=", []),
    ],
)
def test_the_day_is_the_one_that_the_comparison_reads(words: str, written: str, found: list[str]) -> None:
    text = HOTEL.replace("You may cancel a flexible rate before you arrive", f"{words} you may cancel")
    text = text.replace("From the day of arrival on nothing", "Later nothing")

    assert [
        one.code for one in find_lints(parse_policy(text.replace("days_left > 0", f"days_left {written} 0")))
    ] == found
