"""Ways in for people without a session: nothing tells whether an address or an order exists."""

import pytest
from django.core import mail
from procrastinate.contrib.django.models import ProcrastinateJob

from amends.desk.accounts.models import PortalLink
from amends.desk.notices.actions import keep_for_job, send_kept, send_later
from amends.desk.orders.guests import invite_guest
from shop import Shop


@pytest.mark.parametrize("by", ["number", "transaction"])
def test_who_knows_address_and_order_gets_a_link_at_the_address_on_file(shop: Shop, by: str) -> None:
    order = shop.sell(shop.monthly).order
    reference = order.number if by == "number" else order.payments[0].gateway_ref

    invite_guest(keep_for_job(email=shop.customer.email.upper(), reference=f" {reference} ", locale="en"))

    (sent,) = mail.outbox
    assert sent.to == [shop.customer.email]
    assert "/enter/" in sent.body


@pytest.mark.parametrize("email, reference", [("other@example.com", None), (None, "O-unknown")])
def test_everybody_else_gets_nothing(shop: Shop, email: str | None, reference: str | None) -> None:
    order = shop.sell(shop.monthly).order

    named = {"email": email or shop.customer.email, "reference": reference or order.number}
    invite_guest(keep_for_job(**named, locale="en"))

    assert (mail.outbox, PortalLink.objects.count()) == ([], 0)


def test_a_code_is_sent_once_and_never_stands_in_the_queue(shop: Shop) -> None:  # noqa: ARG001  # the tables
    send_later("ada@example.com", "Your code", "ABCD-EFGH")
    (job,) = ProcrastinateJob.objects.filter(task_name="send_kept_mail")
    send_kept(job.args["key"])
    send_kept(job.args["key"])

    assert "ABCD" not in str(job.args)
    assert [one.body for one in mail.outbox] == ["ABCD-EFGH"]
