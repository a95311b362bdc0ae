"""Who asks, how often, and whether they may."""

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from ninja.security import HttpBearer

from amends.desk import clock
from amends.desk.accounts.actions import find_key
from amends.desk.accounts.models import ApiKey, Scope
from amends.desk.api.problems import Problem

MINUTE_SECONDS = 60
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="amends"'}
_COUNT = """
INSERT INTO api_requestcount AS known (key_id, minute, count) VALUES (%s, %s, 1)
ON CONFLICT (key_id) DO UPDATE SET
    count = CASE WHEN known.minute = excluded.minute THEN known.count + 1 ELSE 1 END,
    minute = excluded.minute
RETURNING count
"""


def actor_of(request: HttpRequest) -> str:
    """The program that asks, as the audit names it."""
    return f"key:{key_of(request).id}"


def key_of(request: HttpRequest) -> ApiKey:
    """The key that the gate found."""
    key = getattr(request, "api_key", None)
    assert isinstance(key, ApiKey)
    return key


def find_asker(request: HttpRequest) -> ApiKey:
    """The key in the request's head.

    Raises: Problem.
    """
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise Problem("key_required", "Send `Authorization: Bearer amk_…`.", headers=_CHALLENGE)
    key = find_key(secret.strip())
    if key is None:
        raise Problem("key_unknown", "The key is unknown or was revoked.", headers=_CHALLENGE)
    return key


def count_request(key: ApiKey) -> None:
    """Count a request; the row is shared, so that several processes have one limit together.

    Raises: Problem: too many in this minute.
    """
    minute, second = divmod(int(clock.now().timestamp()), MINUTE_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [key.id, minute])
        (count,) = cursor.fetchone() or (0,)
    most = settings.API_REQUESTS_PER_MINUTE
    if count > most:
        wait = MINUTE_SECONDS - second
        raise Problem(
            "too_many_requests",
            f"A key has {most} requests a minute. Wait {wait} seconds.",
            headers={"Retry-After": str(wait)},
        )


class Needs(HttpBearer):
    """Demands a scope of the key that the gate has found."""

    def __init__(self, scope: Scope | None = None) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey:  # noqa: ARG002  # as ninja calls it
        """The key, if it may do this.

        Raises: Problem.
        """
        key = key_of(request)
        if self.scope is not None and self.scope not in key.scopes:
            raise Problem(
                "scope_missing", f"The key `{key.name}` needs the scope `{self.scope}`; an admin can add it."
            )
        return key
