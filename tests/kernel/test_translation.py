"""Sentences of the kernel in German; what the policy says stays in the policy's language."""

import re
from datetime import date
from pathlib import Path

import pytest

from amends import decide, parse_policy
from amends.policy.errors import PolicyError
from amends.policy.explanation import explain, format_amount, format_day
from amends.policy.facts import read_facts
from amends.policy.letter import write_letter
from amends.policy.page.changes import find_text_changes
from amends.policy.page.html import render_article, render_page
from amends.policy.translation import spoken
from conftest import ROOT

TEXT = (ROOT / "policies" / "flux-kontext.md").read_text()
SHIPPED = parse_policy(TEXT)
PUBLISHED = [
    path
    for folder in ("examples", "policies")
    for path in sorted((ROOT / folder).glob("*.md"))
    if not path.name.endswith((".cases.md", "README.md"))
]
LATE: dict[str, object] = {
    "currency": "USD",
    "identified": True,
    "request": "refund",
    "product": "subscription",
    "interval": "year",
    "purchased_at": "2025-09-01T10:00:00Z",
    "requested_at": "2025-09-09T10:00:00Z",
    "paid": 22800,
    "fee": 691,
    "monthly_price": 1900,
    "refunded": 0,
    "generations": 12,
    "reason_given": True,
    "converted_before": False,
    "period_start": "2025-09-01T10:00:00Z",
    "period_end": "2026-09-01T10:00:00Z",
    "dispute": "none",
}


def letter(inputs: dict[str, object], locale: str) -> str:
    decision = decide(SHIPPED, inputs)
    facts = read_facts(SHIPPED.inputs, SHIPPED.currencies, inputs)
    return write_letter(SHIPPED, explain(SHIPPED, facts, decision, locale), locale).replace("\xa0", " ")


def test_a_denial_is_german_around_the_sentences_it_cites() -> None:
    words = " ".join(letter(LATE, "de_DE").split())

    assert words.startswith("Wir können Ihrer Anfrage nicht entsprechen.")
    assert "“A subscription is not refunded when you ask later than 7 days after buying it.” (#late)" in words
    assert "Sie hätten bis zum 8. September 2025 anfragen können." in words
    assert "„Change to the monthly plan“. Sie bekämen 202,09 $ zurück." in words
    assert "Was Sie sonst tun können:" in words
    assert "„Refunds and plan changes“, Fassung 2025-08-18" in words


def test_an_arithmetic_has_the_formats_of_the_locale() -> None:
    words = letter(LATE | {"requested_at": "2025-09-03T10:00:00Z"}, "de_DE")

    assert "Ihrer Anfrage wird entsprochen." in words
    assert re.search(r"What you paid +228,00 \$", words)
    assert re.search(r"Erstattung +221,09 \$", words)


def test_a_language_without_a_catalogue_is_english_with_english_formats() -> None:
    assert letter(LATE, "fr_FR") == letter(LATE, "en_US")
    assert "$202.09" in letter(LATE, "fr_FR")


@pytest.mark.parametrize(
    "locale,wanted",
    [
        ("de", "de"),
        ("de_AT", "de_AT"),
        ("en_GB", "en_GB"),
        ("fr_FR", "en_US"),
        ("../de", "en_US"),
        ("", "en_US"),
    ],
)
def test_a_reader_gets_words_and_formats_of_one_language(locale: str, wanted: str) -> None:
    assert spoken(locale) == wanted


@pytest.mark.parametrize(
    "locale,day,amount",
    [
        ("en_US", "8 September 2025", "$18.15"),
        ("de_DE", "8. September 2025", "18,15 $"),
        ("de_AT", "8. September 2025", "$ 18,15"),
    ],
)
def test_days_and_amounts_are_those_of_the_country(locale: str, day: str, amount: str) -> None:
    assert format_day(date(2025, 9, 8), locale).replace("\xa0", " ") == day
    assert format_amount(1815, "USD", locale).replace("\xa0", " ") == amount


def test_the_page_marks_what_is_not_in_the_language_of_the_policy() -> None:
    german, english = render_article(SHIPPED, "de_DE"), render_article(SHIPPED, "en_US")

    assert '<details lang="de"><summary>Wie das berechnet wird</summary>' in german
    assert '<span lang="en">Processing fee</span>: minus fee' in german
    assert "Gilt das an der Grenze? age: 7 Tage ja, 8 Tage nein; generations: 50 generations ja, " in german
    assert "lang=" not in english
    assert re.sub(r"<details.*?</details>", "", german, flags=re.DOTALL).count("If you ask within") == 1


def test_a_policy_names_the_language_that_it_is_written_in() -> None:
    german = parse_policy(TEXT.replace("zone: UTC", "lang: de\nzone: UTC"))

    assert (SHIPPED.lang, german.lang) == ("en", "de")
    assert render_page(german).startswith('<!doctype html>\n<html lang="de">')
    assert 'lang="en"' in render_article(german, "en_US")
    assert "lang=" not in render_article(german, "de_CH")


@pytest.mark.parametrize("word", ["German", "de_DE", "d", "de/../x", 'de" onload="x'])
def test_a_language_that_pages_could_not_name_is_a_problem(word: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(TEXT.replace("zone: UTC", f"lang: {word}\nzone: UTC"))

    (problem,) = caught.value.problems
    assert (problem.code, problem.span.line) == ("bad-value", 6)
    assert "Write the code that web pages use" in problem.fix


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_every_published_policy_can_be_shown_in_german(path: Path) -> None:
    page = render_article(parse_policy(path.read_text()), "de_DE")

    assert "How this is computed" not in page
    assert "%(" not in page


def test_changes_of_a_rule_are_said_in_german() -> None:
    after = parse_policy(TEXT.replace("2025-08-18", "2025-08-30").replace("[7 days]", "[14 days]"))

    changes = [change for change in find_text_changes(SHIPPED, after, "de_DE") if change.is_rule]
    said = ["".join(run.text for run in change.runs) for change in changes]
    assert said
    assert all(text.startswith(("Gewährt, wenn", "Abgelehnt, wenn")) for text in said)
    assert "„Processing fee“: minus fee." in said[0]
