"""Policies of other trades, such as a hotel in Berlin or parcels in Sydney. Each is clean until a defect is planted."""

from pathlib import Path
from typing import NamedTuple

import pytest

from amends import parse_policy, read_policy
from amends.policy.checker import check_policy
from conftest import ROOT

TRADES = sorted((ROOT / "tests" / "corpus" / "trades").glob("*.md"))


class Defect(NamedTuple):
    """A change of one of the policies, and the finding that must come of it."""

    trade: str
    before: str
    after: str
    code: str
    clauses: tuple[str, ...]


DEFECTS = (
    Defect(
        "hotel",
        "before_arrival\nlines",
        "before_arrival and days_left != early_bird\nlines",
        "gap",
        (),
    ),
    Defect(
        "hotel", "saver, second_thoughts, groups", "second_thoughts, groups", "conflict", ("closed", "saver")
    ),
    Defect("hotel", "and in_grace", "and in_grace and days_left < 0", "dead-clause", ("second_thoughts",)),
    Defect(
        "hotel",
        "rate == group\n",
        "rate == group and closed_by_us\n",
        "shadowed-clause",
        ("groups", "closed"),
    ),
    Defect(
        "hotel",
        "not in_grace\n",
        "not in_grace\noverrides: groups\n",
        "vacuous-override",
        ("saver", "groups"),
    ),
    Defect("hotel", "| 8 to 29 |", "| 9 to 29 |", "table-gap", ("flexible", "steps")),
    Defect("hotel", "| 4 to 7 | 50 %", "| 4 to 7 | 5 %", "broken-promise", ("flexible", "waiting")),
    Defect("hotel", "| 100 % |", "| 99 % |", "broken-promise", ("flexible", "first_step")),
    Defect("hotel", "nights_used == nights\n", "nights_used >= 1\n", "broken-promise", ("closed", "slept")),
    Defect("returns", "age <= window and", "age < window and", "gap", ()),
    Defect("returns", "age > window\n", "age >= window\n", "conflict", ("back", "stays")),
    Defect("returns", "> guarantee", ">= guarantee", "conflict", ("mistake", "maker")),
    Defect("returns", "| EUR | EUR 4.90 |\n", "", "table-gap", ("back", "parcel")),
    Defect("returns", "GBP, USD, EUR\n", "GBP, USD, EUR, JPY\n", "table-gap", ("back", "parcel")),
    Defect("returns", "currencies: GBP, USD, EUR\n", "", "table-gap", ("back", "parcel")),
    Defect("returns", "with requested_at", "with delivered_at", "broken-promise", ("back", "later")),
    Defect("course", "attempts < tries", "attempts <= tries", "conflict", ("guarantee", "no_claim")),
    Defect("course", "| from 8 |", "| from 9 |", "table-gap", ("partly", "progress")),
    Defect(
        "course", "(paid - books) * progress", "paid * progress", "broken-promise", ("partly", "books_stay")
    ),
    Defect("course", "| 20 % |", "| 60 % |", "broken-promise", ("partly", "less_and_less")),
    Defect("gym", "early and visits <= few", "early and visits < few", "gap", ()),
    Defect(
        "gym",
        "| plus | CAD | CAD 19.95 |",
        "| plus | CAD | USD 19.95 |",
        "other-currency",
        ("visited", "prices"),
    ),
    Defect("gym", "| CAD | CAD 1,200.00 |\n", "", "table-gap", ("cooling", "limits")),
    Defect("gym", "> 0 and why == pause", "> 0 and why == closed", "broken-promise", ("closing", "bounded")),
    Defect("events", "overrides: too_late\n", "", "conflict", ("illness", "too_late")),
    Defect("events", "| from 30 | 90 % |", "| from 30 | 40 % |", "broken-promise", ("own", "waiting")),
    Defect("events", "rises: refund", "falls: refund", "broken-promise", ("cancelled", "more_tickets")),
    Defect("parcels", "age < lost_after", "age <= lost_after", "conflict", ("lost", "looking")),
    Defect(
        "parcels",
        "rises: refund with weight",
        "falls: refund with weight",
        "broken-promise",
        ("damaged", "heavier"),
    ),
    Defect("course", 'pays nothing": 0', 'pays nothing": paid - paid', "never-pays", ("pause",)),
)


def changed(defect: Defect) -> str:
    text = next(path for path in TRADES if path.stem == defect.trade).read_text()
    assert text.count(defect.before) == 1, f"{defect.before!r} is found {text.count(defect.before)} times"
    return text.replace(defect.before, defect.after)


@pytest.mark.parametrize("path", TRADES, ids=[path.stem for path in TRADES])
def test_a_clean_policy_of_another_trade_has_neither_finding_nor_warning(path: Path) -> None:
    report = check_policy(read_policy(path))

    assert (report.findings, report.lints) == ((), ())


@pytest.mark.parametrize("defect", DEFECTS, ids=[f"{one.trade}: {one.after.strip()}" for one in DEFECTS])
def test_a_defect_planted_in_another_trade_is_found_and_confirmed(defect: Defect) -> None:
    report = check_policy(parse_policy(changed(defect)))

    found = [(one.code, one.clauses) for one in report.findings]
    assert (defect.code, defect.clauses) in found
    assert not {"unproved", "not-confirmed"} & {code for code, _ in found}
