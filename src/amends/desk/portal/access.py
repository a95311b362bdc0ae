"""Who is in the portal: a customer, known by a code sent to the address on file or by a link of the host product."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from amends.desk.accounts.actions import choose_locale
from amends.desk.accounts.models import Customer, User
from amends.desk.design.reader import chosen_language
from amends.desk.languages import speak
from amends.desk.notices.actions import send_later

Rest = ParamSpec("Rest")
BACKEND = "django.contrib.auth.backends.ModelBackend"


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth as we use it: nobody signs up, and mail leaves from a job, so that time tells nothing (invariant I22)."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002  # allauth's
        """Accounts come from orders and from an administrator."""
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        """Begin a session."""
        super().login(request, user)
        customer = find_customer(request)
        if customer is not None:
            take_choice_along(request, customer)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        """Hand a mail of allauth's on."""
        message = self.render_mail(template_prefix, email, context)
        send_later(email, str(message.subject), str(message.body))


def user_of(customer: Customer) -> User:
    """The person behind a customer, made when first needed."""
    if customer.user is None:
        user = User.objects.filter(email=customer.email.lower()).first()
        customer.user = user or User.objects.create_user(customer.email, customer.name)
        customer.save(update_fields=["user"])
    return customer.user


def sign_in(request: HttpRequest, customer: Customer) -> None:
    """Begin a session."""
    login(request, user_of(customer), backend=BACKEND)
    take_choice_along(request, customer)


def take_choice_along(request: HttpRequest, customer: Customer) -> None:
    """Letters come in the language that was chosen before it was known who chose."""
    language = chosen_language(request)
    if language is not None:
        choose_locale(customer, language)


def customer_only(
    view: Callable[Concatenate[HttpRequest, Customer, Rest], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """A view for the customer who is signed in; everybody else is asked to sign in."""

    @wraps(view)
    def guarded(request: HttpRequest, *rest: Rest.args, **named: Rest.kwargs) -> HttpResponseBase:
        # No row has a NUL in its name, and the database refuses to look for one.
        if "\0" in request.path:
            raise Http404
        customer = meet(request)
        if customer is None:
            return redirect(f"/start?next={request.path}")
        response = view(request, customer, *rest, **named)
        response["Cache-Control"] = "no-store"
        return response

    return guarded


def find_customer(request: HttpRequest) -> Customer | None:
    """The customer who is signed in: by address, because the code proved it."""
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return None
    known = Customer.objects.filter(erased_at=None)
    return known.filter(user=user).first() or known.filter(email__iexact=user.email).first()


def meet(request: HttpRequest) -> Customer | None:
    """The customer who is signed in, spoken to in their own language unless another was chosen in this browser."""
    customer = find_customer(request)
    if customer is not None and chosen_language(request) in (None, customer.language):
        speak(customer.locale)
    return customer
