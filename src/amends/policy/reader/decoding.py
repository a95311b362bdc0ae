"""From the bytes of a file to its lines: plain text within limits, with nothing in it that a reader cannot see."""

import unicodedata

from amends.policy.errors import PolicyError, Problem
from amends.policy.source import Source, Span

FILE_BYTES_MAX = 1_000_000
LINES_MAX = 20_000
LINE_LENGTH_MAX = 4_000
CELLS_MAX = 50_000

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
_EXCERPT_BYTES = 200


def decode(name: str, content: bytes) -> Source:
    """The text of a file.

    Raises: PolicyError: too large, not UTF-8, a line too long, an invisible character.
    """
    if len(content) > FILE_BYTES_MAX:
        first = content[:_EXCERPT_BYTES].decode("utf-8", "replace").split("\n")[0]
        message = f"The file has more than {FILE_BYTES_MAX:,} bytes."
        raise _refused(_visible(name, first), "file-too-large", Span(1, 1), message, "Shorten the policy.")
    try:
        text = content.decode("utf-8").replace("\r\n", "\n").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise _no_text(name, content, error.start) from None
    source = Source.of(name, text)
    _check_size(source)
    for number, line in enumerate(source.lines, 1):
        _check_line(source, number, line)
    return source


def _no_text(name: str, content: bytes, start: int) -> PolicyError:
    line_start = content.rfind(b"\n", 0, start) + 1
    column = len(content[line_start:start].decode("utf-8", "replace")) + 1
    span = Span(content.count(b"\n", 0, start) + 1, column)
    message = f"The byte {content[start]:02X} is no part of a text in UTF-8."
    fix = "Save the file as UTF-8; most editors offer it when a file is saved."
    return _refused(_visible(name, content.decode("utf-8", "replace")), "not-text", span, message, fix)


def _check_size(source: Source) -> None:
    if len(source.lines) > LINES_MAX:
        message = f"The file has {len(source.lines):,} lines; {LINES_MAX:,} are allowed."
        raise _refused(source, "too-many", Span(LINES_MAX + 1, 1), message, "Shorten the policy.")
    if source.text.count("|") > CELLS_MAX:
        message = f"The tables have more than {CELLS_MAX:,} cells."
        raise _refused(source, "too-many", Span(1, 1), message, "Shorten the tables.")


def _check_line(source: Source, number: int, line: str) -> None:
    if len(line) > LINE_LENGTH_MAX:
        message = f"The line has {len(line):,} characters; {LINE_LENGTH_MAX:,} are allowed."
        raise _refused(source, "too-many", Span(number, 1), message, "Break the line.")
    if line.isascii() and line.isprintable():
        return
    for column, character in enumerate(line, 1):
        if _is_unseen(character) and not _joins_letters(line, column):
            known = unicodedata.name(character, "a control character")
            message = f"The line holds the invisible character U+{ord(character):04X}, {known.lower()}."
            visible = _visible(source.name, source.text)
            raise _refused(visible, "not-text", Span(number, column), message, "Delete the character.")


def _is_unseen(character: str) -> bool:
    return character != "\t" and unicodedata.category(character) in _UNSEEN


def _joins_letters(line: str, column: int) -> bool:
    """Persian and the scripts of India cannot be written without joiners."""
    return line[column - 1] in _JOINERS and column > 1 and not line[column - 2].isascii()


def _visible(name: str, text: str) -> Source:
    """The source as messages may quote it: what cannot be seen, or would turn the text around, is replaced."""
    shown = "".join(
        "\ufffd" if character != "\n" and _is_unseen(character) else character for character in text
    )
    return Source.of(name, shown)


def _refused(source: Source, code: str, span: Span, message: str, fix: str) -> PolicyError:
    return PolicyError(source, [Problem(code, span, message, fix)])
