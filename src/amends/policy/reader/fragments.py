"""Pieces of text that were written on several lines."""

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
