"""What happens at the gateway without the desk: banks, disputes, people at its dashboard."""

from dataclasses import dataclass
from random import Random

from amends.sandbox.account import Account
from amends.sandbox.charges import Charges
from amends.sandbox.store import Store


@dataclass(slots=True)
class Outside:
    """Others, who act on the same charges."""

    account: Account
    dice: Random
    refs: list[str]
    """The charges."""

    @property
    def charges(self) -> Charges:
        """The part of the account that moves money."""
        return self.account.api.charges

    @property
    def store(self) -> Store:
        """What the account holds."""
        return self.account.store

    def settle(self) -> None:
        """The gateway moves what is pending."""
        self.charges.settle()

    def fail_one(self) -> None:
        """A bank sends money back."""
        alive = [
            one
            for one in self.store.all("refund")
            if one["status"] in ("pending", "requires_action", "succeeded")
        ]
        if alive:
            self.charges.fail_refund(self.dice.choice(alive), "declined")

    def refund_elsewhere(self) -> None:
        """Somebody refunds in the gateway's dashboard."""
        amount = str(self.dice.choice((100, 500)))
        self.charges.create_refund({"charge": self.dice.choice(self.refs), "amount": amount})

    def dispute(self) -> None:
        """A customer's bank opens a dispute, or ends one."""
        charges, open_ones = self.charges, self.store.all("dispute")
        running = [one for one in open_ones if one["status"] == "needs_response"]
        if running:
            charges.close_dispute(running[0], self.dice.choice(("won", "lost")))
            return
        charge = self.store.find(self.dice.choice(self.refs))
        assert charge is not None
        charges.open_dispute(charge)
