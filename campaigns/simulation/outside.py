"""What happens at the gateway without the desk: banks, disputes, people at its dashboard."""

from dataclasses import dataclass
from random import Random

from amends.desk import clock
from amends.sandbox.account import Account
from amends.sandbox.api import Api
from amends.sandbox.clock import Clock
from amends.sandbox.store import Store


class WorldClock(Clock):
    """The gateway's time is the desk's."""

    def now(self) -> int:
        """Whole seconds."""
        return int(clock.now().timestamp())


@dataclass(slots=True)
class Outside:
    """Others, who act on the same charges."""

    account: Account
    dice: Random
    refs: list[str]
    """The charges."""

    @property
    def api(self) -> Api:
        """The parts of the account."""
        return self.account.api

    @property
    def store(self) -> Store:
        """What the account holds."""
        return self.account.store

    def settle(self) -> None:
        """The gateway moves what is pending."""
        self.api.refunds.settle()

    def fail_one(self) -> None:
        """A bank sends money back."""
        alive = [
            one
            for one in self.store.all("refund")
            if one["status"] in ("pending", "requires_action", "succeeded")
        ]
        if alive:
            self.api.refunds.fail(self.dice.choice(alive), "declined")

    def refund_elsewhere(self) -> None:
        """Somebody refunds in the gateway's dashboard."""
        amount = self.dice.choice((100, 500))
        self.api.refunds.create({"charge": self.dice.choice(self.refs), "amount": amount})

    def dispute(self) -> None:
        """A customer's bank opens a dispute, or ends one."""
        disputes, open_ones = self.api.disputes, self.store.all("dispute")
        running = [one for one in open_ones if one["status"] == "needs_response"]
        if running:
            disputes.move(running[0], self.dice.choice(("won", "lost")))
            return
        charge = self.store.find(self.dice.choice(self.refs))
        assert charge is not None
        disputes.open(charge)
