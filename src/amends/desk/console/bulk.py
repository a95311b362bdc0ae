"""One action on many cases of a queue: each is tried by itself, and the page says of each what became of it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from amends.desk.accounts.models import User
from amends.desk.cases.approving import NotAllowedError, OutdatedError, approve
from amends.desk.cases.models import Case
from amends.desk.cases.stating import assign
from amends.desk.console.access import staff_only
from amends.desk.console.queues import PAGE


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one case."""

    number: str
    words: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class Action:
    """What is done with each chosen case, and what it says when it is done."""

    title: Promise
    act: Callable[[Case, User, str], object]
    """Takes the hash of the plan as it was shown."""
    done: Promise


ACTIONS = {
    "take": Action(
        gettext_lazy("Assign to me"),
        lambda case, user, _plan: assign(case, user, user),
        gettext_lazy("It is yours."),
    ),
    "give-back": Action(
        gettext_lazy("Assign to nobody"),
        lambda case, user, _plan: assign(case, user, None),
        gettext_lazy("It is nobody's."),
    ),
    "approve": Action(gettext_lazy("Approve"), approve, gettext_lazy("You agreed to the plan.")),
}


@require_POST
@staff_only
def act_on_many(request: HttpRequest, user: User) -> HttpResponseBase:
    """Do one thing to every chosen case, and show the results."""
    name, numbers = request.POST.get("action", ""), request.POST.getlist("case")
    if name not in ACTIONS or len(numbers) > PAGE:
        raise Http404
    if not numbers:
        messages.error(request, _("Choose at least one case."), extra_tags="bad")
        return redirect("console")
    found = Case.objects.select_related("line__order", "customer").in_bulk(numbers, field_name="number")
    action = ACTIONS[name]
    results = [
        _try(action, found.get(number), number, user, request.POST.get(f"plan-{number}", ""))
        for number in dict.fromkeys(numbers)
    ]
    done = sum(result.is_done for result in results)
    shown = {"here": "cases", "title": action.title, "results": results, "done": done}
    return render(request, "console/bulk.html", shown)


def _try(action: Action, case: Case | None, number: str, user: User, plan: str) -> Result:
    if case is None:
        return Result(number, _("There is no such case."), is_done=False)
    try:
        action.act(case, user, plan)
    except (NotAllowedError, OutdatedError) as error:
        return Result(number, str(error), is_done=False)
    return Result(number, str(action.done), is_done=True)
