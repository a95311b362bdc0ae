"""The order of reading: head, sentences, tables, facts, blocks, coverage; one pass finds all problems."""

from dataclasses import dataclass, replace

from amends.policy.errors import PolicyError, Problems, suggest
from amends.policy.expression import Node
from amends.policy.model import Policy, Section, Verb
from amends.policy.reader import coverage
from amends.policy.reader.document import Block, Document, open_document
from amends.policy.reader.expressions import Expressions
from amends.policy.reader.head import Head, declare_name, read_head
from amends.policy.reader.prose import Mark, Prose, anchor, heading_parts, read_marks, read_sentence
from amends.policy.reader.rules import BlockReader, Draft, draft
from amends.policy.reader.scope import Scope
from amends.policy.reader.syntax import is_name
from amends.policy.reader.tables import read_service_table, read_table
from amends.policy.source import Fragment

BLOCKS_MAX = 5_000
_BLOCK_KINDS = ("rule", "define", "cap", "need", "promise")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block with the sentence it follows and the headings above it."""

    block: Block
    section: int
    after: Mark | None


def parse_policy(text: str | bytes, name: str = "policy.md") -> Policy:
    """Read a policy.

    Raises: PolicyError: with every problem found.
    """
    return _Reading(open_document(name, text if isinstance(text, bytes) else text.encode())).policy()


class _Reading:
    """One file on its way to a model."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems = Problems()
        self.scope = Scope()
        self.prose = Prose()
        self.head = read_head(document.head, self.scope, self.problems)
        self.expressions = Expressions(self.scope, self.problems)
        self.blocks = BlockReader(self.expressions, self.problems)
        self.pieces: list[_Piece] = []
        self.conditions: list[Fragment | None] = []

    def policy(self) -> Policy:
        """Read everything, then report or build."""
        self._outline()
        self._declare_definitions()
        self._read_tables()
        for name in self.scope.definitions:
            self.expressions.derive(name)
        assumptions = self._assumptions()
        self._resolve_sections()
        self._read_blocks()
        self._attach_needs()
        self._check(assumptions)
        if self.problems.found:
            raise PolicyError(self.document.source, self.problems.found)
        return self._build(assumptions)

    def _outline(self) -> None:
        """Sentences, parameters and sections, in the order of the file."""
        taken: set[str] = set()
        section: int = -1
        after: Mark | None = None
        for block in self.document.blocks:
            if block.kind == "heading":
                title, where = heading_parts(block, self.problems)
                self.prose.sections.append(Section(title, block.level, anchor(title, taken), None))
                self.conditions.append(where)
                section, after = section + 1, None
            elif block.kind == "text":
                shown = read_marks(block.text, self.scope, self.head.zone, self.problems)
                owner = self.prose.sections[section] if section >= 0 else None
                after = read_sentence(block, owner, self.prose, self.problems, shown)
            else:
                self.pieces.append(_Piece(block, section, after))
        if len(self.pieces) > BLOCKS_MAX:
            span = self.pieces[BLOCKS_MAX].block.text.span()
            self.problems.add(
                "too-many", span, f"There are more than {BLOCKS_MAX:,} blocks.", "Split the policy."
            )

    def _fences(self, *kinds: str) -> list[tuple[_Piece, str, Fragment]]:
        """Pieces with a known kind of block and the id behind it."""
        found = []
        for piece in self.pieces:
            if piece.block.kind != "fence":
                continue
            kind, _, rest = piece.block.text.text.partition(" ")
            if kind in kinds:
                found.append((piece, kind, piece.block.text.cut(len(kind)) if rest else piece.block.text))
        return found

    def _declare_definitions(self) -> None:
        for piece in self.pieces:
            if piece.block.kind == "fence":
                self._check_kind(piece.block)
        for piece, _, name in self._fences("define"):
            if not is_name(name.text):
                fix = "Write ```` ```define name ````."
                self.problems.add("bad-name", name.span(), f"`{name.text}` cannot be a name.", fix)
                continue
            declare_name(name, self.scope, self.problems)
            joined: Fragment | None = None
            for line in piece.block.lines:
                if line.text.strip() and not line.text.lstrip().startswith("#"):
                    joined = line.cut(0) if joined is None else joined.join(line.cut(0))
            self.scope.definitions[name.text] = joined or Fragment("", name.starts)

    def _check_kind(self, block: Block) -> None:
        kind = block.text.text.split(" ")[0]
        if kind in ("text", *_BLOCK_KINDS):
            return
        if not kind:
            self.problems.add(
                "raw-code", block.text.span(), "The block has no kind.", "Write ```` ```rule id ````."
            )
            return
        fix = suggest(kind, _BLOCK_KINDS, f"Blocks are {', '.join(_BLOCK_KINDS)}, or `text` for an example.")
        self.problems.add("unknown-block", block.text.span(), f"There is no block `{kind}`.", fix)

    def _read_tables(self) -> None:
        for piece in self.pieces:
            if piece.block.kind != "table":
                continue
            if piece.after is None:
                span = piece.block.rows[0][0].span()
                fix = "Put a sentence with an id, such as `{#limits}`, right above the table."
                self.problems.add("bad-table", span, "The table follows no sentence with an id.", fix)
                continue
            id_ = piece.after.id
            if piece.after.is_service:
                table = read_service_table(id_, piece.block, self.head.zone, self.problems)
            else:
                table = read_table(id_, piece.block, self.expressions, self.head.zone, self.problems)
            if table:
                self.scope.tables[id_] = table

    def _assumptions(self) -> tuple[Node, ...]:
        found: list[Node] = []
        for text in self.head.assumptions:
            node = self.expressions.condition(text)
            if node is not None:
                found.append(replace(node, span=text.span()))
        return tuple(found)

    def _resolve_sections(self) -> None:
        for index, text in enumerate(self.conditions):
            if text is not None:
                where = self.expressions.condition(text)
                self.prose.sections[index] = replace(self.prose.sections[index], where=where)

    def _where(self, section: int) -> tuple[Node, ...]:
        """The conditions of a heading and the headings it stands under."""
        found: list[Node] = []
        level = 99
        for index in range(section, -1, -1):
            current = self.prose.sections[index]
            if current.level < level:
                level = current.level
                if current.where is not None:
                    found.insert(0, current.where)
        return tuple(found)

    def _read_blocks(self) -> None:
        drafts: list[Draft] = []
        for piece, kind, id_ in self._fences("rule", "cap", "need", "promise"):
            if id_.text not in self.prose.clauses:
                fix = suggest(id_.text, self.prose.clauses, "End the sentence above it with `{#id}`.")
                message = f"No sentence has the id `{id_.text}`."
                self.problems.add("rule-without-clause", id_.span(), message, fix)
            drafts.append(draft(piece.block, kind, id_, self._where(piece.section), self.problems))
        order = {"rule": 0, "cap": 1, "need": 2, "promise": 3}
        for block in sorted(drafts, key=lambda block: order[block.kind]):
            if block.kind == "promise":
                self._name_results()
            self.blocks.read(block)

    def _name_results(self) -> None:
        rules = self.blocks.blocks.rules
        self.expressions.grants = tuple(dict.fromkeys(rule.grant for rule in rules if rule.grant))
        self.expressions.denials = frozenset(rule.clause for rule in rules if rule.verb is Verb.DENY)

    def _attach_needs(self) -> None:
        """Give each `need` block to the rules of the clauses it names."""
        rules = self.blocks.blocks.rules
        ruled = {rule.clause for rule in rules}
        for _, targets, need in self.blocks.blocks.needs:
            named = {target for target, _ in targets}
            for target, span in targets:
                if target not in ruled:
                    fix = suggest(target, ruled, "Name a clause that has a rule.")
                    self.problems.add("unknown-clause", span, f"`{target}` has no rule.", fix)
            rules[:] = [replace(r, needs=(*r.needs, need)) if r.clause in named else r for r in rules]

    def _check(self, assumptions: tuple[Node, ...]) -> None:
        blocks, scope = self.blocks.blocks, self.scope
        coverage.check_clauses(self.prose.clauses, scope.tables, blocks, self.problems)
        coverage.check_overrides(self.prose.clauses, blocks.rules, self.problems)
        for role in (self.head.roles.paid, self.head.roles.refunded, self.head.roles.asked):
            scope.used.add(role or "")
        grants = [rule for rule in blocks.rules if rule.verb is Verb.GRANT]
        if grants and self.head.roles.paid is None:
            fix = (
                "Declare `paid: money, from desk`, or bind another input: `roles:` and below it `paid: name`."
            )
            self.problems.add("no-money", grants[0].span, "No input is the amount that was paid.", fix)
        if self.problems.found:
            # Names read only by lines that did not resolve would be reported as unread.
            return
        coverage.check_used(scope, self.problems)
        coverage.check_divisions(scope, assumptions, self.problems)
        conditions = [(rule.when, rule.span) for rule in blocks.rules]
        lines = [(line.expression, rule.span) for rule in blocks.rules for line in rule.lines]
        coverage.check_sizes(scope, conditions + lines, self.problems)

    def _build(self, assumptions: tuple[Node, ...]) -> Policy:
        head: Head = self.head
        blocks = self.blocks.blocks
        return Policy(
            name=head.name,
            title=head.title,
            version=head.version,
            effective=head.effective,
            zone=head.zone,
            rounding=head.rounding,
            contact=head.contact,
            currencies=head.currencies,
            roles=head.roles,
            requires=tuple(word for word, _ in head.requires),
            inputs=self.scope.inputs,
            assumptions=assumptions,
            parameters=self.scope.parameters,
            tables=self.scope.tables,
            derived=self.scope.derived,
            clauses=self.prose.clauses,
            rules=tuple(blocks.rules),
            caps=tuple(blocks.caps),
            promises=tuple(blocks.promises),
            text=self.document.source.text,
            sha256=self.document.sha256,
        )
