"""Promises: what a sentence says about all decisions, to be proved and never executed."""

import re
from collections.abc import Iterator

from amends.policy.errors import Problems, suggest
from amends.policy.expression import Node
from amends.policy.model import Promise, PromiseKind
from amends.policy.reader.conditions import TRUE, conjoin
from amends.policy.reader.drafts import Draft, text_behind
from amends.policy.reader.expressions import Expressions
from amends.policy.source import Fragment
from amends.policy.types import Kind


class PromiseReader:
    """Resolves `promise` blocks against the scope."""

    def __init__(self, expressions: Expressions, problems: Problems) -> None:
        self.expressions = expressions
        self.problems = problems

    def read(self, draft: Draft) -> Iterator[Promise]:
        """The promises of a block; problems are collected."""
        text = text_behind(draft, "when", self.problems) if "when" in draft.entries else None
        condition = self.expressions.condition(text) if text else None
        kinds = [kind for kind in PromiseKind if kind in draft.entries]
        if not kinds and not draft.meant & set(PromiseKind):
            fix = "Write `always: condition`, `never: condition`, `falls: value with input` or `rises: …`."
            self.problems.add("missing-key", draft.span, "The promise promises nothing.", fix)
        where = conjoin((*draft.where, condition or TRUE))
        for kind in kinds:
            if promise := self._promised(draft, kind, None if where == TRUE else where):
                yield promise

    def _promised(self, draft: Draft, kind: PromiseKind, condition: Node | None) -> Promise | None:
        text = text_behind(draft, kind, self.problems)
        if text is None:
            return None
        along = None
        if kind in (PromiseKind.ALWAYS, PromiseKind.NEVER):
            statement = self.expressions.condition(text, in_promise=True)
        else:
            words = list(re.finditer(r"(?<=\s)with(?=\s)", text.text))
            if not words:
                message = "The promise does not say with which input."
                fix = f"Write `{kind}: {text.text} with requested_at`, with the input that grows."
                self.problems.add("bad-value", text.span(), message, fix)
                return None
            along = text.cut(words[-1].end())
            statement = self._ordered(text.cut(0, words[-1].start()))
            if not self._grows(along):
                return None
        if statement is None:
            return None
        return Promise(draft.id, kind, statement, along.text if along else None, condition, draft.span)

    def _ordered(self, text: Fragment) -> Node | None:
        """A value that can rise or fall."""
        node = self.expressions.expression(text, in_promise=True)
        if node is not None and node.type.kind not in (Kind.NUMBER, Kind.INSTANT):
            message = f"`{text.text}` is `{node.type}`, which cannot rise or fall."
            self.problems.add("wrong-type", text.span(), message, "Name an amount or another number.")
            return None
        return node

    def _grows(self, name: Fragment) -> bool:
        """Whether it names an input whose values have an order."""
        scope = self.expressions.scope
        if declared := scope.inputs.get(name.text):
            grows = declared.type.kind in (Kind.NUMBER, Kind.INSTANT)
            if not grows:
                message = f"`{name.text}` is `{declared.type}`, which cannot grow."
                self.problems.add(
                    "wrong-type", name.span(), message, "Name an amount, a number or an instant."
                )
            return grows
        if name.text in scope.definitions:
            fix = "Name one of the inputs it is made of: the others stay as they are."
        else:
            fix = suggest(name.text, scope.inputs, "Name an input.")
        if not scope.may_be_declared(name.text):
            self.problems.add("unknown-name", name.span(), f"`{name.text}` is no input.", fix)
        return False
