"""Metered events, as the host product reports them."""

from django.db import models
from django.db.models import Q

from amends.desk.accounts.models import Customer


class UseOutcome(models.TextChoices):
    """How a job ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    MODERATED = "moderated"


class PaidBy(models.TextChoices):
    """What a job was paid with."""

    QUOTA = "quota"
    """The plan's own allowance; only these count against the policy's limit (reading R2)."""
    CREDITS = "credits"


class UsageEvent(models.Model):
    """One job; written once for each id of a source, never changed. A correction is an event that names another."""

    source = models.TextField()
    event_id = models.TextField()
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    meter = models.TextField()
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=UseOutcome.choices)
    paid_by = models.CharField(max_length=10, choices=PaidBy.choices)
    quantity = models.BigIntegerField(default=1)
    corrects = models.TextField(blank=True)
    """The id, of the same source, of an event that this one takes back."""
    payload_sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["source", "event_id"], name="event_taken_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="event_quantity_above_zero"),
        )
        indexes = (
            models.Index(
                fields=["customer", "meter", "at", "id"],
                condition=Q(outcome="succeeded", paid_by="quota", corrects=""),
                name="event_counted_in_order",
            ),
            models.Index(
                fields=["customer", "source", "corrects"], condition=~Q(corrects=""), name="event_correcting"
            ),
            models.Index(
                fields=["customer", "meter", "paid_by", "at", "id"],
                condition=Q(outcome="failed"),
                name="event_failed_in_order",
            ),
        )
