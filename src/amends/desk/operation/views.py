"""Health, readiness and figures, without anything personal; and what is said where a request broke."""

import sys
from collections.abc import Iterable

import psycopg
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from amends.desk import clock
from amends.desk.cases.models import Case, Task
from amends.desk.mail.models import IncomingMail
from amends.desk.notices.models import Letter
from amends.desk.payments.models import Notice, Refund

NOT_READY = 503
READY_SECONDS_MAX = 2
LOOK_AGAIN_SECONDS = 60


@require_safe
def health(_: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "alive"})


@require_safe
def ready(_: HttpRequest) -> HttpResponse:
    """The process can work: the database answers, on a fresh connection, because an old one may hang."""
    parameters = connection.get_connection_params() | {"connect_timeout": READY_SECONDS_MAX}
    del parameters["cursor_factory"]
    try:
        with psycopg.connect(**parameters) as database:
            database.execute("SELECT 1")
    except psycopg.Error:
        return JsonResponse({"status": "no database"}, status=NOT_READY)
    return JsonResponse({"status": "ready"})


def failed(_: HttpRequest) -> HttpResponse:
    """What a request gets that broke; without its database the desk says that it will work again."""
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        later = {"Retry-After": str(LOOK_AGAIN_SECONDS)}
        return HttpResponse(render_to_string("503.html"), status=NOT_READY, headers=later)
    return HttpResponse(render_to_string("500.html"), status=500)


@require_safe
def metrics(_: HttpRequest) -> HttpResponse:
    """Figures in the text format that Prometheus reads."""
    lines = [
        *_counted("amends_cases", "state", Case.objects.values_list("state").annotate(Count("id"))),
        *_counted("amends_refunds", "state", Refund.objects.values_list("state").annotate(Count("id"))),
        *_counted(
            "amends_open_tasks",
            "kind",
            Task.objects.filter(done_at=None).values_list("kind").annotate(Count("id")),
        ),
        f"amends_overdue_tasks {Task.objects.filter(done_at=None, due_at__lt=clock.now()).count()}",
        f"amends_unsent_letters {Letter.objects.filter(sent_at=None).count()}",
        *_counted("amends_mail", "state", IncomingMail.objects.values_list("state").annotate(Count("id"))),
        f"amends_waiting_notices {Notice.objects.filter(applied_at=None).count()}",
        f"amends_oldest_unsent_refund_seconds {_oldest_unsent()}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")


def _counted(name: str, label: str, rows: Iterable[tuple[str, int]]) -> list[str]:
    return [f'{name}{{{label}="{value}"}} {count}' for value, count in sorted(rows)]


def _oldest_unsent() -> int:
    waiting = Refund.objects.filter(state__in=["planned", "sending", "unknown"], is_held=False)
    oldest = waiting.aggregate(at=Min("created_at"))["at"]
    return int((clock.now() - oldest).total_seconds()) if oldest else 0
