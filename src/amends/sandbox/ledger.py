"""The balance of the account: what comes in, what goes out, what the gateway keeps, and when it is there."""

from fractions import Fraction

from amends.sandbox.forms import amount_of, whole
from amends.sandbox.store import Object
from amends.sandbox.world import World

AVAILABLE_SECONDS = 2 * 86_400
"""How long a charge is pending in the balance."""
HALF = Fraction(1, 2)


class Ledger:
    """Balance transactions, and what they sum to."""

    def __init__(self, world: World) -> None:
        self.world = world

    def book_charge(self, charge: Object, metadata: Object, *, is_available: bool) -> Object:
        """What a charge adds: in the account's settlement currency, less the fee.

        Metadata: `fee` says what is kept; `settlement` and `rate` in which currency it is booked.
        Rounding: half up, the amount and the fee once each.
        """
        settings = self.world.settings()
        amount = amount_of(charge)
        settlement = str(metadata.get("settlement") or settings["settlement_currency"] or charge["currency"])
        is_foreign = settlement != charge["currency"]
        rate = Fraction(str(metadata.get("rate") or settings["exchange_rate"])) if is_foreign else Fraction(1)
        booked = int(rate * amount + HALF)
        stated = whole(metadata, "fee")
        exact = Fraction(str(settings["fee_rate"])) * booked + amount_of(settings, "fee_fixed")
        created = amount_of(charge, "created")
        return self._book(
            "charge",
            {
                "amount": booked,
                "available_on": created + (0 if is_available else AVAILABLE_SECONDS),
                "created": created,
                "currency": settlement,
                "exchange_rate": float(rate) if is_foreign else None,
                "fee": int(exact + HALF) if stated is None else stated,
                "source": charge["id"],
            },
        )

    def book_return(self, kind: str, source: str, charge: Object, amount: int, *, fee: int = 0) -> Object:
        """What goes out for a charge, or comes back in: at the rate of the charge.

        Amounts: minor units of the charge's currency, negative where it goes out; `fee` in the settlement's.
        """
        paid = self.world.store.find(str(charge["_transaction"]))
        assert paid is not None
        rate = Fraction(str(paid["exchange_rate"] or 1))
        booked = int(rate * abs(amount) + HALF)
        now = self.world.clock.now()
        content: Object = {
            "amount": booked if amount > 0 else -booked,
            "available_on": now,
            "created": now,
            "currency": paid["currency"],
            "exchange_rate": paid["exchange_rate"],
            "fee": fee,
            "source": source,
        }
        return self._book(kind, content)

    def top_up(self, amount: int, currency: str) -> Object:
        """The merchant pays something in."""
        now = self.world.clock.now()
        content: Object = {
            "amount": amount,
            "available_on": now,
            "created": now,
            "currency": currency,
            "exchange_rate": None,
            "fee": 0,
            "source": None,
        }
        return self._book("topup", content)

    def _book(self, kind: str, content: Object) -> Object:
        fee, created = content["fee"], amount_of(content, "created")
        details = [{"type": "stripe_fee", "amount": fee, "currency": content["currency"]}] if fee else []
        category = {"adjustment": "dispute", "refund_failure": "refund_failure"}.get(kind, kind)
        booked = content | {
            "description": None,
            "fee_details": details,
            "net": amount_of(content) - amount_of(content, "fee"),
            "reporting_category": category,
            "type": kind,
        }
        return self.world.make("txn", "balance_transaction", booked, created=created)

    def shown(self, transaction: Object) -> Object:
        """A transaction as it stands now."""
        is_there = amount_of(transaction, "available_on") <= self.world.clock.now()
        return transaction | {"status": "available" if is_there else "pending"}

    def available(self, currency: str) -> int:
        """What can be paid out of in a currency."""
        return self._sums()["available"].get(currency, 0)

    def balance(self) -> Object:
        """The balance, in Stripe's shape."""
        sums = self._sums()
        parts = {
            name: [{"amount": amount, "currency": currency} for currency, amount in sorted(held.items())]
            for name, held in sums.items()
        }
        return {"object": "balance", "livemode": self.world.settings()["livemode"], **parts}

    def _sums(self) -> dict[str, dict[str, int]]:
        sums: dict[str, dict[str, int]] = {"available": {}, "pending": {}}
        for one in self.world.store.all("balance_transaction"):
            held = sums[str(self.shown(one)["status"])]
            held[str(one["currency"])] = held.get(str(one["currency"]), 0) + amount_of(one, "net")
        return sums
