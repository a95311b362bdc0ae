"""A gateway that sends a byte from time to time and never an answer holds no worker for longer than a call may take."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from amends.desk.payments.gateway import OutcomeUnknown
from amends.desk.payments.models import Payment, Refund
from amends.desk.payments.sending import LEASE, send_next
from amends.desk.payments.states import RefundState
from amends.desk.payments.stripe_gateway import TOTAL_SECONDS, StripeGateway, bounded_client
from amends.sandbox.server import Sandbox
from refunding import ask, settled
from trade import make_payment, refunds_at

SECONDS = 0.6
EVERY = 0.05
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ANSWERS = {
    "a head that never ends": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
    "a body that never ends": (HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
    "a body without a length": (HEAD + b"Connection: close\r\n\r\n", b" "),
    "a body in chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
}
HANDSHAKE = (b"\x16\x03\x03\x40\x00", b"\x02")


@contextmanager
def drip(first: bytes, then: bytes) -> Iterator[int]:
    """A server that takes a request and answers a piece at a time for as long as it is listened to."""
    server = socket.create_server(("127.0.0.1", 0))
    is_over = threading.Event()

    def serve() -> None:
        while not is_over.is_set():
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                _answer(connection, first, then, is_over)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(server.getsockname()[1])
    finally:
        is_over.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def _answer(connection: socket.socket, first: bytes, then: bytes, is_over: threading.Event) -> None:
    try:
        connection.recv(65_536)
        connection.sendall(first)
        while not is_over.wait(EVERY):
            connection.sendall(then)
    except OSError:
        return


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_call_ends_although_a_byte_comes_from_time_to_time(
    sandbox: Sandbox, gateway: StripeGateway, answer: str
) -> None:
    payment = make_payment(sandbox, gateway)
    refund = ask(payment)
    begun = time.monotonic()

    with drip(*ANSWERS[answer]) as port:
        slow = StripeGateway("sk_test_desk", f"http://127.0.0.1:{port}", bounded_client(SECONDS))
        send_next(slow)
        took = time.monotonic() - begun

    assert SECONDS <= took < SECONDS + 2
    assert (settled(refund).state, refund.leased_until) == (RefundState.UNKNOWN, None)
    Refund.objects.update(next_try_at=refund.created_at)
    send_next(gateway)
    assert [one.amount for one in refunds_at(sandbox, payment)] == [1815]
    assert settled(refund).state == RefundState.SUCCEEDED


def test_a_handshake_that_never_ends_is_cut() -> None:
    begun = time.monotonic()

    with drip(*HANDSHAKE) as port:
        slow = StripeGateway("sk_test_desk", f"https://127.0.0.1:{port}", bounded_client(SECONDS))
        with pytest.raises(OutcomeUnknown):
            slow.refund("re_1")

    assert SECONDS <= time.monotonic() - begun < SECONDS + 2


def test_a_proxy_is_no_way_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.monotonic()

    with drip(*ANSWERS["a head that never ends"]) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        slow = StripeGateway("sk_test_desk", "http://gateway.example", bounded_client(SECONDS))
        with pytest.raises(OutcomeUnknown):
            slow.refund("re_1")

    assert SECONDS <= time.monotonic() - begun < SECONDS + 2


def test_a_connection_that_is_used_again_is_watched_again(sandbox: Sandbox) -> None:
    quick = StripeGateway("sk_test_desk", sandbox.address, bounded_client(SECONDS))
    payment = make_payment(sandbox, quick)
    for _ in range(3):
        assert quick.refunds_of(payment) == []
        time.sleep(SECONDS / 2)
    sandbox.api.faults.add({"fault": "hang", "path": "/v1/refunds", "method": "GET", "seconds": "2"})
    begun = time.monotonic()

    with pytest.raises(OutcomeUnknown):
        quick.refunds_of(payment)

    assert time.monotonic() - begun < SECONDS + 2
    assert Payment.objects.count() == 1


def test_a_call_is_over_before_its_lease_is() -> None:
    assert LEASE.total_seconds() > 2 * TOTAL_SECONDS
