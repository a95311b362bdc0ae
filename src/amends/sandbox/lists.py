"""Lists in Stripe's shape: filtered, in pages both ways, searched, with objects in the place of their ids."""

import re

from amends.sandbox.errors import missing, refused
from amends.sandbox.events import public
from amends.sandbox.forms import amount_of, nested, whole
from amends.sandbox.ledger import Ledger
from amends.sandbox.parameters import PAGE
from amends.sandbox.store import Object
from amends.sandbox.world import World

PAGE_SIZE = 10
_BOUNDS = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}
_CLAUSE = re.compile(
    r"""(?P<not>-)?(?P<field>\w+)(?:\[["'](?P<key>[^"']+)["']\])?(?P<by>:|~|>=|<=|>|<)"""
    r"""(?:"(?P<text>[^"]*)"|'(?P<single>[^']*)'|(?P<number>-?\d+)|(?P<null>null))"""
)
_COMPARED = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_OWNED = {
    ("charge", "refunds"): ("refund", "charge"),
    ("invoice", "payments"): ("invoice_payment", "invoice"),
}
"""Lists that an object holds only when asked: kind and field that lead to them."""


class Lists:
    """What reading the API needs."""

    def __init__(self, world: World, ledger: Ledger) -> None:
        self.world = world
        self.ledger = ledger

    def page(self, items: list[Object], sent: Object, path: str) -> Object:
        """A page of what passes the filters, newest first.

        Raises: ApiError: the object to start from is not there.
        """
        kept = [item for item in items if self._is_shown(item) and _passes(item, sent)]
        size = whole(sent, "limit") or PAGE_SIZE
        if "ending_before" in sent:
            end = _place(kept, str(sent["ending_before"]), "ending_before")
            shown, has_more = kept[max(0, end - size) : end], end > size
        else:
            start = (
                _place(kept, str(sent["starting_after"]), "starting_after") + 1
                if "starting_after" in sent
                else 0
            )
            shown, has_more = kept[start : start + size], start + size < len(kept)
        return {
            "object": "list",
            "data": [self.shown(item) for item in shown],
            "has_more": has_more,
            "url": path,
        }

    def search(self, items: list[Object], sent: Object, path: str) -> Object:
        """A page of what a query in Stripe's search language finds."""
        kept = [item for item in items if _matches(item, str(sent["query"]))]
        start, size = whole(sent, "page") or 0, whole(sent, "limit") or PAGE_SIZE
        has_more = start + size < len(kept)
        return {
            "object": "search_result",
            "data": [self.shown(item) for item in kept[start : start + size]],
            "has_more": has_more,
            "next_page": str(start + size) if has_more else None,
            "url": path,
        }

    def _is_shown(self, item: Object) -> bool:
        """A list may lag behind what was written."""
        lag = amount_of(self.world.settings(), "list_lag_seconds")
        return lag == 0 or amount_of(item, "created") <= self.world.clock.now() - lag

    def shown(self, item: Object) -> Object:
        """An object as it is answered."""
        is_transaction = item.get("object") == "balance_transaction"
        return public(self.ledger.shown(item) if is_transaction else item)

    def expand(self, item: Object, wanted: object) -> Object:
        """Put objects in the place of their ids on the wanted paths.

        Raises: ApiError: there is nothing to put there.
        """
        assert isinstance(wanted, list)
        for path in wanted:
            item = self._expanded(item, str(path).split("."), str(path))
        return item

    def _expanded(self, item: Object, path: list[str], whole_path: str) -> Object:
        name, rest = path[0], path[1:]
        if name not in item and (str(item.get("object")), name) in _OWNED:
            item = item | {name: self._owned(item, name)}
        if name not in item:
            raise refused("", f"This property cannot be expanded ({whole_path}).", "expand")
        value = item[name]
        if isinstance(value, str):
            found = self.world.store.find(value)
            if found is None:
                raise refused("", f"This property cannot be expanded ({whole_path}).", "expand")
            value = self.shown(found)
        return item | {name: self._deeper(value, rest, whole_path)}

    def _deeper(self, value: object, rest: list[str], whole_path: str) -> object:
        if not rest:
            return value
        if isinstance(value, list):
            return [self._expanded(one, rest, whole_path) for one in value]
        return self._expanded(value, rest, whole_path) if isinstance(value, dict) else value

    def _owned(self, item: Object, name: str) -> Object:
        kind, field = _OWNED[(str(item["object"]), name)]
        items = self.world.store.all(kind, lambda one: one[field] == item["id"])
        return {
            "object": "list",
            "data": [self.shown(one) for one in items],
            "has_more": False,
            "url": f"/v1/{kind}s",
        }


def _place(items: list[Object], id_: str, param: str) -> int:
    place = next((number for number, item in enumerate(items) if item["id"] == id_), None)
    if place is None:
        raise missing(str(items[0]["object"]) if items else "object", id_, param)
    return place


def _passes(item: Object, sent: Object) -> bool:
    wanted = {name: value for name, value in sent.items() if name not in PAGE}
    return all(_is_met(item, name, value) for name, value in wanted.items())


def _is_met(item: Object, name: str, wanted: object) -> bool:
    value = item.get(name)
    if isinstance(wanted, dict) and all(key in _BOUNDS for key in wanted):
        return isinstance(value, int) and all(_BOUNDS[key](value, bound) for key, bound in wanted.items())
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(value.get(key) == part for key, part in wanted.items())
    if isinstance(wanted, list):
        return value in wanted
    return bool(value == wanted)


def _matches(item: Object, query: str) -> bool:
    """Clauses of a field, an operator and a value, joined by AND or by OR.

    Raises: ApiError: the query does not read.
    """
    joint = " OR " if " OR " in query else " AND "
    verdicts = []
    for part in query.replace(" and ", " AND ").split(joint):
        clause = _CLAUSE.fullmatch(part.strip())
        if clause is None:
            raise refused(
                "parameter_invalid_string", f"We were unable to parse your search query: {part}", "query"
            )
        verdicts.append(_holds(item, clause) is not bool(clause["not"]))
    return any(verdicts) if joint == " OR " else all(verdicts)


def _holds(item: Object, clause: re.Match[str]) -> bool:
    value = nested(item, clause["field"]).get(clause["key"]) if clause["key"] else item.get(clause["field"])
    if clause["null"]:
        return value is None
    if clause["by"] in _COMPARED:
        bound = int(clause["number"] or clause["text"] or clause["single"] or 0)
        return isinstance(value, int) and _BOUNDS[_COMPARED[clause["by"]]](value, bound)
    wanted = next(text for text in (clause["text"], clause["single"], clause["number"]) if text is not None)
    said = str(value).lower() if isinstance(value, bool) else str(value if value is not None else "")
    if clause["by"] == "~":
        return wanted.lower() in said.lower()
    return said.lower() == wanted.lower()
