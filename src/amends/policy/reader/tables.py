"""Tables below a sentence: functions from facts of the case to numbers that customers read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from amends.policy import types
from amends.policy.errors import Problems, suggest
from amends.policy.expression import Derived, Given, Node
from amends.policy.model import Key, Parameter, Row, Table
from amends.policy.money import EXPONENTS
from amends.policy.reader.document import Block
from amends.policy.reader.expressions import Expressions
from amends.policy.reader.fragments import split_mark
from amends.policy.reader.prose import Mark, read_parameter
from amends.policy.reader.scope import name_advice
from amends.policy.reader.syntax import is_name
from amends.policy.source import Fragment, Span
from amends.policy.types import Kind

ROWS_MAX = 500
CELL_LENGTH_MAX = 100
_WHOLE = r"[0-9]{1,3}(?:,[0-9]{3}){1,3}|[0-9]{1,12}"
_RANGE = re.compile(
    rf"(?:(?P<low>{_WHOLE})\s*(?:to|–|-)\s*(?P<high>{_WHOLE})|from (?P<from>{_WHOLE})|up to (?P<upto>{_WHOLE})"
    rf"|(?P<one>{_WHOLE}))(?: (?P<noun>[A-Za-z][A-Za-z -]*))?"
)


@dataclass(frozen=True, slots=True)
class Header:
    """A column: its title for people and its name for rules."""

    title: str
    name: str
    place: Fragment


@dataclass(frozen=True, slots=True)
class Grid:
    """A table whose keys are not resolved yet."""

    mark: Mark
    headers: tuple[Header, ...]
    rows: tuple[tuple[Fragment, ...], ...]
    span: Span

    @property
    def names(self) -> tuple[str, ...]:
        """What rules call the columns."""
        return tuple(header.name for header in self.headers)


def read_grid(mark: Mark, block: Block, problems: Problems) -> Grid | None:
    """A table with named columns and some rows; None where a problem was noted."""
    headers = tuple(_header(cell) for cell in block.rows[0])
    grid = Grid(mark, headers, block.rows[1:], block.rows[0][0].span())
    for index, header in enumerate(headers):
        if not is_name(header.name):
            message = f"`{header.place.text}` gives the column no name for rules."
            fix = f"Write a name behind the title: `{header.title} {{days}}`."
            if "{" in header.place.text:
                fix = name_advice(header.name)
            problems.add("bad-table", header.place.span(), message, fix)
            return None
        if header.name in grid.names[:index]:
            message = f"Two columns have the name `{header.name}`."
            fix = f"Write another name behind the title: `{header.title} {{{header.name}_2}}`."
            problems.add("bad-table", header.place.span(), message, fix)
            return None
    return grid if _has_values(grid, problems) else None


def _header(cell: Fragment) -> Header:
    title, mark = split_mark(cell)
    name = mark.text[1:-1] if mark else cell.text.lower().replace(" ", "_")
    return Header(title.text or name, name, cell)


def _has_values(grid: Grid, problems: Problems) -> bool:
    if len(grid.rows) > ROWS_MAX:
        message = f"The table has more than {ROWS_MAX:,} rows."
        problems.add("too-many", grid.span, message, "Split it, or let one row stand for several cases.")
        return False
    if not grid.rows or not grid.headers[1:]:
        missing = "column with values" if grid.rows else "row"
        fix = "Write key columns, then columns with numbers, and at least one row below the line of dashes."
        problems.add("bad-table", grid.span, f"The table has no {missing}.", fix)
        return False
    return True


def resolve_table(grid: Grid, expressions: Expressions, zone: str, problems: Problems) -> Table | None:
    """The table with its keys resolved; None where a problem was noted."""
    before = len(problems.found)
    keys = () if grid.mark.is_service else _keys(grid, expressions, problems)
    if keys is None:
        return None
    width = len(keys) or 1
    rows = []
    for cells in grid.rows:
        found = (
            [_key_cell(cell, node, problems) for cell, node in zip(cells, keys, strict=False)]
            if keys
            else [Key(member=cells[0].text)]
        )
        values = [
            _value(grid, header, cell, zone, problems)
            for header, cell in zip(grid.headers[width:], cells[width:], strict=True)
        ]
        rows.append(Row(tuple(filter(None, found)), tuple(filter(None, values))))
    if len(problems.found) > before:
        return None
    titles = tuple(header.title for header in grid.headers)
    id_, is_service = grid.mark.id, grid.mark.is_service
    table = Table(id_, tuple(keys), grid.names[width:], titles, tuple(rows), is_service, grid.span)
    _check_columns(table, problems)
    _check_overlaps(table, problems)
    return table if len(problems.found) == before else None


def _keys(grid: Grid, expressions: Expressions, problems: Problems) -> Sequence[Node] | None:
    scope = expressions.scope
    found = [_key(header, expressions) for header in grid.headers]
    width = next((index for index, node in enumerate(found) if node is None), len(found))
    late = next((index for index, node in enumerate(found) if node is not None and index > width), None)
    if any(name in scope.broken for name in grid.names):
        return None
    if late is not None:
        header = grid.headers[late]
        message = f"The column `{header.name}` selects the row, but stands behind a column of values."
        problems.add("bad-table", header.place.span(), message, "Move it to the left.")
    elif width == len(found):
        message = "Every column selects the row, so the table says nothing."
        fix = "Add a column with numbers, whose name is no input and no fact."
        problems.add("bad-table", grid.span, message, fix)
    elif width == 0:
        header = grid.headers[0]
        fix = suggest(header.name, scope.names(), f"Name an input or a fact: `{header.title} {{plan}}`.")
        message = f"The first column selects the row, but `{header.name}` is no fact of the case."
        if not scope.is_partial:
            problems.add("bad-table", header.place.span(), message, fix)
    else:
        keys = [node for node in found if node is not None]
        return keys if _can_select(keys, grid, problems) else None
    return None


def _key(header: Header, expressions: Expressions) -> Node | None:
    """The fact that a column selects by: an input or a derived fact, None for a value column."""
    scope = expressions.scope
    if header.name == "currency":
        return Given(types.enum(*sorted(EXPONENTS)), "currency")
    if header.name in scope.inputs:
        scope.used.add(header.name)
        return Given(scope.inputs[header.name].type, header.name, span=header.place.span())
    if header.name in scope.derived:
        scope.used.add(header.name)
        return Derived(scope.derived[header.name].type, header.name, span=header.place.span())
    return None


def _can_select(keys: Sequence[Node], grid: Grid, problems: Problems) -> bool:
    for node, header in zip(keys, grid.headers, strict=False):
        if node.type.optional:
            message = f"`{header.name}` may be `none`, and no row matches that."
            fix = "Select by a fact that is never `none`, made with a `define` block."
        elif node.type.kind not in (Kind.ENUM, Kind.YES_NO, Kind.NUMBER) or not _is_counted(node):
            message = f"`{header.name}` is `{node.type}`, which cannot select a row."
            fix = "Select by a fact of type one of, yes or no, count, days or months."
        else:
            continue
        problems.add("bad-table", header.place.span(), message, fix)
        return False
    return True


def _is_counted(node: Node) -> bool:
    """Not an amount: whether `from 5` meant dollars or cents would be a guess."""
    return not node.type.exact and all(name != "money" for name, _ in node.type.unit)


def _key_cell(cell: Fragment, node: Node, problems: Problems) -> Key | None:
    if node.type.kind is Kind.YES_NO and cell.text in ("yes", "no"):
        return Key(member=cell.text == "yes")
    if node.type.kind is Kind.ENUM and cell.text in node.type.members:
        return Key(member=cell.text)
    if node.type.kind is Kind.NUMBER:
        return _range(cell, node, problems)
    if node.type.kind is Kind.YES_NO:
        fix = "Write yes or no."
    else:
        fix = suggest(cell.text, node.type.members, f"It is one of {', '.join(node.type.members[:12])}.")
    _refuse_key(cell, fix, problems)
    return None


def _range(cell: Fragment, node: Node, problems: Problems) -> Key | None:
    match = _RANGE.fullmatch(cell.text) if len(cell.text) <= CELL_LENGTH_MAX else None
    if match is None:
        fix = "Write `5 to 10`, `from 11`, `up to 4` or one whole number; for parts use the smaller unit."
        _refuse_key(cell, fix, problems)
        return None
    if match["noun"] and not _names_unit(match["noun"], node):
        message = f"The column holds `{node.type}`, and the row speaks of `{match['noun']}`."
        problems.add("bad-table", cell.span(), message, "Write the range in that unit, or without one.")
        return None
    low = _number(match["low"] or match["from"] or match["one"])
    high = _number(match["high"] or match["upto"] or match["one"])
    if low is not None and high is not None and low > high:
        message = f"The range ends before it begins: {low:,} is more than {high:,}."
        problems.add("bad-table", cell.span(), message, f"Write `{high:,} to {low:,}`.")
        return None
    return Key(low=low, high=high)


def _names_unit(noun: str, node: Node) -> bool:
    unit = types.singular(noun)
    unit = {"day": "days", "calendar day": "days", "month": "months", "calendar month": "months"}.get(
        unit, unit
    )
    return node.type.unit == ((unit, 1),)


def _refuse_key(cell: Fragment, fix: str, problems: Problems) -> None:
    message = (
        f"`{cell.text}` selects nothing." if cell.text else "The cell is empty, so the row selects nothing."
    )
    problems.add("bad-table", cell.span(), message, fix)


def _number(text: str | None) -> int | None:
    return int(text.replace(",", "")) if text else None


def _value(grid: Grid, header: Header, cell: Fragment, zone: str, problems: Problems) -> Parameter | None:
    name = Fragment(f"{grid.mark.id}.{header.name}", header.place.starts)
    return read_parameter(name, cell, zone, problems, is_service=False)


def _check_columns(table: Table, problems: Problems) -> None:
    for index, column in enumerate(table.columns):
        first = table.rows[0].values[index]
        for row in table.rows:
            value = row.values[index]
            if value.type.unit != first.type.unit or value.type.kind is not first.type.kind:
                message = f"`{value.text}` and `{first.text}` stand in one column, `{column}`."
                problems.add("bad-table", value.span, message, "Give every cell of a column the same unit.")


def _check_overlaps(table: Table, problems: Problems) -> None:
    exact: dict[tuple[Key, ...], Row] = {}
    for row in table.rows:
        if row.keys in exact:
            _overlapping(exact[row.keys], row, problems)
        exact[row.keys] = row
    ranged = [row for row in exact.values() if any(key.member is None for key in row.keys)]
    for first, second in combinations(ranged, 2):
        if all(_overlap(a, b) for a, b in zip(first.keys, second.keys, strict=True)):
            _overlapping(first, second, problems)
            return


def _overlapping(first: Row, second: Row, problems: Problems) -> None:
    place = second.values[0].span
    message = f"The row in line {first.values[0].span.line} can match the same case as this one."
    fix = "Change the keys of one of them, so that no case matches both."
    problems.add("overlapping-rows", Span(place.line, 1, place.column - 1), message, fix)


def _overlap(first: Key, second: Key) -> bool:
    if first.member is not None or second.member is not None:
        return first.member == second.member
    low = max(first.low or 0, second.low or 0)
    highs = [key.high for key in (first, second) if key.high is not None]
    return not highs or low <= min(highs)
