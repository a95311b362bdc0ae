"""What the door keeps of its own: answers under their idempotency keys, and how often each key asked."""

from django.db import models

from amends.desk.accounts.models import ApiKey


class KeptAnswer(models.Model):
    """The answer to one request with an idempotency key, for a day."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE)
    name = models.TextField()
    """The idempotency key, as the program chose it."""
    request_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    content_type = models.TextField()
    body = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["key", "name"], name="one_answer_per_name"),)
        indexes = (models.Index(fields=["key", "created_at"], name="kept_answer_by_age"),)


class RequestCount(models.Model):
    """How often a key asked in the current minute; one row for each key, shared by all processes."""

    key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, primary_key=True)
    minute = models.BigIntegerField()
    """Minutes since the epoch."""
    count = models.PositiveIntegerField()
