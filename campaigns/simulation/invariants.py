"""What must hold after every step, computed from the database and the gateway without the desk's own rules."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection

from amends.sandbox.store import Object
from simulation.network import Sending

BOOKED = {
    "pending": ["refund_sent"],
    "requires_action": ["refund_sent"],
    "succeeded": ["refund_sent", "refund_settled"],
}
ENDED = ("rejected", "failed", "canceled")
NEVER_THERE = ("rejected", "canceled")
"""States in which nothing of a refund may be at the gateway, unless it ended there, too."""
LOW_BALANCE = "balance_insufficient"
"""A refusal that is stored under its key and passes, so that the next try needs a fresh one."""
NOT_NOW = (LOW_BALANCE, "rate_limit", "lock_timeout", "idempotency_key_in_use")
ANSWERED = ("succeeded", "requires_action", *ENDED)
KEYS_MAX = 2
REPLAYS_MAX = 3
LEGAL = {
    ("planned", "sending"),
    ("planned", "pending"),
    ("planned", "requires_action"),
    ("planned", "succeeded"),
    ("planned", "failed"),
    ("planned", "canceled"),
    ("sending", "planned"),
    *(("sending", state) for state in ("unknown", "pending", "requires_action", "succeeded", *ENDED)),
    *(("unknown", state) for state in ("sending", "pending", "requires_action", "succeeded", *ENDED)),
    *(("pending", state) for state in ("succeeded", "failed", "canceled", "requires_action")),
    *(("requires_action", state) for state in ("pending", "succeeded", "failed", "canceled")),
    ("succeeded", "failed"),
}
_STATE = """
SELECT
    (SELECT coalesce(jsonb_agg(jsonb_build_array(r.id, r.payment_id, r.origin, r.state, r.amount, r.gateway_ref, r.reason,
        r.generation, r.sends, r.is_held, r.leased_until IS NOT NULL, ARRAY(SELECT e.kind FROM journal_entry e
            WHERE e.reference = 'refund:' || r.id AND e.kind IN ('refund_sent', 'refund_settled')
            AND NOT EXISTS (SELECT FROM journal_entry m WHERE m.reverses_id = e.id) ORDER BY e.kind)) ORDER BY r.id), '[]')
        FROM payments_refund r),
    ARRAY(SELECT payment_id::text FROM payments_dispute WHERE status IN ('open', 'lost')),
    count(*), coalesce(sum(CASE side WHEN 'debit' THEN amount ELSE -amount END), 0),
    coalesce(sum(CASE side WHEN 'debit' THEN amount ELSE -amount END) FILTER (WHERE account = 'gateway_cash'), 0),
    coalesce(sum(CASE side WHEN 'debit' THEN amount ELSE -amount END)
        FILTER (WHERE account = 'refunds_in_transit'), 0),
    (SELECT coalesce(jsonb_object_agg(payment_id, amount), '{}') FROM (SELECT payment_id, sum(amount) AS amount
        FROM payments_dispute WHERE status = 'lost' GROUP BY payment_id) AS lost)
FROM journal_posting
"""
"""In one statement: every step is checked, and most of a world's time goes to asking."""
_MOVES = """
SELECT subject, action, detail ->> 'before' FROM audit_auditrow WHERE detail ? 'before' ORDER BY subject, sequence
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A refund as the database has it."""

    id: str
    payment: str
    origin: str
    state: str
    amount: int
    ref: str | None
    reason: str
    generation: int
    sends: int
    is_held: bool
    is_leased: bool
    entries: list[str]

    @property
    def needs_person(self) -> bool:
        """Whether no automatic step may touch it any more."""
        return self.reason == "needs_person"


@dataclass(slots=True)
class Books:
    """The journal in four numbers.

    Amounts: debits less credits, in minor units.
    """

    postings: int
    total: int
    cash: int
    transit: int


@dataclass(frozen=True, slots=True)
class State:
    """What the desk's database says."""

    rows: list[Row]
    """All refunds."""
    books: Books
    disputed: frozenset[str]
    """The payments whose disputes the desk knows."""
    lost: dict[str, int]
    """What lost disputes took of each payment, by their rows."""


def read_state() -> State:
    """The database now."""
    with connection.cursor() as cursor:
        cursor.execute(_STATE)
        found = cursor.fetchone()
    assert found is not None
    rows, disputed, *numbers, lost = found
    return State(
        [Row(*row) for row in json.loads(rows)],
        Books(*(int(number) for number in numbers)),
        frozenset(disputed),
        json.loads(lost),
    )


def broken_by_rows(rows: Sequence[Row], held: Sequence[Object], sendings: Sequence[Sending]) -> Iterator[str]:
    """I3 and I5: a refund of ours is at the gateway at most once, and its state says what is there and is booked."""
    own = Counter(_refund_id(one) for one in held)
    yield from (f"I3 {id_}: {count} at the gateway" for id_, count in own.items() if id_ and count > 1)
    alive = {_refund_id(one) for one in held if one["status"] not in ENDED}
    known = {str(one["id"]): one for one in held}
    refused = {one.refund_id for one in sendings if 400 <= one.status < 500}
    keys = Counter(id_ for id_, _ in {(one.refund_id, one.key) for one in sendings})
    spent = Counter(
        id_ for id_, _ in {(one.refund_id, one.key) for one in sendings if one.code == LOW_BALANCE}
    )
    for row in rows:
        if row.entries != BOOKED.get(row.state, []):
            yield f"I5 {row.id}: is {row.state}, booked are {row.entries}"
        if row.state in NEVER_THERE and row.id in alive:
            yield f"I3 {row.id}: is {row.state}, and at the gateway it lives"
        if row.state == "rejected" and row.id not in refused:
            yield f"I3 {row.id}: is rejected, and the gateway never said so"
        if row.state in BOOKED and (row.ref is None or row.ref not in known):
            yield f"I3 {row.id}: is {row.state}, and the gateway has no {row.ref}"
        if row.state in BOOKED and row.ref in known and known[row.ref]["amount"] != row.amount:
            yield f"I9 {row.id}: is of {row.amount}, the gateway's of {known[row.ref]['amount']}"
        if keys[row.id] > min(row.generation + 1, KEYS_MAX) + spent[row.id]:
            yield f"I3 {row.id}: {keys[row.id]} keys, and it knows of {row.generation + 1}"
        if row.needs_person and row.generation == 0:
            yield f"I14 {row.id}: a person is asked too early"
        if row.state == "rejected" and row.reason in NOT_NOW:
            yield f"I14 {row.id}: {row.reason} is not for ever"
    yield from _sends_not_counted(rows, sendings)
    yield from _sent_in_vain(sendings)


def broken_by_sending(
    rows: Sequence[Row], fresh: Sequence[Sending], before: "Known", held: Sequence[Object]
) -> Iterator[str]:
    """I13 and its like: what was known before a step, and still holds, forbids some of the sends in it."""
    alive = {str(one["id"]) for one in held if one["status"] not in ENDED}
    by_id = {row.id: row for row in rows}
    ours = {row.ref for row in rows}
    for one in fresh:
        row = by_id.get(one.refund_id)
        if row is None or one.is_late:
            continue
        if row.payment in before.disputed:
            yield f"I13 {row.id}: was sent after a dispute was known"
        if row.is_held:
            yield f"I9 {row.id}: was sent while it was held"
        is_fresh_key = before.generations.get(row.id, 0) < row.generation
        if is_fresh_key and (before.refs.get(row.payment, set()) & alive) - ours:
            yield f"I3 {row.id}: has a second key beside a refund that we do not know"


@dataclass(frozen=True, slots=True)
class Known:
    """What there was before a step."""

    disputed: frozenset[str]
    """Payments with a dispute that the desk knew."""
    refs: dict[str, set[str]]
    """The gateway's living refunds of each payment."""
    generations: dict[str, int]
    """How many keys each refund had used up."""


def _sent_in_vain(sendings: Sequence[Sending]) -> Iterator[str]:
    """What is stored under a key is not asked for again, unless a worker died with the answer in its hand."""
    replays = Counter(
        one.key for one in sendings if one.was_replay and (one.status >= 500 or one.code == LOW_BALANCE)
    )
    yield from (
        f"I14: the key {key} was answered {count} times by its stored error"
        for key, count in replays.items()
        if count > REPLAYS_MAX
    )


def over_reserved(rows: Sequence[Row], captured: int) -> Iterator[str]:
    """I1: our own refunds alone never exceed a charge."""
    for payment in {row.payment for row in rows}:
        own = [
            one for one in rows if one.payment == payment and one.origin == "desk" and one.state not in ENDED
        ]
        if sum(one.amount for one in own) > captured:
            yield f"I1 {payment}: {sum(one.amount for one in own)} are reserved of {captured}"


def _sends_not_counted(rows: Sequence[Row], sendings: Sequence[Sending]) -> Iterator[str]:
    """A send is in the database before it is on the wire, so that nobody can forget one."""
    arrived = Counter(one.refund_id for one in sendings)
    yield from (
        f"I3 {row.id}: {arrived[row.id]} sends arrived, {row.sends} were counted"
        for row in rows
        if arrived[row.id] > row.sends
    )


def broken_by_books(state: State, postings_before: int) -> Iterator[str]:
    """I4 and I5: the journal sums to zero and only grows, and its balances are those of the states."""
    rows, books, lost = state.rows, state.books, sum(state.lost.values())
    if books.total:
        yield f"I4: the journal is off by {books.total}"
    if books.postings < postings_before:
        yield f"I4: {postings_before} postings became {books.postings}"
    sent = sum(row.amount for row in rows if row.state == "succeeded")
    if books.cash != -sent - lost:
        yield f"I5: cash says {-books.cash}, the states say {sent} and the disputes {lost}"
    waiting = sum(row.amount for row in rows if row.state in ("pending", "requires_action"))
    if books.transit != -waiting:
        yield f"I5: in transit are {-books.transit}, the states say {waiting}"


def broken_moves(rows: Sequence[Row]) -> Iterator[str]:
    """I15 and I19: the audit rows of each refund form one way through the table of transitions, to where it is."""
    with connection.cursor() as cursor:
        cursor.execute(_MOVES)
        moves = cursor.fetchall()
    yield from (
        f"I15 {subject}: went from {before} to {after}"
        for subject, after, before in moves
        if (before, after) not in LEGAL
    )
    last = {subject: after for subject, after, _ in moves}
    yield from (
        f"I19 {row.id}: is {row.state}, its audit trail ends with {last.get(f'refund:{row.id}')}"
        for row in rows
        if row.state in ANSWERED and last.get(f"refund:{row.id}") != row.state
    )


def unsettled(rows: Sequence[Row], held: Sequence[Object]) -> Iterator[str]:
    """I14, once everything works again: our states are the gateway's, or a person is asked."""
    known = {str(one["id"]): one for one in held}
    for row in rows:
        if row.needs_person or row.state in NEVER_THERE:
            continue
        if row.ref is None or row.ref not in known:
            yield f"I14 {row.id}: is still {row.state} ({row.reason})"
        elif known[row.ref]["status"] != row.state:
            yield f"I14 {row.id}: is {row.state}, at the gateway {known[row.ref]['status']}"
    ours = {row.ref for row in rows}
    yield from (f"I1 {ref}: the gateway has it, we do not" for ref in known if ref not in ours)


def _refund_id(held: Object) -> str:
    metadata = held["metadata"]
    return str(metadata.get("refund_id", "")) if isinstance(metadata, dict) else json.dumps(metadata)
