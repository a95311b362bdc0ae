"""What the desk does by itself once everything works again."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from amends.desk.payments.inbox import (
    apply_notice,
    catch_up,
    compare_due,
    compare_unknown,
    sweep_refunds,
    waiting_notices,
)
from amends.desk.payments.sending import send_next
from amends.desk.payments.stripe_gateway import StripeGateway

PAUSES = (4_000,) * 6 + (90_000,) * 6
"""Seconds before each round: for late requests, a quiet hour and what is refused for now; then for a key, and what is looked at daily."""
WHOLE = 0.25
"""How often all rounds are lived whole, although nothing is open any more."""
SENDS_MAX = 20


@dataclass(frozen=True, slots=True)
class Calm:
    """The jobs of the desk, each to its end."""

    gateway: StripeGateway

    def round(self, dice: Random) -> list[Callable[[], None]]:
        """All jobs in an order of the dice, so that each has to heal alone what it can; those that ask for more come last."""
        early = [self.work_all, self.apply_all, self.sweep]
        late = [self.catch_up, self.compare_all]
        return [*dice.sample(early, len(early)), *dice.sample(late, len(late))]

    def work_all(self) -> None:
        """The worker sends whatever is due."""
        for _ in range(SENDS_MAX):
            if send_next(self.gateway) is None:
                return

    def apply_all(self) -> None:
        """Every notice is applied."""
        for event_id in waiting_notices():
            apply_notice(self.gateway, event_id)

    def sweep(self) -> None:
        """The sweeper asks about what is not settled."""
        sweep_refunds(self.gateway)

    def catch_up(self) -> None:
        """Missed events are fetched and applied."""
        catch_up(self.gateway)
        self.apply_all()

    def compare_all(self) -> None:
        """The comparisons of the hour."""
        compare_due(self.gateway)
        compare_unknown(self.gateway)
