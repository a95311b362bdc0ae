"""Journal entries and their postings. The database refuses entries that do not balance, and every change."""

from django.db import models
from django.db.models import Q

from amends.desk import ids


class Account(models.TextChoices):
    """The ledger accounts; the second word says which side increases them."""

    GATEWAY_CASH = "gateway_cash", "debit"
    BANK_CASH = "bank_cash", "debit"
    REFUNDS_IN_TRANSIT = "refunds_in_transit", "credit"
    PAYOUTS_IN_TRANSIT = "payouts_in_transit", "credit"
    SUBSCRIPTION_REVENUE = "subscription_revenue", "credit"
    CREDIT_LIABILITY_PAID = "credit_liability_paid", "credit"
    CREDIT_LIABILITY_PROMOTIONAL = "credit_liability_promotional", "credit"
    PROCESSING_FEES = "processing_fees", "debit"
    FEES_RETAINED = "fees_retained", "credit"
    TAX = "tax", "credit"
    GOODWILL = "goodwill", "debit"
    DISPUTE_LOSSES = "dispute_losses", "debit"
    ROUNDING = "rounding", "debit"


class Side(models.TextChoices):
    """Where a posting stands."""

    DEBIT = "debit"
    CREDIT = "credit"


class Entry(models.Model):
    """One event in the books; a correction is another entry that mirrors it."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    posted_at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    """What happened, such as `charge` or `refund_sent`."""
    reference = models.TextField()
    """Kind and id of what it happened to; an event is posted once."""
    reverses = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="mirrored_by", db_index=False
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["kind", "reference"], name="entry_posted_once"),
            models.UniqueConstraint(
                fields=["reverses"], condition=Q(reverses__isnull=False), name="entry_mirrored_once"
            ),
        )


class Posting(models.Model):
    """One line of an entry."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="postings")
    account = models.CharField(max_length=40, choices=Account.choices)
    side = models.CharField(max_length=6, choices=Side.choices)
    amount = models.BigIntegerField()
    """Minor units of the currency, above zero."""
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(amount__gt=0), name="posting_above_zero"),
            models.CheckConstraint(condition=Q(account__in=Account.values), name="posting_known_account"),
            models.CheckConstraint(condition=Q(side__in=Side.values), name="posting_known_side"),
        )
