"""The order of reading: head, sentences, tables, facts, blocks, coverage; one pass finds all problems."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from amends.policy.errors import PolicyError, suggest
from amends.policy.expression import Node
from amends.policy.model import Need, Policy, Section, Verb
from amends.policy.reader import coverage
from amends.policy.reader.document import Block, Document, open_document
from amends.policy.reader.drafts import DRAFTED, Draft, granted_names, read_draft
from amends.policy.reader.expressions import Expressions
from amends.policy.reader.facts import FactReader
from amends.policy.reader.fragments import is_comment, joined
from amends.policy.reader.head import read_head
from amends.policy.reader.prose import (
    Mark,
    Prose,
    Sentences,
    anchor,
    check_repeats,
    heading_parts,
    read_marks,
)
from amends.policy.reader.rules import BlockReader
from amends.policy.reader.scope import Scope
from amends.policy.source import Fragment

BLOCKS_MAX = 5_000
_IN_PLACE = {
    "bad-value",
    "misplaced-block",
    "misplaced-key",
    "overlapping-rows",
    "unguarded-division",
    "unguarded-none",
    "unrounded",
    "wrong-type",
    "wrong-unit",
}
"""Codes of lines that say which names they mean, so that what nothing reads can still be told."""
_BLOCK_KINDS = (*DRAFTED, "define")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block with the sentence it follows and the headings above it."""

    block: Block
    section: int
    after: Mark | None

    @property
    def kind(self) -> str:
        """The first word of a fence."""
        return self.block.text.text.split(" ")[0] if self.block.kind == "fence" else ""

    @property
    def id(self) -> Fragment:
        """What stands behind the kind."""
        return self.block.text.cut(len(self.kind))


def parse_policy(text: str | bytes, name: str = "policy.md") -> Policy:
    """Read a policy.

    Raises: PolicyError: with every problem found.
    """
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return _Reading(open_document(name, content)).policy()


class _Reading:
    """One file on its way to a model."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems = document.problems
        self.scope = Scope()
        self.prose = Prose()
        self.head = read_head(document.head, self.scope, self.problems)
        self.expressions = Expressions(self.scope, self.problems)
        self.facts = FactReader(self.expressions, self.head.zone, self.problems)
        self.blocks = BlockReader(self.expressions, self.problems)
        self.pieces: list[_Piece] = []
        self.conditions: list[Fragment | None] = []

    def policy(self) -> Policy:
        """Read everything, then report or build."""
        self._outline()
        check_repeats(self.scope, self.head.zone, self.problems)
        self._check_kinds()
        self._read_facts()
        assumptions = self._assumptions()
        drafts = self._drafts(self._conditions_of_sections())
        self._read_blocks(drafts)
        self._attach_needs()
        self._check(drafts, assumptions)
        if self.problems.found:
            raise PolicyError(self.document.source, self.problems.found)
        return self._build(assumptions)

    def _outline(self) -> None:
        """Sentences, parameters and sections, in the order of the file."""
        taken: Counter[str] = Counter()
        sentences = Sentences(self.prose, self.problems)
        section: int = -1
        after: Mark | None = None
        blocks = self.document.blocks
        for block, below in zip(blocks, (*blocks[1:], None), strict=False):
            if block.kind == "heading":
                title, where = heading_parts(block, self.scope, self.problems)
                self.prose.sections.append(Section(title, block.level, anchor(title, taken), None))
                self.conditions.append(where)
                section, after = section + 1, None
            elif block.kind == "text":
                shown = read_marks(block.text, self.scope, self.head.zone, self.problems)
                owner = self.prose.sections[section] if section >= 0 else None
                after = sentences.read(block, owner, shown, _drafted_id(below))
            else:
                self.pieces.append(_Piece(block, section, after))
        if len(self.pieces) > BLOCKS_MAX:
            span = self.pieces[BLOCKS_MAX].block.text.span()
            message = f"There are more than {BLOCKS_MAX:,} blocks."
            self.problems.add("too-many", span, message, "Split the policy.")

    def _check_kinds(self) -> None:
        for piece in self.pieces:
            if piece.block.kind == "fence" and piece.kind not in ("text", *_BLOCK_KINDS):
                self._refuse_kind(piece)

    def _refuse_kind(self, piece: _Piece) -> None:
        span, kind = piece.block.text.span(), piece.kind
        # What the block would have said is no second problem.
        self.prose.broken.update([piece.id.text, piece.after.id if piece.after else ""])
        self.scope.broken.add(piece.id.text)
        if not kind:
            fix = f"Write its kind and its id: ```` ```rule {piece.after.id if piece.after else 'id'} ````."
            self.problems.add("raw-code", span, "The block does not say what it is.", fix)
            return
        fix = suggest(kind, _BLOCK_KINDS, f"Write {', '.join(_BLOCK_KINDS)}, or `text` for an example.")
        self.problems.add("unknown-block", span, f"There is no block `{kind}`.", fix)

    def _fences(self, *kinds: str) -> Iterator[_Piece]:
        """Blocks of some kinds that name what they are for."""
        for piece in self.pieces:
            if piece.kind not in kinds:
                continue
            if re.fullmatch(r"\S+", piece.id.text):
                yield piece
            else:
                self._refuse_id(piece)

    def _refuse_id(self, piece: _Piece) -> None:
        what = "name" if piece.kind == "define" else "id"
        suggested = piece.after.id if piece.after and piece.kind != "define" else what
        if piece.id.text:
            span, message = piece.id.span(), f"The block has more than one {what}."
            suggested = piece.id.text.split()[0]
        else:
            span, message = piece.block.text.span(), f"The block has no {what}."
        self.prose.broken.update([suggested, *piece.id.text.split()])
        self.scope.broken.update(piece.id.text.split())
        self.scope.has_nameless = True
        code = "bad-name" if piece.kind == "define" else "rule-without-clause"
        self.problems.add(code, span, message, f"Write ```` ```{piece.kind} {suggested} ````.")

    def _read_facts(self) -> None:
        for piece in self._fences("define"):
            parts = [line.cut(0) for line in piece.block.lines if not is_comment(line.text)]
            text = joined(parts) if parts else Fragment("", piece.id.starts)
            self.facts.declare(piece.id, text)
        for piece in self.pieces:
            if piece.block.kind == "table":
                self.facts.add_table(piece.block, piece.after)
        self.facts.resolve()

    def _assumptions(self) -> tuple[Node, ...]:
        found = [(self.expressions.condition(text), text.span()) for text in self.head.assumptions]
        return tuple(replace(node, span=span) for node, span in found if node is not None)

    def _conditions_of_sections(self) -> list[tuple[Node, ...] | None]:
        """For each heading, its condition and those of the headings it stands under; None where one is wrong."""
        found: list[tuple[Node, ...] | None] = []
        above: list[tuple[int, tuple[Node, ...] | None]] = []
        for index, text in enumerate(self.conditions):
            section = self.prose.sections[index]
            while above and above[-1][0] >= section.level:
                above.pop()
            outer = above[-1][1] if above else ()
            where = self.expressions.condition(text) if text is not None else None
            self.prose.sections[index] = replace(section, where=where)
            if text is not None:
                outer = (*outer, where) if outer is not None and where is not None else None
            above.append((section.level, outer))
            found.append(outer)
        return found

    def _drafts(self, conditions: list[tuple[Node, ...] | None]) -> list[Draft]:
        drafts = [
            read_draft(
                piece.block,
                piece.kind,
                piece.id,
                conditions[piece.section] if piece.section >= 0 else (),
                self.problems,
            )
            for piece in self._fences(*DRAFTED)
        ]
        return sorted(drafts, key=lambda draft: DRAFTED.index(draft.kind))

    def _read_blocks(self, drafts: list[Draft]) -> None:
        self.expressions.grants = granted_names(drafts)
        self.expressions.denials = frozenset(draft.id for draft in drafts if Verb.DENY in draft.verbs)
        for draft in drafts:
            self.blocks.read(draft)

    def _attach_needs(self) -> None:
        """Give each `need` block to the rules of the clauses it names."""
        needs: dict[str, list[Need]] = {}
        for _, targets, need in self.blocks.blocks.needs:
            for target in dict(targets):
                needs.setdefault(target, []).append(need)
        rules = self.blocks.blocks.rules
        rules[:] = [replace(rule, needs=(*rule.needs, *needs.get(rule.clause, ()))) for rule in rules]

    def _check(self, drafts: list[Draft], assumptions: tuple[Node, ...]) -> None:
        blocks, scope = self.blocks.blocks, self.scope
        coverage.check_clauses(self.prose, self.facts.table_ids, drafts, self.problems)
        coverage.check_overrides(self.prose, self.facts.table_ids, drafts, self.problems)
        for role in (self.head.roles.paid, self.head.roles.refunded, self.head.roles.asked):
            scope.used.add(role or "")
        grants = [draft for draft in drafts if Verb.GRANT in draft.verbs]
        if grants and self.head.roles.paid is None and not (scope.is_partial or scope.broken):
            fix = (
                "Declare `paid: money, from desk`, or bind another input: `roles:` and below it `paid: name`."
            )
            self.problems.add("no-money", grants[0].span, "No input is the amount that was paid.", fix)
        if len(assumptions) == len(self.head.assumptions):
            coverage.check_divisions(scope, assumptions, self.problems)
        if {problem.code for problem in self.problems.found} <= _IN_PLACE:
            scope.used |= self._mentioned() if self.problems.found else set()
            coverage.check_used(scope, self.problems)
        if self.problems.found:
            return
        conditions = [(rule.when, rule.span) for rule in blocks.rules]
        lines = [(line.expression, rule.span) for rule in blocks.rules for line in rule.lines]
        coverage.check_sizes(scope, conditions + lines, self.problems)

    def _mentioned(self) -> set[str]:
        """Names in lines that may not have resolved, so that what they read is not reported as unread."""
        texts = [*self.head.assumptions, *filter(None, self.conditions)]
        for piece in self.pieces:
            texts += [*piece.block.lines, *(piece.block.rows[0] if piece.block.rows else ())]
        return {word for text in texts for word in re.findall(r"\w+(?:\.\w+)?", text.text)}

    def _build(self, assumptions: tuple[Node, ...]) -> Policy:
        head, blocks, scope = self.head, self.blocks.blocks, self.scope
        return Policy(
            name=head.name,
            title=head.title,
            version=head.version,
            effective=head.effective,
            lang=head.lang,
            zone=head.zone,
            rounding=head.rounding,
            contact=head.contact,
            currencies=head.currencies,
            roles=head.roles,
            requires=head.requires,
            inputs=scope.inputs,
            assumptions=assumptions,
            parameters=scope.parameters,
            tables=scope.tables,
            derived=scope.derived,
            clauses=self.prose.clauses,
            rules=tuple(blocks.rules),
            caps=tuple(blocks.caps),
            promises=tuple(blocks.promises),
            text=self.document.source.text,
            sha256=self.document.sha256,
        )


def _drafted_id(block: Block | None) -> str:
    """The id of a block below a sentence; empty where there is none."""
    words = block.text.text.split() if block is not None and block.kind == "fence" else []
    return words[1] if len(words) > 1 and words[0] in DRAFTED else ""
