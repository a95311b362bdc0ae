"""A small file system of its own, which can be filled to the last byte and made roomy again."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SIZE = "192m"
CHUNKS = (1 << 20, 1 << 12)
"""Bytes that are written at once, until not even the smallest piece finds room."""


class NotAllowedError(Exception):
    """This user may not do what a trial needs; the message says what."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The folder that it is mounted on."""

    folder: Path

    @property
    def server(self) -> Path:
        """Where PostgreSQL keeps its files on it."""
        return self.folder / "18"

    @property
    def is_served(self) -> bool:
        """Whether the server runs; one that has stopped leaves no number behind."""
        return (self.server / "data" / "postmaster.pid").exists()

    def fill(self) -> None:
        """Leave nothing free."""
        for size in CHUNKS:
            with suppress(OSError), (self.folder / "filler").open("ab", buffering=0) as filler:
                while filler.write(bytes(size)):
                    pass

    def make_room(self) -> None:
        """Give back what was filled."""
        (self.folder / "filler").unlink()


@contextmanager
def small_disk() -> Iterator[Disk]:
    """Mount one, and take it away with the server that lives on it.

    Raises: NotAllowedError.
    """
    if os.geteuid() != 0:
        raise NotAllowedError("only root may mount a small file system: run it as root, or in a container")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", folder]
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotAllowedError(f"no small file system could be mounted: {done.stderr.strip()}")
        disk = Disk(Path(folder))
        try:
            yield disk
        finally:
            _end_server(disk)
            # Our own process holds the lock of a user of the server until it ends.
            subprocess.run(["umount", "--lazy", folder], check=True)  # noqa: S607  # found on PATH


def _end_server(disk: Disk) -> None:
    pid = disk.server / "data" / "postmaster.pid"
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int(pid.read_text().splitlines()[0]), signal.SIGQUIT)
        while disk.is_served:
            time.sleep(0.05)
