"""What can be wrong, and how it is said.

    PolicyError   the file does not read; carries every problem found, each with its place
    InputError    a case cannot be decided because one of its inputs is bad

Codes are stable. `WHY` is the catalogue of everything the reader can find; `docs/errors.md` explains each.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from amends.policy.source import Source, Span

PROBLEMS_MAX = 100
"""Reading stops here: nobody corrects more at once, and a hostile file must not make an endless answer."""
TEXT_LENGTH_MAX = 300
WORD_LENGTH_MAX = 60
WORDS_KNOWN_MAX = 2_000

WHY = {
    "file-too-large": "A policy is a page that people read; the limit keeps reading it cheap.",
    "not-text": "The file is shown to customers as it stands, so it must be plain UTF-8 text.",
    "too-many": "The limit keeps reading and deciding cheap, whoever wrote the file.",
    "too-deep": "People must be able to follow a rule, and every engine must be able to compute it.",
    "no-front-matter": "The head of the file says which policy this is and what it may know.",
    "missing-key": "Without this line the policy cannot be applied.",
    "unknown-key": "A line that nobody reads would look as if it had an effect.",
    "repeated-key": "Two lines with the same key leave open which one holds.",
    "bad-line": "Head and blocks are made of lines `key: value`, with more of a value indented below it.",
    "bad-value": "The value decides how the policy is applied, so it is not guessed.",
    "bad-type": "Every input has a type, so that a wrong case is refused instead of decided.",
    "bad-name": "Names stand in rules and in cases, so they have one plain form.",
    "reserved-name": "The word has a meaning of its own in the language.",
    "duplicate-name": "Inputs, parameters, derived facts and tables share one namespace.",
    "duplicate-id": "A decision cites a clause by its id, so an id names one place.",
    "uncovered-sentence": "Every sentence either has a rule behind it or is marked as information.",
    "clause-without-rule": "A sentence with an id promises something, so something must carry it out.",
    "rule-without-clause": "A decision cites the sentence it rests on, so every block needs one.",
    "mixed-kinds": "A decision cites a sentence for one thing: it cannot both grant and deny.",
    "unknown-block": "A block that nobody reads would look as if it had an effect.",
    "raw-code": "Customers would read it as code, and nothing would carry it out.",
    "open-block": "Without its end, the rest of the page would be part of the block.",
    "bad-parameter": "A number in a sentence must have one exact meaning.",
    "unused-parameter": "Customers read this number as a promise, and no rule keeps it.",
    "service-in-rule": "Service numbers are kept by the desk; a rule that used one would hide that.",
    "hidden-number": "Customers must be able to read every number that decides about them.",
    "bad-expression": "Rules use a small fixed language, so that every rule can be read, proved and computed.",
    "unknown-name": "A rule may only use what the policy declares.",
    "unknown-clause": "The line names a clause that is not there.",
    "unknown-function": "The list of functions is closed, so that every rule can be proved.",
    "unknown-member": "The word is not one of the values that this fact can have.",
    "wrong-unit": "Values of different units do not go together: the answer would be a guess.",
    "wrong-type": "The place needs another kind of value.",
    "unrounded": "Money that is paid is whole minor units, so each line says how it is rounded.",
    "unguarded-none": "The value may be `none` here, and nothing can be computed from that.",
    "unguarded-division": "The divisor could be zero.",
    "cycle": "A chain that leads back to itself has no first step.",
    "bad-table": "A table is a function: every key must lead to one row and every cell to a value.",
    "overlapping-rows": "Two rows match the same case, so the table has two answers.",
    "unused-column": "Customers read these numbers as promises, and no rule keeps them.",
    "unused-input": "The desk or the customer would be asked for something that nothing reads.",
    "unused-fact": "A fact that nothing reads would look as if it had an effect.",
    "no-money": "A grant pays money, so the policy must say which input is the amount paid.",
    "misplaced-key": "The line has no meaning in this kind of block.",
    "misplaced-block": "The block would hold for more cases than its place on the page says.",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a policy file."""

    code: str
    span: Span
    message: str
    fix: str

    def render(self, source: Source) -> str:
        """What, where, why and what to write instead."""
        return (
            f"{source.name}:{self.span.line}:{self.span.column}: {self.code}: {self.message}\n"
            f"{source.excerpt(self.span)}\n"
            f"  why: {WHY[self.code]}\n"
            f"  do:  {self.fix}"
        )


class PolicyError(ValueError):
    """The policy file does not read; `problems` holds all that was found, in the order of the file."""

    def __init__(self, source: Source, problems: Iterable[Problem]) -> None:
        found = list(problems)
        self.source = source
        self.problems = tuple(sorted(set(found), key=lambda p: (p.span, p.code, p.message)))
        rendered = [problem.render(source) for problem in self.problems[:PROBLEMS_MAX]]
        if len(found) >= PROBLEMS_MAX:
            rendered.append(f"Reading stopped after {PROBLEMS_MAX} problems; correct these first.")
        super().__init__("\n\n".join(rendered))


class InputError(ValueError):
    """A case that cannot be decided: which input is bad, why, and what it should be."""

    def __init__(self, code: str, name: str | None, message: str) -> None:
        self.code = code
        self.input = name
        self.message = message
        super().__init__(message)

    def as_json(self) -> dict[str, str | None]:
        """The shape of the contract: code, input, message."""
        return {"code": self.code, "input": self.input, "message": self.message}


class Problems:
    """Collects problems, so that one run reports all of them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: list[Problem] = []

    def add(self, code: str, span: Span, message: str, fix: str) -> None:
        """Note one problem and go on.

        Raises: PolicyError: the file has so many that reading stops.
        """
        self.found.append(Problem(code, span, shorten(message), shorten(fix)))
        if len(self.found) >= PROBLEMS_MAX:
            raise PolicyError(self.source, self.found)


def shorten(text: str, length: int = TEXT_LENGTH_MAX) -> str:
    """A text of bounded length: the middle of a longer one is left out."""
    if len(text) <= length:
        return text
    half = length // 2 - 1
    return f"{text[:half]} … {text[-half:]}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    if len(word) > WORD_LENGTH_MAX:
        return None
    candidates = sorted(set(known) - {word})[:WORDS_KNOWN_MAX]
    matches = get_close_matches(word.lower(), candidates, n=1, cutoff=0.7)
    return matches[0] if matches else None


def suggest(word: str, known: Iterable[str], otherwise: str) -> str:
    """'Did you mean …?' if a known word is close, else the list or advice given."""
    close = nearest(word, known)
    return f"Did you mean `{close}`?" if close else otherwise
