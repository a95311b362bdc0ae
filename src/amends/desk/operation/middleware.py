"""Around every request: its id, and one line about it."""

import re
from collections.abc import Callable
from time import perf_counter

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from amends.desk import ids, logs

HEADER = "X-Request-ID"
_GIVEN = re.compile(r"[\w-]{8,64}")
_QUIET = ("healthz", "readyz", "metrics")
"""What machines ask every few seconds."""


class RequestLog:
    """Outermost; a proxy's own id is kept, so that its lines and ours can be put together."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer one request."""
        given = request.headers.get(HEADER, "")
        name = given if _GIVEN.fullmatch(given) else ids.make_id().hex
        token = logs.request_id.set(name)
        begun = perf_counter()
        try:
            response = self.get_response(request)
            response[HEADER] = name
            self._tell(request, response.status_code, perf_counter() - begun)
        finally:
            logs.request_id.reset(token)
        return response

    def _tell(self, request: HttpRequest, status: int, seconds: float) -> None:
        # The route and not the path, in which a token may stand.
        route = request.resolver_match.route if request.resolver_match else "unknown"
        if route not in _QUIET:
            logs.tell(
                "request",
                method=request.method or "",
                route=route,
                status=status,
                milliseconds=round(seconds * 1000),
            )
