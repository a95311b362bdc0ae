"""Fault reports and the outages that gather them."""

from django.db import models
from django.db.models import Q

from amends.desk import ids
from amends.desk.accounts.models import Customer


class Incident(models.Model):
    """One outage that several customers reported."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    title = models.TextField()
    started_at = models.DateTimeField()
    fixed_at = models.DateTimeField(null=True, blank=True)


class Issue(models.Model):
    """One customer's fault with one purchase; its clock runs from the report to the fix."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    line_id = models.UUIDField()
    """The order line that is affected."""
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, null=True, blank=True)
    reported_at = models.DateTimeField()
    description = models.TextField()
    handed_over_at = models.DateTimeField(null=True, blank=True)
    """When the developers had received what they need."""
    fixed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=["line_id", "reported_at"], name="issue_by_line"),
            models.Index(fields=["reported_at", "id"], condition=Q(fixed_at=None), name="issue_open"),
        )
