"""Policy text with positions, so that every message can point at its place."""

from bisect import bisect_right
from dataclasses import dataclass


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
        """The line of a span with an arrow under the place."""
        number = str(span.line)
        line = self.lines[span.line - 1] if span.line <= len(self.lines) else ""
        start = max(0, span.column - 1 - 60)
        shown = line[start : start + 110]
        if start:
            shown = "…" + shown[1:]
        indent = " " * (span.column - 1 - start)
        arrow = "^" * max(1, min(span.length, len(shown) - len(indent)))
        return f"  {number} | {shown}\n  {' ' * len(number)} | {indent}{arrow}"


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
