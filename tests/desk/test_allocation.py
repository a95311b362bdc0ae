"""A refund over several payments: the parts sum to it, none takes more than is left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.desk.payments.allocation import NothingLeftError, allocate, divide
from amends.desk.payments.refund_plan import RefundPlan

LEFT = st.lists(st.integers(-1000, 10**9), min_size=1, max_size=6)


@st.composite
def payable(draw: st.DrawFn) -> tuple[int, list[int]]:
    left = draw(LEFT)
    return draw(st.integers(0, sum(max(one, 0) for one in left))), left


@given(payable())
def test_parts_sum_to_the_amount_and_none_takes_more_than_is_left(drawn: tuple[int, list[int]]) -> None:
    amount, left = drawn

    parts = allocate(amount, left)

    assert sum(parts) == amount
    assert all(0 <= part <= max(one, 0) for part, one in zip(parts, left, strict=True))


@given(payable())
def test_an_earlier_payment_pays_only_once_the_later_ones_are_used_up(drawn: tuple[int, list[int]]) -> None:
    amount, left = drawn

    parts = allocate(amount, left)

    first = next((place for place, part in enumerate(parts) if part), len(parts))
    assert parts[first + 1 :] == [max(one, 0) for one in left[first + 1 :]]


@given(LEFT, st.integers(1, 1000))
def test_what_does_not_fit_is_refused_and_not_left_out(left: list[int], over: int) -> None:
    with pytest.raises(NothingLeftError):
        allocate(sum(max(one, 0) for one in left) + over, left)


@given(payable(), st.data())
def test_shares_sum_to_the_whole_and_stay_inside_their_part(
    drawn: tuple[int, list[int]], data: st.DataObject
) -> None:
    amount, left = drawn
    tax = data.draw(st.integers(0, amount))
    rounding = data.draw(st.integers(0, min(9, amount - tax)))
    plan = RefundPlan(
        amount, "refund", tax=tax, fee_retained=data.draw(st.integers(0, 500)), rounding=rounding
    )

    divided = divide(plan, allocate(amount, left), "USD")

    assert (sum(one.amount for one in divided), sum(one.tax for one in divided)) == (amount, tax)
    assert sum(one.fee_retained for one in divided) == plan.fee_retained
    assert sum(one.rounding for one in divided) == rounding
    assert all(one.tax + one.rounding <= one.amount for one in divided if amount)
