"""A back-test on past requests as a page shows it: how many, how much, who, and bars beside a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from amends.desk.console.rows import Badge, outcome_badge

OUTCOMES = ("granted", "denied", "needs_information", "needs_review", "error")
MONTHS_MAX = 12
"""The last ones are drawn; the table has them all."""
WIDTH, BASE = 480, 170
"""Of the drawing, and the line that its bars stand on."""
NAMES_MAX = 6
"""With more months, every other one is named."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the drawing, in its own units."""

    x: int
    y: int
    width: int
    height: int
    side: str
    """`before` or `after`."""


@dataclass(frozen=True, slots=True)
class Month:
    """A month of purchase in the drawing."""

    name: str
    """Empty where there is no room for it."""
    middle: int
    bars: tuple[Bar, Bar]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is paid back for each month of purchase, before and after; with a table beside it."""

    currency: str
    top: int
    """The amount that the highest bar stands for, in minor units."""
    months: list[Month]


@dataclass(frozen=True, slots=True)
class Backtest:
    """The parts of a finished back-test."""

    outcomes: list[tuple[Badge, int, int]]
    charts: list[Chart]
    sections: list[tuple[str | Promise, str | Promise, Sequence[Mapping[str, Any]]]]
    """Title, head of the first column and rows of each table about money."""


def make_backtest(result: Mapping[str, Any]) -> Backtest:
    """The page's view of a result."""
    counts = ((name, result["outcomes"][name]) for name in OUTCOMES)
    shown = [
        (_badge(name), one["before"], one["after"]) for name, one in counts if one["before"] or one["after"]
    ]
    months = _named(result["months"], "month")
    sections: list[tuple[str | Promise, str | Promise, Sequence[Mapping[str, Any]]]] = [
        (_("In all"), _("Currency"), [{**one, "name": one["currency"]} for one in result["money"]]),
        (_("By month of purchase"), _("Month"), months),
        (_("By what was asked"), _("Request"), _named(result["by"], "request")),
    ]
    currencies = dict.fromkeys(one["currency"] for one in result["money"])
    charts = [_draw(code, [one for one in months if one["currency"] == code]) for code in currencies]
    return Backtest(shown, charts, [one for one in sections if one[2]])


def _badge(outcome: str) -> Badge:
    return Badge(_("Impossible")) if outcome == "error" else outcome_badge(outcome)


def _named(rows: Sequence[Mapping[str, Any]], key: str) -> list[Mapping[str, Any]]:
    return [{**one, "name": one[key] or _("unknown")} for one in rows]


def _draw(currency: str, rows: Sequence[Mapping[str, Any]]) -> Chart:
    drawn = rows[-MONTHS_MAX:]
    top = max([1, *(one[side] for one in drawn for side in ("before", "after"))])
    room = WIDTH // max(len(drawn), 1)
    step = 1 if len(drawn) <= NAMES_MAX else 2
    return Chart(
        currency,
        top,
        [_month(one, room * place, room, top, is_named=place % step == 0) for place, one in enumerate(drawn)],
    )


def _month(row: Mapping[str, Any], left: int, room: int, top: int, *, is_named: bool) -> Month:
    width = min(room * 2 // 5, 40)
    middle = left + room // 2
    before = _bar(row["before"], middle - width - 1, width, top, "before")
    name = row["name"] if is_named else ""
    return Month(name, middle, (before, _bar(row["after"], middle + 1, width, top, "after")))


def _bar(amount: int, x: int, width: int, top: int, side: str) -> Bar:
    height = (BASE - 20) * amount // top
    return Bar(x, BASE - height, width, height, side)
