"""What the passing of time does: each moment at which something is due comes in its turn."""

from amends.sandbox.disputes import Disputes
from amends.sandbox.errors import refused
from amends.sandbox.forms import amount_of
from amends.sandbox.parameters import Parameters, text, whole
from amends.sandbox.refunds import Refunds
from amends.sandbox.store import Object
from amends.sandbox.subscriptions import Subscriptions
from amends.sandbox.world import World

TEST_CLOCK = Parameters({"frozen_time": whole}, {"name": text})
CLOCK_ADVANCE = Parameters({"frozen_time": whole})


class Passage:
    """Moves the account's one clock."""

    def __init__(
        self, world: World, refunds: Refunds, disputes: Disputes, subscriptions: Subscriptions
    ) -> None:
        self.world = world
        self.refunds = refunds
        self.disputes = disputes
        self.subscriptions = subscriptions

    def advance(self, seconds: int) -> None:
        """Let time pass, stopping at every moment at which something happens."""
        clock = self.world.clock
        end = clock.now() + seconds
        while (due := self._next_due()) is not None and due <= end:
            clock.advance(max(0, due - clock.now()))
            self.happen()
        clock.advance(max(0, end - clock.now()))

    def _next_due(self) -> int | None:
        parts = (self.refunds.next_at(), self.disputes.next_at(), self.subscriptions.next_at())
        return min((due for due in parts if due is not None), default=None)

    def happen(self) -> None:
        """Do what is due by now."""
        self.refunds.settle()
        self.disputes.pass_time()
        self.subscriptions.pass_time()

    def create_clock(self, sent: Object) -> Object:
        """A test clock, which is the account's own: everything moves with it."""
        self._move_to(amount_of(sent, "frozen_time"))
        content: Object = {"deletes_after": None, "name": sent.get("name"), "status": "ready"}
        return self.world.make(
            "clock", "test_helpers.test_clock", content | {"frozen_time": sent["frozen_time"]}
        )

    def advance_clock(self, test_clock: Object, sent: Object) -> Object:
        """Move it forward."""
        self._move_to(amount_of(sent, "frozen_time"))
        test_clock["frozen_time"] = sent["frozen_time"]
        self.world.events.emit("test_helpers.test_clock.ready", test_clock)
        return self.world.change(test_clock)

    def _move_to(self, at: int) -> None:
        now = self.world.clock.now()
        if at < now:
            message = f"The sandbox has one clock, and it says {now}: choose a time from then on."
            raise refused("test_clock_time_in_the_past", message, "frozen_time")
        self.advance(at - now)
