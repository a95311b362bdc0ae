"""Send events: signed, at least once, waiting longer after each failure, never following where an answer points."""

import http.client
import socket
import ssl
import threading
from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from standardwebhooks import Webhook

from amends.desk import clock
from amends.desk.announcements.actions import end
from amends.desk.announcements.addresses import AddressError, Target, find
from amends.desk.announcements.models import Delivery

TIMEOUT_SECONDS = 5
TOTAL_SECONDS = 15
LEASE = timedelta(seconds=60)
"""Longer than the longest attempt."""
WAITS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""After each failure; then it is given up."""
GONE = 410


def deliver_next() -> Delivery | None:
    """Take the next event that is due through one attempt; None where nothing is due."""
    delivery = _claim()
    if delivery is None:
        return None
    try:
        status = _post(find(delivery.endpoint.url), delivery)
    except (AddressError, OSError, http.client.HTTPException) as error:
        return _failed(delivery, f"{type(error).__name__}: {error}")
    if 200 <= status < 300:  # noqa: PLR2004  # HTTP
        return _delivered(delivery)
    if status == GONE:
        end(delivery.endpoint, "desk")
    return _failed(delivery, f"answered {status}")


def _claim() -> Delivery | None:
    """Lease the next event and count the attempt before anything is sent; rows of other workers are skipped."""
    with transaction.atomic():
        due = Delivery.objects.filter(next_try_at__lte=clock.now()).order_by("next_try_at")
        delivery = (
            due.select_for_update(skip_locked=True, of=("self",), no_key=True)
            .select_related("endpoint")
            .first()
        )
        if delivery is None:
            return None
        delivery.attempts, delivery.next_try_at = F("attempts") + 1, clock.now() + LEASE
        delivery.save(update_fields=["attempts", "next_try_at"])
    delivery.refresh_from_db(fields=["attempts"])
    return delivery


def _post(target: Target, delivery: Delivery) -> int:
    """One attempt, with a deadline over all of it; the status of the answer, of which nothing more is read."""
    at = clock.machine_now()
    body = delivery.body.encode()
    headers = {
        "Host": target.host if target.port in (80, 443) else f"{target.host}:{target.port}",
        "Content-Type": "application/json",
        "User-Agent": "amends",
        "webhook-id": delivery.event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(delivery.endpoint.secret).sign(delivery.event_id, at, delivery.body),
    }
    connection = http.client.HTTPConnection(target.host, target.port, timeout=TIMEOUT_SECONDS)
    line = _connect(target)
    connection.sock = line
    alarm = threading.Timer(TOTAL_SECONDS, _cut, [line])
    alarm.daemon = True
    alarm.start()
    try:
        connection.request("POST", target.path, body, headers)
        return connection.getresponse().status
    finally:
        alarm.cancel()
        connection.close()


def _connect(target: Target) -> socket.socket:
    """Call the number that was checked; TLS still proves the name."""
    line = socket.create_connection((target.number, target.port), timeout=TIMEOUT_SECONDS)
    if not target.is_encrypted:
        return line
    return ssl.create_default_context().wrap_socket(line, server_hostname=target.host)


def _cut(line: socket.socket) -> None:
    """End a call that drips on, also while it waits for the next byte."""
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _delivered(delivery: Delivery) -> Delivery:
    delivery.delivered_at, delivery.next_try_at, delivery.problem = clock.now(), None, ""
    delivery.save(update_fields=["delivered_at", "next_try_at", "problem"])
    return delivery


def _failed(delivery: Delivery, problem: str) -> Delivery:
    delivery.refresh_from_db(fields=["next_try_at"])
    if delivery.next_try_at is not None:
        is_over = delivery.attempts > len(WAITS)
        delivery.next_try_at = None if is_over else clock.now() + WAITS[delivery.attempts - 1]
    delivery.problem = problem
    delivery.save(update_fields=["next_try_at", "problem"])
    return delivery
