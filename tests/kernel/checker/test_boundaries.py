"""Every boundary example that the page shows is shown by a case on either side, which `decide` confirms."""

import pytest

from amends import decide, parse_policy, read_policy
from amends.policy.checker import check_policy
from amends.policy.checker.boundaries import Boundary
from amends.policy.limits import boundary_examples
from amends.policy.model import Policy
from conftest import ROOT
from planted import BACK, LATE, grant, small


def deciding(policy: Policy, case: object) -> set[str]:
    roles = ("grants", "denies", "refers")
    return {one.id for one in decide(policy, case).clauses if one.role in roles}  # type: ignore[arg-type]  # a case of JSON


def shown(boundary: Boundary) -> tuple[str, str, str, str]:
    return boundary.clause, boundary.example.fact, boundary.example.last, boundary.example.first_outside


@pytest.fixture(scope="module")
def boundaries(shipped: Policy) -> tuple[Boundary, ...]:
    return check_policy(shipped).boundaries


def test_each_number_of_the_shipped_policy_has_a_case_on_either_side(
    shipped: Policy, boundaries: tuple[Boundary, ...]
) -> None:
    on_the_page = {
        (rule.clause, one.fact, one.last, one.first_outside)
        for rule in shipped.rules
        for one in boundary_examples(shipped, rule)
    }

    assert {shown(one) for one in boundaries} == on_the_page
    assert ("full", "age", "7 days", "8 days") in on_the_page
    assert ("full", "generations", "50 generations", "51 generations") in on_the_page


def test_decide_says_yes_on_one_side_and_no_on_the_other(
    shipped: Policy, boundaries: tuple[Boundary, ...]
) -> None:
    for one in boundaries:
        assert one.clause in deciding(shipped, one.inside), one
        assert one.clause not in deciding(shipped, one.outside), one


def test_the_cases_of_a_window_stand_on_its_last_day_and_on_the_next() -> None:
    (back, late) = check_policy(parse_policy(small(BACK, LATE))).boundaries

    assert shown(back) == ("back", "age", "10 days", "11 days")
    assert shown(late) == ("late", "age", "11 days", "10 days")


def test_a_number_that_no_case_reaches_is_left_out() -> None:
    text = small(
        BACK,
        LATE,
        grant("few", "lessons <= top and lessons > 9", "paid=paid", words="At most [3 lessons]{#top}."),
    ).replace("lessons > 9", "plan == basic and plan == pro")

    assert {one.clause for one in check_policy(parse_policy(text)).boundaries} == {"back", "late"}


@pytest.mark.parametrize("name", ["adobe", "musemind"])
def test_an_example_policy_shows_its_numbers_too(name: str) -> None:
    policy = read_policy(ROOT / "examples" / f"{name}.md")

    found = check_policy(policy).boundaries

    assert len(found) == sum(len(boundary_examples(policy, rule)) for rule in policy.rules) > 3
    for one in found:
        assert one.clause in deciding(policy, one.inside)
        assert one.clause not in deciding(policy, one.outside)
