"""The words before a number: whether a sentence and its rule point to the same side of a number."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from amends.policy.checker.findings import Finding
from amends.policy.limits import Limit, limits_of
from amends.policy.model import Policy
from amends.policy.source import Span

_MENTION = re.compile(r"\[[^\[\]]*\]\{[#=](\w+)[^{}]*\}")
_UPPER = "within|at most|up to|until|fewer than|less than|below|no later than|not later than|no more than|not more than"
_LOWER = "later than|more than|longer than|over|above|after|beyond|at least|exceeding"
_WORDS = re.compile(
    rf"(?:(?P<not>\bnot|\bnever|n't)\s+(?:\w+\s+)?)?\b(?:(?P<upper>{_UPPER})|(?P<lower>{_LOWER}))(?: the| your| day)*$"
)
_PART = re.compile(r"[.;:,()]\s|^- ")
_TOWARD_A_DAY = ("up to", "until", "later than", "no later than", "not later than", "after", "beyond")
_COUNTED_BACK = re.compile(r"\W*(?:before|ahead of|prior to)\b")
"""Behind a number: what is later then is closer to the day, so that less is left."""
_NOT_COUNTED = re.compile(r"\W*(?:\w+ ){0,3}(?:do|does|did) not (?:count|matter)\b")
"""Behind a number: the sentence speaks of what lies on the other side of its rule."""
_OTHER_MARK = re.compile(r"(?<!\])\{(?:\.info|#\w+ \.service)\}\s*$")


@dataclass(frozen=True, slots=True)
class Mention:
    """A number in a sentence, and whether the words before it mean what is below it."""

    span: Span
    words: str
    is_upper: bool | None
    """None where the words do not say, or say it of what the rule leaves out."""


def opposite_words(policy: Policy) -> Iterator[Finding]:
    """Where the words before a number say the opposite of the rule behind it."""
    limits = (limit for rule in policy.rules for limit in limits_of(policy, rule))
    for limit in limits:
        for one in mentions(policy, limit.rule.clause, limit.number.name):
            if one.is_upper not in (None, limit.is_upper):
                yield _opposite(limit, one)


def _opposite(limit: Limit, mention: Mention) -> Finding:
    side = "at most" if limit.is_upper else "more than"
    said = f"{mention.words} {limit.number.text}"
    message = f"`{limit.rule.clause}` says “{said}”, and its rule holds for {side} that."
    fix = "Turn the comparison round, or correct the sentence."
    return Finding("opposite-words", (limit.rule.clause,), mention.span, message, fix)


def mentions(policy: Policy, clause: str, number: str) -> list[Mention]:
    """The places at which the sentence of a clause names a number."""
    return _mentions(policy).get((clause, number), [])


@lru_cache(maxsize=4)
def _mentions(policy: Policy) -> dict[tuple[str, str], list[Mention]]:
    """For each clause and number that it names, the places."""
    lines = policy.text.split("\n")
    marks = sorted([*((clause.span, clause.id) for clause in policy.clauses.values()), *_other_marks(lines)])
    found: dict[tuple[str, str], list[Mention]] = {}
    for number, line in enumerate(lines, 1):
        for match in _MENTION.finditer(line):
            span = Span(number, match.start() + 1)
            # The id of a sentence stands behind it.
            behind = bisect_left(marks, (span, ""))
            if behind < len(marks):
                behind_it = _behind(lines, number, match.end())
                found.setdefault((marks[behind][1], match[1]), []).append(
                    _mention(span, _before(lines, span), behind_it)
                )
    return found


def _other_marks(lines: list[str]) -> Iterator[tuple[Span, str]]:
    """Where the sentences end that no rule carries out."""
    for number, line in enumerate(lines, 1):
        if mark := _OTHER_MARK.search(line):
            yield Span(number, mark.start() + 1), ""


def _mention(span: Span, before: str, behind: str) -> Mention:
    words = _WORDS.search(before)
    if words is None:
        return Mention(span, "", None)
    said = words["upper"] or words["lower"]
    if _NOT_COUNTED.match(behind):
        return Mention(span, said, None)
    is_upper = (words["upper"] is not None) is (words["not"] is None)
    if said in _TOWARD_A_DAY and _COUNTED_BACK.match(behind):
        is_upper = not is_upper
    return Mention(span, said, is_upper)


def _behind(lines: list[str], line: int, column: int) -> str:
    """The words behind a place, over the end of a line."""
    below = lines[line] if line < len(lines) else ""
    return " ".join(f"{lines[line - 1][column:]} {below}".split()).lower()


def _before(lines: list[str], span: Span) -> str:
    """The words of the same part of a sentence before a place, over the end of a line."""
    above = f"{lines[span.line - 2]} " if span.line > 1 else ""
    text = f"{above}{lines[span.line - 1][: span.column - 1]}"
    return " ".join(_PART.split(text)[-1].split()).lower()
