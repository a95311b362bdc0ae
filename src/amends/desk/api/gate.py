"""What every request to the API passes: size, key, rate, idempotency; and every error leaves as a problem."""

from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from amends.desk.api.access import count_request, find_asker
from amends.desk.api.problems import Problem, as_problem, without_database
from amends.desk.api.repetition import HEADER, answer_once

PREFIX = "/api/"
PUBLIC = ("/api/v1/openapi.json",)
BODY_BYTES_MAX = 1024 * 1024
FILE_BYTES_MAX = 11 * 1024 * 1024
"""A picture of 10 MB and what stands around it."""


class ApiGate:
    """Outermost, so that also what the framework refuses has our form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer one request."""
        if not request.path.startswith(PREFIX):
            return self.get_response(request)
        try:
            return as_problem(self._answer(request))
        except Problem as problem:
            return problem.response()
        except (OperationalError, InterfaceError):
            # The gate itself looks for the key, before anybody else could answer.
            return without_database().response()

    def _answer(self, request: HttpRequest) -> HttpResponse:
        _demand_size(request)
        if request.path in PUBLIC:
            return self.get_response(request)
        key = find_asker(request)
        count_request(key)
        request.api_key = key  # type: ignore[attr-defined]  # read by access.key_of
        name = request.headers.get(HEADER)
        if request.method != "POST" or name is None:
            return self.get_response(request)
        return answer_once(key, name, request, self.get_response)


def _demand_size(request: HttpRequest) -> None:
    length = request.headers.get("Content-Length") or "0"
    most = FILE_BYTES_MAX if request.path.endswith("/evidence") else BODY_BYTES_MAX
    if not length.isdecimal() or int(length) > most:
        raise Problem("too_large", f"A body has at most {most} bytes here; send less at once.")
