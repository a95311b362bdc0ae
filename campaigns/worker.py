"""A worker of a campaign: `worker.py GATEWAY THREADS [DEATH]`, where DEATH is `before`, `after` or `written`.

It sends what is due until it is ended, or until it ends itself with kill -9: before its first call is on the wire, when
the answer is there, or when the answer is written down.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

import django
import stripe

django.setup()

from django.db import DatabaseError, InterfaceError, connection  # noqa: E402  # needs the settings

from amends.desk.payments.sending import send_next  # noqa: E402  # as above
from amends.desk.payments.stripe_gateway import StripeGateway  # noqa: E402  # as above

IDLE_SECONDS = 0.05


class MortalClient(stripe.RequestsClient):
    """The client's own transport, with a place to die on either side of it."""

    def __init__(self, death: str) -> None:
        super().__init__(timeout=(5, 25))
        self._death = death

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: str | None = None,
        **_usage: object,
    ) -> tuple[Any, int, Mapping[str, str]]:
        """One call, as the client makes it."""
        die(self._death == "before")
        body, status, told = super().request(method, url, headers, post_data)
        die(self._death == "after")
        return body, status, told


def die(now: bool) -> None:  # noqa: FBT001  # reads as a sentence
    """Nothing is cleaned up, nothing is said."""
    if now:
        os.kill(os.getpid(), signal.SIGKILL)


def work(gateway: StripeGateway, death: str) -> None:
    """Send until this process ends; a database that restarts is come back to."""
    while True:
        try:
            refund = send_next(gateway)
        except (DatabaseError, InterfaceError):
            connection.close()
            time.sleep(IDLE_SECONDS)
            continue
        die(refund is not None and death == "written")
        if refund is None:
            time.sleep(IDLE_SECONDS)


def main() -> None:
    """Start the threads, and wait to be ended."""
    address, threads, death = sys.argv[1], int(sys.argv[2]), (sys.argv[3:] or [""])[0]
    gateway = StripeGateway("sk_test_campaign", address, MortalClient(death))
    for _ in range(threads):
        threading.Thread(target=work, args=(gateway, death), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
