"""The same request from several sides at once: one case, one refund."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from amends.desk.cases.models import Case
from amends.desk.orders.models import Line
from amends.desk.payments.models import Refund
from amends.desk.policies.actions import publish
from conftest import ROOT
from shop import Shop, day, go_to
from trade import make_customer
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


def test_a_version_that_nobody_has_read_decides_for_all_who_ask_first(program: Client, shop: Shop) -> None:
    sold = [shop.sell(shop.monthly)]
    for _ in range(7):
        shop.customer = make_customer()
        sold.append(shop.sell(shop.monthly))
    shipped = (ROOT / "policies" / "flux-kontext.md").read_text(encoding="utf-8")
    publish(shipped.replace("2025-08-18", "2025-09-02").replace("[7 days]", "[14 days]"), None)
    go_to(day(10))
    together = Barrier(len(sold))

    def ask(line: Line) -> int:
        body = {
            "customer": line.order.customer.external_id,
            "order": line.order.number,
            "request": "refund",
            "reason": "Not for me.",
        }
        together.wait()
        return program.post("/api/v1/cases", body).status

    with ThreadPoolExecutor(len(sold)) as pool:
        statuses = list(pool.map(ask, sold))

    assert statuses == [201] * len(sold)
    assert {case.decisions.get().amount for case in Case.objects.all()} == {1815}


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
