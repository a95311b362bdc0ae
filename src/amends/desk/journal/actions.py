"""Post entries and read balances."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Case, F, Sum, When

from amends.desk import clock
from amends.desk.journal.models import Account, Entry, Posting, Side


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
    kept = [line for line in lines if line.amount]
    if not kept:
        return None
    entry = Entry.objects.create(posted_at=clock.now(), kind=kind, reference=reference)
    _write(entry, currency, kept)
    return entry


def reverse(entry: Entry, kind: str, reference: str) -> Entry:
    """Mirror a recorded entry: what was debited is credited."""
    mirrored = Entry.objects.create(posted_at=clock.now(), kind=kind, reference=reference, reverses=entry)
    opposite = {Side.DEBIT.value: Side.CREDIT, Side.CREDIT.value: Side.DEBIT}
    Posting.objects.bulk_create(
        Posting(
            entry=mirrored,
            account=posting.account,
            side=opposite[posting.side],
            amount=posting.amount,
            currency=posting.currency,
        )
        for posting in entry.postings.order_by("id")
    )
    return mirrored


def _write(entry: Entry, currency: str, lines: Sequence[Line]) -> None:
    Posting.objects.bulk_create(
        Posting(entry=entry, account=line.account, side=line.side, amount=line.amount, currency=currency)
        for line in lines
    )


def balances() -> dict[tuple[str, str], int]:
    """For each account and currency, debits less credits, from zero."""
    signed = Case(When(side=Side.DEBIT, then=F("amount")), default=-F("amount"))
    rows = Posting.objects.values_list("account", "currency").annotate(total=Sum(signed))
    return {(account, currency): total for account, currency, total in rows.order_by("account", "currency")}
