"""What was said and shown in a case."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from amends.desk import ids
from amends.desk.accounts.models import User
from amends.desk.cases.models.case import Case, Channel


class Audience(models.TextChoices):
    """Who may read a message."""

    CUSTOMER = "customer"
    INTERNAL = "internal"


class Message(models.Model):
    """One message in the thread of a case."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="messages")
    author = models.TextField()
    """`customer:ID` or `staff:ID`."""
    audience = models.CharField(max_length=10, choices=Audience.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    text = models.TextField()
    at = models.DateTimeField()


class EvidenceState(models.TextChoices):
    """Whether a file was found useful."""

    RECEIVED = "received", _("Received")
    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Rejected")


class Evidence(models.Model):
    """A screenshot or a generated sample; kept re-encoded, never as it came."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="evidence")
    file = models.FileField(upload_to="evidence")
    name = models.TextField()
    """As the customer called it."""
    media_type = models.CharField(max_length=40)
    sha256 = models.CharField(max_length=64)
    uploaded_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=EvidenceState.choices, default=EvidenceState.RECEIVED)
    judged_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    judged_at = models.DateTimeField(null=True, blank=True)
    judgement = models.TextField(blank=True)
    """Why it was accepted or rejected."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=["case", "sha256"], name="one_file_once_per_case"),)
