"""The case itself."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from amends.desk import ids, rows
from amends.desk.accounts.models import Customer, User
from amends.desk.orders.models import Line
from amends.desk.unit_of_work import Part, write_at_end


class RequestKind(models.TextChoices):
    """What is asked for; the words of the policy."""

    REFUND = "refund", _("Refund")
    CONVERT = "convert", _("Convert")
    TECHNICAL = "technical", _("Technical")
    BILLING_ERROR = "billing_error", _("Billing Error")


class Channel(models.TextChoices):
    """The door through which a case came."""

    PORTAL = "portal"
    API = "api"
    MAIL = "mail"
    CONSOLE = "console"
    AGENT = "agent"


class CaseState(models.TextChoices):
    """Where a case is."""

    OPEN = "open", _("Open")
    """A person has something to do; the tasks say who and what."""
    WAITING_ON_CUSTOMER = "waiting_on_customer", _("Waiting On Customer")
    """The clock of the answer is paused."""
    WAITING_ON_DESK = "waiting_on_desk", _("Waiting On Desk")
    """Something that the desk fetches itself is not known yet, such as the fee."""
    SCHEDULED = "scheduled", _("Scheduled")
    """Decides itself on a day: a fault inside its time."""
    DECIDED = "decided", _("Decided")
    """Waits for approval."""
    PAYING = "paying", _("Paying")
    CLOSED = "closed", _("Closed")


class Case(models.Model):
    """One request about one order line."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    number = models.TextField()
    client_key = models.TextField(null=True, blank=True)  # noqa: DJ001  # none is not the empty key
    """Names the sender's one intent, so that a request sent twice is one case."""
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="cases", db_index=False)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="cases")
    request = models.CharField(max_length=20, choices=RequestKind.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    reason = models.TextField(blank=True)
    """In the customer's words; any reason is a reason (reading R3)."""
    answers = models.JSONField(default=dict)
    """What the customer answered to the policy's own questions."""
    is_identified = models.BooleanField()
    """The request came from the account that owns the order (reading R13)."""
    opened_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    """The member of staff who opened it for a customer."""
    state = models.CharField(max_length=20, choices=CaseState.choices, default=CaseState.OPEN)
    assignee = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    opened_at = models.DateTimeField()
    first_contact_at = models.DateTimeField()
    """What the window is judged by (reading R2)."""
    own_first_contact_at = models.DateTimeField(null=True, blank=True)
    """Its own one, where cases that were merged into it may have an earlier one."""
    asked_again_at = models.DateTimeField(null=True, blank=True)
    """When a scheduled case decided itself; stands for the request from then on (reading R6)."""
    complete_at = models.DateTimeField(null=True, blank=True)
    """When nothing was missing from the customer any more; the count and the clock start here (readings R2, R14)."""
    paused_at = models.DateTimeField(null=True, blank=True)
    target_on = models.DateField(null=True, blank=True)
    due_on = models.DateField(null=True, blank=True)
    skipped_days = models.JSONField(default=list)
    """Weekdays that did not count, with the reason."""
    wakes_at = models.DateTimeField(null=True, blank=True)
    """When a scheduled or waiting case is looked at again."""
    closed_at = models.DateTimeField(null=True, blank=True)
    closing = models.TextField(blank=True)
    """Why it was closed: paid, denied, cancelled, merged, nothing to pay."""
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged", db_index=False
    )
    """The case in which the request goes on; the one that it names was never merged itself."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["number"], name="one_case_per_number"),
            models.UniqueConstraint(
                fields=["client_key"], condition=Q(client_key__isnull=False), name="one_case_per_client_key"
            ),
        )
        indexes = (
            models.Index(fields=["state", "due_on", "id"], name="case_queue"),
            models.Index(fields=["customer", "-opened_at"], name="case_by_customer"),
            models.Index(fields=["wakes_at"], condition=Q(wakes_at__isnull=False), name="case_waking"),
            models.Index(
                fields=["assignee", "state"], condition=Q(assignee__isnull=False), name="case_by_assignee"
            ),
            models.Index(fields=["opened_at", "id"], condition=~Q(state="closed"), name="case_open"),
            models.Index(fields=["due_on", "id"], condition=~Q(state="closed"), name="case_due"),
            models.Index(
                fields=["merged_into"], condition=Q(merged_into__isnull=False), name="case_merged_into"
            ),
        )

    @property
    def is_unwritten(self) -> bool:
        """Whether it is not stored yet: nothing else belongs to it."""
        return self._state.adding

    @property
    def survivor(self) -> "Case":
        """Where the request goes on: itself, unless it was merged into another one."""
        return self.merged_into or self

    @property
    def with_merged(self) -> models.QuerySet["Case"]:
        """The case and those that were merged into it: what was written and shown in any of them counts."""
        return Case.objects.filter(Q(id=self.id) | Q(merged_into=self.id))

    def keep(self, *fields: str) -> None:
        """Write these fields at the end of the unit of work, a new case whole.

        Until then a look at the table shows what was there before.
        """
        write_at_end(_write, (self, fields))


def _write(changes: list[tuple[Case, tuple[str, ...]]]) -> Part:
    fresh = {id(case): case for case, _ in changes if case.is_unwritten}
    changed: dict[int, tuple[Case, set[str]]] = {}
    for case, fields in changes:
        if id(case) not in fresh:
            changed.setdefault(id(case), (case, set()))[1].update(fields)
    queries, parameters = {}, []
    if fresh:
        queries["fresh_case"] = f"{rows.insertion(Case)} RETURNING 1"
        parameters.append(rows.as_json(fresh.values()))
    for number, (case, names) in enumerate(changed.values()):
        queries[f"case_{number}"] = f"{rows.change(Case, tuple(sorted(names)))} RETURNING 1"
        parameters.append(rows.as_json([case]))
    for case in fresh.values():
        rows.mark_stored(case)
    return Part(queries, parameters)
