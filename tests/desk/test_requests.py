"""The way of a request, from the first word to the money and the last letter."""

import pytest

from amends.desk.cases.models import CaseState, RequestKind, TaskKind
from amends.desk.journal.models import Posting
from amends.desk.notices.models import Letter
from amends.desk.orders.models import Subscription
from amends.desk.payments.models import Refund
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.sandbox.server import Sandbox
from shop import Shop, day, go_to


@pytest.fixture
def shop(sandbox: Sandbox, gateway: StripeGateway) -> Shop:
    go_to(day(-1))
    return Shop.open(sandbox, gateway)


def letters_of(case: object) -> list[str]:
    return list(Letter.objects.order_by("created_at").values_list("kind", flat=True))


def test_a_request_within_the_window_is_paid_told_and_closed(shop: Shop) -> None:
    line = shop.sell(shop.monthly)
    shop.use(12, day(1))
    go_to(day(3))

    case = shop.ask(line)
    shop.work()

    case.refresh_from_db()
    assert (case.state, case.closing) == (CaseState.CLOSED, "paid")
    assert shop.refunded(line) == [1815]
    assert letters_of(case) == ["received", "decision", "refund_sent"]
    assert Subscription.objects.get().status == "ended"
    decision = case.decisions.get()
    assert (decision.usage_count, decision.core["lines"][1]["amount"]) == (12, -85)
