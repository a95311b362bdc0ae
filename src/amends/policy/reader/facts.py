"""Derived facts and tables: each is resolved after what it is made of."""

from amends.policy.errors import Problems
from amends.policy.expression import Cell, Derived, Node, children
from amends.policy.reader.document import Block
from amends.policy.reader.expressions import Expressions
from amends.policy.reader.order import chain_lengths, resolution_order
from amends.policy.reader.prose import Mark
from amends.policy.reader.syntax import names_in
from amends.policy.reader.tables import Grid, read_grid, resolve_table
from amends.policy.source import Fragment

CHAIN_MAX = 40
LEVELS_MAX = 100
"""Every engine walks an expression with the facts in it, some of them by recursion."""
ROWS_MAX = 2_000


class FactReader:
    """Collects `define` blocks and tables, then resolves them in the order of their parts."""

    def __init__(self, expressions: Expressions, zone: str, problems: Problems) -> None:
        self.expressions = expressions
        self.scope = expressions.scope
        self.zone = zone
        self.problems = problems
        self.grids: dict[str, Grid] = {}
        self.table_ids: set[str] = set()
        """Sentences that a table follows, also one with a problem."""
        self.rows = 0
        self.levels: dict[str, int] = {}

    def declare(self, name: Fragment, text: Fragment) -> None:
        """Note the text of a `define` block."""
        if self.scope.declare(name, self.problems):
            self.scope.definitions[name.text] = text

    def add_table(self, block: Block, mark: Mark | None) -> None:
        """Note a table and the sentence it follows."""
        span = block.rows[0][0].span()
        if mark is None:
            fix = "Put a sentence with an id, such as `{#limits}`, right above the table."
            self.problems.add("bad-table", span, "The table follows no sentence with an id.", fix)
            self.scope.has_nameless = True
            return
        self.rows += len(block.rows)
        if self.rows > ROWS_MAX:
            message = f"The tables have more than {ROWS_MAX:,} rows together."
            self.problems.add("too-many", span, message, "Shorten the tables.")
            self.scope.broken.add(mark.id)
            return
        if mark.id in self.table_ids:
            message = f"The sentence `{mark.id}` already has a table."
            self.problems.add("bad-table", span, message, "Give each table a sentence with an id of its own.")
            return
        self.table_ids.add(mark.id)
        if mark.id in self.scope.places:
            self.scope.broken.add(mark.id)
            message = f"The table would be called `{mark.id}`, as the declaration in line {self.scope.places[mark.id].line}."
            self.problems.add(
                "duplicate-name", span, message, "Give the sentence above the table another id."
            )
            return
        grid = read_grid(mark, block, self.problems)
        if grid is None:
            self.scope.broken.add(mark.id)
            return
        self.grids[mark.id] = grid
        for header in grid.headers:
            self.scope.places.setdefault(f"{mark.id}.{header.name}", header.place.span())

    def resolve(self) -> None:
        """Resolve all facts and tables, or note why they cannot be."""
        parts = self._parts()
        order, circles = resolution_order(parts)
        self.scope.broken.update(parts.keys() - set(order))
        for circle in circles:
            self._refuse_circle(circle)
        self._refuse_long_chains(order, parts)
        for name in order:
            if name in self.grids:
                self._resolve_table(name)
            elif name not in self.scope.broken:
                self._resolve_fact(name)

    def _parts(self) -> dict[str, set[str]]:
        """What each fact and each table is made of."""
        named = {name: names_in(text.text) for name, text in self.scope.definitions.items()}
        # A table has the name of its sentence, which may also be the name of a fact.
        named |= {id_: set(grid.names) & self.scope.definitions.keys() for id_, grid in self.grids.items()}
        return {name: words & named.keys() for name, words in named.items()}

    def _refuse_circle(self, circle: list[str]) -> None:
        message = f"The facts are made of each other: {' -> '.join(circle)}."
        if circle[0] == circle[1]:
            message = f"`{circle[0]}` is made of itself."
        fix = "Say one of them with inputs and numbers only."
        first = self.scope.places.get(circle[0]) or self.grids[circle[0]].span
        self.problems.add("cycle", first, message, fix)

    def _refuse_long_chains(self, order: list[str], parts: dict[str, set[str]]) -> None:
        """Note the first fact of too long a chain; all that builds on it is no second problem."""
        too_long = [name for name, length in chain_lengths(order, parts) if length > CHAIN_MAX]
        self.scope.broken.update(too_long)
        first = next((name for name in too_long if name in self.scope.definitions), None)
        if first is not None:
            message = f"`{first}` builds on a chain of more than {CHAIN_MAX} facts."
            self.problems.add("too-deep", self.scope.places[first], message, "Build on the inputs directly.")

    def _resolve_fact(self, name: str) -> None:
        self.expressions.derive(name)
        node = self.scope.derived.get(name)
        if node is None:
            return
        self.levels[name] = self._levels_of(node)
        if self.levels[name] > LEVELS_MAX:
            del self.scope.derived[name]
            self.scope.broken.add(name)
            message = f"`{name}` has more than {LEVELS_MAX} levels, with the facts that it is made of."
            self.problems.add("too-deep", self.scope.places[name], message, "Build on the inputs directly.")

    def _levels_of(self, node: Node) -> int:
        """How many parts stand inside each other, through the facts that are named."""
        deepest = 0
        waiting = [(node, 1)]
        while waiting:
            part, level = waiting.pop()
            match part:
                case Derived(name=below) | Cell(table=below):
                    deepest = max(deepest, level + self.levels[below])
                case _:
                    deepest = max(deepest, level)
            waiting.extend((child, level + 1) for child in children(part))
        return deepest

    def _resolve_table(self, name: str) -> None:
        table = resolve_table(self.grids[name], self.expressions, self.zone, self.problems)
        if table is None:
            self.scope.broken.add(name)
        else:
            self.scope.tables[name] = table
            self.levels[name] = max((self._levels_of(key) for key in table.keys), default=0)
