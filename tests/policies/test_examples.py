"""The ten published policies of `examples/`, decided case by case."""

import json
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from amends.policy.answer import Decision
from amends.policy.dates import add_business_days
from amends.policy.decision import decide
from amends.policy.model import Parameter, Policy
from amends.policy.reader import read_policy

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
POLICIES = sorted(path for path in EXAMPLES.glob("*.md") if path.name != "README.md")
DECIDING = ("grants", "denies", "refers")
PUBLISHED = {
    "adobe": 10,
    "bananapie": 10,
    "coursera": 8,
    "dreamhost": 9,
    "eu_crd": 8,
    "japply": 10,
    "kinsta": 9,
    "midjourney": 6,
    "musemind": 8,
    "steam": 12,
}

# One line of a file of cases; its values are checked where they are used.
Line = dict[str, object]


def lines_beside(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.with_suffix(".cases.jsonl").read_text().splitlines()]


def cases_of_all(kind: str) -> list[object]:
    """Every line that has the given part, with a readable id; an id may stand in two versions of a policy."""
    return [
        pytest.param(path, line, id=f"{path.stem}-{line['id']}")
        for path in POLICIES
        for line in lines_beside(path)
        if kind in line
    ]


@cache
def policy_of(path: Path) -> Policy:
    return read_policy(path)


def part(line: Line, name: str) -> Line:
    found = line[name]
    assert isinstance(found, dict)
    return found


def shown(decision: Decision, wanted: Line) -> Line:
    """What a decision says about everything that the case expects."""
    says: Line = {
        "outcome": decision.outcome.value,
        "grant": decision.grant,
        "amount": decision.amount,
        "clauses": sorted(citation.id for citation in decision.clauses if citation.role in DECIDING),
        "owed": sum(line.amount for line in decision.owed) if decision.owed else None,
        "payouts": [{"to": payout.to, "amount": payout.amount} for payout in decision.payouts],
        "proposal": decision.proposal.total if decision.proposal else None,
    }
    return {name: says[name] for name in wanted}


@pytest.mark.parametrize("path, line", cases_of_all("inputs"))
def test_the_policy_decides_the_case_as_expected(path: Path, line: Line) -> None:
    expected = part(line, "expect")

    decision = decide(policy_of(path), part(line, "inputs"))

    assert shown(decision, expected) == expected


@pytest.mark.parametrize("path, line", cases_of_all("inputs"))
def test_lines_and_payouts_sum_to_the_amount(path: Path, line: Line) -> None:
    decision = decide(policy_of(path), part(line, "inputs"))

    assert sum(one.amount for one in decision.lines) == decision.amount
    assert sum(payout.amount for payout in decision.payouts) == decision.amount


@pytest.mark.parametrize("path, line", cases_of_all("service"))
def test_the_money_arrives_by_the_last_business_day_of_the_table(path: Path, line: Line) -> None:
    service = part(line, "service")
    start = date.fromisoformat(str(service["from"]))

    number = service_number(
        policy_of(path), str(service["table"]), str(service["row"]), str(service["column"])
    )

    assert isinstance(number.value, int)
    assert number.text.endswith("business days")
    assert {"due": add_business_days(start, number.value).isoformat()} == part(line, "expect")


def service_number(policy: Policy, table: str, row: str, column: str) -> Parameter:
    found = policy.tables[table]
    assert found.is_service
    values = next(one.values for one in found.rows if one.keys[0].member == row)
    return values[found.columns.index(column)]


def test_all_ninety_published_cases_stand_beside_the_policies() -> None:
    found = {str(line["id"]) for path in POLICIES for line in lines_beside(path)}

    assert found == {
        f"{name}.{number}" for name, count in PUBLISHED.items() for number in range(1, count + 1)
    }
    assert len(found) == 90


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_every_policy_has_cases_of_at_least_two_outcomes(path: Path) -> None:
    outcomes = {part(line, "expect")["outcome"] for line in lines_beside(path) if "inputs" in line}

    assert len(outcomes) >= 2


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_a_case_without_any_fact_is_asked_about_and_not_decided(path: Path) -> None:
    decision = decide(policy_of(path), {"currency": "USD"})

    assert (decision.outcome.value, decision.amount) == ("needs_information", 0)
    assert decision.missing != ()
