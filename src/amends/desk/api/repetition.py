"""One idempotency key, one effect: the same request again gets the first answer, another one is refused."""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection
from django.http import HttpRequest, HttpResponse

from amends.desk import clock
from amends.desk.accounts.models import ApiKey
from amends.desk.api.models import KeptAnswer
from amends.desk.api.problems import Problem

KEPT_FOR = timedelta(hours=24)
HEADER = "Idempotency-Key"
_NAME = re.compile(r"[\x21-\x7e]{1,255}")


def answer_once(
    key: ApiKey, name: str, request: HttpRequest, answer: Callable[[HttpRequest], HttpResponse]
) -> HttpResponse:
    """Answer a request, or repeat the answer that it had.

    Refusals are not kept: they had no effect, and the next attempt may do better.
    Raises: Problem: the key belongs to another request.
    """
    if not _NAME.fullmatch(name):
        raise Problem("malformed", f"{HEADER} is 1 to 255 visible ASCII characters, such as a UUID.")
    with _turn(f"answer:{key.id}:{name}"):
        kept = KeptAnswer.objects.filter(key=key, name=name, created_at__gt=clock.now() - KEPT_FOR).first()
        sha256 = _fingerprint(request)
        if kept is not None:
            return _repeat(kept, sha256)
        fresh = answer(request)
        if fresh.status_code < 300 and fresh.get("Cache-Control") != "no-store":  # noqa: PLR2004  # HTTP
            _keep(key, name, sha256, fresh)
    return fresh


@contextmanager
def _turn(name: str) -> Iterator[None]:
    """Requests with one key go one after the other, in whatever process; the lock ends with the connection at the latest.

    Not a transaction: what is asked of the gateway in between must not hold one open.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def _fingerprint(request: HttpRequest) -> str:
    head = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(head + request.body).hexdigest()


def _repeat(kept: KeptAnswer, sha256: str) -> HttpResponse:
    if kept.request_sha256 != sha256:
        raise Problem(
            "idempotency_key_reused",
            f"This {HEADER} was sent with another request. Use a fresh one for each intent.",
        )
    return HttpResponse(
        kept.body,
        status=kept.status,
        content_type=kept.content_type,
        headers={"Idempotent-Replayed": "true"},
    )


def _keep(key: ApiKey, name: str, sha256: str, answer: HttpResponse) -> None:
    KeptAnswer.objects.filter(key=key, created_at__lte=clock.now() - KEPT_FOR).delete()
    KeptAnswer.objects.create(
        key=key,
        name=name,
        request_sha256=sha256,
        status=answer.status_code,
        content_type=answer["Content-Type"],
        body=answer.content.decode(),
        created_at=clock.now(),
    )


def forget_answers() -> int:
    """Remove the answers that are no longer given again; how many there were."""
    return KeptAnswer.objects.filter(created_at__lte=clock.now() - KEPT_FOR).delete()[0]
