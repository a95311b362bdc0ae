"""Tables below a sentence: functions from facts of the case to numbers that customers read."""

import re
from dataclasses import dataclass
from itertools import combinations

from amends.policy import types
from amends.policy.errors import Problems, suggest
from amends.policy.expression import Given, Node
from amends.policy.model import Key, Parameter, Row, Table
from amends.policy.money import EXPONENTS
from amends.policy.reader.document import Block
from amends.policy.reader.expressions import Expressions
from amends.policy.reader.prose import read_parameter
from amends.policy.reader.scope import Scope
from amends.policy.reader.syntax import is_name
from amends.policy.source import Fragment
from amends.policy.types import Kind

ROWS_MAX = 500
_NAMED = re.compile(r"(.*?)\s*\{([^{}]*)\}")
_RANGE = re.compile(
    r"(?:(?P<low>[\d,]+)\s*(?:to|–|-)\s*(?P<high>[\d,]+)|from (?P<from>[\d,]+)|up to (?P<upto>[\d,]+)"
    r"|(?P<one>[\d,]+))(?: [A-Za-z][A-Za-z -]*)?"
)


@dataclass(frozen=True, slots=True)
class Header:
    """A column: its title for people and its name for rules."""

    title: str
    name: str
    place: Fragment


def read_table(
    id_: str, block: Block, expressions: Expressions, zone: str, problems: Problems
) -> Table | None:
    """A table that follows the sentence `id_`; None where a problem was noted."""
    before = len(problems.found)
    scope = expressions.scope
    headers = [_header(cell, problems) for cell in block.rows[0]]
    if not _check_shape(block, headers, problems):
        return None
    keys = [node for header in headers if (node := _key(header, expressions))]
    if not _check_keys(block, headers, keys, scope, problems):
        return None
    rows = [_row(id_, cells, headers, keys, zone, problems) for cells in block.rows[1:]]
    if len(problems.found) > before:
        return None
    table = _table(id_, block, headers, tuple(keys), tuple(row for row in rows if row))
    _check_columns(table, problems)
    _check_overlaps(table, problems)
    return table if len(problems.found) == before else None


def read_service_table(id_: str, block: Block, zone: str, problems: Problems) -> Table | None:
    """A table that only the desk reads; its first column holds words, not facts of the case."""
    before = len(problems.found)
    headers = [_header(cell, problems) for cell in block.rows[0]]
    if not _check_shape(block, headers, problems):
        return None
    rows = []
    for cells in block.rows[1:]:
        values = [
            _value(id_, header, cell, zone, problems)
            for header, cell in zip(headers[1:], cells[1:], strict=True)
        ]
        rows.append(Row((Key(member=cells[0].text),), tuple(value for value in values if value)))
    if len(problems.found) > before:
        return None
    return _table(id_, block, headers, (), tuple(rows))


def _table(
    id_: str, block: Block, headers: list[Header], keys: tuple[Node, ...], rows: tuple[Row, ...]
) -> Table:
    first = len(keys) or 1
    columns = tuple(header.name for header in headers[first:])
    titles = tuple(header.title for header in headers)
    return Table(id_, keys, columns, titles, rows, not keys, block.text.span())


def _header(cell: Fragment, problems: Problems) -> Header:
    match = _NAMED.fullmatch(cell.text)
    title, name = (match[1], match[2]) if match else (cell.text, cell.text.lower().replace(" ", "_"))
    if not is_name(name):
        fix = "Write the title and behind it the name for rules: `Order type {plan}`."
        problems.add("bad-table", cell.span(), f"The column `{cell.text}` has no name.", fix)
    return Header(title or name, name, cell)


def _check_shape(block: Block, headers: list[Header], problems: Problems) -> bool:
    names = [header.name for header in headers]
    if len(set(names)) != len(names):
        problems.add("bad-table", block.rows[0][0].span(), "Two columns have one name.", "Rename one.")
        return False
    if not block.rows[1:] or not headers[1:]:
        fix = "Write key columns, value columns and at least one row."
        problems.add("bad-table", block.text.span(), "The table has no values.", fix)
        return False
    if len(block.rows) > ROWS_MAX:
        problems.add(
            "too-many", block.text.span(), f"The table has more than {ROWS_MAX:,} rows.", "Split it."
        )
        return False
    return True


def _key(header: Header, expressions: Expressions) -> Node | None:
    """The fact that a column selects by: an input or a derived fact, None for a value column."""
    scope = expressions.scope
    if header.name == "currency":
        return Given(types.enum(*sorted(EXPONENTS)), "currency")
    if header.name in scope.inputs:
        scope.used.add(header.name)
        return Given(scope.inputs[header.name].type, header.name)
    if header.name in scope.definitions:
        return expressions.expression(Fragment(header.name, header.place.starts))
    return None


def _check_keys(
    block: Block, headers: list[Header], keys: list[Node], scope: Scope, problems: Problems
) -> bool:
    leading = [header.name for header in headers[: len(keys)]]
    if not keys:
        fix = suggest(headers[0].name, scope.names(), "Name an input in it: `Order type {plan}`.")
        message = f"The first column `{headers[0].name}` is no fact of the case."
        problems.add("bad-table", block.rows[0][0].span(), message, fix)
        return False
    if any(getattr(node, "name", None) not in leading for node in keys) or len(keys) == len(headers):
        problems.add(
            "bad-table", block.rows[0][0].span(), "Key columns stand first, then values.", "Move the columns."
        )
        return False
    for node, header in zip(keys, headers, strict=False):
        if node.type.kind not in (Kind.ENUM, Kind.YES_NO, Kind.NUMBER) or node.type.exact:
            fix = "Use a fact of type one of, yes or no, count, days, months or money; for parts use the smaller unit."
            problems.add("bad-table", header.place.span(), f"`{node.type}` cannot be a key.", fix)
            return False
    return True


def _row(
    id_: str,
    cells: tuple[Fragment, ...],
    headers: list[Header],
    keys: list[Node],
    zone: str,
    problems: Problems,
) -> Row | None:
    found = [_key_cell(cell, node, problems) for cell, node in zip(cells, keys, strict=False)]
    width = len(keys)
    values = [
        _value(id_, header, cell, zone, problems)
        for header, cell in zip(headers[width:], cells[width:], strict=True)
    ]
    kept = tuple(key for key in found if key)
    return Row(kept, tuple(value for value in values if value)) if len(kept) == width else None


def _key_cell(cell: Fragment, node: Node, problems: Problems) -> Key | None:
    if node.type.kind is Kind.YES_NO and cell.text in ("yes", "no"):
        return Key(member=cell.text == "yes")
    if node.type.kind is Kind.ENUM and cell.text in node.type.members:
        return Key(member=cell.text)
    if node.type.kind is Kind.NUMBER and (match := _RANGE.fullmatch(cell.text)):
        low, high = (
            match["low"] or match["from"] or match["one"],
            match["high"] or match["upto"] or match["one"],
        )
        return Key(low=_whole(low), high=_whole(high))
    if node.type.kind is Kind.NUMBER:
        fix = "Write `5 to 10`, `from 11`, `up to 4` or one whole number; for parts use the smaller unit."
    elif node.type.kind is Kind.YES_NO:
        fix = "Write yes or no."
    else:
        fix = suggest(cell.text, node.type.members, f"It is one of {', '.join(node.type.members[:12])}.")
    problems.add("bad-table", cell.span(), f"`{cell.text}` selects nothing.", fix)
    return None


def _whole(text: str | None) -> int | None:
    return int(text.replace(",", "")) if text else None


def _value(id_: str, header: Header, cell: Fragment, zone: str, problems: Problems) -> Parameter | None:
    name = Fragment(f"{id_}.{header.name}", header.place.starts)
    return read_parameter(name, cell, zone, problems, is_service=False)


def _check_columns(table: Table, problems: Problems) -> None:
    for index, column in enumerate(table.columns):
        first = table.rows[0].values[index]
        for row in table.rows:
            value = row.values[index]
            if value.type.unit != first.type.unit or value.type.kind is not first.type.kind:
                message = f"`{value.text}` and `{first.text}` stand in one column `{column}`."
                problems.add("bad-table", value.span, message, "Give every cell of a column the same unit.")


def _check_overlaps(table: Table, problems: Problems) -> None:
    exact: dict[tuple[Key, ...], Row] = {}
    for row in table.rows:
        if row.keys in exact:
            _overlapping(table, row, problems)
        exact[row.keys] = row
    ranged = [row for row in exact.values() if any(key.member is None for key in row.keys)]
    for first, second in combinations(ranged, 2):
        if all(_overlap(a, b) for a, b in zip(first.keys, second.keys, strict=True)):
            _overlapping(table, second, problems)
            return


def _overlapping(table: Table, row: Row, problems: Problems) -> None:
    message = f"Another row of `{table.name}` matches the same case."
    problems.add("overlapping-rows", row.values[0].span, message, "Make the keys exclude each other.")


def _overlap(first: Key, second: Key) -> bool:
    if first.member is not None or second.member is not None:
        return first.member == second.member
    low = max(first.low or 0, second.low or 0)
    highs = [key.high for key in (first, second) if key.high is not None]
    return not highs or low <= min(highs)
