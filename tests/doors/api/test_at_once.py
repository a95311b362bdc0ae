"""The same request from several sides at once: one case, one refund."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from amends.desk.cases.models import Case
from amends.desk.payments.models import Refund
from shop import Shop, day, go_to
from web import Client

ORDERS = 12


@pytest.mark.timeout(120)
@pytest.mark.parametrize("is_named", [False, True], ids=["no key", "one idempotency key"])
def test_a_refund_asked_four_times_at_once_is_one_case_and_one_refund(
    program: Client, shop: Shop, *, is_named: bool
) -> None:
    lines = [shop.sell(shop.monthly) for _ in range(ORDERS)]
    go_to(day(3))

    def ask(number: str) -> tuple[str, int]:
        body = {
            "customer": shop.customer.external_id,
            "order": number,
            "request": "refund",
            "reason": "Not for me.",
        }
        headers = {"Idempotency_Key": f"refund-{number}"} if is_named else {}
        return number, program.post("/api/v1/cases", body, **headers).status

    asked = [line.order.number for line in lines for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, asked))

    made = [number for number, status in answers if status == 201]
    assert {status for _, status in answers} == ({201} if is_named else {201, 409})
    assert sorted(set(made)) == sorted(line.order.number for line in lines)
    assert len(made) == (4 * ORDERS if is_named else ORDERS)
    assert Case.objects.count() == ORDERS
    approved = sum(case.decisions.get().amount for case in Case.objects.all())
    assert approved == 1815 * ORDERS


def test_each_of_many_orders_is_returned_once_at_the_gateway(program: Client, shop: Shop) -> None:
    lines = [shop.sell(shop.monthly) for _ in range(5)]
    go_to(day(3))

    def ask(number: str) -> int:
        body = {
            "customer": shop.customer.external_id,
            "order": number,
            "request": "refund",
            "reason": "Not for me.",
        }
        return program.post("/api/v1/cases", body).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(ask, [line.order.number for line in lines for _ in range(4)]))
    shop.work()

    assert statuses.count(201) == 5
    assert [shop.refunded(line) for line in lines] == [[1815]] * 5
    assert Refund.objects.count() == 5
