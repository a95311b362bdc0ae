"""Views that a member of staff saved: a queue with its filter and search, under a name of their own."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from amends.desk.accounts.models import SavedView, User
from amends.desk.console.access import staff_only

FILTERS = ("queue", "kind", "q")
"""What of an address makes a view; where somebody was in it is no part of it."""
VIEWS_MAX = 20
NAME_LENGTH_MAX = 60


@require_POST
@staff_only
def save_view(request: HttpRequest, user: User) -> HttpResponseBase:
    """Keep what is shown under a name; the same name again replaces it."""
    name = request.POST.get("name", "").strip()
    query = urlencode({key: value for key in FILTERS if (value := request.POST.get(key, ""))})
    if "\0" in name + query or not 0 < len(name) <= NAME_LENGTH_MAX:
        messages.error(request, _("A view has a name of at most 60 letters."), extra_tags="bad")
    elif user.views.exclude(name=name).count() >= VIEWS_MAX:
        messages.error(request, _("You have 20 views; remove one first."), extra_tags="bad")
    else:
        SavedView.objects.update_or_create(user=user, name=name, defaults={"query": query})
        messages.success(request, _("Saved."), extra_tags="good")
    return redirect(f"{reverse('console')}?{query}")


@require_POST
@staff_only
def remove_view(request: HttpRequest, user: User, view_id: int) -> HttpResponseBase:
    """Forget a view of one's own."""
    user.views.filter(id=view_id).delete()
    messages.success(request, _("Removed."), extra_tags="good")
    return redirect("console")
