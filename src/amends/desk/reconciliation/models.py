"""Runs of the comparison, and the differences that they found."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from amends.desk import ids
from amends.desk.accounts.models import Role, User
from amends.desk.payments.comparing import MismatchKind
from amends.desk.payments.models import Payment, Refund


class Scope(models.TextChoices):
    """What a run compared."""

    ALL = "all", _("every payment")
    LATELY = "lately", _("payments that moved lately")


class Run(models.Model):
    """One comparison with the gateway, from its begin to its end."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    scope = models.CharField(max_length=10, choices=Scope.choices)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    payments = models.PositiveIntegerField(default=0)
    """How many were compared."""
    refunds = models.PositiveIntegerField(default=0)
    """How many refunds followed the gateway."""
    problem = models.TextField(blank=True)
    """The gateway's code, where it did not answer and the run ended early."""

    class Meta:
        indexes = (models.Index(fields=["-began_at"], name="run_by_time"),)


class Discrepancy(models.Model):
    """One thing about which we and the gateway differ, from the first run that found it; who saw to it, and why.

    The same kind about the same thing with the same sides is one row, however often it is found.
    """

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    key = models.TextField(unique=True)
    """Kind, id and both sides."""
    kind = models.CharField(max_length=30, choices=MismatchKind.choices)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    """None where the charge is none of ours."""
    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    ref = models.TextField()
    """The gateway's id of the refund, charge or dispute."""
    charge_ref = models.TextField()
    currency = models.CharField(max_length=3)
    ours = models.BigIntegerField()
    theirs = models.BigIntegerField()
    our_state = models.CharField(max_length=20, blank=True)
    their_state = models.CharField(max_length=20, blank=True)
    is_taken_over = models.BooleanField()
    """Our row followed the gateway's; nobody has to see to it."""
    role = models.CharField(max_length=20, choices=Role.choices)
    """Who sees to it."""
    found_at = models.DateTimeField()
    due_at = models.DateTimeField()
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="discrepancies")
    """The last one that found it."""
    gone_at = models.DateTimeField(null=True, blank=True)
    """When a comparison of the same payment no longer found it."""
    handled_at = models.DateTimeField(null=True, blank=True)
    handled_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.TextField(blank=True)
    """What was found out or done."""

    class Meta:
        indexes = (
            models.Index(
                fields=["due_at", "id"],
                condition=Q(is_taken_over=False, gone_at=None, handled_at=None),
                name="discrepancy_open",
            ),
        )
