"""What trials with real processes stand on: a durable database, a gateway, workers that can be killed, and a verdict."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from simulation import database

CAMPAIGNS = Path(__file__).parent
OWN_SOURCE = CAMPAIGNS.parent / "src"
AMOUNT = 500
"""So little of a charge that a second one would not be refused."""
ROUNDS_MAX = 400
LOGS_MAX = 1_000
BY_LINE = "postgresql://amends@127.0.0.1:{port}/{name}?sslmode=disable&gssencmode=disable"


@dataclass(slots=True)
class Stage:
    """One gateway and one database; everything is asked and seen from here."""

    address: str
    """Of the gateway."""
    environment: dict[str, str]
    """Of the desk's processes."""
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def ask(self, number: int) -> list[str]:
        """Refunds of as many charges; their ids."""
        from django.db import transaction

        from amends.desk import clock
        from amends.desk.accounts.models import Customer
        from amends.desk.payments.actions import request_refund
        from amends.desk.payments.models import Payment
        from amends.desk.payments.refund_plan import RefundPlan

        made = []
        for _ in range(number):
            charge = self._charge()
            customer = Customer.objects.create(external_id=charge, email="", created_at=clock.now())
            payment = Payment.objects.create(
                customer=customer,
                gateway="stripe",
                gateway_ref=charge,
                captured=1900,
                currency="USD",
                captured_at=clock.now(),
                method="Card",
                fee=85,
            )
            with transaction.atomic():
                plan = RefundPlan(AMOUNT, "refund")
                made.append(str(request_refund(payment, plan, uuid.uuid4(), "0" * 64).id))
        return made

    def _charge(self) -> str:
        form = {"amount": "1900", "currency": "usd", "payment_method": "pm_card_visa"}
        intent = self.call("/v1/payment_intents", **form, confirm="true")
        return str(intent["latest_charge"])

    def call(self, address: str, /, **form: str) -> dict[str, object]:
        """Ask the gateway, as its dashboard would."""
        body = urllib.parse.urlencode(form).encode() if form else None
        headers = {"Authorization": "Bearer sk_test"}
        request = urllib.request.Request(f"{self.address}{address}", body, headers)  # noqa: S310  # our own process
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # as above
            found: dict[str, object] = json.load(answer)
        return found

    def calm(self) -> None:
        """Nothing goes wrong at the gateway any more."""
        request = urllib.request.Request(f"{self.address}/_sandbox/faults", method="DELETE")  # noqa: S310  # our own process
        urllib.request.urlopen(request, timeout=30).close()  # noqa: S310  # as above

    def start(
        self, source: Path, *, threads: int = 1, death: str = "", gateway: str = "", port: int = 0
    ) -> subprocess.Popen[bytes]:
        """A worker over the code of a folder; `port` is of a line to the database, where it is not reached directly."""
        path = os.pathsep.join([str(source), str(CAMPAIGNS)])
        command = [sys.executable, str(CAMPAIGNS / "worker.py"), gateway or self.address, str(threads), death]
        environment = self.environment | {"PYTHONPATH": path}
        if port:
            environment["DATABASE_URL"] = BY_LINE.format(port=port, name=self._place()["dbname"])
        worker = subprocess.Popen(command, env=environment)
        self.workers.append(worker)
        return worker

    def _place(self) -> dict[str, str]:
        from psycopg.conninfo import conninfo_to_dict

        return {
            name: str(value) for name, value in conninfo_to_dict(self.environment["DATABASE_URL"]).items()
        }

    def socket(self) -> Path:
        """Where the server listens."""
        return Path(self._place()["host"]) / ".s.PGSQL.5432"

    def use_server(self, folder: Path) -> None:
        """Start the server of a folder again if it has stopped; this process connects afresh."""
        from django.db import connection

        from amends.desk import embedded_postgres

        embedded_postgres.use(folder)
        connection.close()

    def run_out_of_log(self) -> None:
        """Ask for one part of the log after the other, until the server cannot go on."""
        import psycopg

        with contextlib.suppress(psycopg.Error), psycopg.connect(self.environment["DATABASE_URL"]) as server:
            server.autocommit = True
            for _ in range(LOGS_MAX):
                server.execute("SELECT pg_logical_emit_message(false, 'campaign', repeat('x', 1000000))")

    def end(self, *workers: subprocess.Popen[bytes]) -> None:
        """Kill workers, or all there are, and let their leases be over: the database's clock is not moved."""
        for worker in workers or self.workers:
            with contextlib.suppress(ProcessLookupError):
                worker.send_signal(signal.SIGKILL)
            worker.wait()
        self.age_leases()

    def age_leases(self) -> None:
        """As if 90 seconds had passed."""
        self.run(
            "UPDATE payments_refund SET leased_until = now() - interval '1 second' WHERE leased_until IS NOT NULL"
        )

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """A statement on a connection of its own, once the database is there."""
        import psycopg

        for _ in range(200):
            try:
                with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as server:
                    cursor = server.execute(statement.encode())
                    return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise TimeoutError("The database did not come back.")

    def pass_time(self, **by: float) -> None:
        """Time passes for the desk and the gateway."""
        from amends.desk import clock

        clock.advance(timedelta(**by))

    def states(self) -> dict[str, int]:
        """How many refunds are in each state."""
        return {
            str(state): int(str(count))
            for state, count in self.run("SELECT state, count(*) FROM payments_refund GROUP BY state")
        }

    def are_open(self) -> bool:
        """Whether something is still to be sent or looked for."""
        states = ("planned", "sending", "unknown")
        return any(self.states().get(state) for state in states)

    def heal(self, source: Path, *, threads: int = 1) -> None:
        """Everything works again, and time passes until nothing is open."""
        worker = self.start(source, threads=threads)
        self.settle()
        self.end(worker)

    def settle(self) -> None:
        """Nothing goes wrong any more, and time passes until the workers that there are have left nothing open."""
        self.calm()
        self.age_leases()
        for _ in range(ROUNDS_MAX):
            if not self.are_open():
                break
            time.sleep(0.1)
            self.pass_time(minutes=5)

    def clear_up(self) -> int:
        """Two people of finance state of each refund that was given to a person that it was never made; how many were."""
        from django.db import connection, transaction

        from amends.desk.accounts.models import Role, User
        from amends.desk.payments.clearing import Statement, confirm_finding, state_finding
        from amends.desk.payments.models import Claim, Refund
        from amends.desk.payments.protocol import NEEDS_PERSON
        from amends.desk.payments.stripe_gateway import StripeGateway

        connection.close()
        given = list(Refund.objects.filter(state="unknown", reason=NEEDS_PERSON).select_related("payment"))
        if not given:
            return 0
        gateway = StripeGateway("sk_test_campaign", self.address)
        one, other = (
            User.objects.create_user(f"{name}@desk.example", name, (Role.FINANCE,))
            for name in ("one", "other")
        )
        for refund in given:
            with transaction.atomic():
                said = Statement(Claim.SEND_AGAIN, "The gateway does not show it.")
                finding = state_finding(gateway, refund, one, said)
                confirm_finding(gateway, refund, other, str(finding.id))
        return len(given)

    def verdict(self, refunds: list[str]) -> list[str]:
        """What is wrong: not exactly one at the gateway, another state, other books, a difference from the gateway."""
        dump = self.call("/_sandbox/dump")["refund"]
        assert isinstance(dump, list)
        wrong = []
        rows = {
            str(id_): str(state) for id_, state in self.run("SELECT id::text, state FROM payments_refund")
        }
        settled = self.run("SELECT reference FROM journal_entry WHERE kind = 'refund_settled'")
        booked = [str(reference) for (reference,) in settled]
        for refund in refunds:
            held = [one for one in dump if one["metadata"].get("refund_id") == refund]
            if len(held) != 1 or held[0]["amount"] != AMOUNT:
                wrong.append(f"{refund}: {len(held)} at the gateway")
            if rows.get(refund) != "succeeded":
                wrong.append(f"{refund}: is {rows.get(refund, 'lost')}")
            if booked.count(f"refund:{refund}") != 1:
                wrong.append(f"{refund}: is booked {booked.count(f'refund:{refund}')} times")
        return [*wrong, *self._differences()]

    def _differences(self) -> Iterator[str]:
        """What the desk itself finds: in its books, and where it compares each payment with the gateway."""
        from django.db import connection

        from amends.desk.books import check_books
        from amends.desk.payments.inbox import compare_payment
        from amends.desk.payments.models import Payment
        from amends.desk.payments.stripe_gateway import StripeGateway

        # The server may have been stopped since this process last asked.
        connection.close()
        # The refunds of a trial belong to no case, so nobody has agreed to them.
        yield from (words for words in check_books() if not words.endswith(": nobody approved its plan"))
        gateway = StripeGateway("sk_test_campaign", self.address)
        for ref in Payment.objects.values_list("gateway_ref", flat=True):
            compared = compare_payment(gateway, ref)
            assert compared is not None
            yield from (f"{ref}: {one.kind} {one.our_state} {one.their_state}" for one in compared.mismatches)


@contextlib.contextmanager
def stage(name: str, server: Path = database.DURABLE) -> Iterator[Stage]:
    """A fresh database and a fresh gateway; every worker is gone at the end."""
    from django.db import connection

    with tempfile.TemporaryDirectory() as folder:
        address = database.prepare(name, server)
        database.STATE.mkdir(parents=True, exist_ok=True)
        (database.STATE / "clock").unlink(missing_ok=True)
        environment = os.environ | {"AMENDS_STATE": folder}
        Path(folder, "clock").symlink_to(database.STATE / "clock")
        port = _free_port()
        gateway = subprocess.Popen(
            [sys.executable, "-m", "amends", "sandbox", "--port", str(port)], env=environment
        )
        made = Stage(f"http://127.0.0.1:{port}", os.environ | {"DATABASE_URL": address})
        try:
            _wait_for(port)
            yield made
        finally:
            made.end()
            gateway.kill()
            gateway.wait()
            connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)


def wait_until(is_so: Callable[[], bool], seconds: float = 15) -> None:
    """Look again and again.

    Raises: TimeoutError.
    """
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError("What a trial waits for did not come.")
        time.sleep(0.05)
