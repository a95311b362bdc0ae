"""Letters as they were sent."""

from django.db import models

from amends.desk import ids
from amends.desk.accounts.models import Customer


class LetterKind(models.TextChoices):
    """Why a letter is written."""

    RECEIVED = "received"
    MORE_NEEDED = "more_needed"
    REPLY = "reply"
    """What a person answers to a message."""
    DECISION = "decision"
    REFUND_SENT = "refund_sent"
    DELAYED = "delayed"
    FAILED = "failed"
    APPEAL_RESULT = "appeal_result"
    POLICY_CHANGE = "policy_change"
    MERGED = "merged"
    """Two requests go on as one, or apart again."""
    FILES_REFUSED = "files_refused"
    """Of a letter that came by mail."""


class Letter(models.Model):
    """One letter; its words never change, and it is sent once."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    case_id = models.UUIDField(null=True, blank=True)
    kind = models.CharField(max_length=20, choices=LetterKind.choices)
    reference = models.TextField()
    """What it tells, such as `decision:ID`; told once (invariant I16)."""
    subject = models.TextField()
    text = models.TextField()
    html = models.TextField()
    message_id = models.TextField()
    """Not looked up: an answer is known by the token in it."""
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["reference"], name="told_in_one_letter"),)
        indexes = (models.Index(fields=["case_id", "created_at"], name="letter_by_case"),)
