"""Endpoints of host products, and what each is told."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from amends.desk import ids


class EventKind(models.TextChoices):
    """What host products can be told."""

    CASE_OPENED = "case.opened"
    CASE_DECIDED = "case.decided"
    CASE_CLOSED = "case.closed"
    REFUND_SENT = "refund.sent"
    REFUND_FAILED = "refund.failed"
    FAULT_HANDED_OVER = "fault.handed_over"


class Endpoint(models.Model):
    """An address that is told of events; written by the host product's own program."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    url = models.TextField()
    secret = models.TextField()
    """What each event is signed with; shown once."""
    kinds = ArrayField(models.CharField(max_length=20, choices=EventKind.choices))
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    """It was removed, or said that it is gone."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["url"], condition=Q(ended_at=None), name="one_endpoint_per_url"),
        )


class Delivery(models.Model):
    """One event for one endpoint; the row is its own queue, and its body never changes."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="deliveries")
    event_id = models.TextField()
    """The same for every endpoint and every attempt, so that a receiver knows what it has."""
    reference = models.TextField()
    """What it tells, such as `refund.sent:ID`; an endpoint is told once."""
    kind = models.CharField(max_length=20, choices=EventKind.choices)
    body = models.TextField()
    created_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    """None once it was delivered or given up."""
    delivered_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True)
    """Why the last attempt did not succeed."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=["endpoint", "reference"], name="endpoint_told_once"),)
        indexes = (
            models.Index(
                fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="delivery_queue"
            ),
        )
