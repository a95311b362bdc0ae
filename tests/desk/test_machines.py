"""State machines: whatever is done in whatever order, refunds, lots and books keep their invariants."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from amends.desk import clock
from amends.desk.credits.actions import TooFewCreditsError, grant, restore, spend, wallet
from amends.desk.credits.models import Lot, LotSource
from amends.desk.journal.actions import Line, balances, credit, debit, post, reverse
from amends.desk.journal.models import Account, Entry, Posting
from amends.desk.payments.bookkeeping import SENT, SETTLED, refund_lines
from amends.desk.payments.models import Refund
from simulation.tables import forget_world
from simulation.world import World, leave
from trade import make_customer

SHORT = settings(
    max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
METER = "generation"


@pytest.fixture(autouse=True)
def _no_world_left() -> Iterator[None]:
    yield
    forget_world()
    leave()


class Refunds(RuleBasedStateMachine):
    """The world of the campaign, with hypothesis in the place of its dice: what breaks is made short."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(1)

    @rule(name=st.sampled_from(["ask", "let_go", "work", "tell", "apply", "sweep", "compare", "pass_time"]))
    def act(self, name: str) -> None:
        self.world.step(getattr(self.world, name))

    @rule(name=st.sampled_from(["settle", "fail_one", "refund_elsewhere", "dispute"]))
    def happen(self, name: str) -> None:
        self.world.step(getattr(self.world.outside, name))

    def teardown(self) -> None:
        self.world.end()
        forget_world()


class Lots(RuleBasedStateMachine):
    """Credits are given, spent, restored and expire; a plain count says how many there must be."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.customer = make_customer()
        self.spent: dict[str, int] = {}
        self.number = 0

    @rule(quantity=st.integers(1, 50), source=st.sampled_from(LotSource), days=st.none() | st.integers(1, 5))
    def give(self, quantity: int, source: LotSource, days: int | None) -> None:
        self.number += 1
        expires_at = clock.now() + timedelta(days=days) if days else None
        grant(
            self.customer,
            source,
            METER,
            quantity,
            f"lot-{self.number}-{self.customer.id}",
            expires_at=expires_at,
        )

    @rule(target=jobs, quantity=st.integers(1, 60))
    def take(self, quantity: int) -> str:
        self.number += 1
        job, before = f"job-{self.number}-{self.customer.id}", wallet(self.customer, METER)
        try:
            with transaction.atomic():
                spend(self.customer, METER, quantity, job)
        except TooFewCreditsError:
            assert (quantity > before, wallet(self.customer, METER)) == (True, before)
            return job
        assert wallet(self.customer, METER) == before - quantity
        self.spent[job] = quantity
        return job

    @rule(job=jobs)
    def take_again(self, job: str) -> None:
        before = wallet(self.customer, METER)
        if job in self.spent:
            with transaction.atomic():
                spend(self.customer, METER, self.spent[job], job)
            assert wallet(self.customer, METER) == before

    @rule(job=jobs)
    def give_back(self, job: str) -> None:
        with transaction.atomic():
            assert restore(job) == self.spent.pop(job, 0)
            assert restore(job) == 0

    @rule(days=st.integers(1, 3))
    def wait(self, days: int) -> None:
        clock.advance(timedelta(days=days))

    @invariant()
    def holds(self) -> None:
        lots = list(Lot.objects.filter(customer=self.customer))
        assert all(0 <= lot.remaining <= lot.quantity for lot in lots)
        assert sum(lot.quantity - lot.remaining for lot in lots) == sum(self.spent.values())


class Books(RuleBasedStateMachine):
    """Entries are posted, mirrored, posted wrongly: the balances are those of a plain sum."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[tuple[Entry, int]] = []
        self.kept = Posting.objects.count()
        self.number = Entry.objects.count()
        self.cash = balances().get((Account.GATEWAY_CASH, "USD"), 0)

    @rule(amount=st.integers(1, 10**12))
    def add(self, amount: int) -> None:
        self.number += 1
        with transaction.atomic():
            entry = post("charge", f"payment:{self.number}", "USD", self._lines(amount, amount))
        assert entry is not None
        self.entries.append((entry, amount))
        self.cash, self.kept = self.cash + amount, self.kept + 2

    def _lines(self, left: int, right: int) -> list[Line]:
        return [debit(Account.GATEWAY_CASH, left), credit(Account.SUBSCRIPTION_REVENUE, right)]

    @rule(amount=st.integers(1, 10**12), off=st.integers(1, 10))
    def add_wrongly(self, amount: int, off: int) -> None:
        with pytest.raises(DatabaseError, match="does not balance"), transaction.atomic():
            post("charge", "payment:wrong", "USD", self._lines(amount, amount + off))

    @precondition(lambda self: self.entries)
    @rule()
    def mirror(self) -> None:
        entry, amount = self.entries.pop()
        with transaction.atomic():
            reverse(entry, "charge_taken_back", entry.reference)
        self.cash, self.kept = self.cash - amount, self.kept + 2
        with pytest.raises(DatabaseError), transaction.atomic():
            reverse(entry, "charge_taken_back_again", entry.reference)

    @invariant()
    def holds(self) -> None:
        found = balances()
        assert found.get((Account.GATEWAY_CASH, "USD"), 0) == self.cash
        assert sum(found.values()) == 0
        assert Posting.objects.count() == self.kept


@pytest.mark.parametrize("machine", [Refunds, Lots, Books])
def test_whatever_is_done_in_whatever_order_the_invariants_hold(machine: type[RuleBasedStateMachine]) -> None:
    run_state_machine_as_test(machine, settings=SHORT)


@given(
    amount=st.integers(1, 10**15),
    tax=st.integers(0, 10**15),
    fee=st.integers(0, 10**15),
    step=st.integers(0, 9),
)
def test_the_lines_of_a_refund_balance_for_every_amount(amount: int, tax: int, fee: int, step: int) -> None:
    step = min(step, amount)
    refund = Refund(amount=amount, tax=min(tax, amount - step), fee_retained=fee, rounding=step)

    for kind in (SENT, SETTLED):
        lines = refund_lines(refund, kind)
        sides = [sum(line.amount for line in lines if line.side == side) for side in ("debit", "credit")]
        assert sides[0] == sides[1]
        assert all(line.amount >= 0 for line in lines)
