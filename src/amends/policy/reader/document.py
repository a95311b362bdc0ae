"""The outline of a policy file: its head and its Markdown blocks, with their places.

CommonMark with tables, by markdown-it; the only file of the reader that knows it. Only the block structure is read,
so a hostile line costs no more than its length.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

from amends.policy.errors import PolicyError, Problem, Problems
from amends.policy.source import Fragment, Source, Span

FILE_BYTES_MAX = 1_000_000
LINE_LENGTH_MAX = 4_000
NESTING_MAX = 12
_FENCE_LINE = "---"


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a paragraph or list item, a table or a fenced block."""

    kind: str
    text: Fragment
    """The words of a heading or paragraph; the info string of a fence."""
    level: int = 0
    lines: tuple[Fragment, ...] = ()
    """The inner lines of a fence."""
    rows: tuple[tuple[Fragment, ...], ...] = field(default=())
    """The cells of a table, header first."""


@dataclass(frozen=True, slots=True)
class Document:
    """A policy file, cut into its parts."""

    source: Source
    sha256: str
    head: tuple[Fragment, ...]
    """The lines between the two `---`."""
    blocks: tuple[Block, ...]


def open_document(name: str, content: bytes) -> Document:
    """Cut a policy file into head and blocks.

    Raises: PolicyError: too large, not plain text, no head.
    """
    source = _decode(name, content)
    head, body_line = _split_head(source)
    problems = Problems()
    blocks = tuple(_read_blocks(source, body_line, problems))
    if problems.found:
        raise PolicyError(source, problems.found)
    return Document(source, hashlib.sha256(content).hexdigest(), head, blocks)


def read_outline(name: str, content: bytes) -> tuple[Source, list[Block]]:
    """The headings, paragraphs and tables of a Markdown file without a head.

    Raises: PolicyError: too large or not plain text.
    """
    source = _decode(name, content)
    return source, _read_blocks(source, 0, Problems())


def _decode(name: str, content: bytes) -> Source:
    if len(content) > FILE_BYTES_MAX:
        message = f"The file has {len(content):,} bytes; a policy may have {FILE_BYTES_MAX:,}."
        raise _refused(
            Source.of(name, ""), "file-too-large", Span(1, 1), message, "Split the policy, or shorten it."
        )
    try:
        text = content.decode("utf-8").replace("\r\n", "\n").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = f"Byte {error.start} is no UTF-8 text."
        raise _refused(
            Source.of(name, ""), "not-text", Span(line, 1), message, "Save the file as UTF-8."
        ) from None
    source = Source.of(name, text)
    for number, content_line in enumerate(source.lines, 1):
        _check_line(source, number, content_line)
    return source


def _check_line(source: Source, number: int, line: str) -> None:
    if len(line) > LINE_LENGTH_MAX:
        message = f"The line has {len(line):,} characters; {LINE_LENGTH_MAX:,} are allowed."
        raise _refused(source, "too-many", Span(number, 1), message, "Break the line.")
    if line.isascii() and line.isprintable():
        return
    for column, character in enumerate(line, 1):
        if character != "\t" and unicodedata.category(character) in ("Cc", "Cf"):
            message = f"The line holds the invisible character U+{ord(character):04X}."
            raise _refused(source, "not-text", Span(number, column), message, "Delete the character.")


def _refused(source: Source, code: str, span: Span, message: str, fix: str) -> PolicyError:
    return PolicyError(source, [Problem(code, span, message, fix)])


def _split_head(source: Source) -> tuple[tuple[Fragment, ...], int]:
    lines = source.lines
    closing = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE_LINE), None)
    if lines[0].rstrip() != _FENCE_LINE or closing is None:
        message = "The file does not begin with a head between two lines `---`."
        fix = "Begin with `---`, the lines `policy:`, `title:`, `version:` … and `---`."
        raise _refused(source, "no-front-matter", Span(1, 1), message, fix)
    return tuple(Fragment.at(lines[i], i + 1, 1) for i in range(1, closing)), closing + 1


def _read_blocks(source: Source, first: int, problems: Problems) -> list[Block]:
    parser = MarkdownIt("commonmark", {"maxNesting": NESTING_MAX}).enable("table")
    parser.disable("html_block")
    parser.core.ruler.enableOnly(["normalize", "block"])
    body = "\n" * first + "\n".join(source.lines[first:])
    tokens = parser.parse(body)
    blocks = []
    for index, token in enumerate(tokens):
        if block := _block(source, tokens, index, token, problems):
            blocks.append(block)
    return blocks


def _block(source: Source, tokens: list[Token], index: int, token: Token, problems: Problems) -> Block | None:
    match token.type:
        case "heading_open":
            return Block("heading", _words(source, tokens[index + 1]), level=int(token.tag[1]))
        case "paragraph_open":
            return Block("text", _words(source, tokens[index + 1]))
        case "table_open":
            return Block("table", _table_place(token), rows=_rows(source, tokens, index))
        case "fence":
            return _fence(source, token)
        case "code_block":
            assert token.map
            span = Span(token.map[0] + 1, 1)
            problems.add(
                "raw-code", span, "Indented text is code here.", "Indent the text by less than four spaces."
            )
            return None
        case _:
            return None


def _words(source: Source, inline: Token) -> Fragment:
    assert inline.map
    joined: Fragment | None = None
    for offset, text in enumerate(inline.content.split("\n")):
        line = inline.map[0] + offset
        part = _place(source, line, text.strip())
        joined = part if joined is None else joined.join(part)
    assert joined
    return joined


def _place(source: Source, line: int, text: str) -> Fragment:
    column = source.lines[line].find(text)
    return Fragment.at(text, line + 1, max(column, 0) + 1)


def _table_place(token: Token) -> Fragment:
    assert token.map
    return Fragment.at("", token.map[0] + 1, 1)


def _rows(source: Source, tokens: list[Token], start: int) -> tuple[tuple[Fragment, ...], ...]:
    rows: list[tuple[Fragment, ...]] = []
    cells: list[Fragment] = []
    line, column = 0, 0
    for index in range(start, len(tokens)):
        token = tokens[index]
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            assert token.map
            line, column, cells = token.map[0], 0, []
        elif token.type == "inline":
            text = token.content.strip()
            found = source.lines[line].find(text, column)
            column = max(found, column)
            cells.append(Fragment.at(text, line + 1, column + 1))
            column += len(text)
        elif token.type == "tr_close":
            rows.append(tuple(cells))
    return tuple(rows)


def _fence(source: Source, token: Token) -> Block:
    assert token.map
    info = _place(source, token.map[0], token.info.strip())
    indent = len(re.match(r"\s*", source.lines[token.map[0]]).group())  # type: ignore[union-attr]  # always matches
    contents = token.content.split("\n")[:-1]
    lines = []
    for offset, text in enumerate(contents):
        line = token.map[0] + 1 + offset
        raw = source.lines[line]
        lines.append(Fragment.at(text, line + 1, min(indent, len(raw) - len(raw.lstrip())) + 1))
    return Block("fence", info, lines=tuple(lines))
