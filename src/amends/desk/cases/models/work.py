"""What people have to do for a case."""

from django.db import models
from django.db.models import Q

from amends.desk import ids
from amends.desk.accounts.models import Role, User
from amends.desk.cases.models.case import Case


class TaskKind(models.TextChoices):
    """What has to be done."""

    REVIEW = "review"
    """The policy asks for a person."""
    STATE_FACTS = "state_facts"
    JUDGE_EVIDENCE = "judge_evidence"
    APPROVE = "approve"
    MISSING_AT_DESK = "missing_at_desk"
    """An alarm: something that the desk fetches itself does not come."""
    FAILED_REFUND = "failed_refund"
    WAITING_REFUND = "waiting_refund"
    """It is not lost, and does not go on by itself: no funds, no access, or too long at the gateway."""
    FAILED_PLAN_CHANGE = "failed_plan_change"
    OVER_RETURNED = "over_returned"
    APPEAL = "appeal"


class Task(models.Model):
    """One thing for one role, with a date; nothing is stuck without one (invariant I14)."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="tasks")
    kind = models.CharField(max_length=20, choices=TaskKind.choices)
    role = models.CharField(max_length=20, choices=Role.choices)
    detail = models.TextField()
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["case", "kind"], condition=Q(done_at=None), name="one_open_task_of_a_kind"
            ),
        )
        indexes = (models.Index(fields=["role", "due_at"], condition=Q(done_at=None), name="task_open"),)


class Appeal(models.Model):
    """The customer asks for a person after a denial (reading R24)."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="appeal")
    text = models.TextField()
    at = models.DateTimeField()
    due_on = models.DateField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    result = models.TextField(blank=True)
