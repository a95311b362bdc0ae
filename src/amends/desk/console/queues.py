"""The queues: which cases belong to each, in which order, a page at a time.

Every queue is walked along an index, from the first case to the last: most along the open cases, failed refunds and
what customers wrote along the tasks, disputes along the disputes. A page costs the same however many cases there are.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from amends.desk import clock
from amends.desk.accounts.models import Customer, User
from amends.desk.cases.models import Case, CaseState, RequestKind, Task, TaskKind
from amends.desk.payments.models import Dispute

PAGE = 50
COUNT_MAX = 99
"""A tab counts this far; beyond it says that there are more."""
OPENED, DUE = "opened_at", "due_on"
Walk = QuerySet[Any]
"""Cases with the `place` that they are sorted by, an annotation that no type of Django's says."""


def along(cases: QuerySet[Case], order: str) -> Walk:
    """Cases in the order of one of their own days."""
    return cases.annotate(place=F(order))


def open_cases() -> QuerySet[Case]:
    """Everything that is not closed."""
    return Case.objects.exclude(state=CaseState.CLOSED)


def _open(belongs: Callable[[User], Q | Exists], user: User, *, order: str = OPENED) -> list[Walk]:
    return [along(open_cases().filter(belongs(user)), order)]


def _to_approve(_user: User) -> Exists:
    return Exists(Task.objects.filter(case=OuterRef("pk"), kind=TaskKind.APPROVE, done_at=None))


def _failed(_user: User) -> list[Walk]:
    """Along the tasks of failures, each case at its first one; also closed ones, whose refund was disputed later."""
    waiting = Task.objects.failures()
    earlier = waiting.filter(case=OuterRef("pk"), created_at__lt=OuterRef("place"))
    found = Case.objects.filter(tasks__in=waiting).annotate(place=F("tasks__created_at"))
    return [found.exclude(Exists(earlier))]


def _to_answer(_user: User) -> list[Walk]:
    """Along what customers wrote, whatever became of their cases; of each at most one task is open."""
    return [Case.objects.filter(tasks__in=Task.objects.to_answer()).annotate(place=F("tasks__created_at"))]


def _disputed(_user: User) -> list[Walk]:
    """Along the disputes under way, of the payments themselves and linked to them, each case at its first one."""
    under_way = Dispute.objects.under_way()
    own = under_way.filter(payment__of_order__order=OuterRef("line__order"))
    linked = under_way.filter(linked_payment__of_order__order=OuterRef("line__order"))
    earlier = {"opened_at__lt": OuterRef("place")}
    path = "line__order__paid_by__payment"
    by_charge = open_cases().filter(**{f"{path}__disputes__in": under_way})
    by_link = open_cases().filter(**{f"{path}__linked_disputes__in": under_way})
    return [
        by_charge.annotate(place=F(f"{path}__disputes__opened_at")).exclude(Exists(own.filter(**earlier))),
        by_link.annotate(place=F(f"{path}__linked_disputes__opened_at")).exclude(
            Exists(linked.filter(**earlier)) | Exists(own)
        ),
    ]


@dataclass(frozen=True, slots=True)
class Queue:
    """A tab: the ways along which its cases are found, and what they are sorted by."""

    title: Promise
    walks: Callable[[User], list[Walk]]
    order: str = OPENED


QUEUES = {
    "unassigned": Queue(
        _("Unassigned"),
        partial(_open, lambda _user: Q(assignee=None, state__in=(CaseState.OPEN, CaseState.DECIDED))),
    ),
    "mine": Queue(_("Mine"), partial(_open, lambda user: Q(assignee=user))),
    "today": Queue(
        _("Due today"),
        partial(_open, lambda _user: Q(due_on=clock.now().date(), paused_at=None), order=DUE),
        DUE,
    ),
    "overdue": Queue(
        _("Overdue"),
        partial(_open, lambda _user: Q(due_on__lt=clock.now().date(), paused_at=None), order=DUE),
        DUE,
    ),
    "answer": Queue(_("To answer"), _to_answer),
    "customer": Queue(
        _("Waiting for customer"), partial(_open, lambda _user: Q(state=CaseState.WAITING_ON_CUSTOMER))
    ),
    "gateway": Queue(
        _("Waiting for gateway"),
        partial(_open, lambda _user: Q(state__in=(CaseState.PAYING, CaseState.WAITING_ON_DESK))),
    ),
    "approvals": Queue(_("Approvals"), partial(_open, _to_approve)),
    "failed": Queue(_("Failed refunds"), _failed),
    "faults": Queue(_("Technical clocks"), partial(_open, lambda _user: Q(request=RequestKind.TECHNICAL))),
    "disputes": Queue(_("Disputes"), _disputed),
}
FIRST = "unassigned"


class BadCursorError(Exception):
    """The page that is asked for has no such beginning."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some cases of a queue, and the cursor of those that follow; empty where there are none."""

    cases: list[Case]
    cursor: str


def counts(user: User) -> dict[str, str]:
    """How many cases each queue has, in one look; counting stops where a number says no more."""
    looks = [
        walk.order_by().annotate(queue=Value(name)).values_list("queue", flat=True)[: COUNT_MAX + 1]
        for name, queue in QUEUES.items()
        for walk in queue.walks(user)
    ]
    found = Counter(looks[0].union(*looks[1:], all=True))
    return {name: f"{COUNT_MAX}+" if found[name] > COUNT_MAX else str(found[name]) for name in QUEUES}


def find_cases(words: str) -> QuerySet[Case]:
    """Cases by their number, their order's number or their customer's address, each looked up by its index."""
    known = Customer.objects.annotate(address=Lower("email")).filter(address=words.lower())
    found = Case.objects.filter(number=words.upper()).values("id")
    of_order = Case.objects.filter(line__order__number=words).values("id")
    of_customer = Case.objects.filter(customer__in=known).values("id")
    return Case.objects.filter(id__in=found.union(of_order, of_customer))


def read_page(walks: Sequence[Walk], order: str, cursor: str) -> Page:
    """The cases behind a cursor, without reading those before it.

    Raises: BadCursorError.
    """
    behind = _behind(order, cursor) if cursor else Q()
    places: dict[UUID, date] = {}
    for place, case_id in sorted(step for walk in walks for step in _first_steps(walk.filter(behind))):
        places.setdefault(case_id, place)
    chosen = list(places.items())
    shown = chosen[:PAGE]
    whole = Case.objects.select_related("customer", "assignee", "line__order")
    found = whole.in_bulk([case_id for case_id, _place in shown])
    cases = [found[case_id] for case_id, _place in shown]
    return Page(cases, _write_cursor(*shown[-1]) if len(chosen) > PAGE else "")


def _first_steps(walk: Walk) -> list[tuple[date, UUID]]:
    return list(walk.order_by("place", "id").values_list("place", "id")[: PAGE + 1])


def _behind(order: str, cursor: str) -> Q:
    place, last = _read_cursor(order, cursor)
    return Q(place__gt=place) | Q(place=place, id__gt=last)


def _write_cursor(last: UUID, place: date) -> str:
    return f"{place.isoformat()}~{last}"


def _read_cursor(order: str, cursor: str) -> tuple[date, UUID]:
    place, _tilde, last = cursor.partition("~")
    try:
        read = date.fromisoformat(place) if order == DUE else datetime.fromisoformat(place)
        if isinstance(read, datetime) and read.tzinfo is None:
            raise BadCursorError(cursor)
        return read, UUID(last)
    except ValueError as error:
        raise BadCursorError(cursor) from error
