"""What was fetched from the gateway, and how far."""

from django.db import models


class Fetched(models.Model):
    """One object as the gateway gave it, the newest version; written by the import, emptied when its customer is erased."""

    ref = models.TextField(primary_key=True)
    """The gateway's id."""
    kind = models.CharField(max_length=20)
    customer_ref = models.TextField(blank=True)
    parent_ref = models.TextField(blank=True)
    """Of a payment of an invoice, the payment intent; of a refund or a dispute, the charge."""
    created_at = models.DateTimeField()
    content = models.JSONField()
    """Empty once the customer is erased."""
    sha256 = models.CharField(max_length=64)
    """Of the content, with sorted keys."""
    api_version = models.CharField(max_length=40)
    fetched_at = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(fields=["kind", "created_at", "ref"], name="fetched_by_kind"),
            models.Index(fields=["parent_ref"], name="fetched_by_parent"),
            models.Index(fields=["customer_ref"], name="fetched_by_customer"),
        )


class Cursor(models.Model):
    """How far a kind was fetched in the run that is under way, or in the last one."""

    kind = models.CharField(max_length=20, primary_key=True)
    after = models.TextField(blank=True)
    """The last object of the last page; empty before the first."""
    count = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    """When the run began: events from then on are looked at when it ends."""
    done_at = models.DateTimeField(null=True, blank=True)
