"""What people have to do for a case."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amends.desk import ids
from amends.desk.accounts.models import Role, User
from amends.desk.cases.models.case import Case


class TaskKind(models.TextChoices):
    """What has to be done."""

    REVIEW = "review", _("Review")
    """The policy asks for a person."""
    STATE_FACTS = "state_facts", _("State Facts")
    JUDGE_EVIDENCE = "judge_evidence", _("Judge Evidence")
    APPROVE = "approve", _("Approve")
    MISSING_AT_DESK = "missing_at_desk", _("Missing At Desk")
    """An alarm: something that the desk fetches itself does not come."""
    FAILED_REFUND = "failed_refund", _("Failed Refund")
    WAITING_REFUND = "waiting_refund", _("Waiting Refund")
    """It is not lost, and does not go on by itself: no funds, no access, or too long at the gateway."""
    FAILED_PLAN_CHANGE = "failed_plan_change", _("Failed Plan Change")
    PAYOUT = "payout", _("Payout")
    """A refund that is paid by bank transfer needs its next step."""
    OVER_RETURNED = "over_returned", _("Over Returned")
    APPEAL = "appeal", _("Appeal")
    ANSWER = "answer", _("Answer")
    """The customer wrote; also in a case that is closed or whose money is on its way."""


FAILURES = (
    TaskKind.FAILED_REFUND,
    TaskKind.WAITING_REFUND,
    TaskKind.PAYOUT,
    TaskKind.FAILED_PLAN_CHANGE,
    TaskKind.OVER_RETURNED,
)
"""Money that did not go as it should."""


class TaskQuerySet(models.QuerySet["Task"]):
    """Sets of tasks."""

    def failures(self) -> Self:
        """Open tasks about money that did not go as it should."""
        return self.filter(kind__in=FAILURES, done_at=None)

    def to_answer(self) -> Self:
        """What customers wrote that nobody has answered."""
        return self.filter(kind=TaskKind.ANSWER, done_at=None)


class Task(models.Model):
    """One thing for one role, with a date; nothing is stuck without one (invariant I14)."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="tasks")
    kind = models.CharField(max_length=20, choices=TaskKind.choices)
    role = models.CharField(max_length=20, choices=Role.choices)
    detail = models.TextField()
    """What it is about, in English."""
    sentence = models.JSONField(default=dict)
    """The same as a sentence that can be translated, and the words that are filled in."""
    about = models.TextField(blank=True)
    """The id of the refund that it is about, where each refund of a case has a task of its own."""
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    objects = TaskQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["case", "kind", "about"], condition=Q(done_at=None), name="one_open_task_of_a_kind"
            ),
        )
        indexes = (
            models.Index(fields=["role", "due_at"], condition=Q(done_at=None), name="task_open"),
            models.Index(
                fields=["created_at", "case"],
                condition=Q(done_at=None, kind__in=[kind.value for kind in FAILURES]),
                name="task_of_failure",
            ),
            models.Index(
                fields=["created_at", "case"],
                condition=Q(done_at=None, kind=TaskKind.ANSWER.value),
                name="task_to_answer",
            ),
        )

    @property
    def in_words(self) -> str:
        """What it is about, in the reader's language."""
        if not self.sentence:
            return self.detail
        text: str = self.sentence["text"]
        words: dict[str, str] = self.sentence["words"]
        return gettext(text) % words


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
