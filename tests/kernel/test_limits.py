"""The values beside each number, as the page shows them."""

import pytest

from amends import parse_policy
from amends.policy.limits import boundary_examples
from amends.policy.model import Policy
from amends.policy.page.html import render_page
from planted import AGE, BACK, LATE, deny, grant, small


def borders(policy: Policy, clause: str) -> list[tuple[str, str, str]]:
    rules = [rule for rule in policy.rules if rule.clause == clause]
    return [
        (one.fact, one.last, one.first_outside) for rule in rules for one in boundary_examples(policy, rule)
    ]


@pytest.mark.parametrize(
    "clause, expected",
    [
        ("full", [("age", "7 days", "8 days"), ("generations", "50 generations", "51 generations")]),
        ("late", [("age", "8 days", "7 days")]),
        ("fault", [("days open", "15 days", "14 days")]),
        ("not_yet", [("days open", "14 days", "15 days")]),
        ("credits", []),
    ],
    ids=["upper", "lower", "derived", "upper again", "no number"],
)
def test_each_number_has_the_last_value_inside_and_the_first_outside(
    shipped: Policy, clause: str, expected: list[tuple[str, str, str]]
) -> None:
    assert borders(shipped, clause) == expected


@pytest.mark.parametrize(
    "when, expected",
    [
        ("lessons < top", ("lessons", "1 lesson", "2 lessons")),
        ("lessons >= top", ("lessons", "2 lessons", "1 lesson")),
        ("top > lessons", ("lessons", "1 lesson", "2 lessons")),
        ("not (lessons < top)", ("lessons", "2 lessons", "1 lesson")),
        ("not (top <= lessons)", ("lessons", "1 lesson", "2 lessons")),
    ],
)
def test_a_limit_is_read_from_either_side_and_through_a_negation(
    when: str, expected: tuple[str, str, str]
) -> None:
    policy = parse_policy(
        small(grant("back", when, "paid=paid", words="With [2 lessons]{#top} it comes back."))
    )

    assert borders(policy, "back") == [expected]


def test_money_is_shown_in_its_currency() -> None:
    words = "Below [USD 5.00]{#least} nothing comes back."

    assert borders(parse_policy(small(deny("little", "paid < least", words=words))), "little") == [
        ("paid", "USD 4.99", "USD 5.00")
    ]


def test_a_share_has_no_neighbour() -> None:
    policy = parse_policy(small(deny("much", "share > most", words="Above [50%]{#most} nothing comes back.")))

    assert borders(policy, "much") == []


def test_the_page_shows_both_sides_of_the_border() -> None:
    page = render_page(parse_policy(small(BACK.removesuffix(AGE), AGE, LATE)))

    assert "Does this hold at the border? age: 10 days yes, 11 days no." in page
    assert "Does this hold at the border? age: 11 days yes, 10 days no." in page
