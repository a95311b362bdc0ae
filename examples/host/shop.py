"""A host product in one file: it sells a plan, reports what is used, and asks the desk when a customer wants money back."""

import json
import os
import secrets
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe

PRICE = 1900
BATCH = "application/cloudevents-batch+json"
Json = dict[str, Any]


class Refused(Exception):  # noqa: N818  # an answer, not a fault
    """The desk said no; the problem says why and what to do."""


class Desk:
    """The desk's API, as far as this product needs it."""

    def __init__(self, address: str, key: str) -> None:
        self.address = address
        self.key = key

    def get(self, path: str) -> Json:
        """Read."""
        return self._call(urllib.request.Request(self.address + path))

    def post(self, path: str, body: object, *, intent: str = "", kind: str = "application/json") -> Json:
        """Write; the same intent may be sent again after a lost answer, and happens once."""
        request = urllib.request.Request(self.address + path, json.dumps(body).encode(), method="POST")
        request.add_header("Content-Type", kind)
        if intent:
            request.add_header("Idempotency-Key", intent)
        return self._call(request)

    def _call(self, request: urllib.request.Request) -> Json:
        request.add_header("Authorization", f"Bearer {self.key}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                found: Json = json.load(answer)
        except urllib.error.HTTPError as error:
            problem = json.load(error)
            raise Refused(f"{problem['code']}: {problem['detail']}") from error
        return found


class Shop:
    """The product: it takes payments at the gateway and tells the desk of them."""

    def __init__(self, desk: Desk, gateway: stripe.StripeClient) -> None:
        self.desk = desk
        self.gateway = gateway

    def offer(self) -> str:
        """Put the monthly plan on sale, at the gateway and at the desk."""
        price = self.gateway.v1.prices.create(
            {
                "currency": "usd",
                "product_data": {"name": "Sketch"},
                "recurring": {"interval": "month"},
                "unit_amount": PRICE,
            }
        )
        sold = {"currency": "USD", "amount": PRICE, "gateway_id": price.id}
        plan = {"id": "sketch-monthly", "name": "Sketch monthly", "interval": "month", "prices": [sold]}
        self.desk.post("/api/v1/plans", plan)
        return str(price.id)

    def sign_up(self, email: str, name: str) -> str:
        """Record a customer under our own id, who has seen the policy."""
        customer = f"sketch-{secrets.token_hex(4)}"
        self.desk.post("/api/v1/customers", {"id": customer, "email": email, "name": name})
        self.desk.post("/api/v1/acknowledgements", {"customer": customer, "how": "checkout"})
        return customer

    def sell(self, customer: str, price: str) -> str:
        """Charge the customer, and tell the desk which charge paid for what; it looks the amounts up itself."""
        card = "pm_card_visa"
        payer = self.gateway.v1.customers.create(
            {"payment_method": card, "invoice_settings": {"default_payment_method": card}}
        )
        made = self.gateway.v1.subscriptions.create(
            {
                "customer": payer.id,
                "items": [{"price": price}],
                "expand": ["latest_invoice.payments.data.payment.payment_intent"],
            }
        )
        paid = made.to_dict()["latest_invoice"]["payments"]["data"][0]["payment"]["payment_intent"]
        start = datetime.fromtimestamp(made.created, UTC)
        self.desk.post(
            "/api/v1/subscriptions",
            {
                "id": made.id,
                "customer": customer,
                "plan": "sketch-monthly",
                "started_at": start.isoformat(),
            },
        )
        line = {
            "product": "subscription",
            "description": "Sketch monthly",
            "meter": "generation",
            "plan": "sketch-monthly",
            "subscription": made.id,
            "period_start": start.isoformat(),
            "period_end": (start + timedelta(days=30)).isoformat(),
        }
        number = f"SK-{secrets.token_hex(4)}"
        order = {
            "id": number,
            "customer": customer,
            "charge": str(paid["latest_charge"]),
            "placed_at": start.isoformat(),
            "lines": [line],
        }
        self.desk.post("/api/v1/orders", order, intent=f"order-{number}")
        return number

    def report_use(self, customer: str, order: str, times: int) -> None:
        """Report finished jobs; an event that is sent again is the same event."""
        at = self.desk.get(f"/api/v1/orders/{order}")["placed_at"]
        job = {"meter": "generation", "outcome": "succeeded", "paid_by": "quota"}
        events = [
            {
                "specversion": "1.0",
                "id": f"{order}-{number}",
                "source": "sketch",
                "type": "amends.usage",
                "subject": customer,
                "time": at,
                "data": job,
            }
            for number in range(times)
        ]
        results = self.desk.post("/api/v1/usage/events", events, kind=BATCH)["results"]
        refused = [one for one in results if one["code"]]
        if refused:
            raise Refused(f"{refused[0]['code']}: {refused[0]['detail']}")

    def ask_for_refund(self, customer: str, order: str, reason: str) -> Json:
        """Open a case; pressing the button twice opens one."""
        wanted = {"customer": customer, "order": order, "request": "refund", "reason": reason}
        return self.desk.post("/api/v1/cases", wanted, intent=f"refund-{order}")


def show(case: Json) -> str:
    """The answer as this product shows it."""
    decision = case["decision"]
    lines = [f"{case['number']}: {decision['headline']} {case['state_in_words']}"]
    lines += [f"  {line['label']:<20}{line['amount']:>8}" for line in decision["lines"]]
    lines += [f"  {'Refund':<20}{decision['amount']:>8} {decision['currency']}"]
    lines += [f"  “{clause['text']}” {clause['url']}" for clause in decision["clauses"]]
    return "\n".join(lines)


def main() -> None:
    """One customer, from the sign-up to the answer."""
    desk = Desk(os.environ["DESK_URL"], os.environ["DESK_KEY"])
    gateway = stripe.StripeClient(
        os.environ.get("STRIPE_SECRET_KEY", "sk_test_sketch"),
        base_addresses={"api": os.environ["STRIPE_API_BASE"]},
    )
    shop = Shop(desk, gateway)
    customer = shop.sign_up("mira@customers.example", "Mira")
    order = shop.sell(customer, shop.offer())
    shop.report_use(customer, order, 12)
    case = shop.ask_for_refund(customer, order, "It is not what I expected.")
    sys.stdout.write(show(desk.get(f"/api/v1/cases/{case['number']}")) + "\n")


if __name__ == "__main__":
    main()
