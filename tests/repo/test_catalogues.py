"""Every sentence has a translation in every language, with the same words to fill in."""

import ast
import re

import pytest
from babel.messages.catalog import Message

from amends.desk.languages import offered
from repo.sentences import HOUSES, KEYWORDS, ROOT, catalogue, catalogue_path, gather

LANGUAGES = [code for code, _name in offered() if code != "en"]
BOTH = [(house, language) for house in HOUSES for language in LANGUAGES]
FILLED = re.compile(r"%\((\w+)\)[sd]|%%")


def forms(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, tuple) else (str(message.string or ""),)


def ids(message: Message) -> tuple[str, ...]:
    return tuple(message.id) if isinstance(message.id, tuple) else (str(message.id),)


def named(text: str) -> set[str]:
    return {match[0] for match in FILLED.finditer(text)}


def test_there_is_a_second_language_and_both_houses_speak_it() -> None:
    found = {
        house: sorted(path.stem for path in catalogue_path(house, "x").parent.glob("*.po"))
        for house in HOUSES
    }

    assert "de" in LANGUAGES
    assert found == dict.fromkeys(HOUSES, sorted(LANGUAGES))


@pytest.mark.parametrize("house,language", BOTH)
def test_every_sentence_has_a_translation(house: str, language: str) -> None:
    translated = catalogue(house, language)
    wanted = {(message.id, message.context) for message in gather(house) if message.id}
    known = {
        (message.id, message.context): message
        for message in translated
        if message.id and not message.fuzzy and all(forms(message))
    }

    assert len(wanted) > 50
    advice = f"run `python -m repo.record_catalogues {language}` and translate what it names"
    assert wanted - set(known) == set(), advice
    assert set(known) - wanted == set(), advice


@pytest.mark.parametrize("house,language", BOTH)
def test_a_translation_is_filled_with_the_words_of_its_sentence(house: str, language: str) -> None:
    translated = catalogue(house, language)
    differing = [
        (message.id, form)
        for message in translated
        if message.id
        for number, form in enumerate(forms(message))
        if named(form) != named(ids(message)[0 if number == 0 else -1])
    ]

    assert differing == []


@pytest.mark.parametrize("house,language", BOTH)
def test_a_translation_begins_and_ends_as_its_sentence_does(house: str, language: str) -> None:
    """Spaces and ends of lines are part of how a text is put together."""
    translated = catalogue(house, language)
    differing = [
        (message.id, form)
        for message in translated
        if message.id
        for form in forms(message)
        if _edges(form) != _edges(ids(message)[0])
    ]

    assert differing == []


def _edges(text: str) -> tuple[str, str]:
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


@pytest.mark.parametrize("house,language", BOTH)
def test_plurals_have_as_many_forms_as_the_language_counts(house: str, language: str) -> None:
    translated = catalogue(house, language)
    plural = [message for message in translated if message.id and isinstance(message.id, tuple)]

    assert plural
    assert {len(forms(message)) for message in plural} == {translated.num_plurals}


def test_no_sentence_is_marked_inside_another_string() -> None:
    """Before Python 3.12 the words inside an f-string are not seen, so such a sentence would stay untranslated."""
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in (ROOT / "src").rglob("*.py")
        for string in ast.walk(ast.parse(path.read_text()))
        if isinstance(string, ast.JoinedStr)
        for call in ast.walk(string)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name | ast.Attribute)
        if _name(call.func) in KEYWORDS and any(isinstance(one, ast.Constant) for one in call.args)
    ]

    assert found == []


def _name(function: ast.Name | ast.Attribute) -> str:
    return function.id if isinstance(function, ast.Name) else function.attr


def test_a_new_sentence_is_found_wherever_it_is_marked() -> None:
    found = {message.id for message in gather("desk") if message.id}

    assert "Your orders" in found, "translate, in a template"
    assert "What you bought as %(email)s, and what you could get back today." in found, "blocktranslate"
    assert "You get back" in found, "_() in the argument of a tag"
    assert ("%(n)d day", "%(n)d days") in found, "ngettext"
    assert "We have your message." in found, "_() in Python"
    assert "Unassigned" in found, "gettext_lazy in Python"
    assert "without a subject" in found, "_() in a filter"


REFUSALS = (
    "BadEntryError",
    "FactorError",
    "NotAllowedError",
    "NotPossibleError",
    "OutdatedError",
    "RefusedFileError",
)
"""What people read of these is what they were raised with."""


def test_what_people_are_refused_with_can_be_translated() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in (ROOT / "src/amends/desk").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in REFUSALS
        if call.args and isinstance(call.args[0], ast.Constant | ast.JoinedStr)
    ]

    assert found == []


UNMARKED = re.compile(r"\b[A-Za-z]{3,}\b")
SAID = re.compile(
    r"{% block width %}\w+|{% blocktranslate.*?endblocktranslate %}|{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL
)
ELEMENTS = re.compile(r"<(script|kbd|code)\b.*?</\1>|<[^>]*>", re.DOTALL)
NAMES = {"PNG", "JPEG", "WebP", "DKIM", "SPF", "DMARC", "CSV", "pain"}
"""Names that every language shares."""


def test_no_template_has_words_that_cannot_be_translated() -> None:
    found = {}
    for path in sorted((ROOT / "src/amends/desk").rglob("templates/**/*.html")):
        plain = ELEMENTS.sub(" ", SAID.sub(" ", path.read_text()))
        found[str(path.relative_to(ROOT))] = [one for one in UNMARKED.findall(plain) if one not in NAMES]

    assert {place: words for place, words in found.items() if words} == {}
