"""The line grammar of the head and of the blocks: `key: value`, with more of the value indented below.

Not YAML: YAML would cut `a <= b # c`, read `no` as false and refuse `%` (semantics, rule 28).
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from amends.policy.errors import Problems, nearest
from amends.policy.reader.fragments import is_comment, joined
from amends.policy.source import Fragment

CONTINUATION_MAX = 500
_KEY = re.compile(r'((?:[^:"]|"[^"]*")*):(?:\s|$)(.*)')


@dataclass(slots=True)
class Entry:
    """One `key: value`, or a word on its own, with the lines indented below it."""

    key: Fragment
    value: Fragment | None
    below: list[Fragment] = field(default_factory=list)

    @property
    def word(self) -> str:
        """The key as written."""
        return self.key.text

    def whole(self) -> Fragment | None:
        """The value with its continuation lines joined."""
        parts = [self.value] if self.value is not None and self.value.text else []
        parts += [line.cut(0) for line in self.below]
        return joined(parts) if parts else self.value


@dataclass(frozen=True, slots=True)
class Place:
    """Where keys stand: which are known there, and how messages call it."""

    name: str
    keys: Collection[str]
    alone: Collection[str] = ()
    """Keys that are written without a colon and a value."""
    advise: Callable[[Entry], str | None] = lambda _: None
    """What to write instead of an unknown line, where that can be told."""


def read_entries(lines: Iterable[Fragment], problems: Problems) -> list[Entry]:
    """Group lines into entries; blank lines and lines that begin with `#` say nothing."""
    entries: list[Entry] = []
    for line in _dedented([line for line in lines if not is_comment(line.text)], problems):
        if line.text[0] not in " \t":
            entries.append(_open(line))
        elif len(entries[-1].below) < CONTINUATION_MAX:
            entries[-1].below.append(line)
        else:
            message = f"More than {CONTINUATION_MAX} lines stand below `{entries[-1].word}`."
            problems.add("too-many", line.span(), message, "Shorten the list.")
            break
    return entries


def entries_below(entry: Entry, problems: Problems) -> list[Entry]:
    """The lines below an entry as entries of their own."""
    return read_entries(_without_indent(entry.below), problems)


def read_keys(
    entries: Iterable[Entry], place: Place, problems: Problems
) -> tuple[dict[str, Entry], frozenset[str]]:
    """The entries by their key, and the keys that were probably meant by words that are none."""
    found: dict[str, Entry] = {}
    meant: set[str] = set()
    for entry in entries:
        known = entry if entry.word in place.keys else _split_word(entry, place, problems)
        if known is None:
            meant.add(_refuse_key(entry, place, problems))
        elif known.word in found:
            problems.add(
                "repeated-key", entry.key.span(), f"`{known.word}:` stands twice.", "Keep one of them."
            )
        else:
            found[known.word] = known
    return found, frozenset(meant)


def refuse_value(entry: Entry, problems: Problems) -> None:
    """Note a value on the line of a key whose entries stand below it."""
    if entry.value is not None and entry.value.text:
        message = f"Behind `{entry.word}:` nothing is read."
        problems.add(
            "bad-line", entry.value.span(), message, "Write it on a line of its own below, indented."
        )


def _refuse_key(entry: Entry, place: Place, problems: Problems) -> str:
    close = nearest(entry.word, place.keys)
    fix = f"Did you mean `{close}`?" if close else place.advise(entry)
    message = f"`{entry.word}` means nothing in {place.name}."
    known = ", ".join(f"`{key}`" for key in place.keys)
    problems.add("unknown-key", entry.key.span(), message, fix or f"It may hold {known}.")
    return close or ""


def _split_word(entry: Entry, place: Place, problems: Problems) -> Entry | None:
    """The entry of a line whose colon, or the space behind it, was forgotten."""
    word = next((key for key in place.keys if entry.word.startswith((f"{key} ", f"{key}:"))), None)
    if word is None or (entry.value is not None and entry.word[len(word)] != ":"):
        return None
    value = entry.key.cut(len(word) + (entry.word[len(word)] == ":"))
    if entry.word[len(word)] == ":":
        message = f"There is no space behind `{word}:`."
    else:
        message = f"There is no colon behind `{word}`."
    if word not in place.alone:
        problems.add("bad-line", entry.key.span(), message, f"Write `{word}: {value.text}`.")
    return Entry(entry.key.cut(0, len(word)), value, entry.below)


def _dedented(lines: Sequence[Fragment], problems: Problems) -> Sequence[Fragment]:
    if not lines or lines[0].text[0] not in " \t":
        return lines
    message = "The first line is indented, but nothing stands above it."
    problems.add("bad-line", lines[0].cut(0).span(), message, "Begin it in the first column.")
    run = list(takewhile(lambda line: line.text[0] in " \t", lines))
    return [lines[0].cut(0), *_without_indent(run)[1:], *lines[len(run) :]]


def _without_indent(lines: Sequence[Fragment]) -> list[Fragment]:
    """Lines without the white space that all of them begin with."""
    indent = min((len(line.text) - len(line.text.lstrip()) for line in lines), default=0)
    found = []
    for line in lines:
        place = line.span()
        found.append(Fragment.at(line.text[indent:], place.line, place.column + indent))
    return found


def _open(line: Fragment) -> Entry:
    match = _KEY.fullmatch(line.text)
    if match is None:
        return Entry(line.cut(0), None)
    return Entry(line.cut(match.start(1), match.end(1)), line.cut(match.start(2), match.end(2)))
