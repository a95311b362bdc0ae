"""Policy text with positions, so that every message can point at its place."""

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

QUOTE_MAX = 110
"""How many characters of a line a message quotes."""
BEFORE_MAX = 60
"""How many of them stand before the place."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A run of characters on one line; line and column count from 1."""

    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class Source:
    """One policy file: its name for messages and its lines."""

    name: str
    text: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, name: str, text: str) -> "Source":
        """Split a text into the lines that messages quote."""
        return cls(name, text, tuple(text.split("\n")))

    def excerpt(self, span: Span) -> str:
        """The line of a span with an arrow under the place, where a terminal shows the characters."""
        number = str(span.line)
        line = (self.lines[span.line - 1] if span.line <= len(self.lines) else "").replace("\t", " ")
        start = max(0, span.column - 1 - BEFORE_MAX)
        before = line[start : span.column - 1]
        if start:
            before = f"…{before[1:]}"
        rest = line[span.column - 1 : start + QUOTE_MAX]
        cut = "…" if len(line) > start + QUOTE_MAX else ""
        arrow = "^" * max(1, _width(rest[: span.length]))
        shown = f"{before}{rest}{cut}"
        return f"  {number} |{f' {shown}'.rstrip()}\n  {' ' * len(number)} | {' ' * _width(before)}{arrow}"


def _width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    seen = [character for character in text if not unicodedata.combining(character)]
    return len(seen) + sum(unicodedata.east_asian_width(character) in "WF" for character in seen)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of policy text, possibly joined from several lines, that knows where each character stood."""

    text: str
    starts: tuple[tuple[int, Span], ...]
    """Offsets in `text` at which a new source line begins, with its place."""

    @classmethod
    def at(cls, text: str, line: int, column: int) -> "Fragment":
        """A piece that lies on one line."""
        return cls(text, ((0, Span(line, column)),))

    def join(self, other: "Fragment") -> "Fragment":
        """This piece, one space, the other piece."""
        shift = len(self.text) + 1
        moved = tuple((offset + shift, span) for offset, span in other.starts)
        return Fragment(f"{self.text} {other.text}", self.starts + moved)

    def cut(self, start: int, end: int | None = None) -> "Fragment":
        """The part from `start` to `end`, without the white space around it."""
        part = self.text[start:end]
        start += len(part) - len(part.lstrip())
        part = part.strip()
        place = self.span(start)
        later = tuple((o - start, s) for o, s in self.starts if start < o < start + len(part))
        return Fragment(part, ((0, place), *later))

    def span(self, start: int = 0, end: int | None = None) -> Span:
        """Where the characters from `start` to `end` stand in the file."""
        index = bisect_right([offset for offset, _ in self.starts], start) - 1
        offset, place = self.starts[index]
        length = max(1, (len(self.text) if end is None else end) - start)
        return Span(place.line, place.column + start - offset, length)
