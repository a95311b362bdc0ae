"""Calls that end: whatever a server does, its connection is cut when the time is over.

Time-outs of sockets bound the wait for the next byte; a server that sends one byte a second would hold a worker for ever.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class _Cut:
    """The connections of one call, by handles of its own, so that a closed one cannot be mistaken for a later one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handles: list[socket.socket] = []
        self._is_over = False

    def watch(self, fileno: int) -> None:
        """Cut this connection, too."""
        with self._lock:
            handle = socket.socket(fileno=os.dup(fileno))
            self._handles.append(handle)
            if self._is_over:
                _shut(handle)

    def cut(self) -> None:
        """Time is over: whoever reads or writes gets an error."""
        with self._lock:
            self._is_over = True
            for handle in self._handles:
                _shut(handle)

    def close(self) -> None:
        """The call has ended."""
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()


def _shut(handle: socket.socket) -> None:
    try:
        handle.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # The other side was faster.


_CURRENT: ContextVar[_Cut | None] = ContextVar("cut", default=None)


@contextmanager
def _ends_after(seconds: float) -> Iterator[None]:
    cut = _Cut()
    timer = threading.Timer(seconds, cut.cut)
    timer.daemon = True
    token = _CURRENT.set(cut)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        _CURRENT.reset(token)
        cut.close()


def _watch(connection: socket.socket | None) -> None:
    cut = _CURRENT.get()
    if cut is not None and connection is not None:
        cut.watch(connection.fileno())


class _Plain(HTTPConnection):
    """A connection that is watched from its first byte, and again where it is used for another call."""

    _socket: socket.socket | None

    @property
    def sock(self) -> socket.socket | None:
        """The socket, set before its handshake and again after it."""
        return self._socket

    @sock.setter
    def sock(self, connection: socket.socket | None) -> None:
        self._socket = connection
        _watch(connection)

    def request(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401  # urllib3's
        """Send a request."""
        _watch(self.sock)
        super().request(*arguments, **named)


class _Secure(_Plain, HTTPSConnection):
    """The same with TLS, whose handshake is watched, too."""


class _Adapter(HTTPAdapter):
    """Hands out watched connections, also through a proxy of the environment."""

    def get_connection_with_tls_context(self, *arguments: Any, **named: Any) -> HTTPConnectionPool:  # noqa: ANN401  # requests'
        """The pool of a host, which makes its connections when they are needed."""
        pool: HTTPConnectionPool = super().get_connection_with_tls_context(*arguments, **named)
        pool.ConnectionCls = _Secure if isinstance(pool, HTTPSConnectionPool) else _Plain
        return pool


class BoundedSession(requests.Session):
    """A session whose requests, from connecting to the last byte of the answer, end within some seconds."""

    def __init__(self, total_seconds: float) -> None:
        super().__init__()
        self._total_seconds = total_seconds
        adapter = _Adapter()
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def request(self, *arguments: Any, **named: Any) -> requests.Response:  # noqa: ANN401  # requests'
        """Make a request and read its answer.

        Raises: requests.RequestException: also where the time is over.
        """
        with _ends_after(self._total_seconds):
            return super().request(*arguments, **named)
