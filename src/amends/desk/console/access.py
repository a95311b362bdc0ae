"""Who is in the console: members of staff who have shown their second factor.

For everybody else who is signed in, nothing is here.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from amends.desk.accounts.factors import has_factor, has_proved_factor
from amends.desk.accounts.models import Role, User

Rest = ParamSpec("Rest")


def staff_only(
    view: Callable[Concatenate[HttpRequest, User, Rest], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """A view for members of staff; what they may do there is checked by the rooms."""

    @wraps(view)
    def guarded(request: HttpRequest, *rest: Rest.args, **named: Rest.kwargs) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User):
            wanted = urlencode({"next": request.path})
            return redirect(f"{reverse('account_request_login_code')}?{wanted}")
        # No row has a NUL in its name, and the database refuses to look for one.
        if not user.has_role(*Role) or "\0" in request.path:
            raise Http404
        if not has_proved_factor(request, user):
            return _ask_for_factor(request, user)
        response = view(request, user, *rest, **named)
        response["Cache-Control"] = "no-store"
        return response

    return guarded


def _ask_for_factor(request: HttpRequest, user: User) -> HttpResponseBase:
    """To the page that sets a factor up at the first sign-in, else to the one that asks for it."""
    if not has_factor(user):
        return redirect("mfa_activate_totp")
    return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': request.path})}")
