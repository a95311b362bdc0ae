"""One world: a few payments, refunds that are asked for, two workers, and everything that can go wrong."""

import random
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from django.db import DatabaseError, OperationalError, connection, connections, transaction

from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.audit.actions import broken_rows
from amends.desk.payments.actions import release, request_refunds
from amends.desk.payments.allocation import NothingLeftError
from amends.desk.payments.gateway import GatewayError, GatewayEvent
from amends.desk.payments.inbox import (
    apply_notice,
    receive,
    sweep_refunds,
    sync_payment,
    waiting_notices,
)
from amends.desk.payments.models import Payment, Refund
from amends.desk.payments.refund_plan import RefundPlan
from amends.desk.payments.sending import send_next
from amends.desk.payments.states import IllegalTransitionError
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.desk.rows import insert
from amends.sandbox.account import Account
from amends.sandbox.errors import ApiError
from amends.sandbox.events import Events
from amends.sandbox.store import Object, Store
from simulation import calm, invariants
from simulation.death import dying
from simulation.invariants import Known, State
from simulation.network import Network, Weather, WorkerDied, draw_weather
from simulation.outside import Outside, WorldClock
from simulation.reading import Reading

START = datetime(2025, 9, 1, 10, tzinfo=UTC)
STEPS = 24
HELD = 0.1
TOGETHER = 0.5
"""Of two payments, how often they are those of one order."""
CAPTURED = 1900
METHODS = ("pm_card_visa", "pm_card_visa", "pm_card_pendingRefund", "pm_card_refundFail", "pm_voucher")
PAUSES = (1, 5, 40, 100, 300, 1_000, 4_000, 30_000, 87_000, 87_000, 90_100)
"""Seconds that pass in one step; a lease is over after 90 seconds, a key after a day."""
FROZEN = (1, 5, 40, 100, 300, 1_000)
"""Seconds within one call: longer than a lease, and never so long that the desk does not wait for its effect any more."""
LONG_PAUSE = 21 * 86_400
"""Once in a world: banks send money back after weeks. Nothing is looked at again after 30 days."""
_EXPIRE = """
UPDATE payments_refund SET leased_until = leased_until - make_interval(secs => %s) WHERE leased_until IS NOT NULL
"""
_elsewhere = ThreadPoolExecutor(1, thread_name_prefix="second worker")


class ViolationError(Exception):
    """An invariant does not hold; the message says where, and what led there."""


@dataclass
class World:
    """One seed's world.

    Invariant: the same seed makes the same choices.
    """

    seed: int
    trace: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        random.seed(self.seed)
        clock.stop_at(START)
        store, world_clock = Store(None), WorldClock(None)
        self.events = Events(store, world_clock, "", "")
        self.account = Account(store, world_clock, self.events)
        self.network = Network(self.account, self.dice, self._meanwhile)
        gateway = StripeGateway("sk_test_simulation", "http://gateway.invalid", self.network)
        self.gateway, self.calm = gateway, calm.Calm(gateway)
        self.is_interrupted = False
        self.may_pause_long = True
        self.postings = self.checked = 0
        self.customer = Customer(external_id=str(self.seed), email="", created_at=clock.now())
        insert(self.customer)
        self.payments = [self._sell() for _ in range(self.dice.choice((1, 1, 2)))]
        self.outside = Outside(self.account, self.dice, [payment.gateway_ref for payment in self.payments])
        self.reading = Reading()
        self.known = self._know(self.reading.state(), self.held())
        self.network.weather = draw_weather(self.dice)

    def _sell(self) -> Payment:
        form: Object = {
            "amount": CAPTURED,
            "confirm": True,
            "currency": "usd",
            "payment_method": self.dice.choice(METHODS),
        }
        charge = self.gateway.charge(str(self.account.api.charges.create_intent(form)["latest_charge"]))
        payment = Payment(
            customer=self.customer,
            gateway="stripe",
            gateway_ref=charge.ref,
            captured=charge.captured,
            currency=charge.currency,
            captured_at=charge.captured_at,
            method=charge.method,
            fee=charge.fee.amount if charge.fee else None,
        )
        insert(payment)
        return payment

    def run(self) -> None:
        """Live through the steps, then through calm, checking after each.

        Raises: ViolationError.
        """
        self.step(self.ask)
        for _ in range(STEPS):
            steps, weights = zip(*self._choices(), strict=True)
            self.step(self.dice.choices(steps, weights)[0])
        self.end()

    def end(self) -> None:
        """Let everything work again, and see that nothing stays open.

        Raises: ViolationError.
        """
        self.network.weather = Weather()
        self.network.land(everything=True)
        self._heal()
        self._demand(
            [
                *invariants.broken_moves(self.reading.state().rows),
                *(f"I19 {words}" for words in broken_rows()),
            ]
        )

    def _choices(self) -> list[tuple[Callable[[], None], int]]:
        return [
            (self.ask, 2),
            (self.let_go, 1),
            (self.work, 10),
            (self.tell, 4),
            (self.apply, 4),
            (self.sweep, 2),
            (self.compare, 1),
            (self.pass_time, 8),
            (self.outside.settle, 1),
            (self.outside.fail_one, 1),
            (self.outside.refund_elsewhere, 1),
            (self.outside.dispute, 1),
        ]

    def step(self, step: Callable[[], None]) -> None:
        """Take one step, which may end badly, and check.

        Raises: ViolationError.
        """
        self.trace.append(f"{clock.now():%m-%d %H:%M:%S} {step.__name__.strip('_')}")
        try:
            with self.reading.noting(), dying(self.dice, self.network.weather):
                step()
        except WorkerDied:
            self.trace[-1] += ", and died"
        except (GatewayError, ApiError) as error:
            self.trace[-1] += f": {error}"
        except (
            DatabaseError,
            IllegalTransitionError,
            AssertionError,
            LookupError,
            TypeError,
            ValueError,
        ) as error:
            self._violated([f"{type(error).__name__}: {error}"], error)
        self._check()

    def _check(self) -> None:
        state, held = self.reading.state(), self.held()
        rows = state.rows
        self._demand(
            [
                *invariants.broken_by_rows(rows, held, self.network.sendings),
                *invariants.broken_by_sending(rows, self.network.sendings[self.checked :], self.known, held),
                *invariants.broken_by_books(state, self.postings),
                *invariants.over_reserved(rows, CAPTURED),
                *(f"I3 {id_}: two workers had it at once" for id_ in self.network.sent_twice),
            ]
        )
        self.postings, self.checked = state.books.postings, len(self.network.sendings)
        self.known = self._know(state, held)

    def _know(self, state: State, held: list[Object]) -> Known:
        refs: dict[str, set[str]] = {}
        payments = {payment.gateway_ref: str(payment.id) for payment in self.payments}
        for one in held:
            if one["status"] not in invariants.ENDED:
                refs.setdefault(payments[str(one["charge"])], set()).add(str(one["id"]))
        return Known(state.disputed, refs, {row.id: row.generation for row in state.rows})

    def _demand(self, broken: list[str]) -> None:
        if broken:
            self._violated(broken)

    def _violated(self, broken: list[str], cause: Exception | None = None) -> NoReturn:
        lines = "\n".join([f"seed {self.seed}: {'; '.join(broken)}", *(f"  {line}" for line in self.trace)])
        raise ViolationError(lines) from cause

    def held(self) -> list[Object]:
        """The refunds that the gateway holds."""
        return self.account.store.all("refund")

    # What workers and others do.

    def ask(self) -> None:
        """Somebody asks for a refund; it is refused only where too little is left."""
        charged = self._charged()
        amounts = (300, 700, 1815, CAPTURED * len(charged))
        plan = RefundPlan(self.dice.choice(amounts), "refund", fee_retained=85)
        left = sum(max(CAPTURED - self._taken(payment), 0) for payment in charged)
        is_held = self.dice.random() < HELD
        try:
            with transaction.atomic():
                made = request_refunds(charged, plan, uuid.uuid4(), "0" * 64, is_held=is_held)
                if self.dice.random() < self.network.weather.interruption:
                    self._meanwhile(self.ask)
        except NothingLeftError:
            if plan.amount <= left:
                self._violated([f"I2: {left} are left, and {plan.amount} were refused"])
        else:
            if plan.amount > left:
                self._violated([f"I1: {left} were left, and {plan.amount} were reserved"])
            if sum(refund.amount for refund in made) != plan.amount:
                self._violated([f"I1: the parts of {plan.amount} are {[refund.amount for refund in made]}"])

    def _charged(self) -> list[Payment]:
        """What the order was paid by that somebody asks about: one payment, or two."""
        if len(self.payments) > 1 and self.dice.random() < TOGETHER:
            return self.payments
        return [self.dice.choice(self.payments)]

    def let_go(self) -> None:
        """What a refund waited for is done."""
        held = [row for row in self.reading.state().rows if row.is_held]
        if held:
            _let_go(self.dice.choice(held).id)

    def _taken(self, payment: Payment) -> int:
        """What is reserved or gone by the rows, computed here once more."""
        state, id_ = self.reading.state(), str(payment.id)
        rows = [row for row in state.rows if row.payment == id_]
        return sum(row.amount for row in rows if row.state not in invariants.ENDED) + state.lost.get(id_, 0)

    def work(self) -> None:
        """A worker takes the next refund."""
        send_next(self.gateway)

    def tell(self) -> None:
        """An event arrives: any of them, in any order, perhaps again; every fifth never does."""
        oldest_first = self.account.store.all("event")[::-1]
        events = [one for number, one in enumerate(oldest_first, 1) if number % 5]
        if not events:
            return
        self._receive(self.dice.choice(events))

    def hear(self) -> None:
        """The newest event arrives, and is applied before the call that caused it is answered."""
        newest_first = self.account.store.all("event")
        if not newest_first or len(newest_first) % 5 == 0:
            return
        self._receive(newest_first[0])
        apply_notice(self.gateway, str(newest_first[0]["id"]))

    def _receive(self, event: Object) -> None:
        content = event["data"]
        assert isinstance(content, dict)
        receive(GatewayEvent(str(event["id"]), str(event["type"]), str(content["object"]["id"])))

    def apply(self) -> None:
        """A job applies a notice."""
        waiting = waiting_notices()
        if waiting:
            apply_notice(self.gateway, self.dice.choice(waiting))

    def sweep(self) -> None:
        """The sweeper asks about what is not settled."""
        sweep_refunds(self.gateway)

    def compare(self) -> None:
        """The daily comparison of one payment."""
        sync_payment(self.gateway, self.dice.choice(self.payments).gateway_ref)

    # What the world does.

    def pass_time(self) -> None:
        """Time passes, for the desk, the gateway and the database."""
        if self.may_pause_long and self.dice.random() < 1 / len(PAUSES):
            self.may_pause_long = False
            self._advance(LONG_PAUSE)
        else:
            self._advance(self.dice.choice(PAUSES))

    def stand_still(self) -> None:
        """A call takes long, or its worker is frozen."""
        self._advance(self.dice.choice(FROZEN))

    def _advance(self, seconds: int) -> None:
        if any(row.is_leased for row in self.reading.state().rows):
            # Leases run on the database's clock, which nobody moves; so they are moved against it.
            with connection.cursor() as cursor:
                cursor.execute(_EXPIRE, [seconds])
        until = clock.now() + timedelta(seconds=seconds)
        # Late requests arrive at their own time, not at the end of a pause.
        for at in sorted(datetime.fromtimestamp(late.at, UTC) for late in self.network.late):
            if at <= until:
                clock.stop_at(max(at, clock.now()))
                self.network.land()
        clock.stop_at(until)

    def _meanwhile(self, action: Callable[[], None] | None = None) -> None:
        """While one worker waits for the network, another one acts, on a connection of its own."""
        if self.is_interrupted:
            return
        self.is_interrupted = True
        actions = (
            self.work,
            self.work,
            self.compare,
            self.apply,
            self.tell,
            self.hear,
            self.stand_still,
            self.outside.settle,
            self.outside.fail_one,
            self.outside.dispute,
        )
        action = action or self.dice.choice(actions)
        self.trace.append(f"{clock.now():%m-%d %H:%M:%S}   meanwhile {action.__name__}")
        try:
            _elsewhere.submit(self._patiently, action).result()
        except (WorkerDied, GatewayError, ApiError, OperationalError) as error:
            self.trace[-1] += f": {type(error).__name__}"
        finally:
            self.is_interrupted = False
            self.reading.forget()

    def _patiently(self, action: Callable[[], None]) -> None:
        """On the second worker's connection; a lock that the first one holds cannot be waited for."""
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20ms'")
        with self.reading.noting():
            action()

    def _heal(self) -> None:
        """Everything works again: within some days nothing may be left open."""
        for row in self.reading.state().rows:
            if row.is_held:
                _let_go(row.id)
        self.reading.forget()
        is_whole = self.dice.random() < calm.WHOLE
        for pause in calm.PAUSES:
            self._advance(pause)
            self.step(self.outside.settle)
            for job in self.calm.round(self.dice):
                if is_whole or self._open():
                    self.step(job)
            if not self._open() and all(one["status"] != "pending" for one in self.held()):
                return
        self._violated(self._open())

    def _open(self) -> list[str]:
        return list(invariants.unsettled(self.reading.state().rows, self.held()))


def leave() -> None:
    """Close the second worker's connection."""
    _elsewhere.submit(connections.close_all).result()


def _let_go(refund_id: str) -> None:
    case_id = Refund.objects.get(id=refund_id).case_id
    assert case_id
    release(case_id)
