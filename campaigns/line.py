"""A line between the desk and its database that can be cut, be slow, or swallow everything.

The desk connects over TCP to a port of loopback; from there it goes on to the server's own socket.
"""

import asyncio
import ctypes
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

COMMIT = b"COMMIT\0"
"""In the client's words the end of a transaction, in the server's that it is written down."""
PIECE = 1 << 16
_ATTACH_FILTER, _DETACH_FILTER = 26, 27
_RETURN_NOTHING = 0x06


@dataclass
class Line:
    """Every connection goes through here.

    Invariant: connections are touched by the thread of the loop alone.
    """

    server: Path
    """The server's own socket."""
    cut_before: float = 0
    """How likely a connection is cut before its COMMIT goes out: the transaction is gone."""
    cut_after: float = 0
    """How likely it is cut before the answer to its COMMIT comes back: the client does not know."""
    delay_seconds: float = 0
    """Before each piece, either way."""
    cuts: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(52))
    _ends: dict[asyncio.StreamWriter, asyncio.StreamWriter] = field(default_factory=dict)
    """To the desk, and to the server."""
    _swallowed: set[asyncio.StreamWriter] = field(default_factory=set)
    """To the server, for connections of which the desk hears nothing more."""
    _door: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _is_open: threading.Event = field(default_factory=threading.Event)

    def perform(self, action: Callable[[], None]) -> None:
        """Do something in the loop, and wait until it is done."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(action)
        self._loop.call_soon_threadsafe(done.set)
        done.wait()

    def behave(self, *, cut_before: float = 0, cut_after: float = 0, delay_seconds: float = 0) -> None:
        """Carry like this from now on."""
        self.cut_before, self.cut_after, self.delay_seconds = cut_before, cut_after, delay_seconds

    def cut(self) -> None:
        """Reset every connection."""
        self.perform(self._cut_all)

    def _cut_all(self) -> None:
        for end in list(self._ends):
            self._reset(end)

    def _reset(self, end: asyncio.StreamWriter) -> None:
        self.cuts += 1
        end.transport.abort()

    def fall_silent(self) -> None:
        """Swallow every packet from the desk without a word, those that would connect too."""
        self.perform(self._swallow)

    def speak(self) -> None:
        """Let new connections through; the old ones are dead, and only the server is told."""
        self.perform(self._listen_again)

    def _listen_again(self) -> None:
        self._speaks.set()
        _filter(self._door, is_silent=False)
        for to_server in self._swallowed:
            to_server.close()

    def _swallow(self) -> None:
        self._speaks.clear()
        self._swallowed = set(self._ends.values())
        for one in (self._door, *(desk.get_extra_info("socket") for desk in self._ends)):
            _filter(one, is_silent=True)

    def wait_until_open(self) -> None:
        """Until somebody can connect."""
        self._is_open.wait()

    def close(self) -> None:
        """Cut what is left, and end."""
        self.cut()
        self.perform(self._end.set)

    async def serve(self) -> None:
        """Carry until the end is asked for."""
        self._loop, self._speaks = asyncio.get_running_loop(), asyncio.Event()
        self._speaks.set()
        end = self._end = asyncio.Event()
        await asyncio.start_server(self._carry, sock=self._door)
        self._is_open.set()
        await end.wait()

    @property
    def port(self) -> int:
        """Where the desk connects."""
        return int(self._door.getsockname()[1])

    async def _carry(self, reader: asyncio.StreamReader, desk: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(str(self.server))
        self._ends[desk] = to_server
        ways = (
            asyncio.create_task(self._there(reader, to_server, desk)),
            asyncio.create_task(self._back(from_server, desk)),
        )
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        to_server.close()
        del self._ends[desk]
        if to_server not in self._swallowed:
            desk.close()

    async def _there(
        self, reader: asyncio.StreamReader, to_server: asyncio.StreamWriter, desk: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                if COMMIT in piece and self.dice.random() < self.cut_before:
                    return self._reset(desk)
                await self._pause()
                to_server.write(piece)
        return None

    async def _back(self, from_server: asyncio.StreamReader, desk: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await from_server.read(PIECE):
                if COMMIT in piece and self.dice.random() < self.cut_after:
                    return self._reset(desk)
                await self._pause()
                desk.write(piece)
        return None

    async def _pause(self) -> None:
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        await self._speaks.wait()


def _filter(one: socket.socket, *, is_silent: bool) -> None:
    """The kernel drops what arrives at a socket before it is acknowledged, as where packets get lost."""
    if not is_silent:
        with suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)
        return
    rule = ctypes.create_string_buffer(struct.pack("HBBI", _RETURN_NOTHING, 0, 0, 0))
    one.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(rule)))


@contextmanager
def line_to(server: Path) -> Iterator[Line]:
    """A line to a server, open for as long as it is needed."""
    line = Line(server)
    thread = threading.Thread(target=asyncio.run, args=[line.serve()], daemon=True)
    thread.start()
    line.wait_until_open()
    try:
        yield line
    finally:
        line.close()
        thread.join()
