"""Pieces of policy text: several lines as one, the mark at an end, the words of a list."""

import re
from collections.abc import Sequence

from amends.policy.source import Fragment, Span


def joined(parts: Sequence[Fragment]) -> Fragment:
    """All parts with one space between them, in time linear in their length."""
    starts: list[tuple[int, Span]] = []
    offset = 0
    for part in parts:
        starts.extend((offset + start, span) for start, span in part.starts)
        offset += len(part.text) + 1
    return Fragment(" ".join(part.text for part in parts), tuple(starts))


def is_comment(line: str) -> bool:
    """Whether a line of the head or of a block says nothing: it is blank or begins with `#`."""
    return not line.strip() or line.lstrip().startswith("#")


def split_words(value: Fragment) -> list[tuple[str, Span]]:
    """The words of a comma-separated list, with their places."""
    return [(match[0], value.span(*match.span())) for match in re.finditer(r"[^\s,]+", value.text)]


def split_mark(text: Fragment) -> tuple[Fragment, Fragment | None]:
    """A text and the `{…}` at its end, which is cut with its braces; None where there is none.

    Not a regular expression: one that begins with white space takes quadratic time on long runs of it.
    """
    end = text.text.rstrip()
    start = end.rfind("{")
    if not end.endswith("}") or start < 0 or "}" in end[start:-1]:
        return text, None
    return text.cut(0, start), text.cut(start, len(end))
