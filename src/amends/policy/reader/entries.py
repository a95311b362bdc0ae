"""The line grammar of the head and of the blocks: `key: value`, with more of the value indented below.

Not YAML: YAML would cut `a <= b # c`, read `no` as false and refuse `%` (semantics, rule 28).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from amends.policy.errors import Problems
from amends.policy.source import Fragment

_KEY = re.compile(r'((?:[^:"]|"[^"]*")*):(?:\s|$)(.*)')


@dataclass(slots=True)
class Entry:
    """One `key: value`, or a word on its own, with the entries indented below it."""

    key: Fragment
    value: Fragment | None
    below: list[Fragment] = field(default_factory=list)

    @property
    def word(self) -> str:
        """The key as written."""
        return self.key.text

    def whole(self) -> Fragment | None:
        """The value with its continuation lines joined."""
        joined = self.value
        for line in self.below:
            part = line.cut(0)
            joined = part if joined is None or not joined.text else joined.join(part)
        return joined


def read_entries(lines: Iterable[Fragment], problems: Problems) -> list[Entry]:
    """Group lines into entries; blank lines and lines that begin with `#` say nothing."""
    entries: list[Entry] = []
    for line in lines:
        if not line.text.strip() or line.text.lstrip().startswith("#"):
            continue
        if line.text[0] in " \t":
            _continue(entries, line, problems)
        else:
            entries.append(_open(line))
    return entries


def entries_below(entry: Entry, problems: Problems) -> list[Entry]:
    """The lines below an entry as entries of their own."""
    indents = [len(line.text) - len(line.text.lstrip()) for line in entry.below]
    shallow = min(indents, default=0)
    dedented = []
    for line in entry.below:
        offset, place = line.starts[0]
        dedented.append(Fragment.at(line.text[shallow:], place.line, place.column + offset + shallow))
    return read_entries(dedented, problems)


def _open(line: Fragment) -> Entry:
    match = _KEY.fullmatch(line.text)
    if match is None:
        return Entry(line.cut(0), None)
    return Entry(line.cut(match.start(1), match.end(1)), line.cut(match.start(2), match.end(2)))


def _continue(entries: list[Entry], line: Fragment, problems: Problems) -> None:
    if entries:
        entries[-1].below.append(line)
    else:
        problems.add(
            "bad-line", line.span(), "The first line of the block is indented.", "Begin it in column 1."
        )
