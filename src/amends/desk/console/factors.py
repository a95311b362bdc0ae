"""Pages of the second factor: to set one up, to show it, and to take away somebody else's."""

from uuid import UUID

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.base.views import authenticate, reauthenticate
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import generate_recovery_codes, view_recovery_codes
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, reauthenticate_webauthn
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from amends.desk.accounts.factors import FactorError, reset_factors
from amends.desk.accounts.models import Role, User
from amends.desk.audit.actions import record
from amends.desk.console.access import staff_only


def _demand_staff(request: HttpRequest) -> User:
    if not isinstance(request.user, User) or not request.user.has_role(*Role):
        raise Http404
    return request.user


class SetUpApp(ActivateTOTPView):  # type: ignore[misc]  # allauth has no types
    """An app that shows codes: its secret as a picture and as text, and its first code as the proof."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """For staff only."""
        _demand_staff(request)
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response

    def form_valid(self, form: object) -> HttpResponse:
        """The code was right: the app is a factor from here on, and this session has shown it."""
        response: HttpResponse = super().form_valid(form)
        _note(self.request, "totp")
        return response


class AddPasskey(AddWebAuthnView):  # type: ignore[misc]  # allauth has no types
    """A passkey: of the device, of a phone, or a security key."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """For staff only."""
        _demand_staff(request)
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def form_valid(self, form: object) -> HttpResponse:
        """The passkey answered: it is a factor from here on, and this session has shown it."""
        response: HttpResponse = super().form_valid(form)
        _note(self.request, "passkey")
        return response


def _note(request: HttpRequest, kind: str) -> None:
    user = _demand_staff(request)
    # Just shown, so that the recovery codes need not ask for it again.
    record_authentication(request, user, "mfa", type=kind, reauthenticated=True)
    record(f"user:{user.id}", f"staff:{user.id}", "second_factor_added", kind=kind)


@require_GET
@staff_only
def show_factors(request: HttpRequest, user: User) -> HttpResponseBase:
    """A person's own factors; to an administrator also who has one."""
    own = Authenticator.objects.filter(user_id=user.id).order_by("created_at")
    shown: dict[str, object] = {"here": "factors", "own": own, "is_admin": user.has_role(Role.ADMIN)}
    if user.has_role(Role.ADMIN):
        people = User.objects.exclude(roles=[]).filter(is_active=True).order_by("email")
        having = set(Authenticator.objects.values_list("user_id", flat=True))
        shown["people"] = [
            {
                "person": one,
                "roles": [Role(role).label for role in one.roles],
                "has_factor": one.id in having,
            }
            for one in people
        ]
    return render(request, "console/factors.html", shown)


@require_POST
@staff_only
def reset(request: HttpRequest, user: User, user_id: UUID) -> HttpResponseBase:
    """Take somebody else's factors away."""
    person = User.objects.exclude(roles=[]).filter(id=user_id).first()
    if person is None:
        raise Http404
    try:
        reset_factors(person, user)
    except FactorError as error:
        messages.error(request, str(error), extra_tags="bad")
    else:
        said = _("Reset. %(name)s sets up a new second factor at the next sign-in.")
        messages.success(request, said % {"name": person.name or person.email}, extra_tags="good")
    return redirect("mfa_index")


# allauth looks its pages up by these names; those that are not here cannot be reached.
urlpatterns = [
    path("", show_factors, name="mfa_index"),
    path("reset/<uuid:user_id>", reset, name="reset_factors"),
    path("authenticate/", authenticate, name="mfa_authenticate"),
    path("reauthenticate/", reauthenticate, name="mfa_reauthenticate"),
    path("totp/activate/", SetUpApp.as_view(), name="mfa_activate_totp"),
    path("totp/", show_factors, name="mfa_deactivate_totp"),
    path("recovery-codes/", view_recovery_codes, name="mfa_view_recovery_codes"),
    path("recovery-codes/generate/", generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("webauthn/add/", AddPasskey.as_view(), name="mfa_add_webauthn"),
    path("webauthn/reauthenticate/", reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
]
