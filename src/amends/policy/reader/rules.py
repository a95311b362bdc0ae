"""Blocks: rules, caps, needs and promises, each behind the sentence that says it."""

import re
from dataclasses import dataclass, field, replace

from amends.policy import types
from amends.policy.errors import Problems, suggest
from amends.policy.expression import All, Literal, Node
from amends.policy.model import (
    BUILT_IN_LINES,
    Cap,
    Effect,
    Line,
    Need,
    Promise,
    PromiseKind,
    Rule,
    Then,
    Verb,
)
from amends.policy.reader.document import Block
from amends.policy.reader.entries import Entry, entries_below, read_entries
from amends.policy.reader.expressions import Expressions
from amends.policy.reader.head import split_words
from amends.policy.source import Fragment, Span

_RULE_KEYS = ("grant", "deny", "refer", "when", "needs", "overrides", "lines", "owes", "then", "pay")
_CAP_KEYS = ("counts", "at most", "rest", "label")
_NEED_KEYS = ("met", "for", "if", "ask")
_PROMISE_KEYS = (*PromiseKind, "when")
_LABELLED = re.compile(r'([a-z][a-z0-9_]*)\s*(?:"([^"]*)")?')
_ASKED = re.compile(r"(\S+)(?:\s+if\s+(.+))?", re.DOTALL)
_ALONG = re.compile(r"(.+?)\s+with\s+([a-z][a-z0-9_]*)", re.DOTALL)
_TRUE = Literal(types.YES_NO, value=True)


@dataclass(frozen=True, slots=True)
class Draft:
    """A block whose expressions are not resolved yet."""

    kind: str
    id: str
    entries: dict[str, Entry]
    where: tuple[Node, ...]
    span: Span


@dataclass(slots=True)
class Blocks:
    """The resolved blocks of a policy."""

    rules: list[Rule] = field(default_factory=list)
    caps: list[Cap] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    needs: list[tuple[str, list[tuple[str, Span]], Need]] = field(default_factory=list)
    """Clause, the clauses it holds for, the need."""


def draft(block: Block, kind: str, id_: Fragment, where: tuple[Node, ...], problems: Problems) -> Draft:
    """Read the lines of a block, without their expressions."""
    known = {"rule": _RULE_KEYS, "cap": _CAP_KEYS, "need": _NEED_KEYS, "promise": _PROMISE_KEYS}[kind]
    entries: dict[str, Entry] = {}
    for entry in read_entries(block.lines, problems):
        if entry.word not in known:
            fix = suggest(entry.word, known, f"A `{kind}` block knows {', '.join(known)}.")
            problems.add(
                "unknown-key", entry.key.span(), f"`{entry.word}` means nothing in a `{kind}` block.", fix
            )
        elif entry.word in entries:
            problems.add(
                "repeated-key", entry.key.span(), f"`{entry.word}` stands twice.", "Keep one of them."
            )
        else:
            entries[entry.word] = entry
    return Draft(kind, id_.text, entries, where, id_.span())


class BlockReader:
    """Resolves drafts against the scope; problems are collected."""

    def __init__(self, expressions: Expressions, problems: Problems) -> None:
        self.expressions = expressions
        self.problems = problems
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
                self._promise(draft)

    def _rule(self, draft: Draft) -> None:
        verb = self._verb(draft)
        when = self._optional(draft, "when")
        if verb is None or when is None:
            return
        allowed = {Verb.GRANT: {"lines", "then", "pay"}, Verb.DENY: {"owes"}, Verb.REFER: set()}[verb]
        for key in {"lines", "then", "pay", "owes"} & set(draft.entries) - allowed:
            entry = draft.entries[key]
            fix = "A grant has `lines`, `then` and `pay`; a denial may have `owes`."
            self.problems.add(
                "misplaced-key", entry.key.span(), f"`{key}` has no meaning after `{verb}`.", fix
            )
        rule = Rule(
            index=len(self.blocks.rules),
            clause=draft.id,
            verb=verb,
            when=conjoin((*draft.where, when)),
            needs=tuple(self._needs(draft)),
            overrides=tuple(word for word, _ in self._words(draft, "overrides")),
            span=draft.span,
            lines=tuple(self._lines(draft, "lines" if verb is Verb.GRANT else "owes")),
        )
        if verb is Verb.GRANT:
            rule = self._granting(draft, rule)
        self.blocks.rules.append(rule)

    def _verb(self, draft: Draft) -> Verb | None:
        verbs = [verb for verb in Verb if verb in draft.entries]
        if len(verbs) != 1:
            fix = "Begin the block with `grant: name`, `deny` or `refer`."
            self.problems.add("missing-key", draft.span, "The rule does not say what it does.", fix)
            return None
        entry = draft.entries[verbs[0]]
        if verbs[0] is not Verb.GRANT and entry.whole():
            fix = f"Write `{verbs[0]}` alone: the id of the sentence is the reason."
            self.problems.add("bad-value", entry.key.span(), f"`{verbs[0]}` takes no name.", fix)
        return verbs[0]

    def _optional(self, draft: Draft, key: str) -> Node | None:
        """The condition behind a key; true where the key is left out, None where it is wrong."""
        if key not in draft.entries:
            return _TRUE
        text = self._text(draft, key)
        return self.expressions.condition(text) if text else None

    def _text(self, draft: Draft, key: str) -> Fragment | None:
        value = draft.entries[key].whole() if key in draft.entries else None
        if value is None or not value.text:
            span = draft.entries[key].key.span() if key in draft.entries else draft.span
            self.problems.add("missing-key", span, f"`{key}:` says nothing.", f"Write `{key}: …`.")
            return None
        return value

    def _words(self, draft: Draft, key: str) -> list[tuple[str, Span]]:
        value = draft.entries[key].whole() if key in draft.entries else None
        return split_words(value) if value else []

    def _granting(self, draft: Draft, rule: Rule) -> Rule:
        text = self._text(draft, "grant")
        match = _LABELLED.fullmatch(text.text) if text else None
        if text and match is None:
            fix = 'Write `grant: refund`, or `grant: refund "Refund"`.'
            self.problems.add("bad-value", text.span(), f"`{text.text}` cannot name a grant.", fix)
        if not rule.lines and "lines" not in draft.entries:
            fix = 'Add `lines:` and below it, indented, `paid "What you paid": paid`.'
            self.problems.add("missing-key", draft.span, "The grant has no lines.", fix)
        name = match[1] if match else ""
        label = (match[2] if match else None) or name.replace("_", " ").capitalize()
        return replace(rule, grant=name, label=label, then=self._then(draft), pay=self._pay(draft))

    def _then(self, draft: Draft) -> Then:
        if "then" not in draft.entries:
            return Then(Effect.KEEP)
        text = self._text(draft, "then")
        if text is None:
            return Then(Effect.KEEP)
        match = re.fullmatch(r"(.+?)(?:\s+if\s+(.+)\s+else\s+(.+))?", text.text, re.DOTALL)
        assert match
        for verb in filter(None, (match[1], match[3])):
            if verb not in list(Effect):
                fix = f"Write one of: {', '.join(Effect)}; or `end now if condition else keep`."
                self.problems.add("bad-value", text.span(), f"`{verb}` is nothing a plan can do.", fix)
                return Then(Effect.KEEP)
        if match[2] is None:
            return Then(Effect(match[1]))
        condition = self.expressions.condition(text.cut(*match.span(2)))
        return Then(Effect(match[1]), condition, Effect(match[3]))

    def _pay(self, draft: Draft) -> str:
        if "pay" not in draft.entries:
            return "original"
        text = self._text(draft, "pay")
        if text is None or text.text in ("original", "credit"):
            return text.text if text else "original"
        declared = self.expressions.scope.inputs.get(text.text)
        if declared is None or set(declared.type.members) != {"original", "credit"}:
            fix = "Write `original`, `credit`, or an input of type `one of original, credit`."
            self.problems.add("bad-value", text.span(), f"`{text.text}` is no place for money.", fix)
            return "original"
        self.expressions.scope.used.add(text.text)
        return text.text

    def _lines(self, draft: Draft, key: str) -> list[Line]:
        if key not in draft.entries:
            return []
        found: list[Line] = []
        for entry in entries_below(draft.entries[key], self.problems):
            if line := self._line(entry, {line.id for line in found}):
                found.append(line)
        return found

    def _line(self, entry: Entry, taken: set[str]) -> Line | None:
        match = _LABELLED.fullmatch(entry.word)
        text = entry.whole()
        if match is None or text is None:
            fix = 'Write `fee "Processing fee": -fee`.'
            self.problems.add("bad-line", entry.key.span(), "The line has no id, label and amount.", fix)
            return None
        if match[1] in BUILT_IN_LINES or match[1] in taken:
            message = f"The line id `{match[1]}` is {'taken' if match[1] in taken else 'reserved'}."
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
            self.problems.add("unrounded", text.span(), "The line is not rounded to whole minor units.", fix)
        else:
            fix = "Make it an amount: multiply a price `money per …` by what it is per."
            self.problems.add("wrong-unit", text.span(), f"A line is money, and this is `{node.type}`.", fix)
        return False

    def _needs(self, draft: Draft) -> list[Need]:
        if "needs" not in draft.entries:
            return []
        text = self._text(draft, "needs")
        needs = [self._asked(part) for part in _split(text, ",")] if text else []
        return [need for need in needs if need]

    def _asked(self, text: Fragment) -> Need | None:
        match = _ASKED.fullmatch(text.text)
        name = text.cut(*match.span(1)) if match else text
        if not self._is_yes_no(name) or match is None:
            return None
        condition = self.expressions.condition(text.cut(*match.span(2))) if match[2] else None
        return Need(name.text, condition, None, None)

    def _is_yes_no(self, name: Fragment) -> bool:
        declared = self.expressions.scope.inputs.get(name.text)
        self.expressions.scope.used.add(name.text)
        if declared is None or declared.type != types.YES_NO:
            fix = suggest(name.text, self.expressions.scope.inputs, "Name a yes-or-no input.")
            self.problems.add("unknown-name", name.span(), f"`{name.text}` is no yes-or-no input.", fix)
            return False
        return True

    def _need(self, draft: Draft) -> None:
        met = self._text(draft, "met")
        condition = self._optional(draft, "if")
        if met is None or condition is None or not self._is_yes_no(met):
            return
        ask = draft.entries["ask"].whole() if "ask" in draft.entries else None
        question = ask.text.strip('"') if ask else None
        where = (*draft.where, condition)
        need = Need(met.text, conjoin(where) if where != (_TRUE,) else None, draft.id, question)
        targets = self._words(draft, "for")
        if not targets:
            fix = "Add `for: full` with the ids of the clauses that need it."
            self.problems.add("missing-key", draft.span, "The need holds for no clause.", fix)
        self.blocks.needs.append((draft.id, targets, need))

    def _cap(self, draft: Draft) -> None:
        counts, limit_text = self._text(draft, "counts"), self._text(draft, "at most")
        limit = self.expressions.expression(limit_text) if limit_text else None
        if counts is None or limit_text is None or limit is None:
            return
        scope = self.expressions.scope
        scope.used.add(counts.text)
        if counts.text not in scope.inputs or not scope.inputs[counts.text].type.is_money:
            fix = suggest(counts.text, scope.inputs, "Name an input of type money: what was returned so far.")
            self.problems.add(
                "unknown-name", counts.span(), f"`{counts.text}` is no amount of the case.", fix
            )
        elif self._is_whole_money(limit, limit_text):
            label, rest = self._plain(draft, "label"), self._plain(draft, "rest") or "forfeited"
            if rest not in ("credit", "forfeited"):
                span = draft.entries["rest"].key.span()
                self.problems.add("bad-value", span, f"`{rest}` is no place for the rest.", "Write `credit`.")
            self.blocks.caps.append(Cap(draft.id, counts.text, limit, rest == "credit", label or "Limit"))

    def _plain(self, draft: Draft, key: str) -> str | None:
        value = draft.entries[key].whole() if key in draft.entries else None
        return value.text.strip('"') if value else None

    def _promise(self, draft: Draft) -> None:
        condition = self._optional(draft, "when")
        kinds = [kind for kind in PromiseKind if kind in draft.entries]
        if not kinds or condition is None:
            fix = "Write `always: condition`, `never: condition`, `falls: value with input` or `rises: …`."
            if condition is not None:
                self.problems.add("missing-key", draft.span, "The promise promises nothing.", fix)
            return
        where = conjoin((*draft.where, condition))
        for kind in kinds:
            if promise := self._promised(draft, kind, None if where == _TRUE else where):
                self.blocks.promises.append(promise)

    def _promised(self, draft: Draft, kind: PromiseKind, condition: Node | None) -> Promise | None:
        text = self._text(draft, kind)
        if text is None:
            return None
        if kind in (PromiseKind.ALWAYS, PromiseKind.NEVER):
            statement = self.expressions.condition(text, in_promise=True)
            along = None
        else:
            match = _ALONG.fullmatch(text.text)
            along = text.cut(*match.span(2)) if match else None
            if match is None or along is None or not self._is_input(along):
                return None
            statement = self.expressions.expression(text.cut(*match.span(1)), in_promise=True)
        if statement is None:
            return None
        return Promise(draft.id, kind, statement, along.text if along else None, condition, draft.span)

    def _is_input(self, name: Fragment) -> bool:
        scope = self.expressions.scope
        if name.text in scope.inputs:
            return True
        if name.text in scope.definitions:
            fix = "Name one of the inputs it is made of: the others stay as they are."
        else:
            fix = suggest(name.text, scope.inputs, "Name an input.")
        self.problems.add("unknown-name", name.span(), f"`{name.text}` is no input.", fix)
        return False


def conjoin(conditions: tuple[Node, ...]) -> Node:
    """All conditions together, without those that are simply true."""
    parts: list[Node] = []
    for condition in conditions:
        if isinstance(condition, All):
            parts.extend(condition.operands)
        elif condition != _TRUE:
            parts.append(condition)
    if not parts:
        return _TRUE
    return parts[0] if len(parts) == 1 else All(types.YES_NO, tuple(parts), span=parts[0].span)


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
