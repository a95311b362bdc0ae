"""The words of a page: what stands beside its numbers, and which side of them it means. English only."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from amends.policy.model import Policy
from amends.policy.source import Span

_MENTION = re.compile(r"\[[^\[\]]*\]\{[#=](\w+)[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Side:
    """What words say of a number: on which side of it they lie, and whether it belongs to them."""

    is_upper: bool
    """Whether they mean what is below it."""
    includes: bool | None
    """None where readers may take it either way."""

    def turned(self) -> "Side":
        """The side that these words leave out."""
        return Side(not self.is_upper, None if self.includes is None else not self.includes)

    def counted_back(self) -> "Side":
        """The same words where what is later is less, such as the days that are left."""
        return Side(not self.is_upper, self.includes)


_BEFORE = {
    Side(is_upper=True, includes=True): "at most|up to|(?:no|not) (?:later|more|longer|over) than",
    Side(is_upper=True, includes=False): "fewer than|less than|below|under|earlier than|sooner than",
    Side(is_upper=True, includes=None): "within|until|before",
    Side(is_upper=False, includes=True): "at least|(?:no|not) (?:less|fewer|earlier|sooner) than",
    Side(is_upper=False, includes=False): "later than|more than|longer than|over|above|exceeding",
    Side(is_upper=False, includes=None): "after|beyond",
}
"""Words before a number."""
_BEHIND = {
    Side(is_upper=True, includes=True): "or (?:fewer|less|earlier|sooner|below|under)",
    Side(is_upper=False, includes=True): "or (?:more|longer|later|above|over)",
}
"""Words behind a number."""
_FILLING = "(?:the|your|these|those|that|day)"
_WORDS = [
    (re.compile(rf"(?:(?P<not>\bnot|\bnever|n't)\s+(?:\w+\s+)?)?\b(?P<said>{words})(?: {_FILLING})*$"), side)
    for side, words in _BEFORE.items()
]
_WORDS_BEHIND = [(re.compile(rf"\W*{words}\b"), side) for side, words in _BEHIND.items()]
_PART = re.compile(r"[.;:,()]\s|^- ")
_SENTENCE = re.compile(r"[.;:]\s|^- ")
_TOWARD_A_DAY = ("up to", "until", "before", "after", "beyond", "later", "earlier", "sooner")
_COUNTED_BACK = re.compile(r"\W*(?:before|ahead of|prior to)\b")
"""Behind a number: what is later then is closer to the day, so that less is left."""
_NOT_COUNTED = re.compile(r"\W*(?:\w+ ){0,3}(?:do|does|did) not (?:count|matter)\b")
"""Behind a number: the sentence speaks of what lies on the other side of its rule."""
_EXCEPTED = re.compile(r"\b(?:unless|except|excepted|other than|apart from|without)\b")
"""Before a number, in its sentence: the same."""
_OTHER_MARK = re.compile(r"(?<!\])\{(?:\.info|#\w+ \.service)\}\s*$")


@dataclass(frozen=True, slots=True)
class Mention:
    """A number in a sentence, and what the words beside it say of it."""

    span: Span
    words: str
    """As they are said with the number; empty where there are none."""
    side: Side | None
    """None where the words do not say, or say it of what the rule leaves out."""


def is_readable(policy: Policy) -> bool:
    """Whether the page is written in a language of which words are known here."""
    return policy.lang.split("-")[0] == "en"


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
                mention = _mention(span, _before(lines, span), _behind(lines, number, match.end()))
                found.setdefault((marks[behind][1], match[1]), []).append(mention)
    return found


def _other_marks(lines: list[str]) -> Iterator[tuple[Span, str]]:
    """Where the sentences end that no rule carries out."""
    for number, line in enumerate(lines, 1):
        if mark := _OTHER_MARK.search(line):
            yield Span(number, mark.start() + 1), ""


def _mention(span: Span, before: str, behind: str) -> Mention:
    said, side = _said(before, behind)
    if side is not None and (_NOT_COUNTED.match(behind) or _EXCEPTED.search(_SENTENCE.split(before)[-1])):
        side = None
    return Mention(span, said, side)


def _said(before: str, behind: str) -> tuple[str, Side | None]:
    part = _PART.split(before)[-1]
    found = [(match, side) for pattern, side in _WORDS if (match := pattern.search(part))]
    if found:
        match, side = min(found, key=lambda one: one[0].start())
        side = side.turned() if match["not"] else side
        counts_back = _COUNTED_BACK.match(behind) and any(word in match["said"] for word in _TOWARD_A_DAY)
        return f"{match['said']} {{}}", side.counted_back() if counts_back else side
    return next(
        (
            (f"{{}} {match[0].strip()}", side)
            for pattern, side in _WORDS_BEHIND
            if (match := pattern.match(behind))
        ),
        ("", None),
    )


def _behind(lines: list[str], line: int, column: int) -> str:
    """The words behind a place, over the end of a line."""
    below = lines[line] if line < len(lines) else ""
    return " ".join(f"{lines[line - 1][column:]} {below}".split()).lower()


def _before(lines: list[str], span: Span) -> str:
    """The words before a place, over the end of a line."""
    above = f"{lines[span.line - 2]} " if span.line > 1 else ""
    return " ".join(f"{above}{lines[span.line - 1][: span.column - 1]}".split()).lower()


def prose(policy: Policy) -> str:
    """What people read, in one line."""
    return " ".join(block for _, block in paragraphs(policy))


def paragraphs(policy: Policy) -> Iterator[tuple[Span, str]]:
    """The paragraphs and list items below the head, each as one line, without the blocks of rules."""
    parts: list[str] = []
    first, is_fenced, rules = 1, False, 0
    for number, line in enumerate([*policy.text.split("\n"), ""], 1):
        if line.strip() == "---" and rules < 2:  # noqa: PLR2004 -- the two lines around the head
            rules += 1
        elif rules < 2:  # noqa: PLR2004 -- as above
            continue
        elif line.startswith("```"):
            is_fenced = not is_fenced
        elif not is_fenced:
            if parts and (not line.strip() or line.lstrip().startswith("- ")):
                yield Span(first, 1), " ".join(parts)
                parts = []
            if line.strip():
                first = first if parts else number
                parts.append(line.strip())
