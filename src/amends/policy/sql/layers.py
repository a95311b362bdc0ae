"""Named columns, in layers: each layer reads only those before it, so that every part is computed once."""

from dataclasses import replace

from amends.policy.sql.terms import Term, column


class Layers:
    """The columns of a query, by the layer in which each is computed."""

    def __init__(self, prefix: str = "", certain: frozenset[str] = frozenset()) -> None:
        self.columns: list[list[tuple[str, str]]] = [[]]
        self.prefix = prefix
        """Sets the columns apart from others in one query."""
        self.certain = certain
        """The columns of the table that are known in every row read."""
        self._taken: set[str] = set()

    @property
    def depth(self) -> int:
        """The last layer so far."""
        return len(self.columns) - 1

    def first(self, name: str, text: str) -> None:
        """Compute a column from the table itself."""
        self._taken.add(name)
        self.columns[0].append((self.prefix + name, text))

    def bind(self, name: str, term: Term) -> Term:
        """Compute a term in a column of about this name, and read it from there."""
        name = self._free(name)
        depth = term.depth + 1
        while len(self.columns) <= depth:
            self.columns.append([])
        self.columns[depth].append((self.prefix + name, term.sql))
        return self.read(name, term, depth)

    def read(self, name: str, bounds: Term, depth: int) -> Term:
        """A column as a term, with the bounds of what it holds."""
        is_certain = bounds.is_certain or name in self.certain
        return replace(
            bounds,
            raw=column(self.prefix + name),
            depth=depth,
            known=frozenset() if is_certain else frozenset({column(self.prefix + name)}),
            is_strict=True,
            is_certain=is_certain,
        )

    def _free(self, name: str) -> str:
        free, number = name, 2
        while free in self._taken:
            free, number = f"{name}_{number}", number + 1
        self._taken.add(free)
        return free
