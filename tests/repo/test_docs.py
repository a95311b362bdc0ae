"""Every relative link in the documents leads to a file, and to a heading where it names one."""

import ast
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from amends.policy.checker.findings import WHY as WHY_FOUND
from amends.policy.errors import WHY

ROOT = Path(__file__).resolve().parents[2]

# Policies of the corpus are examples of the language, mistakes included.
DOCUMENTS = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("policies/**/*.md"))
    if path.is_file()
)


def tokens_of(path: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(path.read_text())


def links(path: Path) -> list[str]:
    children = [child for token in tokens_of(path) for child in token.children or ()]
    targets = [child.attrGet("href") or child.attrGet("src") for child in children]
    return [str(target) for target in targets if target]


def anchors(path: Path) -> set[str]:
    """The fragments a code host gives to headings, those written as {#name}, and those of HTML anchors."""
    written = re.findall(r"(?:\{#|\b(?:id|name)=\")([\w.-]+)", path.read_text())
    titles = [after.content for token, after in pairwise(tokens_of(path)) if token.type == "heading_open"]
    slugs = [re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles]
    earlier: Counter[str] = Counter()
    numbered = []
    for slug in slugs:
        numbered.append(f"{slug}-{earlier[slug]}" if earlier[slug] else slug)
        earlier[slug] += 1
    return {*written, *numbered}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_somewhere(document: Path) -> None:
    broken = [link for link in links(document) if not leads_somewhere(document, link)]

    assert broken == []


def leads_somewhere(document: Path, link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (document.parent / unquote(parts.path)).resolve() if parts.path else document
    if not target.is_relative_to(ROOT) or not target.exists():
        return False
    return not parts.fragment or target.suffix != ".md" or unquote(parts.fragment) in anchors(target)


def headings(path: Path) -> set[str]:
    found = pairwise(tokens_of(path))
    return {after.content for token, after in found if token.type == "heading_open"}


def input_error_codes() -> set[str]:
    """The codes with which a case is refused, as the source writes them."""
    return {
        str(call.args[0].value)
        for path in (ROOT / "src").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) == "InputError"
        and isinstance(call.args[0], ast.Constant)
    }


def test_every_code_has_its_heading_among_the_messages() -> None:
    refused = input_error_codes()

    assert {"bad_value", "impossible_case"} <= refused
    assert ({*WHY} | refused) - headings(ROOT / "docs" / "errors.md") == set()


def test_every_finding_of_a_check_has_its_heading() -> None:
    assert set(WHY_FOUND) - headings(ROOT / "docs" / "checking.md") == set()
