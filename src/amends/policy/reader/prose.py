"""Sentences: their ids and the numbers marked in them."""

import re
from dataclasses import dataclass, field

from amends.policy.errors import Problems, suggest
from amends.policy.model import Clause, Parameter, Section
from amends.policy.reader.document import Block
from amends.policy.reader.head import declare_name
from amends.policy.reader.quantities import read_quantity
from amends.policy.reader.scope import Scope
from amends.policy.reader.syntax import is_name
from amends.policy.source import Fragment, Span

CLAUSES_MAX = 5_000
_MARK = re.compile(r"\[([^\[\]]*)\]\{([^{}]*)\}")
_TAIL = re.compile(r"\s*\{([^{}]*)\}\s*$")
_WHERE = re.compile(r'\.where\s+"([^"]*)"')
_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(slots=True)
class Prose:
    """The sentences of a policy, in order."""

    clauses: dict[str, Clause] = field(default_factory=dict)
    sections: list[Section] = field(default_factory=list)


def read_marks(text: Fragment, scope: Scope, zone: str, problems: Problems) -> str:
    """Declare the parameters marked in a text; returns the text as customers read it."""
    for match in _MARK.finditer(text.text):
        words = [(word[0], text.span(*word.span())) for word in _words_in(match)]
        shown = text.cut(*match.span(1))
        names = [Fragment.at(word[1:], span.line, span.column + 1) for word, span in words if word[0] == "#"]
        others = [(word, span) for word, span in words if word[0] != "#" and word != ".service"]
        for word, span in others:
            problems.add(
                "bad-parameter",
                span,
                f"`{word}` means nothing here.",
                "Write `{#name}` or `{#name .service}`.",
            )
        if len(names) != 1:
            fix = "Write `[7 days]{#window}`."
            problems.add("bad-parameter", shown.span(), "The marked number needs one name.", fix)
            continue
        is_service = any(word == ".service" for word, _ in words)
        if parameter := read_parameter(names[0], shown, zone, problems, is_service=is_service):
            declare_name(names[0], scope, problems)
            scope.parameters[names[0].text] = parameter
    return _MARK.sub(lambda match: match[1], text.text)


def _words_in(match: re.Match[str]) -> list[re.Match[str]]:
    pattern = re.compile(r"\S+")
    return list(pattern.finditer(match.string, *match.span(2)))


def read_parameter(
    name: Fragment, shown: Fragment, zone: str, problems: Problems, *, is_service: bool
) -> Parameter | None:
    """One typed number; None where a problem was noted."""
    try:
        quantity = read_quantity(shown.text, zone)
    except ValueError as error:
        message = f"`{shown.text}` has no exact meaning."
        problems.add("bad-parameter", shown.span(), message, f"{str(error)[:1].upper()}{str(error)[1:]}.")
        return None
    return Parameter(
        name.text, quantity.type, quantity.value, shown.text, quantity.currency, is_service, shown.span()
    )


@dataclass(frozen=True, slots=True)
class Mark:
    """The id behind a sentence, and whether the table below it is kept by the desk."""

    id: str
    is_service: bool


def read_sentence(
    block: Block, section: Section | None, prose: Prose, problems: Problems, shown: str
) -> Mark | None:
    """Note a sentence that carries an id; `shown` is its text without marks."""
    tail = _TAIL.search(shown)
    words = tail[1].split() if tail else []
    ids = [word[1:] for word in words if word.startswith("#")]
    unknown = [word for word in words if not word.startswith("#") and word not in (".info", ".service")]
    span = _tail_span(block.text)
    if unknown:
        fix = suggest(unknown[0], [".info"], "End the sentence with `{#id}` or `{.info}`.")
        problems.add("uncovered-sentence", span, f"`{unknown[0]}` means nothing here.", fix)
    elif len(ids) + (".info" in words) != 1:
        fix = "End it with `{#id}` and give the id a rule, or with `{.info}` if it decides nothing."
        message = (
            "The sentence has more than one mark."
            if words
            else "The sentence is neither a rule nor information."
        )
        problems.add("uncovered-sentence", block.text.span(), message, fix)
    if len(ids) != 1 or unknown:
        return None
    text = shown[: tail.start()] if tail else shown
    if not _add_clause(Clause(ids[0], text, section, span), prose, problems):
        return None
    return Mark(ids[0], ".service" in words)


def _add_clause(clause: Clause, prose: Prose, problems: Problems) -> bool:
    id_, span = clause.id, clause.span
    if not is_name(id_):
        problems.add("bad-name", span, f"`{id_}` cannot be an id.", "Use small letters, digits and `_`.")
        return False
    if id_ in prose.clauses:
        line = prose.clauses[id_].span.line
        problems.add(
            "duplicate-id", span, f"`{id_}` already names the sentence in line {line}.", "Rename one."
        )
        return False
    if len(prose.clauses) == CLAUSES_MAX:
        problems.add("too-many", span, f"There are more than {CLAUSES_MAX:,} clauses.", "Split the policy.")
    prose.clauses[id_] = clause
    return True


def _tail_span(text: Fragment) -> Span:
    tail = _TAIL.search(text.text)
    if tail is None:
        return text.span()
    start = text.text.index("{", tail.start())
    return text.span(start, len(text.text.rstrip()))


def heading_parts(block: Block, problems: Problems) -> tuple[str, Fragment | None]:
    """The title of a heading and the text of its `.where` condition."""
    text = block.text
    tail = _TAIL.search(text.text)
    if tail is None:
        return text.text, None
    where = _WHERE.fullmatch(tail[1].strip())
    if where is None:
        fix = 'Write `{.where "condition"}`, or nothing.'
        problems.add("unknown-key", _tail_span(text), f"`{tail[1]}` means nothing on a heading.", fix)
        return text.text[: tail.start()], None
    start = text.text.index(f'"{where[1]}"', tail.start()) + 1
    return text.text[: tail.start()], text.cut(start, start + len(where[1]))


def anchor(title: str, taken: set[str]) -> str:
    """A unique name for a heading in the page's address."""
    slug = _SLUG.sub("-", title.lower()).strip("-") or "section"
    found, number = slug, 2
    while found in taken:
        found, number = f"{slug}-{number}", number + 1
    taken.add(found)
    return found
