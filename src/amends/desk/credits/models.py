"""Lots of credits and every change to them."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from amends.desk import ids
from amends.desk.accounts.models import Customer


class LotSource(models.TextChoices):
    """Why a customer has the credits."""

    BOUGHT = "bought", _("Bought")
    GRANTED = "granted", _("Granted")
    """Part of a plan."""
    PROMOTIONAL = "promotional", _("Promotional")
    GOODWILL = "goodwill", _("Goodwill")


class Lot(models.Model):
    """Credits that came together; burnt in the order of expiry, then of arrival, promotional ones first."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="lots")
    source = models.CharField(max_length=20, choices=LotSource.choices)
    meter = models.TextField()
    """The only thing that these credits buy."""
    reference = models.TextField(unique=True)
    """Where they come from, such as `line:ID`; a lot is made once."""
    quantity = models.BigIntegerField()
    remaining = models.BigIntegerField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(remaining__gte=0) & Q(remaining__lte=F("quantity")), name="lot_within_bounds"
            ),
        )
        indexes = (models.Index(fields=["customer", "meter"], name="lot_by_customer"),)


class MoveKind(models.TextChoices):
    """What changed a lot."""

    SPEND = "spend"
    RESTORE = "restore"
    """A job failed, and gave back what it had taken (reading R9)."""
    EXPIRE = "expire"
    REVOKE = "revoke"


class Move(models.Model):
    """One change of one lot; only added to."""

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="moves")
    kind = models.CharField(max_length=10, choices=MoveKind.choices)
    quantity = models.BigIntegerField()
    """Negative for what leaves the lot."""
    reference = models.TextField()
    """What caused it, such as `event:SOURCE/ID`."""
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["lot", "kind", "reference"], name="move_made_once"),)
