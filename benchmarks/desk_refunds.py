"""A whole refund by the rooms of the desk, and by a view that does the least that moves the same money."""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import stripe
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import RequestFactory

from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.cases.models import Case, CaseState, Channel, RequestKind
from amends.desk.cases.opening import Request, open_case
from amends.desk.cases.paying import follow
from amends.desk.orders.actions import SoldLine, record_order
from amends.desk.orders.models import Line, Plan, Product
from amends.desk.payments.sending import send_next
from amends.desk.payments.stripe_gateway import API_VERSION, StripeGateway
from amends.desk.policies.actions import publish
from desk_by_hand import ByHand

ROOT = Path(__file__).parents[1]
AMOUNT = 1900
Cost = tuple[float, float, float, float]
"""CPU milliseconds of this process and of the database's, statements, bytes of WAL."""
_TICKS = os.sysconf("SC_CLK_TCK")
Item = TypeVar("Item")
_NUMBERS = count(1)

PLAIN_TABLES = """
CREATE TABLE plain_payment (ref text PRIMARY KEY, captured bigint NOT NULL, returned bigint NOT NULL DEFAULT 0);
CREATE TABLE plain_refund (id uuid PRIMARY KEY, payment text NOT NULL REFERENCES plain_payment, amount bigint NOT NULL,
    state text NOT NULL, ref text, created_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON plain_refund (payment);
CREATE TABLE plain_posting (id bigserial PRIMARY KEY, refund uuid NOT NULL REFERENCES plain_refund,
    account text NOT NULL, amount bigint NOT NULL);
"""

KEPT = """
SELECT what, sum(size)::integer FROM cases_case AS asked, LATERAL (
    SELECT 'letters', pg_column_size(one.*) FROM notices_letter AS one WHERE case_id = asked.id
    UNION ALL SELECT 'audit trail', pg_column_size(one.*) FROM audit_auditrow AS one
        WHERE subject IN ('case:' || asked.id, 'refund:' || (SELECT id FROM payments_refund WHERE case_id = asked.id))
    UNION ALL SELECT 'decision', pg_column_size(one.*) FROM cases_decisionrecord AS one WHERE case_id = asked.id
    UNION ALL SELECT 'books', pg_column_size(one.*) FROM journal_posting AS one JOIN journal_entry AS entry
        ON entry.id = one.entry_id JOIN payments_refund AS refund
        ON refund.case_id = asked.id AND entry.reference = 'refund:' || refund.id
    UNION ALL SELECT 'case, message and refund', pg_column_size(one.*) FROM cases_message AS one WHERE case_id = asked.id
    UNION ALL SELECT 'case, message and refund', pg_column_size(one.*) FROM payments_refund AS one
        WHERE case_id = asked.id
    UNION ALL SELECT 'case, message and refund', pg_column_size(asked.*)
) AS kept(what, size) WHERE asked.id = (SELECT id FROM cases_case WHERE state = 'closed' LIMIT 1)
GROUP BY what ORDER BY 2 DESC
"""


@dataclass(slots=True)
class Counter:
    """Counts what a block sends to the database."""

    statements: int = 0

    def __call__(self, execute: Callable[..., object], *words: object) -> object:
        self.statements += 1
        return execute(*words)


class Refunds:
    """One desk with a policy, one customer for each refund, and the tables of the plain view beside it."""

    def __init__(self, address: str) -> None:
        self.gateway = StripeGateway("sk_test_benchmark", address)
        self.sdk = stripe.StripeClient(
            "sk_test_benchmark",
            stripe_version=API_VERSION,
            base_addresses={"api": address},
            max_network_retries=0,
        )
        publish((ROOT / "policies" / "flux-kontext.md").read_text(), None)
        self.plan = Plan.objects.create(code="monthly", name="Monthly plan", interval="month")
        with connection.cursor() as cursor:
            cursor.execute(PLAIN_TABLES)

    def run(self, number: int) -> dict[str, Cost]:
        """The costs of one refund each way."""
        lines = [self._sell() for _ in range(number)]
        charges = [self._charge() for _ in range(number)]
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO plain_payment (ref, captured) VALUES (%s, %s)",
                [(ref, AMOUNT) for ref in charges],
            )
            cursor.execute("CHECKPOINT")
            cursor.execute("VACUUM (ANALYZE)")
        backend = _look("pg_backend_pid()")
        rooms = _measure(self._by_rooms, lines, backend)
        assert Case.objects.filter(line__in=lines, state=CaseState.CLOSED).count() == number
        return {
            "rooms": rooms,
            "plain view": _measure(self._by_view, charges, backend),
            "by hand": self._measure_by_hand(number),
        }

    def kept_bytes(self) -> dict[str, int]:
        """How long the rows are that one refund leaves, by what they are."""
        with connection.cursor() as cursor:
            cursor.execute(KEPT, [])
            return dict(cursor.fetchall())

    def _measure_by_hand(self, number: int) -> Cost:
        charges = [self._charge() for _ in range(number)]
        self.by_hand.prepare(charges, AMOUNT)
        before = self.by_hand.statements
        backend = self.by_hand.database.info.backend_pid
        cpu, in_database, _, wal = _measure(self.by_hand.refund, charges, backend)
        return cpu, in_database, (self.by_hand.statements - before) / number, wal

    @cached_property
    def by_hand(self) -> ByHand:
        """Made once there is a refund whose words can be copied."""
        return ByHand(self.sdk, AMOUNT - 85)

    def _charge(self) -> str:
        intent = self.sdk.v1.payment_intents.create(
            {
                "amount": AMOUNT,
                "currency": "usd",
                "confirm": True,
                "payment_method": "pm_card_visa",
                "metadata": {"fee": "85"},
            }
        )
        return str(intent.latest_charge)

    def _sell(self) -> Line:
        number, now = next(_NUMBERS), clock.now()
        customer = Customer.objects.create(
            external_id=f"user-{number}", email=f"user-{number}@example.com", created_at=now
        )
        sold = SoldLine(Product.SUBSCRIPTION, "Monthly plan", AMOUNT, "generation", plan=self.plan)
        order = record_order(customer, f"O-{number}", now, [self.gateway.charge(self._charge())], [sold])
        return order.lines.select_related("order__customer").get()

    def _by_rooms(self, line: Line) -> None:
        customer = line.order.customer
        case = open_case(
            Request(customer, line, RequestKind.REFUND, Channel.API, "It is not what I expected.")
        )
        refund = send_next(self.gateway)
        assert refund is not None
        assert refund.case_id is not None
        follow(refund.case_id)
        assert case.state == CaseState.PAYING

    def _by_view(self, ref: str) -> None:
        body = json.dumps({"payment": ref, "amount": AMOUNT - 85})
        request = RequestFactory().post("/refund", body, content_type="application/json")
        assert self._refund(request).status_code == 200

    def _refund(self, request: HttpRequest) -> HttpResponse:
        """Five statements: what is left, the intent, the answer, two lines in the books."""
        asked, refund = json.loads(request.body), uuid4()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE plain_payment SET returned = returned + %s WHERE ref = %s AND returned + %s <= captured",
                [asked["amount"], asked["payment"], asked["amount"]],
            )
            assert cursor.rowcount == 1
            cursor.execute(
                "INSERT INTO plain_refund (id, payment, amount, state) VALUES (%s, %s, %s, 'sending')",
                [refund, asked["payment"], asked["amount"]],
            )
        made = self.sdk.v1.refunds.create(
            {"charge": asked["payment"], "amount": asked["amount"], "metadata": {"refund_id": str(refund)}},
            {"idempotency_key": str(refund)},
        )
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE plain_refund SET state = %s, ref = %s WHERE id = %s", [made.status, made.id, refund]
            )
            for account, amount in (("revenue", asked["amount"]), ("cash", -asked["amount"])):
                cursor.execute(
                    "INSERT INTO plain_posting (refund, account, amount) VALUES (%s, %s, %s)",
                    [refund, account, amount],
                )
        return JsonResponse({"id": str(refund), "state": made.status})


def _measure(work: Callable[[Item], None], items: Sequence[Item], backend: int) -> Cost:
    """The cost of each item; `backend` is the process of the database that serves it."""
    counter = Counter()
    wal, in_database, cpu = _wal(), _seconds(backend), time.process_time()
    with connection.execute_wrapper(counter):
        for item in items:
            work(item)
    spent, in_database = time.process_time() - cpu, _seconds(backend) - in_database
    costs = (spent * 1000, in_database * 1000, counter.statements, _wal() - wal)
    own, others, statements, written = (cost / len(items) for cost in costs)
    return own, others, statements, written


def _wal() -> int:
    return _look("(pg_current_wal_insert_lsn() - '0/0')::bigint")


def _seconds(process: int) -> float:
    """The CPU time that another process of this machine has had, in steps of the kernel's clock."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _look(expression: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {expression}")
        (value,) = cursor.fetchone() or (0,)
    return int(value)
