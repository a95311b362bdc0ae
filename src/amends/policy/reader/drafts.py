"""Blocks before their expressions are resolved: which lines they have, and what the lines are called."""

from collections.abc import Iterable
from dataclasses import dataclass

from amends.policy.errors import Problems
from amends.policy.expression import Node
from amends.policy.model import PromiseKind, Verb
from amends.policy.reader.document import Block
from amends.policy.reader.entries import Entry, Place, read_entries, read_keys
from amends.policy.reader.fragments import split_words
from amends.policy.source import Fragment, Span

_VERBS_ALONE = (Verb.DENY.value, Verb.REFER.value)
_KEYS = {
    "rule": ("grant", "deny", "refer", "when", "needs", "overrides", "lines", "owes", "then", "pay"),
    "cap": ("counts", "at most", "rest", "label"),
    "need": ("met", "for", "if", "ask"),
    "promise": (*(kind.value for kind in PromiseKind), "when"),
}
_EXAMPLES = {
    "grant": 'grant: refund "Full refund"',
    "when": "when: age <= window",
    "if": "if: request == refund",
    "needs": "needs: reason_given",
    "then": "then: end now",
    "pay": "pay: credit",
    "met": "met: reason_given",
    "counts": "counts: refunded_this_year",
    "at most": "at most: yearly_limit",
    "always": "always: refund <= paid",
    "never": "never: refund > paid",
    "falls": "falls: refund with requested_at",
    "rises": "rises: refund with paid",
}
DRAFTED = tuple(_KEYS)
"""Kinds of blocks that are made of lines, in the order in which they are resolved."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A block whose expressions are not resolved yet."""

    kind: str
    id: str
    entries: dict[str, Entry]
    meant: frozenset[str]
    """Keys that misspelt lines were probably meant to be."""
    where: tuple[Node, ...]
    is_under_condition: bool
    span: Span

    @property
    def verbs(self) -> list[Verb]:
        """What a rule says that it does."""
        return [verb for verb in Verb if verb in self.entries]

    def words(self, key: str) -> list[tuple[str, Span]]:
        """The words behind a key, with their places."""
        value = self.entries[key].whole() if key in self.entries else None
        return split_words(value) if value else []


def read_draft(
    block: Block, kind: str, id_: Fragment, where: tuple[Node, ...] | None, problems: Problems
) -> Draft:
    """Read the lines of a block, without their expressions; `where` is None where a heading is wrong."""
    place = Place(f"a `{kind}` block", _KEYS[kind], _VERBS_ALONE, _advise)
    entries, meant = read_keys(read_entries(block.lines, problems), place, problems)
    return Draft(kind, id_.text, entries, meant, where or (), where != (), id_.span())


def _advise(entry: Entry) -> str | None:
    if '"' in entry.word:
        return "Indent it by two spaces, below the line `lines:`."
    kinds = [kind for kind, keys in _KEYS.items() if entry.word in keys]
    return f"It belongs in a `{kinds[0]}` block." if kinds else None


def granted_names(drafts: Iterable[Draft]) -> tuple[str, ...]:
    """The grants that rules name, also of rules with a problem."""
    words = [draft.words("grant") for draft in drafts]
    return tuple(dict.fromkeys(found[0][0] for found in words if found))


def text_behind(draft: Draft, key: str, problems: Problems) -> Fragment | None:
    """What stands behind a key that has to be there; None where it is missing, which is noted."""
    value = draft.entries[key].whole() if key in draft.entries else None
    if value is not None and value.text:
        return value
    if key in draft.entries:
        span, message = draft.entries[key].key.span(), f"Behind `{key}:` nothing is written."
    else:
        span, message = draft.span, f"The block has no line `{key}:`."
    if key not in draft.meant:
        problems.add("missing-key", span, message, f"Write, for example, `{_EXAMPLES[key]}`.")
    return None
