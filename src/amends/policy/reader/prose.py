"""Sentences: their ids and the numbers marked in them."""

import re
from collections import Counter
from dataclasses import dataclass, field

from amends.policy.errors import Problems, nearest, suggest
from amends.policy.model import Clause, Parameter, Section
from amends.policy.reader.document import Block
from amends.policy.reader.fragments import split_mark
from amends.policy.reader.quantities import UnreadableNumberError, read_quantity
from amends.policy.reader.scope import Scope, name_advice
from amends.policy.reader.syntax import is_name
from amends.policy.source import Fragment

CLAUSES_MAX = 5_000
_MARK = re.compile(r"\[([^\[\]]*)\]\{([^{}]*)\}")
_OPEN_MARK = re.compile(r"\]\{[^{}]*")
_ID = re.compile(r"\{#([^{}\s]+)")
_BRACES = re.compile(r"\{[^{}]*\}")
_WHERE = re.compile(r'\{\s*\.where\s+"([^"]*)"\s*\}')
_SLUG = re.compile(r"[^a-z0-9]+")
_SERVICE = ".service"
_REPEATS = "="
_MARKS = (".info", _SERVICE)
_FIX = "End it with `{#id}` and give the id a rule, or with `{.info}` if it decides nothing."


@dataclass(slots=True)
class Prose:
    """The sentences of a policy, in order."""

    clauses: dict[str, Clause] = field(default_factory=dict)
    sections: list[Section] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    """Ids that a sentence with a problem of its own may have been meant to carry."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The id behind a sentence, and whether the table below it is kept by the desk."""

    id: str
    is_service: bool


def read_marks(text: Fragment, scope: Scope, zone: str, problems: Problems) -> str:
    """Declare the parameters marked in a text; returns the text as customers read it."""
    for match in _MARK.finditer(text.text):
        _read_mark(text, match, scope, zone, problems)
    if stray := _OPEN_MARK.search(_MARK.sub(lambda match: " " * len(match[0]), text.text)):
        message = "The number that is marked here has no end."
        fix = "Write the number in brackets and its name in braces: `[7 days]{#window}`."
        problems.add("bad-parameter", text.span(*stray.span()), message, fix)
        scope.has_nameless = True
    return _MARK.sub(lambda match: match[1], text.text)


def _read_mark(text: Fragment, match: re.Match[str], scope: Scope, zone: str, problems: Problems) -> None:
    shown = text.cut(*match.span(1))
    if match[2].strip().startswith(_REPEATS):
        name = text.cut(*match.span(2))
        scope.repeats.append((name.cut(len(_REPEATS)), shown))
        return
    words = [text.cut(*word.span()) for word in re.compile(r"\S+").finditer(match.string, *match.span(2))]
    names = [word.cut(1) for word in words if word.text.startswith("#")]
    strange = next((word for word in words if not word.text.startswith("#") and word.text != _SERVICE), None)
    if strange is not None:
        close = nearest(strange.text, [_SERVICE])
        fix = (
            f"Did you mean `{close}`?" if close else f"Write `[{shown.text}]{{#{strange.text.strip('.=')}}}`."
        )
        message = f"`{strange.text}` means nothing behind a number."
        problems.add("bad-parameter", strange.span(), message, fix)
        scope.broken.update(re.findall(r"\w+", match[2]))
    elif len(names) != 1:
        message = "The marked number has more than one name." if names else "The marked number has no name."
        problems.add(
            "bad-parameter", text.span(*match.span(2)), message, f"Write `[{shown.text}]{{#window}}`."
        )
        scope.has_nameless = True
        scope.broken.update(name.text for name in names)
    else:
        is_free = scope.declare(names[0], problems)
        parameter = read_parameter(names[0], shown, zone, problems, is_service=len(words) > 1)
        if parameter is None:
            scope.broken.add(names[0].text)
        elif is_free:
            scope.parameters[names[0].text] = parameter


def check_repeats(scope: Scope, zone: str, problems: Problems) -> None:
    """A number that a sentence repeats, `[7 days]{=window}`, says what the sentence says that names it."""
    for name, shown in scope.repeats:
        parameter = scope.parameters.get(name.text)
        if parameter is None:
            if name.text not in scope.broken:
                fix = suggest(
                    name.text, scope.parameters, "Name it where it is said first: `[7 days]{#window}`."
                )
                problems.add("unknown-name", name.span(), f"No number is called `{name.text}`.", fix)
            continue
        try:
            quantity = read_quantity(shown.text, zone)
        except UnreadableNumberError:
            quantity = None
        if quantity is None or (quantity.type, quantity.value, quantity.currency) != (
            parameter.type,
            parameter.value,
            parameter.currency,
        ):
            message = (
                f"This repeats `{name.text}`, which line {parameter.span.line} says is `{parameter.text}`."
            )
            problems.add(
                "bad-parameter", shown.span(), message, f"Write `[{parameter.text}]{{={name.text}}}`."
            )


def read_parameter(
    name: Fragment, shown: Fragment, zone: str, problems: Problems, *, is_service: bool
) -> Parameter | None:
    """One typed number; None where a problem was noted."""
    try:
        quantity = read_quantity(shown.text, zone)
    except UnreadableNumberError as error:
        message = f"`{shown.text}` has no exact meaning: {error.reason}."
        if not shown.text:
            message = "A number is missing here."
        problems.add("bad-parameter", shown.span(), message, error.fix)
        return None
    return Parameter(
        name.text, quantity.type, quantity.value, shown.text, quantity.currency, is_service, shown.span()
    )


class Sentences:
    """Notes the sentences of a policy that carry an id; problems are collected."""

    def __init__(self, prose: Prose, problems: Problems) -> None:
        self.prose = prose
        self.problems = problems

    def read(self, block: Block, section: Section | None, shown: str, block_id: str) -> Mark | None:
        """One sentence: `shown` is its text without marks, `block_id` the id of the block below it."""
        body, mark = split_mark(block.text)
        if mark is not None and block.text.text.startswith("]{", len(body.text) - 1):
            # The braces belong to a number that ends the sentence.
            mark = None
        words = mark.text[1:-1].split() if mark else []
        ids = [word[1:] for word in words if word.startswith("#")]
        unknown = next((word for word in words if not word.startswith("#") and word not in _MARKS), None)
        earlier = _earlier_mark(body)
        if mark is None or unknown or earlier or len(ids) + (".info" in words) != 1:
            self._refuse(block.text, mark, unknown, earlier, block_id)
            return None
        if not ids:
            return None
        text = shown[: shown.rindex("{")].rstrip()
        clause = Clause(ids[0], text, section, mark.span())
        if self._add(clause, mark):
            return Mark(ids[0], _SERVICE in words)
        self.prose.broken.add(block_id)
        return None

    def _refuse(
        self,
        text: Fragment,
        mark: Fragment | None,
        unknown: str | None,
        earlier: Fragment | None,
        block_id: str,
    ) -> None:
        self.prose.broken.update(_ID.findall(text.text), [block_id])
        if earlier is not None:
            place, message = earlier, f"The mark `{earlier.text}` does not stand at the end of the sentence."
            fix = "Keep one mark, behind the last full stop of the paragraph; each paragraph has one."
        elif mark is not None and unknown:
            place, message = mark, f"`{unknown}` is no mark."
            self.prose.broken.add(unknown)
            fix = suggest(unknown, _MARKS, f"Write `{{#{unknown}}}` for an id." if is_name(unknown) else _FIX)
        elif mark is not None:
            place, message = mark, "The sentence carries more than one mark, or none that says what it is."
            fix = "Keep one id, as in `{#late}`; or write `{.info}` alone."
        else:
            place, message = text, "The sentence is neither a rule nor information."
            fix = f"End it with `{{#{block_id}}}`, the id of the block below it." if block_id else _FIX
        self.problems.add("uncovered-sentence", place.span(), message, fix)

    def _add(self, clause: Clause, mark: Fragment) -> bool:
        id_, clauses = clause.id, self.prose.clauses
        if not is_name(id_):
            self.problems.add("bad-name", mark.span(), f"`{id_}` cannot be an id.", name_advice(id_))
            return False
        if id_ in clauses:
            message = f"`{id_}` already names the sentence that ends in line {clauses[id_].span.line}."
            self.problems.add("duplicate-id", mark.span(), message, "Give one of the two another id.")
            return False
        if len(clauses) == CLAUSES_MAX:
            message = f"There are more than {CLAUSES_MAX:,} sentences with an id."
            self.problems.add("too-many", mark.span(), message, "Split the policy.")
        clauses[id_] = clause
        return True


def _earlier_mark(body: Fragment) -> Fragment | None:
    """A mark that stands before the end of the sentence, and not behind a number."""
    for match in _BRACES.finditer(_MARK.sub(lambda number: " " * len(number[0]), body.text)):
        words = match[0][1:-1].split()
        if any(word.startswith("#") or word in _MARKS for word in words):
            return body.cut(*match.span())
    return None


def heading_parts(block: Block, scope: Scope, problems: Problems) -> tuple[str, Fragment | None]:
    """The title of a heading and the text of its `.where` condition."""
    text = block.text
    if number := _MARK.search(text.text):
        message = "A heading is no sentence, so no rule can keep the number in it."
        fix = "Write it in a sentence below."
        problems.add("bad-parameter", text.span(*number.span()), message, fix)
        scope.has_nameless = True
        return text.text, None
    body, mark = split_mark(text)
    if mark is None and (stray := re.search(r"[{}]", text.text)):
        mark = text.cut(stray.start())
    if mark is None:
        return body.text, None
    where = _WHERE.fullmatch(mark.text)
    if where is None:
        fix = 'Write a condition in quotation marks, as in `{.where "age > window"}`, or nothing.'
        problems.add("unknown-key", mark.span(), f"`{mark.text}` means nothing on a heading.", fix)
        return body.text, None
    return body.text, mark.cut(*where.span(1))


def anchor(title: str, taken: Counter[str]) -> str:
    """A unique name for a heading in the page's address."""
    slug = _SLUG.sub("-", title.lower()).strip("-") or "section"
    found = slug
    while found in taken:
        taken[slug] += 1
        found = f"{slug}-{taken[slug]}"
    taken[found] += 1
    return found
