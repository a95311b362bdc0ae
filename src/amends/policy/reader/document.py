"""The outline of a policy file: its head and its Markdown blocks, with their places.

CommonMark with tables, by markdown-it; the only file of the reader that knows it. Only the block structure is read,
so a hostile line costs no more than its length.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

from amends.policy.errors import PolicyError, Problem, Problems
from amends.policy.reader.decoding import decode
from amends.policy.reader.fragments import joined
from amends.policy.source import Fragment, Source, Span

SENTENCE_LINES_MAX = 500
NESTING_MAX = 12
_FENCE_LINE = "---"
_CELL_BORDER = re.compile(r"(?<!\\)\|")


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
    problems: Problems
    """What was found so far."""


def open_document(name: str, content: bytes) -> Document:
    """Cut a policy file into head and blocks.

    Raises: PolicyError: too large, not plain text, no head, a block without an end.
    """
    source = decode(name, content)
    head, body_line = _split_head(source)
    problems = Problems(source)
    blocks = _Outline(source, problems).read(body_line)
    return Document(source, hashlib.sha256(content).hexdigest(), head, tuple(blocks), problems)


def read_outline(name: str, content: bytes) -> tuple[Source, list[Block]]:
    """The headings, paragraphs and tables of a Markdown file without a head.

    Raises: PolicyError: too large, not plain text, or a table row with more cells than the table has columns.
    """
    source = decode(name, content)
    problems = Problems(source)
    blocks = _Outline(source, problems).read(0)
    if any(problem.code == "bad-table" for problem in problems.found):
        raise PolicyError(source, problems.found)
    return source, blocks


def _split_head(source: Source) -> tuple[tuple[Fragment, ...], int]:
    lines = source.lines
    opening = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if lines[opening].rstrip() != _FENCE_LINE:
        message = "The file does not begin with a head."
        fix = (
            "Begin with a line `---`, then write `policy:`, `title:`, `version:`, `effective:`, `contact:` and "
            "`inputs:`, each on a line of its own, then a line `---`."
        )
        raise _stop(source, "no-front-matter", Span(opening + 1, 1, len(lines[opening])), message, fix)
    if opening > 0:
        message = "The head does not stand in the first line."
        raise _stop(source, "no-front-matter", Span(1, 1), message, "Delete the empty lines above it.")
    closing = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE_LINE), None)
    if closing is None:
        message = "The head that begins here has no end."
        fix = "Write a line `---` below the last line of the head."
        raise _stop(source, "no-front-matter", Span(1, 1, len(_FENCE_LINE)), message, fix)
    return tuple(Fragment.at(lines[i], i + 1, 1) for i in range(1, closing)), closing + 1


def _stop(source: Source, code: str, span: Span, message: str, fix: str) -> PolicyError:
    return PolicyError(source, [Problem(code, span, message, fix)])


class _Outline:
    """The tokens of one file on their way to blocks."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self.source = source
        self.problems = problems

    def read(self, first: int) -> list[Block]:
        """The blocks from a line on."""
        parser = MarkdownIt("commonmark", {"maxNesting": NESTING_MAX}).enable("table")
        # What a link definition or HTML says would stand on the page, or not, without being a sentence.
        parser.disable(["html_block", "reference"])
        parser.core.ruler.enableOnly(["normalize", "block"])
        body = "\n" * first + "\n".join(self.source.lines[first:])
        tokens = parser.parse(body)
        self._check_nesting(tokens)
        found = (self._block(tokens, index) for index in range(len(tokens)))
        return [block for block in found if block is not None]

    def _check_nesting(self, tokens: Sequence[Token]) -> None:
        """Nothing below the deepest level is parsed, so a file must not go there."""
        for token in tokens:
            if token.type in ("blockquote_open", "list_item_open") and token.level >= NESTING_MAX - 1:
                assert token.map
                message = "Lists and quotations stand too deep in each other here."
                span = _whole_line(self.source, token.map[0])
                raise _stop(self.source, "too-deep", span, message, "Use fewer levels.")

    def _block(self, tokens: Sequence[Token], index: int) -> Block | None:
        token = tokens[index]
        match token.type:
            case "heading_open":
                return Block("heading", self._words(tokens[index + 1]), level=int(token.tag[1]))
            case "paragraph_open":
                return Block("text", self._words(tokens[index + 1]))
            case "table_open":
                assert token.map
                return Block("table", Fragment.at("", token.map[0] + 1, 1), rows=self._rows(tokens, index))
            case "fence":
                return self._fence(token)
            case "code_block":
                self._refuse_code(token)
        return None

    def _refuse_code(self, token: Token) -> None:
        assert token.map
        message = "The line is indented by four spaces or more, which makes it code in Markdown."
        span = _whole_line(self.source, token.map[0])
        self.problems.add("raw-code", span, message, "Indent it by less than four spaces.")

    def _words(self, inline: Token) -> Fragment:
        assert inline.map
        texts = inline.content.split("\n")
        if len(texts) > SENTENCE_LINES_MAX:
            message = f"The paragraph goes on over more than {SENTENCE_LINES_MAX} lines."
            span = _whole_line(self.source, inline.map[0])
            raise _stop(self.source, "too-many", span, message, "Make several sentences of it.")
        first = inline.map[0]
        return joined([self._place(first + offset, text.strip()) for offset, text in enumerate(texts)])

    def _place(self, line: int, text: str) -> Fragment:
        """Words that end a line, apart from the closing signs of a heading."""
        raw = self.source.lines[line]
        end = raw.rstrip()
        column = len(end) - len(text) if end.endswith(text) else max(raw.find(text), 0)
        return Fragment.at(text, line + 1, column + 1)

    def _rows(self, tokens: Sequence[Token], start: int) -> tuple[tuple[Fragment, ...], ...]:
        rows: list[tuple[Fragment, ...]] = []
        cells: list[str] = []
        for token in tokens[start:]:
            if token.type == "table_close":
                break
            if token.type == "inline":
                cells.append(token.content.strip())
            elif token.type == "tr_close":
                rows.append(self._row(self._row_line(tokens[start], len(rows)), cells))
                cells = []
        return tuple(row for row in rows if row)

    @staticmethod
    def _row_line(table: Token, index: int) -> int:
        """Each row is one line; a line of dashes stands below the header."""
        assert table.map
        return table.map[0] + index + (index > 0)

    def _row(self, line: int, texts: list[str]) -> tuple[Fragment, ...]:
        raw = self.source.lines[line]
        if len(texts) > 1 and not _CELL_BORDER.search(raw):
            message = "The line belongs to the table above it."
            span = _whole_line(self.source, line)
            self.problems.add("bad-table", span, message, "Leave an empty line below the table.")
            return ()
        column, cells = 0, []
        for text in texts:
            column = max(raw.find(text, column), column)
            cells.append(Fragment.at(text, line + 1, column + 1))
            column = raw.find("|", column + len(text)) + 1 or len(raw)
        written = _CELL_BORDER.split(raw.strip(" \t>"))
        written = written[written[0] == "" : len(written) - (written[-1] == "")]
        if len(written) > len(texts):
            surplus = written[len(texts)].strip()
            message = f"The row has a cell too many: `{surplus}`."
            span = Span(line + 1, raw.rfind(surplus) + 1, len(surplus))
            self.problems.add(
                "bad-table", span, message, "Give the table a column for it, or remove the cell."
            )
        return tuple(cells)

    def _fence(self, token: Token) -> Block:
        assert token.map
        first, end = token.map
        raw = self.source.lines[first]
        inner = token.content.split("\n")[:-1]
        is_closed = end - 1 > first and self.source.lines[end - 1].rstrip().endswith(token.markup)
        # A fence inside it is the beginning of the next block.
        if not is_closed or any(line.lstrip().startswith(token.markup) for line in inner):
            span = Span(first + 1, raw.find(token.markup) + 1, len(raw.strip()))
            message = "The block that begins here has no end."
            fix = f"Write a line {token.markup} below its last line; a block begins and ends with a line of its own."
            raise _stop(self.source, "open-block", span, message, fix)
        lines = tuple(self._inner_line(first + offset, text) for offset, text in enumerate(inner, 1))
        return Block("fence", self._words_behind(first, token), lines=lines)

    def _inner_line(self, line: int, text: str) -> Fragment:
        """A line of a block, without the indentation of the block itself."""
        raw = self.source.lines[line]
        return Fragment.at(text, line + 1, (len(raw) - len(text) if raw.endswith(text) else 0) + 1)

    def _words_behind(self, line: int, token: Token) -> Fragment:
        """What stands behind the fence; the fence itself where that is nothing."""
        words = token.info.strip()
        if words:
            return self._place(line, words)
        column = self.source.lines[line].find(token.markup)
        return Fragment("", ((0, Span(line + 1, column + 1, len(token.markup))),))


def _whole_line(source: Source, line: int) -> Span:
    raw = source.lines[line]
    return Span(line + 1, len(raw) - len(raw.lstrip()) + 1, max(1, len(raw.strip())))
