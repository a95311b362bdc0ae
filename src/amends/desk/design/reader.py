"""In which language a page is read: the one that was chosen, else the one that the browser asks for."""

from collections.abc import Awaitable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

PAGES_FOR_PROGRAMS = ("/api/", "/webhooks/", "/healthz", "/readyz", "/metrics")
"""Programs read English, whatever they say they accept: what they compare must not depend on it."""
KEPT_SECONDS = 365 * 24 * 60 * 60


class ReaderLanguage(LocaleMiddleware):
    """Speaks the reader's language until the answer is made."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer one request."""
        if not request.path.startswith(PAGES_FOR_PROGRAMS):
            return super().__call__(request)
        with translation.override(settings.LANGUAGE_CODE):
            return self.get_response(request)


def chosen_language(request: HttpRequest) -> str | None:
    """The language that somebody chose in this browser."""
    name = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
    return name if name in dict(settings.LANGUAGES) else None


def keep_choice(response: HttpResponseBase, language: str) -> None:
    """Have the browser keep a choice for a year."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=KEPT_SECONDS,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite="Lax",
    )
