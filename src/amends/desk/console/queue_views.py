"""The queues as a page."""

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from amends.desk.accounts.models import User
from amends.desk.cases.models import Case, RequestKind
from amends.desk.console.access import staff_only
from amends.desk.console.bulk import ACTIONS
from amends.desk.console.queues import (
    FIRST,
    OPENED,
    QUEUES,
    BadCursorError,
    along,
    counts,
    find_cases,
    read_page,
)
from amends.desk.console.rows import make_rows


@require_GET
@staff_only
def show_queue(request: HttpRequest, user: User) -> HttpResponseBase:
    """A queue, or what a search finds; queue, kind, search and page stand in the address."""
    name, kind = request.GET.get("queue", FIRST), request.GET.get("kind", "")
    words = request.GET.get("q", "").strip()
    if name not in QUEUES or (kind and kind not in RequestKind.values) or "\0" in words:
        raise Http404
    if words and (case := Case.objects.filter(number=words.upper()).first()):
        return redirect("console_case", case.number)
    order = OPENED if words else QUEUES[name].order
    walks = [along(find_cases(words), order)] if words else QUEUES[name].walks(user)
    if kind:
        walks = [walk.filter(request=kind) for walk in walks]
    try:
        page = read_page(walks, order, request.GET.get("after", ""))
    except BadCursorError:
        raise Http404 from None
    kept = {key: value for key, value in (("queue", name), ("kind", kind), ("q", words)) if value}
    return render(
        request,
        "console/queue.html",
        {
            "rows": make_rows(page.cases),
            "tabs": _tabs(user, "" if words else name, kind),
            "queue": name,
            "kind": kind,
            "kinds": RequestKind.choices,
            "words_sought": words,
            "here": "cases",
            "views": user.views.order_by("name"),
            "query": urlencode(kept),
            "actions": ACTIONS,
            "next": urlencode(kept | {"after": page.cursor}) if page.cursor else "",
            "first": urlencode(kept) if request.GET.get("after") else "",
        },
    )


def _tabs(user: User, chosen: str, kind: str) -> list[dict[str, object]]:
    numbers = counts(user)
    return [
        {
            "name": name,
            "title": queue.title,
            "count": numbers[name],
            "address": urlencode({"queue": name} | ({"kind": kind} if kind else {})),
            "is_here": name == chosen,
        }
        for name, queue in QUEUES.items()
    ]
