"""What was decided, from what, and who agreed to it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from amends.desk import ids
from amends.desk.accounts.models import User
from amends.desk.cases.models.case import Case
from amends.desk.policies.models import PolicyVersion


class Statement(models.Model):
    """A fact that a member of staff states, by name and with a reason; the latest of a name holds; only added to."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="statements")
    name = models.TextField()
    """An input of the policy that is answered by staff."""
    value = models.JSONField()
    stated_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField()


class DecisionRecord(models.Model):
    """One decision with everything that it was made of; it replays byte for byte; only added to."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="decisions", db_index=False)
    sequence = models.PositiveIntegerField()
    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, db_index=False)
    """The version that won (reading R15)."""
    inputs = models.JSONField()
    core = models.JSONField()
    core_sha256 = models.CharField(max_length=64)
    explanation = models.JSONField()
    alternatives = models.JSONField(default=list)
    """The decisions of the other versions that were asked."""
    outcome = models.CharField(max_length=20)
    grant = models.TextField(blank=True)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    plan = models.JSONField()
    """What will be done: refunds by payment, the effect on the plan. This is what people approve."""
    plan_sha256 = models.CharField(max_length=64)
    waived = ArrayField(models.TextField(), default=list, blank=True)
    grant_by = models.TextField(blank=True)
    """The granting clause that a person used where no other held."""
    proposed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    """Who waived a clause or opened the case; cannot approve it. None for a customer's own request."""
    proposal_reason = models.TextField(blank=True)
    usage_count = models.BigIntegerField()
    usage_watermark = models.BigIntegerField()
    """The newest usage row that was there when the count was taken."""
    usage_sha256 = models.CharField(max_length=64)
    """Over the ids of the counted events."""
    diagnosis = models.JSONField(null=True)
    """Of a fault: what its jobs came to, and which facts staff stated; None where there is no fault."""
    decided_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["case", "sequence"], name="one_decision_per_place"),)


class Verdict(models.TextChoices):
    """What a person, or the desk within its limits, says to a decision."""

    APPROVE = "approve"
    DECLINE = "decline"


class Approval(models.Model):
    """One yes or no to one decision; the database refuses the proposer's own, and a second of the same person."""

    decision = models.ForeignKey(
        DecisionRecord, on_delete=models.PROTECT, related_name="approvals", db_index=False
    )
    by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    """None where the amount is within the automatic limit."""
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    plan_sha256 = models.CharField(max_length=64)
    """Of the plan as it was shown; another plan needs another approval."""
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["decision", "by"], name="one_approval_per_person", nulls_distinct=False
            ),
        )


class ApprovalLimit(models.Model):
    """Up to which amount nobody, and up to which one person has to agree; the latest of a currency holds, all stay."""

    currency = models.CharField(max_length=3)
    automatic = models.BigIntegerField()
    single = models.BigIntegerField()
    from_at = models.DateTimeField()
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(automatic__gte=0, single__gte=models.F("automatic")),
                name="limits_in_order",
            ),
        )
        indexes = (models.Index(fields=["currency", "-from_at"], name="limit_by_currency"),)
