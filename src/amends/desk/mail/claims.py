"""What a letter says about a request, as far as it says it plainly; nothing is guessed, and nothing is believed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from amends.desk.cases.models import RequestKind

REFERENCES_MAX = 100
_REFERENCE = re.compile(r"(?<![\w@.])[A-Za-z0-9](?:[\w:@-]|\.(?=\w)){2,99}")
"""As the API takes ids; a full stop inside, and not the one that ends a sentence."""
_MARKS = frozenset("0123456789-_")
"""No plain word has one of these."""
_PLAIN: dict[RequestKind, tuple[re.Pattern[str], ...]] = {
    RequestKind.CONVERT: (
        re.compile(
            r"\b(?:annual|yearly)\b.{0,80}\b(?:mistake|accident\w*|instead)|\b(?:mistake\w*|accident\w*)\b.{0,80}\b(?:annual|yearly)\b"
            r"|\b(?:change|switch|convert)\w*\b.{0,40}\bto (?:the )?monthly\b",
            re.DOTALL,
        ),
        re.compile(
            r"\b(?:jahres|jährlich)\w*.{0,80}\b(?:versehen\w*|irrtümlich\w*|statt\w*)|\b(?:versehen\w*|irrtümlich\w*)\b.{0,80}\b(?:jahres|jährlich)"
            r"|\b(?:auf|in)\b.{0,20}\bmonat(?:s|lich)\w*.{0,40}\b(?:wechs\w+|änder\w+|umstell\w+|umzustell\w+|umwand\w+|umzuwand\w+)",
            re.DOTALL,
        ),
    ),
    RequestKind.BILLING_ERROR: (
        re.compile(
            r"\b(?:charged|billed|paid)\b.{0,40}\b(?:twice|two times|double)\b|\b(?:double|duplicate|wrong) (?:charge|payment|amount)\b",
            re.DOTALL,
        ),
        re.compile(
            r"\b(?:doppelt|zweimal)\b.{0,40}\b(?:abgebucht|belastet|berechnet|bezahlt|gezahlt|eingezogen)\b"
            r"|\b(?:doppelte|falsche)[rn]? (?:abbuchung|belastung|betrag|rechnung|zahlung)\w*",
            re.DOTALL,
        ),
    ),
    RequestKind.TECHNICAL: (
        re.compile(
            r"\b(?:does not|doesn't|doesn’t|do not|don't|not|stopped) work(?:ing)?\b|\b(?:error|crash|bug|fault)\w*\b|\bis broken\b"
        ),
        re.compile(
            r"\bfunktionier\w*\b.{0,30}\bnicht\b|\bgeht nicht\b|\bfehlermeldung\w*|\b(?:ein|der|diesen|einen) fehler\b|\babst[uü]rz\w*|\bist kaputt\b",
            re.DOTALL,
        ),
    ),
}
"""In English and in German; the words of one language are none of the other."""
_REFUND = re.compile(
    r"\brefund\w*\b|\bmoney back\b|\b(?:rück|zurück)?erstatt\w*|\bgeld zurück\b|\brückzahlung\w*|\bwiderruf\w*"
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan", "feb", "mar mär", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt", "nov", "dec dez"),
        1,
    )
    for name in names.split()
}
_NAME = rf"(?P<month>{'|'.join(_MONTHS)})[a-zä]*\.?"
_DATES = (
    re.compile(r"\b(?P<year>20\d\d)-(?P<number>\d\d)-(?P<day>\d\d)\b"),
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)? (?:of )?{_NAME},? (?P<year>20\d\d)\b"),
    re.compile(r"\b(?P<day>\d{1,2})\.(?P<number>\d{1,2})\.(?P<year>20\d\d)\b"),
    re.compile(rf"\b{_NAME} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>20\d\d)\b"),
)
"""A date of numbers and strokes, such as 03/09/2025, is one day here and another there; with full stops the day is first."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a letter says."""

    references: tuple[str, ...]
    """Words that may be an order number or a transaction id."""
    kind: RequestKind | None
    purchased_on: date | None


def read_claims(subject: str, words: str) -> Claims:
    """Read what a letter says."""
    text = f"{subject}\n{words}"
    return Claims(_references(text), _kind(text.lower()), _only_date(text.lower()))


def _references(text: str) -> tuple[str, ...]:
    named = (word.rstrip(":-") for word in _REFERENCE.findall(text))
    marked = dict.fromkeys(word for word in named if _MARKS.intersection(word))
    return tuple(marked)[:REFERENCES_MAX]


def _kind(text: str) -> RequestKind | None:
    """The one kind that it speaks of; a refund is what people ask for in all of them, so it counts when alone."""
    found = [kind for kind, patterns in _PLAIN.items() if any(one.search(text) for one in patterns)]
    if len(found) == 1:
        return found[0]
    return RequestKind.REFUND if not found and _REFUND.search(text) else None


def _only_date(text: str) -> date | None:
    found = set(_dates(text))
    return found.pop() if len(found) == 1 else None


def _dates(text: str) -> Iterator[date]:
    for pattern in _DATES:
        for match in pattern.finditer(text):
            parts = match.groupdict()
            month = int(parts["number"]) if "number" in parts else _MONTHS[parts["month"]]
            try:
                yield date(int(parts["year"]), month, int(parts["day"]))
            except ValueError:
                continue
