"""Rules, caps and needs: each behind the sentence that says it."""

import re
from dataclasses import dataclass, field, replace

from amends.policy import types
from amends.policy.errors import Problems, suggest
from amends.policy.expression import Node
from amends.policy.model import (
    BUILT_IN_LINES,
    Cap,
    Effect,
    Line,
    Need,
    Promise,
    Rule,
    Then,
    Verb,
)
from amends.policy.reader.conditions import TRUE, conjoin
from amends.policy.reader.drafts import Draft, text_behind
from amends.policy.reader.entries import Entry, entries_below, refuse_value
from amends.policy.reader.expressions import Expressions
from amends.policy.reader.promises import PromiseReader
from amends.policy.source import Fragment, Span

_LABELLED = re.compile(r'([a-z][a-z0-9_]{0,59})\s*(?:"([^"]*)")?')
_UNGRANTED = frozenset({"none", "true", "false"})
_KEYS_OF = {Verb.GRANT: {"lines", "then", "pay"}, Verb.DENY: {"owes"}, Verb.REFER: set[str]()}


@dataclass(slots=True)
class Blocks:
    """The resolved blocks of a policy."""

    rules: list[Rule] = field(default_factory=list)
    caps: list[Cap] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    needs: list[tuple[str, list[tuple[str, Span]], Need]] = field(default_factory=list)
    """Clause, the clauses it holds for, the need."""


class BlockReader:
    """Resolves drafts against the scope; problems are collected."""

    def __init__(self, expressions: Expressions, problems: Problems) -> None:
        self.expressions = expressions
        self.problems = problems
        self.promises = PromiseReader(expressions, problems)
        self.blocks = Blocks()

    def read(self, draft: Draft) -> None:
        """Resolve one block."""
        match draft.kind:
            case "rule":
                self._rule(draft)
            case "cap":
                self._cap(draft)
            case "need":
                self._need(draft)
            case _:
                self.blocks.promises += self.promises.read(draft)

    def _rule(self, draft: Draft) -> None:
        verb = self._verb(draft)
        when = self._optional(draft, "when")
        lines = self._lines(draft)
        needs = self._needs(draft)
        if verb is None:
            return
        for key in {"lines", "then", "pay", "owes"} & set(draft.entries) - _KEYS_OF[verb]:
            fix = "A grant has `lines`, `then` and `pay`; a denial may have `owes`."
            message = f"`{key}` has no meaning in a rule that says `{verb}`."
            self.problems.add("misplaced-key", draft.entries[key].key.span(), message, fix)
        rule = Rule(
            index=len(self.blocks.rules),
            clause=draft.id,
            verb=verb,
            when=conjoin((*draft.where, when or TRUE)),
            needs=tuple(needs),
            overrides=tuple(word for word, _ in draft.words("overrides")),
            span=draft.span,
            lines=tuple(lines),
        )
        if verb is Verb.GRANT:
            rule = self._granting(draft, rule)
        self.blocks.rules.append(rule)

    def _verb(self, draft: Draft) -> Verb | None:
        verbs = draft.verbs
        if len(verbs) > 1:
            fix = f"Keep one of them: {' or '.join(f'`{verb}`' for verb in verbs)}."
            span = draft.entries[verbs[1]].key.span()
            self.problems.add("mixed-kinds", span, "The rule does two things.", fix)
            return None
        if not verbs:
            if not draft.meant & set(Verb):
                fix = "Begin the block with a line `grant: name`, `deny` or `refer`."
                self.problems.add("missing-key", draft.span, "The rule does not say what it does.", fix)
            return None
        value = draft.entries[verbs[0]].whole()
        if verbs[0] is not Verb.GRANT and value and value.text:
            fix = f"Write `{verbs[0]}` alone: the sentence is the reason."
            self.problems.add("bad-value", value.span(), f"`{verbs[0]}` takes no name.", fix)
        return verbs[0]

    def _optional(self, draft: Draft, key: str) -> Node | None:
        """The condition behind a key; true where the key is left out, None where it is wrong."""
        if key not in draft.entries:
            return TRUE
        text = text_behind(draft, key, self.problems)
        return self.expressions.condition(text) if text else None

    def _granting(self, draft: Draft, rule: Rule) -> Rule:
        text = text_behind(draft, "grant", self.problems)
        match = _LABELLED.fullmatch(text.text) if text else None
        if text and (match is None or match[1] in _UNGRANTED):
            shown = text.text.replace('"', "")
            fix = 'Write a name and, in quotation marks, its words, as in `grant: refund "Full refund"`.'
            self.problems.add("bad-value", text.span(), f"`{shown}` cannot name a grant.", fix)
        if "lines" not in draft.entries and "lines" not in draft.meant:
            fix = 'Add `lines:` and below it, indented, `paid "What you paid": paid`.'
            self.problems.add("missing-key", draft.span, "The grant does not say what it pays.", fix)
        name = match[1] if match else ""
        label = (match[2] if match else None) or name.replace("_", " ").capitalize()
        return replace(rule, grant=name, label=label, then=self._then(draft), pay=self._pay(draft))

    def _then(self, draft: Draft) -> Then:
        text = text_behind(draft, "then", self.problems) if "then" in draft.entries else None
        if text is None:
            return Then(Effect.KEEP)
        first, condition, last = _parts_of_choice(text)
        for verb in (first, last):
            if verb.text not in list(Effect):
                fix = f"Write one of: {', '.join(Effect)}; or `end now if condition else keep`."
                message = f"`{verb.text}` is nothing that can happen to a plan."
                if " if " in verb.text:
                    message, fix = "The choice has no `else`.", f"Write `{verb.text} else keep`."
                self.problems.add("bad-value", verb.span(), message, fix)
                return Then(Effect.KEEP)
        if condition is None:
            return Then(Effect(first.text))
        return Then(Effect(first.text), self.expressions.condition(condition), Effect(last.text))

    def _pay(self, draft: Draft) -> str:
        text = text_behind(draft, "pay", self.problems) if "pay" in draft.entries else None
        if text is None or text.text in ("original", "credit"):
            return text.text if text else "original"
        declared = self.expressions.scope.inputs.get(text.text)
        if self.expressions.scope.may_be_declared(text.text):
            return "original"
        if declared is None or set(declared.type.members) != {"original", "credit"}:
            fix = "Write `original`, `credit`, or an input of type `one of original, credit`."
            self.problems.add("bad-value", text.span(), f"`{text.text}` is no place for money.", fix)
            return "original"
        self.expressions.scope.used.add(text.text)
        return text.text

    def _lines(self, draft: Draft) -> list[Line]:
        found: list[Line] = []
        for entry in (draft.entries[key] for key in ("lines", "owes") if key in draft.entries):
            refuse_value(entry, self.problems)
            below = entries_below(entry, self.problems)
            if not below and not (entry.value and entry.value.text) and not self._has_stray_lines(entry):
                fix = 'Write lines below it, indented, as in `paid "What you paid": paid`.'
                message = f"Below `{entry.word}:` nothing is written."
                self.problems.add("missing-key", entry.key.span(), message, fix)
            for part in below:
                if line := self._line(part, {line.id for line in found}):
                    found.append(line)
        return found

    def _has_stray_lines(self, entry: Entry) -> bool:
        """Whether the line below was refused because it is not indented."""
        below = entry.key.span().line + 1
        return any(
            problem.code == "unknown-key" and problem.span.line == below for problem in self.problems.found
        )

    def _line(self, entry: Entry, taken: set[str]) -> Line | None:
        match = _LABELLED.fullmatch(entry.word)
        text = entry.whole()
        if match is None or text is None or not text.text:
            words = entry.word.replace('"', "")
            message = "The line has no amount." if match else f"`{words}` is no id with its words."
            fix = (
                f"Write `{entry.word}: amount`." if match else f'Write an id first, as in `fee "{words}": …`.'
            )
            self.problems.add("bad-line", entry.key.span(), message, fix)
            return None
        if match[1] in BUILT_IN_LINES:
            message = f"The line id `{match[1]}` is one of the language's own."
            self.problems.add("reserved-name", entry.key.span(), message, "Choose another id.")
        elif match[1] in taken:
            message = f"The line id `{match[1]}` is taken in this block."
            self.problems.add("duplicate-name", entry.key.span(), message, "Choose another id.")
        node = self.expressions.expression(text)
        if node is None or not self._is_whole_money(node, text):
            return None
        return Line(match[1], match[2] or match[1].replace("_", " ").capitalize(), node)

    def _is_whole_money(self, node: Node, text: Fragment) -> bool:
        if node.type.bare or (node.type.is_money and not node.type.exact):
            return True
        if node.type.is_money:
            fix = f"Write `round({text.text})`, `round_down(…)` or `round_up(…)`."
            self.problems.add(
                "unrounded", text.span(), "The amount is not rounded to whole minor units.", fix
            )
        else:
            fix = "Make it an amount: multiply a price `money per …` by what it is per."
            self.problems.add("wrong-unit", text.span(), f"A line is money, and this is `{node.type}`.", fix)
        return False

    def _needs(self, draft: Draft) -> list[Need]:
        text = text_behind(draft, "needs", self.problems) if "needs" in draft.entries else None
        needs = [self._asked(part) for part in _split(text, ",")] if text else []
        return [need for need in needs if need]

    def _asked(self, text: Fragment) -> Need | None:
        word = re.search(r"(?<=\s)if(?=\s)", text.text)
        name = text.cut(0, word.start()) if word else text
        condition = self.expressions.condition(text.cut(word.end())) if word else None
        return Need(name.text, condition, None, None) if self._is_yes_no(name) else None

    def _is_yes_no(self, name: Fragment) -> bool:
        scope = self.expressions.scope
        declared = scope.inputs.get(name.text)
        scope.used.add(name.text)
        if declared is None and not scope.may_be_declared(name.text):
            fix = suggest(name.text, scope.inputs, "Name a yes-or-no input.")
            self.problems.add("unknown-name", name.span(), f"There is no input `{name.text}`.", fix)
        elif declared is not None and declared.type != types.YES_NO:
            message = f"`{name.text}` is `{declared.type}`, and only a yes-or-no input can be needed."
            self.problems.add("wrong-type", name.span(), message, "Name an input of type `yes or no`.")
        return declared is not None and declared.type == types.YES_NO

    def _need(self, draft: Draft) -> None:
        met = text_behind(draft, "met", self.problems)
        condition = self._optional(draft, "if")
        targets = draft.words("for")
        if not targets and "for" not in draft.meant:
            fix = "Add `for: full`, with the ids of the clauses that need it."
            self.problems.add("missing-key", draft.span, "The need holds for no clause.", fix)
        if met is None or not self._is_yes_no(met):
            return
        ask = draft.entries["ask"].whole() if "ask" in draft.entries else None
        question = ask.text.strip('"') if ask else None
        where = (*draft.where, condition or TRUE)
        need = Need(met.text, conjoin(where) if where != (TRUE,) else None, draft.id, question)
        self.blocks.needs.append((draft.id, targets, need))

    def _cap(self, draft: Draft) -> None:
        if draft.is_under_condition:
            message = "A cap holds for every request, also for those that the heading leaves out."
            fix = "Move the sentence and its block out of the section, or put the condition into the amount."
            self.problems.add("misplaced-block", draft.span, message, fix)
        counts, limit_text = (
            text_behind(draft, "counts", self.problems),
            text_behind(draft, "at most", self.problems),
        )
        limit = self.expressions.expression(limit_text) if limit_text else None
        label, rest = self._plain(draft, "label"), self._plain(draft, "rest") or "forfeited"
        if rest not in ("credit", "forfeited"):
            fix = "Write `credit`, or `forfeited`, which is also what leaving out the line means."
            message = f"`{rest}` is no place for the rest."
            self.problems.add("bad-value", draft.words("rest")[0][1], message, fix)
        is_amount = counts is not None and self._is_amount(counts)
        if counts is None or limit_text is None or limit is None or not is_amount:
            return
        if self._is_whole_money(limit, limit_text):
            self.blocks.caps.append(Cap(draft.id, counts.text, limit, rest == "credit", label or "Limit"))

    def _is_amount(self, name: Fragment) -> bool:
        scope = self.expressions.scope
        scope.used.add(name.text)
        declared = scope.inputs.get(name.text)
        if declared is None and not scope.may_be_declared(name.text):
            fix = suggest(name.text, scope.inputs, "Name an input of type `money`: what was returned so far.")
            self.problems.add("unknown-name", name.span(), f"There is no input `{name.text}`.", fix)
        elif declared is not None and not declared.type.is_money:
            message = f"`{name.text}` is `{declared.type}`, and a cap counts money."
            self.problems.add("wrong-type", name.span(), message, "Name an input of type `money`.")
        return declared is not None and declared.type.is_money

    def _plain(self, draft: Draft, key: str) -> str | None:
        value = draft.entries[key].whole() if key in draft.entries else None
        return value.text.strip('"') if value else None


def _split(text: Fragment, separator: str) -> list[Fragment]:
    """The parts of a text between separators outside parentheses."""
    parts, start, depth = [], 0, 0
    for index, character in enumerate(text.text):
        depth += (character == "(") - (character == ")")
        if character == separator and depth == 0:
            parts.append(text.cut(start, index))
            start = index + 1
    parts.append(text.cut(start))
    return [part for part in parts if part.text]


def _parts_of_choice(text: Fragment) -> tuple[Fragment, Fragment | None, Fragment]:
    """`a if condition else b` in its three parts; otherwise the whole text twice."""
    begin = re.search(r"(?<=\s)if(?=\s)", text.text)
    ends = list(re.finditer(r"(?<=\s)else(?=\s)", text.text))
    if begin is None or not ends or ends[-1].start() < begin.end():
        return text, None, text
    condition = text.cut(begin.end(), ends[-1].start())
    return text.cut(0, begin.start()), condition, text.cut(ends[-1].end())
