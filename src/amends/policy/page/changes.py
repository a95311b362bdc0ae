"""What changed in the text of a policy between two versions: sentence by sentence, then word by word.

Sentences are matched by their ids, so that one that moved is not taken for a new one; what has no id (headings,
remarks, tables) is matched by its words. Rules are compared as the page says them. Versions, dates and facts that do not
stand on the page are left out; `amends.policy.comparison` says what a change does to people.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from markdown_it import MarkdownIt
from markdown_it.token import Token

from amends.policy.model import Policy, Rule
from amends.policy.page.html import COMES_BEFORE, VERBS, body_of, is_at
from amends.policy.translation import LOCALE, translation
from amends.policy.words import say

SAME_FROM = 0.5
"""Remarks with fewer words in common than this are another remark, not a changed one."""
_MARK = re.compile(r"\[([^\[\]]*)\]\{[^{}]*\}")
_TAIL = re.compile(r"\{([^{}]*)\}$")
_WORD = re.compile(r"\s+|\S+")


class ChangeKind(StrEnum):
    """What happened to a passage, or to a run of words in it."""

    KEPT = "kept"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Run:
    """Words next to each other that were all kept, added or removed."""

    kind: ChangeKind
    text: str


@dataclass(frozen=True, slots=True)
class TextChange:
    """A passage that is not the same in both versions."""

    kind: ChangeKind
    heading: str
    """The heading that it stands under; empty above the first."""
    clause: str
    """The id of the sentence; empty where it has none."""
    is_rule: bool
    """Whether it is how the sentence is computed, and not the sentence."""
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of the page with one text: a heading, a sentence, a row of a table, a rule in words."""

    key: tuple[str, ...]
    """The same in both versions for what is the same piece."""
    heading: str
    clause: str
    is_rule: bool
    text: str


def find_text_changes(before: Policy, after: Policy, locale: str = LOCALE) -> tuple[TextChange, ...]:
    """Every passage that was added, removed or changed, in the order of the later text; rules in the reader's words."""
    old, new = tuple(_passages(before, locale)), tuple(_passages(after, locale))
    return tuple(change for pair in _paired(old, new) if (change := _change(*pair)) is not None)


def _passages(policy: Policy, locale: str) -> Iterator[Passage]:
    heading, clause, seen = "", "", Counter[tuple[str, ...]]()
    tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse(body_of(policy.text))
    for index, token in enumerate(tokens):
        if token.type == "inline":
            text, clause = _sentence(policy, token)
            is_heading = tokens[index - 1].type == "heading_open"
            heading = text if is_heading else heading
            key = (clause,) if clause else (tokens[index - 1].type, text)
            yield Passage(_once(key, seen), "" if is_heading else heading, clause, is_rule=False, text=text)
        elif token.type == "fence":
            for kind, name, text in _computed(policy, token, locale):
                yield Passage(_once((kind, name), seen), heading, name, is_rule=True, text=text)


def _once(key: tuple[str, ...], seen: "Counter[tuple[str, ...]]") -> tuple[str, ...]:
    """The key, told from an earlier one that is the same."""
    seen[key] += 1
    return (*key, str(seen[key]))


def _sentence(policy: Policy, inline: Token) -> tuple[str, str]:
    plain = _MARK.sub(lambda match: match[1], inline.content).rstrip()
    tail = _TAIL.search(plain)
    names = [word[1:] for word in tail[1].split() if word.startswith("#")] if tail else []
    clause = next((name for name in names if name in policy.clauses), "")
    words = (child.content or " " for child in _inside(_TAIL.sub("", plain)))
    return " ".join("".join(words).split()), clause


def _inside(text: str) -> list[Token]:
    """Text, code and ends of lines, without the marks of emphasis and links."""
    (parsed,) = MarkdownIt("commonmark", {"html": False}).parseInline(text)
    return [child for child in parsed.children or [] if child.type in ("text", "code_inline", "softbreak")]


def _computed(policy: Policy, fence: Token, locale: str) -> Iterator[tuple[str, str, str]]:
    kind, _, name = fence.info.strip().partition(" ")
    if kind == "define":
        yield "define", name, f"{name.replace('_', ' ')}: {say(policy, policy.derived[name], locale)}."
    if kind == "rule":
        for rule in policy.rules:
            if rule.clause == name and is_at(rule, fence, policy):
                yield "rule", name, _rule(policy, rule, locale)


def _rule(policy: Policy, rule: Rule, locale: str) -> str:
    _ = translation(locale).gettext
    said = [_(VERBS[rule.verb]) % {"condition": say(policy, rule.when, locale)}]
    said += [
        _("%(label)s: %(sum)s.") % {"label": line.label, "sum": say(policy, line.expression, locale)}
        for line in rule.lines
    ]
    if rule.overrides:
        said.append(_(COMES_BEFORE) % {"clauses": ", ".join(rule.overrides)})
    return " ".join(said)


def _paired(
    old: Sequence[Passage], new: Sequence[Passage]
) -> Iterator[tuple[Passage | None, Passage | None]]:
    """Each passage with its other version, if there is one."""
    keys = [one.key for one in old], [one.key for one in new]
    known = {one.key: one for one in old}
    kept = set(keys[1])
    for tag, start, end, new_start, new_end in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from zip(old[start:end], new[new_start:new_end], strict=True)
            continue
        gone = [one for one in old[start:end] if one.key not in kept]
        for one in new[new_start:new_end]:
            other = known.get(one.key) or _alike(one, gone)
            if other in gone:
                gone.remove(other)
            yield other, one
        yield from ((one, None) for one in gone)


def _alike(one: Passage, gone: Sequence[Passage]) -> Passage | None:
    """The first passage without an id that says nearly the same; an id is another sentence."""
    if one.clause:
        return None
    candidates = (other for other in gone if not other.clause and other.key[0] == one.key[0])
    return next((other for other in candidates if _likeness(other.text, one.text) >= SAME_FROM), None)


def _likeness(before: str, after: str) -> float:
    return SequenceMatcher(None, before.split(), after.split(), autojunk=False).ratio()


def _change(before: Passage | None, after: Passage | None) -> TextChange | None:
    shown = after or before
    assert shown is not None
    if before is not None and after is not None and before.text == after.text:
        return None
    kind = ChangeKind.CHANGED
    if before is None or after is None:
        kind = ChangeKind.ADDED if before is None else ChangeKind.REMOVED
    runs = tuple(_runs(before.text if before else "", after.text if after else ""))
    return TextChange(kind, shown.heading, shown.clause, shown.is_rule, runs)


def _runs(before: str, after: str) -> Iterator[Run]:
    old, new = _WORD.findall(before), _WORD.findall(after)
    for tag, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Run(ChangeKind.KEPT, "".join(old[start:end]))
            continue
        if end > start:
            yield Run(ChangeKind.REMOVED, "".join(old[start:end]))
        if new_end > new_start:
            yield Run(ChangeKind.ADDED, "".join(new[new_start:new_end]))
