"""Policy versions, acknowledgements and notifications."""

from django.db import models

from amends.desk import ids
from amends.desk.accounts.models import Customer, User


class PolicyVersion(models.Model):
    """One text of one policy; once published the database refuses every change."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    name = models.TextField()
    version = models.TextField()
    effective_at = models.DateTimeField()
    """The first instant at which it is in force, in the policy's own zone."""
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["name", "version"], name="one_text_per_version"),)
        indexes = (models.Index(fields=["name", "effective_at"], name="version_by_time"),)


class Acknowledgement(models.Model):
    """A customer was shown a version and went on using the service (V2)."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT)
    at = models.DateTimeField()
    how = models.TextField()
    """Where it was shown, such as `checkout` or `portal`."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=["customer", "version"], name="acknowledged_once"),)


class Notification(models.Model):
    """A customer was told that a version will be in force (V1)."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT)
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["customer", "version"], name="told_once"),)
