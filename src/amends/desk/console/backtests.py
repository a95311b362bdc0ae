"""A back-test on past requests as a page shows it: how many, how much, who; its tables are drawn by the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from amends.desk.console.rows import Badge, outcome_badge

OUTCOMES = ("granted", "denied", "needs_information", "needs_review", "error")


@dataclass(frozen=True, slots=True)
class Backtest:
    """The parts of a finished back-test."""

    outcomes: list[tuple[Badge, int, int]]
    currencies: list[str]
    """Each has a chart of its months."""
    sections: list[tuple[str, str | Promise, str | Promise, Sequence[Mapping[str, Any]]]]
    """Id, title, head of the first column and rows of each table about money."""


def make_backtest(result: Mapping[str, Any]) -> Backtest:
    """The page's view of a result."""
    counts = ((name, result["outcomes"][name]) for name in OUTCOMES)
    shown = [
        (_badge(name), one["before"], one["after"]) for name, one in counts if one["before"] or one["after"]
    ]
    months = _named(result["months"], "month")
    sections: list[tuple[str, str | Promise, str | Promise, Sequence[Mapping[str, Any]]]] = [
        ("in-all", _("In all"), _("Currency"), [{**one, "name": one["currency"]} for one in result["money"]]),
        ("by-month", _("By month of purchase"), _("Month"), months),
        ("by-request", _("By what was asked"), _("Request"), _named(result["by"], "request")),
    ]
    currencies = dict.fromkeys(one["currency"] for one in result["money"])
    return Backtest(shown, list(currencies), [one for one in sections if one[3]])


def _badge(outcome: str) -> Badge:
    return Badge(_("Impossible")) if outcome == "error" else outcome_badge(outcome)


def _named(rows: Sequence[Mapping[str, Any]], key: str) -> list[Mapping[str, Any]]:
    return [{**one, "name": one[key] or _("unknown")} for one in rows]
