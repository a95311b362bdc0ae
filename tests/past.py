"""What was sold before the desk was there: made at the sandbox, brought in from it."""

from amends.desk.importing.fetching import fetch_all
from amends.desk.importing.meaning import read_map
from amends.desk.importing.telling import Telling, Told
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.sandbox.server import Sandbox
from trade import sdk

MONTHLY = {"amends_plan": "monthly", "amends_meter": "generation"}


def bring_in(gateway: StripeGateway, mapped: str = "") -> Told:
    fetch_all(gateway, lambda *_: None)
    return Telling(gateway, read_map(mapped), lambda *_: None).tell_all()


def sell(sandbox: Sandbox, method: str = "pm_card_visa", **metadata: str) -> tuple[str, str]:
    """A monthly subscription of 19.00 that was paid; the customer and the charge."""
    shop = sdk(sandbox).v1
    customer = shop.customers.create(
        {
            "email": "ada@example.com",
            "name": "Ada",
            "payment_method": method,
            "invoice_settings": {"default_payment_method": method},
        }
    )
    price = next(iter(shop.prices.list().data), None) or shop.prices.create(
        {
            "currency": "usd",
            "metadata": metadata,
            "product_data": {"name": "Fluxpaint"},
            "recurring": {"interval": "month"},
            "unit_amount": 1900,
        }
    )
    shop.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    return customer.id, shop.charges.list({"limit": 1}).data[0].id
