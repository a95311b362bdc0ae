"""Prove the books from zero: every sum computed again, state against journal, every chain of the audit trail."""

from collections.abc import Iterator

from django.db.models import F, Sum

from amends.desk.audit.actions import broken_days, broken_rows
from amends.desk.cases.models import Approval, Case, CaseState, DecisionRecord
from amends.desk.credits.models import Lot
from amends.desk.journal.actions import balances
from amends.desk.journal.models import Entry, Posting, Side
from amends.desk.payments.actions import is_over_returned
from amends.desk.payments.bookkeeping import expected_kinds, refund_lines, standing_entries
from amends.desk.payments.models import Origin, Payment, Refund
from amends.desk.payouts.actions import is_paid_twice
from amends.desk.payouts.batches import wrong_payouts
from amends.desk.policies import actions as policies
from amends.policy.replay import replay


def check_books() -> Iterator[str]:
    """Every place at which something does not hold, in words; nothing where all is well."""
    yield from _unbalanced()
    for refund in Refund.objects.order_by("id").iterator():
        yield from _wrong_refund(refund)
    for payment in Payment.objects.order_by("id").iterator():
        if is_over_returned(payment):
            yield f"payment {payment.id}: more was returned than was charged"
        if is_paid_twice(payment):
            yield f"payment {payment.id}: the gateway and the bank both paid one refund"
    yield from wrong_payouts()
    yield from _wrong_lots()
    yield from _wrong_approvals()
    yield from _stuck_cases()
    yield from broken_rows()
    yield from broken_days()


def _unbalanced() -> Iterator[str]:
    totals = Posting.objects.values("entry_id", "currency", "side").annotate(total=Sum("amount"))
    sums: dict[tuple[object, str], int] = {}
    for row in totals:
        key = (row["entry_id"], row["currency"])
        sums[key] = sums.get(key, 0) + (row["total"] if row["side"] == Side.DEBIT else -row["total"])
    yield from (
        f"journal entry {entry}: off by {total} {currency}"
        for (entry, currency), total in sums.items()
        if total
    )
    by_currency: dict[str, int] = {}
    for (_, currency), total in balances().items():
        by_currency[currency] = by_currency.get(currency, 0) + total
    yield from (f"journal: off by {total} {currency}" for currency, total in by_currency.items() if total)


def _wrong_refund(refund: Refund) -> Iterator[str]:
    """The state of a refund implies exactly its postings (invariant I5)."""
    standing = standing_entries(refund)
    wanted = expected_kinds(refund)
    if set(standing) != wanted:
        yield f"refund {refund.id}: is {refund.state}, but posted are {sorted(standing) or 'none'}"
    for kind, entry in standing.items():
        lines = sorted(
            (line.account.value, line.side.value, line.amount)
            for line in refund_lines(refund, kind)
            if line.amount
        )
        if lines != sorted(entry.postings.values_list("account", "side", "amount")):
            yield f"refund {refund.id}: {kind} was posted otherwise than it should"


def _wrong_lots() -> Iterator[str]:
    wrong = Lot.objects.annotate(moved=Sum("moves__quantity", default=0)).exclude(
        remaining=F("quantity") + F("moved")
    )
    yield from (f"lot {lot.id}: {lot.remaining} remain, but its moves leave another number" for lot in wrong)


def _wrong_approvals() -> Iterator[str]:
    """What was approved is what is sent (invariant I9)."""
    approved = set(Approval.objects.filter(verdict="approve").values_list("decision__case_id", "plan_sha256"))
    for refund in Refund.objects.filter(origin=Origin.DESK, case_id__isnull=False).order_by("id").iterator():
        if (refund.case_id, refund.plan_sha256) not in approved:
            yield f"refund {refund.id}: nobody approved its plan"
    own = Approval.objects.filter(by__isnull=False, by=F("decision__proposed_by"))
    yield from (f"decision {one.decision_id}: approved by who proposed it" for one in own)


def _stuck_cases() -> Iterator[str]:
    """Every open case waits for a person, a customer, a date or the gateway (invariant I14)."""
    waiting = Case.objects.filter(state__in=[CaseState.OPEN, CaseState.DECIDED])
    yield from (
        f"case {case.number}: nobody has a task"
        for case in waiting
        if not case.tasks.filter(done_at=None).exists()
    )
    dateless = Case.objects.filter(state__in=[CaseState.SCHEDULED, CaseState.WAITING_ON_DESK], wakes_at=None)
    yield from (f"case {case.number}: waits for no day" for case in dateless)


def check_decisions() -> Iterator[str]:
    """Every stored decision that does not replay byte for byte (invariant I10)."""
    for record in DecisionRecord.objects.select_related("version").order_by("id").iterator():
        stored = record.core | {"facts": record.inputs, "core_sha256": record.core_sha256}
        if record.waived or record.grant_by:
            stored |= {"waive": record.waived, "grant_by": record.grant_by or None}
        asked = [record.version, *policies.versions_named(record.alternatives)]
        if difference := replay([policies.read(version) for version in asked], stored):
            yield f"decision {record.id}: replays with another {difference}"


def count_checked() -> dict[str, int]:
    """How much was looked at."""
    return {
        "entries": Entry.objects.count(),
        "refunds": Refund.objects.count(),
        "payments": Payment.objects.count(),
        "lots": Lot.objects.count(),
        "decisions": DecisionRecord.objects.count(),
    }
