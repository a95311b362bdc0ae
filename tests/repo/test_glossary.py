"""The source uses the words of the glossary, and none that it rules out."""

import ast
import re
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"


def rows() -> list[list[str]]:
    """The cells of every row of the glossary below a header."""
    tokens = MarkdownIt("commonmark").enable("table").parse(GLOSSARY.read_text())
    found: list[list[str]] = []
    in_body = False
    for token in tokens:
        in_body = token.type == "tbody_open" or (in_body and token.type != "tbody_close")
        if in_body and token.type == "tr_open":
            found.append([])
        elif in_body and token.type == "inline":
            found[-1].append(token.content)
    return found


def names_in_source() -> set[str]:
    """Every name that the source defines or assigns, and its modules."""
    found: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        found.add(path.stem)
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                    found.add(node.name)
                case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                    found.add(name)
                case ast.arg():
                    found.add(node.arg)
                case ast.alias(asname=str(name)):
                    found.add(name)
                case _:
                    pass
    return found


def words(name: str) -> str:
    """`HTTPError` and `http_error` as `http error`, so that words of two parts can be looked for."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return f" {spaced.replace('_', ' ').strip().lower()} "


def banned() -> set[str]:
    return {word.strip() for row in rows() for word in row[-1].split(",")} - {""}


def test_every_name_of_the_glossary_is_in_the_source() -> None:
    named = {name for row in rows() for name in re.findall(r"`(\w+)`", row[1]) if len(row) == 4}

    assert {"Policy", "Money", "replay"} <= named
    assert named - names_in_source() == set()


def test_no_name_of_the_source_uses_a_word_that_the_glossary_rules_out() -> None:
    ruled_out = banned()
    found = {
        f"{name}: `{word}`"
        for name in names_in_source()
        for word in ruled_out
        if re.search(rf" {word}s? ", words(name))
    }

    assert {"commission", "ticket", "points", "reversal"} <= ruled_out
    assert found == set()
