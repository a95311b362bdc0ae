"""Guests: who knows an address and an order gets a link at that address, and nobody learns whether they exist."""

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from amends.desk.accounts.actions import make_link
from amends.desk.languages import speaking
from amends.desk.notices.actions import send_plain, take_kept
from amends.desk.orders.models import Order


def invite_guest(key: str) -> None:
    """Send a link to the address on file if the order is that customer's; `key` names what the guest wrote."""
    words = take_kept(key)
    if words is None:
        return
    email, reference = words["email"], words["reference"]
    named = Q(number=reference.strip()) | Q(paid_by__payment__gateway_ref=reference.strip())
    order = Order.objects.filter(named, customer__email__iexact=email, customer__erased_at=None).first()
    if order is None:
        return
    _link, token = make_link(order.customer, "guest")
    with speaking(words["locale"]):
        here = _("Here are your orders. The link works once and for ten minutes:")
        text = f"{here}\n\n{settings.PUBLIC_URL}/enter/{token}\n"
        send_plain(order.customer.email, _("Your link to your orders"), text)
