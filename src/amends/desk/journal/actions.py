"""Post entries and read balances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Case, F, Sum, When

from amends.desk import clock
from amends.desk.journal.models import Account, Entry, Posting, Side
from amends.desk.unit_of_work import add


@dataclass(frozen=True, slots=True)
class Line:
    """One posting to be made.

    Amounts: minor units; lines of 0 are left out.
    """

    account: Account
    side: Side
    amount: int


def debit(account: Account, amount: int) -> Line:
    """A line on the debit side."""
    return Line(account, Side.DEBIT, amount)


def credit(account: Account, amount: int) -> Line:
    """A line on the credit side."""
    return Line(account, Side.CREDIT, amount)


def post(kind: str, reference: str, currency: str, lines: Sequence[Line]) -> Entry | None:
    """Post one event; nothing is posted where all lines are 0.

    Invariant: debits equal credits, checked by the database when the transaction ends.
    Idempotent: by kind and reference; a second call fails.
    """
    entries = post_each(reference, currency, {kind: lines})
    return entries[0] if entries else None


def post_each(reference: str, currency: str, events: Mapping[str, Sequence[Line]]) -> list[Entry]:
    """Post several events of one thing, by kind, as `post` does each."""
    now = clock.now()
    entries: list[Entry] = []
    postings: list[Posting] = []
    for kind, lines in events.items():
        entry = Entry(posted_at=now, kind=kind, reference=reference)
        kept = [_posting(entry, currency, line) for line in lines if line.amount]
        if kept:
            entries.append(entry)
            postings += kept
    for row in (*entries, *postings):
        add(row)
    return entries


def _posting(entry: Entry, currency: str, line: Line) -> Posting:
    return Posting(entry=entry, account=line.account, side=line.side, amount=line.amount, currency=currency)


def reverse(entry: Entry, kind: str, reference: str) -> Entry:
    """Mirror a recorded entry: what was debited is credited."""
    mirrored = Entry(posted_at=clock.now(), kind=kind, reference=reference, reverses=entry)
    opposite = {Side.DEBIT.value: Side.CREDIT, Side.CREDIT.value: Side.DEBIT}
    postings = [
        Posting(
            entry=mirrored,
            account=posting.account,
            side=opposite[posting.side],
            amount=posting.amount,
            currency=posting.currency,
        )
        for posting in entry.postings.order_by("id")
    ]
    for row in (mirrored, *postings):
        add(row)
    return mirrored


def balances() -> dict[tuple[str, str], int]:
    """For each account and currency, debits less credits, from zero."""
    signed = Case(When(side=Side.DEBIT, then=F("amount")), default=-F("amount"))
    rows = Posting.objects.values_list("account", "currency").annotate(total=Sum(signed))
    return {(account, currency): total for account, currency, total in rows.order_by("account", "currency")}
