"""A lint on words: whether a sentence and its rule point to the same side of a number."""

import re
from bisect import bisect_left
from dataclasses import dataclass

from amends.policy.checker.findings import Finding
from amends.policy.checker.inquiry import Inquiry
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


@dataclass(frozen=True, slots=True)
class _Direction:
    """Words before a number, and whether they mean what is below it."""

    span: Span
    words: str
    is_upper: bool


def check_words(inquiry: Inquiry) -> None:
    """Report where the words before a number say the opposite of the rule behind it."""
    directions = _directions(inquiry.policy)
    limits = (limit for rule in inquiry.policy.rules for limit in limits_of(inquiry.policy, rule))
    for limit in limits:
        for one in directions.get((limit.rule.clause, limit.number.name), ()):
            if one.is_upper is not limit.is_upper:
                inquiry.report(_opposite(limit, one))


def _opposite(limit: Limit, direction: _Direction) -> Finding:
    side = "at most" if limit.is_upper else "more than"
    said = f"{direction.words} {limit.number.text}"
    message = f"`{limit.rule.clause}` says “{said}”, and its rule holds for {side} that."
    fix = "Turn the comparison round, or correct the sentence."
    return Finding("opposite-words", (limit.rule.clause,), direction.span, message, fix)


def _directions(policy: Policy) -> dict[tuple[str, str], list[_Direction]]:
    """For each clause and number that it names, the words before the number, where they point to one side of it."""
    marks = sorted((clause.span, clause.id) for clause in policy.clauses.values())
    found: dict[tuple[str, str], list[_Direction]] = {}
    lines = policy.text.split("\n")
    for number, line in enumerate(lines, 1):
        for match in _MENTION.finditer(line):
            span = Span(number, match.start() + 1)
            # The id of a sentence stands behind it.
            behind = bisect_left(marks, (span, ""))
            words = _WORDS.search(_before(lines, span))
            if words and behind < len(marks):
                is_upper = (words["upper"] is not None) is (words["not"] is None)
                direction = _Direction(span, words["upper"] or words["lower"], is_upper)
                found.setdefault((marks[behind][1], match[1]), []).append(direction)
    return found


def _before(lines: list[str], span: Span) -> str:
    """The words of the same part of a sentence before a place, over the end of a line."""
    above = f"{lines[span.line - 2]} " if span.line > 1 else ""
    text = f"{above}{lines[span.line - 1][: span.column - 1]}"
    return " ".join(_PART.split(text)[-1].split()).lower()
