"""The journal as CSV, for accountants: no cell can be taken for a formula."""

import csv
from collections.abc import Iterator

from amends.desk.journal.models import Posting
from amends.policy.money import Money

COLUMNS = ("posted_at", "entry", "kind", "reference", "account", "side", "amount", "currency", "reverses")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Line:
    """What the CSV writer writes to: it hands each line on."""

    def write(self, text: str) -> str:
        return text


def csv_lines() -> Iterator[str]:
    """The head and every posting, oldest first; rows are read as they are asked for."""
    writer = csv.writer(_Line(), lineterminator="\n")
    yield writer.writerow(COLUMNS)
    postings = Posting.objects.select_related("entry").order_by("entry__posted_at", "entry_id", "id")
    for posting in postings.iterator():
        yield writer.writerow([safe_cell(cell) for cell in _row(posting)])


def _row(posting: Posting) -> list[str]:
    entry = posting.entry
    amount = str(Money(posting.amount, posting.currency)).removeprefix(f"{posting.currency} ")
    return [
        entry.posted_at.isoformat(),
        str(entry.id),
        entry.kind,
        entry.reference,
        posting.account,
        posting.side,
        amount,
        posting.currency,
        str(entry.reverses_id or ""),
    ]


def safe_cell(text: str) -> str:
    """A cell that a spreadsheet shows and never computes."""
    return f"'{text}" if text.startswith(_FORMULA) else text
