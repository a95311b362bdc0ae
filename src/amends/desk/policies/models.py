"""Drafts of the policy, what was found out about them, proposals, published versions, and who was told."""

from typing import Any

from django.db import models

from amends.desk import ids
from amends.desk.accounts.models import Customer, User


class Draft(models.Model):
    """A version in the making; what it says stands in its texts."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    note = models.TextField(blank=True)
    """What it is for, in the words of whoever began it."""
    started_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    """When it was published or discarded."""


class DraftText(models.Model):
    """A text of a draft as somebody saved it; the latest counts; only added to."""

    draft = models.ForeignKey(Draft, on_delete=models.PROTECT, related_name="texts")
    sequence = models.PositiveIntegerField()
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    saved_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    saved_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["draft", "sequence"], name="one_text_per_place"),)


class ExaminationKind(models.TextChoices):
    """What a worker can find out about a text."""

    CHECK = "check"
    """Gaps, contradictions, broken promises: findings, or proofs that there are none."""
    COMPARISON = "comparison"
    """Who gains and who loses against the version in force, over all cases."""
    BACKTEST = "backtest"
    """What the past requests of this desk would have come to."""
    BOUND = "bound"
    """What it could cost at most: every past purchase asks on one day after it."""


class Examination(models.Model):
    """What a worker was asked to find out about one text, and what it found; fixed once it is finished."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    text = models.ForeignKey(DraftText, on_delete=models.PROTECT, related_name="examinations")
    kind = models.CharField(max_length=20, choices=ExaminationKind.choices)
    before = models.ForeignKey("PolicyVersion", on_delete=models.PROTECT, null=True, related_name="+")
    """The version that the text is compared with."""
    asks_on_day = models.PositiveSmallIntegerField(null=True)
    """Of a bound: how long after its purchase everybody asks."""
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    result: "models.JSONField[Any, Any]" = models.JSONField(null=True)
    """The report of the kernel, as its commands write it as JSON."""
    failure = models.TextField(blank=True)
    """Why there is no result."""
    solver = models.TextField(blank=True)
    """Name and version of what proved it."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["text", "kind"],
                condition=models.Q(finished_at=None),
                name="one_examination_under_way",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="bound", asks_on_day__isnull=False)
                | (~models.Q(kind="bound") & models.Q(asks_on_day=None)),
                name="only_a_bound_has_a_day",
            ),
        )


class Waiver(models.Model):
    """Somebody takes a finding that the solver could not settle upon themselves; only added to."""

    examination = models.ForeignKey(Examination, on_delete=models.PROTECT, related_name="waivers")
    finding = models.PositiveIntegerField()
    """Its place in the result of the check."""
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["examination", "finding"], name="waived_once"),)


class Proposal(models.Model):
    """Somebody wants a text to be in force from the day in its head; only added to."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    text = models.ForeignKey(DraftText, on_delete=models.PROTECT, related_name="proposals")
    proof = models.ForeignKey(Examination, on_delete=models.PROTECT, related_name="+")
    """The proof report that the version will carry."""
    effective_at = models.DateTimeField()
    reason = models.TextField()
    """Why the policy changes; customers are told."""
    short_notice_reason = models.TextField(blank=True)
    """Why customers are told later than they should be; only administrators give one."""
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()


class Verdict(models.TextChoices):
    """What the second person says to a proposal."""

    APPROVE = "approve"
    DECLINE = "decline"


class Answer(models.Model):
    """The one yes or no to a proposal; the database refuses the proposer's own, and one to another text."""

    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, related_name="answer")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    text_sha256 = models.CharField(max_length=64)
    """Of the text as it was shown."""
    reason = models.TextField(blank=True)
    at = models.DateTimeField()


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
    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, null=True, related_name="version")
    """Who wanted it, who agreed, and its proof report; None for the version that a desk was installed with."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=["name", "version"], name="one_text_per_version"),)
        indexes = (models.Index(fields=["name", "effective_at"], name="version_by_time"),)


class Cancellation(models.Model):
    """A published version that will not come into force; only before its day; only added to."""

    version = models.OneToOneField(PolicyVersion, on_delete=models.PROTECT, related_name="cancellation")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    """Why; customers who were told of the version are told."""
    at = models.DateTimeField()


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
