"""Several programs as one: their output in one stream, one Ctrl-C for all, and no survivor when one dies."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from types import FrameType

GRACE_SECONDS = 10
KILL_SECONDS = 5
_COLOURS = (36, 35, 33, 32)
_PR_SET_PDEATHSIG = 1


class Processes:
    """Programs that live and die together."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment) | {"PYTHONUNBUFFERED": "1"}
        self._children: dict[str, subprocess.Popen[str]] = {}
        self._stop = threading.Event()
        self._write = threading.Lock()

    def catch_signals(self) -> None:
        """From here on Ctrl-C and a polite end stop everything in order."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_stop)

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()

    @property
    def is_stopping(self) -> bool:
        """Whether the end has begun."""
        return self._stop.is_set() or self.dead is not None

    @property
    def dead(self) -> str | None:
        """The name of a program that ended by itself."""
        return next((name for name, child in self._children.items() if child.poll() is not None), None)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a program in a session of its own, where the terminal's Ctrl-C does not reach it."""
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  # no thread of ours holds a lock that it needs
            env=self._environment,
        )
        self._children[name] = child
        colour = _COLOURS[len(self._children) % len(_COLOURS)]
        threading.Thread(target=self._show, args=(name, child, colour), daemon=True).start()

    def _show(self, name: str, child: subprocess.Popen[str], colour: int) -> None:
        start = f"\x1b[{colour}m{name:<8}\x1b[0m " if sys.stdout.isatty() else f"{name:<8} "
        assert child.stdout is not None
        for line in child.stdout:
            with self._write:
                # A line of the log is for programs, which could not read it behind a name.
                sys.stdout.write(line if line.startswith("{") else start + line)
                sys.stdout.flush()

    def wait(self) -> int:
        """Until somebody asks for the end or one program dies; then stop all. The exit code."""
        while not self.is_stopping:
            self._stop.wait(0.2)
        ended = self.dead
        self.stop()
        return 0 if ended is None else 1

    def stop(self) -> None:
        """Ask all to end, wait, then insist."""
        for number, seconds in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
            for child in self._children.values():
                if child.poll() is None:
                    os.killpg(child.pid, number)
            end = time.monotonic() + seconds
            while time.monotonic() < end and any(child.poll() is None for child in self._children.values()):
                time.sleep(0.05)


def _die_with_parent() -> None:
    """Ask the kernel to end this program when its parent is killed, so that no survivor holds a port."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
