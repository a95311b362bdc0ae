"""The queues: which cases belong to each, in which order, a page at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from amends.desk import clock
from amends.desk.accounts.models import Customer, User
from amends.desk.cases.models import Case, CaseState, RequestKind, Task, TaskKind
from amends.desk.payments.models import Dispute, DisputeStatus

PAGE = 50
COUNT_MAX = 99
"""A tab counts this far; beyond it says that there are more."""
OPENED, DUE = "opened_at", "due_on"
_FAILED = (
    TaskKind.FAILED_REFUND,
    TaskKind.WAITING_REFUND,
    TaskKind.PAYOUT,
    TaskKind.FAILED_PLAN_CHANGE,
    TaskKind.OVER_RETURNED,
)


def _waiting_for(*kinds: TaskKind) -> Exists:
    return Exists(Task.objects.filter(case=OuterRef("pk"), kind__in=kinds, done_at=None))


def _disputed() -> Q:
    under_way = Dispute.objects.filter(status__in=(DisputeStatus.INQUIRY, DisputeStatus.OPEN))
    # From the few disputes to their cases, not the other way round.
    return Q(line__order__payment__in=under_way.values("payment"))


@dataclass(frozen=True, slots=True)
class Queue:
    """A tab: its cases, and what they are sorted by."""

    title: Promise
    belongs: Callable[[User], Q | Exists]
    order: str = OPENED


QUEUES = {
    "unassigned": Queue(
        _("Unassigned"), lambda _user: Q(assignee=None, state__in=(CaseState.OPEN, CaseState.DECIDED))
    ),
    "mine": Queue(_("Mine"), lambda user: Q(assignee=user)),
    "today": Queue(_("Due today"), lambda _user: Q(due_on=clock.now().date(), paused_at=None), DUE),
    "overdue": Queue(_("Overdue"), lambda _user: Q(due_on__lt=clock.now().date(), paused_at=None), DUE),
    "customer": Queue(_("Waiting for customer"), lambda _user: Q(state=CaseState.WAITING_ON_CUSTOMER)),
    "gateway": Queue(
        _("Waiting for gateway"), lambda _user: Q(state__in=(CaseState.PAYING, CaseState.WAITING_ON_DESK))
    ),
    "approvals": Queue(_("Approvals"), lambda _user: _waiting_for(TaskKind.APPROVE)),
    "failed": Queue(_("Failed refunds"), lambda _user: _waiting_for(*_FAILED)),
    "faults": Queue(_("Technical clocks"), lambda _user: Q(request=RequestKind.TECHNICAL)),
    "disputes": Queue(_("Disputes"), lambda _user: _disputed()),
}
FIRST = "unassigned"


class BadCursorError(Exception):
    """The page that is asked for has no such beginning."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some cases of a queue, and the cursor of those that follow; empty where there are none."""

    cases: list[Case]
    cursor: str


def open_cases() -> QuerySet[Case]:
    """Everything that is not closed."""
    return Case.objects.exclude(state=CaseState.CLOSED)


def cases_in(queue: Queue, user: User) -> QuerySet[Case]:
    """The cases of a queue, for whoever looks at it."""
    return open_cases().filter(queue.belongs(user))


def counts(user: User) -> dict[str, str]:
    """How many cases each queue has; counting stops where a number says no more."""
    found = {
        name: cases_in(queue, user).order_by()[: COUNT_MAX + 1].count() for name, queue in QUEUES.items()
    }
    return {name: f"{COUNT_MAX}+" if count > COUNT_MAX else str(count) for name, count in found.items()}


def find_cases(words: str) -> QuerySet[Case]:
    """Cases by their number, their order's number or their customer's address, each looked up by its index."""
    known = Customer.objects.annotate(address=Lower("email")).filter(address=words.lower())
    found = Case.objects.filter(number=words.upper()).values("id")
    of_order = Case.objects.filter(line__order__number=words).values("id")
    of_customer = Case.objects.filter(customer__in=known).values("id")
    return Case.objects.filter(id__in=found.union(of_order, of_customer))


def read_page(cases: QuerySet[Case], order: str, cursor: str) -> Page:
    """The cases behind a cursor, without reading those before it.

    Raises: BadCursorError.
    """
    if cursor:
        place, last = _read_cursor(order, cursor)
        cases = cases.filter(Q((f"{order}__gt", place)) | Q((order, place), id__gt=last))
    found = list(
        cases.order_by(order, "id").select_related(
            "customer", "assignee", "line__order__payment", "line__order"
        )[: PAGE + 1]
    )
    shown = found[:PAGE]
    return Page(shown, _write_cursor(order, shown[-1]) if len(found) > PAGE else "")


def _write_cursor(order: str, case: Case) -> str:
    place = case.due_on if order == DUE else case.opened_at
    assert place is not None
    return f"{place.isoformat()}~{case.id}"


def _read_cursor(order: str, cursor: str) -> tuple[date, UUID]:
    place, _tilde, last = cursor.partition("~")
    try:
        read = date.fromisoformat(place) if order == DUE else datetime.fromisoformat(place)
        if isinstance(read, datetime) and read.tzinfo is None:
            raise BadCursorError(cursor)
        return read, UUID(last)
    except ValueError as error:
        raise BadCursorError(cursor) from error
