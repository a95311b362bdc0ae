"""Rounding, splitting and counting days: laws, and the arithmetic of public test suites of other billing systems."""

import json
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.policy.dates import days_between, parse_instant
from amends.policy.money import EXPONENTS, Money, Rounding, round_exact
from conftest import ROOT

LINES = (ROOT / "tests" / "cases" / "arithmetic.jsonl").read_text().splitlines()


def published(kind: str) -> list[object]:
    cases = [case for case in map(json.loads, LINES) if case["kind"] == kind]
    return [
        pytest.param(case["inputs"], case["expected"], id=case["case_id"])
        for case in cases
        if "error" not in case["expected"]
    ]


@pytest.mark.parametrize("inputs, expected", published("round_to_currency"))
def test_amounts_are_rounded_as_published(inputs: dict[str, str], expected: dict[str, str]) -> None:
    currency = inputs["currency"]

    amount = round_exact(Fraction(inputs["amount"]) * 10 ** EXPONENTS[currency], Rounding.HALF_UP)

    assert amount == Money.parse(expected["amount"].removeprefix("-"), currency).amount * (
        -1 if expected["amount"].startswith("-") else 1
    )


@pytest.mark.parametrize("inputs, expected", published("allocate_largest_remainder"))
def test_amounts_are_split_as_published(
    inputs: dict[str, object], expected: dict[str, dict[str, str]]
) -> None:
    weights, currency = inputs["weights"], str(inputs["currency"])
    assert isinstance(weights, dict)
    # The published suite breaks ties by name, we by position.
    names = sorted(weights)

    parts = Money.parse(str(inputs["amount"]), currency).split(
        [int(Fraction(weights[name]) * 1000) for name in names]
    )

    wanted = {name: Money.parse(part, currency).amount for name, part in expected["parts"].items()}
    assert {name: part.amount for name, part in zip(names, parts, strict=True) if part.amount} == wanted


@pytest.mark.parametrize("inputs, expected", published("allocate_minor"))
def test_minor_units_are_split_as_published(
    inputs: dict[str, object], expected: dict[str, list[int]]
) -> None:
    total, weights = inputs["total_minor"], inputs["weights"]
    assert isinstance(total, int)
    assert isinstance(weights, list)

    parts = Money(total, "USD").split(weights)

    assert [part.amount for part in parts] == expected["parts_minor"]


@pytest.mark.parametrize("inputs, expected", published("calendar_days_between"))
def test_days_are_counted_as_published(inputs: dict[str, str], expected: dict[str, int]) -> None:
    start, end = (parse_instant(inputs[name].replace("Z", ":00Z")) for name in ("start", "end"))

    assert days_between(start, end, inputs["tz"]) == expected["days"]


EXACT = st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10_000)


@given(value=EXACT, mode=st.sampled_from(Rounding))
def test_rounding_treats_both_signs_alike_and_moves_less_than_one_unit(
    value: Fraction, mode: Rounding
) -> None:
    rounded = round_exact(value, mode)

    assert round_exact(-value, mode) == -rounded
    assert abs(rounded - value) < 1
    if mode in (Rounding.HALF_UP, Rounding.HALF_EVEN):
        assert abs(rounded - value) <= Fraction(1, 2)


@given(value=st.integers(-(10**6), 10**6))
def test_the_modes_differ_on_a_half_only_as_they_say(value: int) -> None:
    half = Fraction(2 * value + 1, 2)

    assert abs(round_exact(half, Rounding.UP)) == abs(round_exact(half, Rounding.HALF_UP))
    assert abs(round_exact(half, Rounding.DOWN)) == abs(round_exact(half, Rounding.UP)) - 1
    assert round_exact(half, Rounding.HALF_EVEN) % 2 == 0


@given(amount=st.integers(-(10**12), 10**12), weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=8))
def test_parts_sum_to_the_whole_and_follow_their_weights(amount: int, weights: list[int]) -> None:
    parts = [part.amount for part in Money(amount, "USD").split(weights)]

    assert sum(parts) == amount
    ordered = [size for _, size in sorted(zip(weights, map(abs, parts), strict=True))]
    assert all(smaller <= larger + 1 for smaller, larger in pairwise(ordered))
