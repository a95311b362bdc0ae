"""Audit rows: written in the transaction of what they report, never changed."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models


class AuditRow(models.Model):
    """One thing that happened to one subject; written by the room that did it, never changed or removed."""

    subject = models.TextField()
    """Kind and id, such as `case:0192…`."""
    sequence = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor = models.TextField()
    """`staff:ID`, `customer:ID`, `key:ID`, `gateway` or `desk`."""
    action = models.TextField()
    detail = models.JSONField(default=dict)
    previous_sha256 = models.CharField(max_length=64)
    """Of the row before in this chain; empty for the first."""
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["subject", "sequence"], name="audit_one_row_per_place"),
        )
        indexes = (BrinIndex(fields=["at"], pages_per_range=8, name="audit_by_day"),)


class DayRoot(models.Model):
    """What all rows of one day hash to; kept elsewhere too, it shows whether a whole chain was replaced."""

    day = models.DateField(primary_key=True)
    rows = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
