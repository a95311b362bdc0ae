"""Build an environment: its Python, the pinned packages through uv, and a .pth file that leads to src."""

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TextIO

import _environments

TOOLS = Path(_environments.venv("kernel")) / "tools"

# Inside a virtual environment, perhaps the very one to be rebuilt, this is the Python that made it.
BASE_PYTHON: str = getattr(sys, "_base_executable", sys.executable)

JAVA = "default-jre-headless"  # what Spark runs on, 17 or newer since Debian 12

OLDEST_UV = (0, 5)  # the first to know UV_DEFAULT_INDEX
SYSTEM_TRUST = {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}  # the second for older uv


class InstallError(Exception):
    """Something is missing or failed; the message says what, why and what to do."""


def install(level: str) -> None:
    """Make its environment hold the pinned packages of a level, or end the process with a sentence."""
    try:
        _install_locked(level)
    except InstallError as error:
        sys.exit(f"amends: {error}")
    except OSError as error:
        sys.exit(
            f"amends: could not build {_environments.venv(level)}: {error.strerror or error}. "
            "Make the checkout writable, with about 200 MB free, and run the command again."
        )
    except KeyboardInterrupt:
        sys.exit("amends: stopped while installing; the next run starts afresh.")


def _install_locked(level: str) -> None:
    venv = Path(_environments.venv(level))
    venv.mkdir(parents=True, exist_ok=True)
    with (venv / "lock").open("w") as lock:
        _wait_for(lock)
        # Children keep the lock: when this process is killed, the next run waits until they are gone.
        os.set_inheritable(lock.fileno(), True)  # noqa: FBT003 -- positional only
        if _environments.is_ready(level):
            return
        _say("installing the pinned packages, once")
        level = _widest(level)
        _prepare_python(level)
        _sync(level)
        _lead_to_source(level)
        _write_whole(venv / "ready", _environments.stamp(level))


def _widest(level: str) -> str:
    """The level to install: refreshing a smaller one would take away what a larger one brought."""
    held = _environments.held(level)
    return next((one for one in reversed(_environments.ENOUGH[level]) if f"level {one}\n" in held), level)


def _wait_for(lock: TextIO) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _say("waiting for another run that is installing")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _prepare_python(level: str) -> None:
    """Keep a complete environment of this Python and path; build anew over anything else."""
    place = _environments.stamp(level).split("\n", 2)[2]
    is_complete = os.path.exists(_environments.python(level)) and _environments.held(level).endswith(place)
    venv = Path(_environments.venv(level))
    (venv / "ready").unlink(missing_ok=True)
    if is_complete:
        return
    for leftover in venv.iterdir():
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        elif leftover.name != "lock":
            leftover.unlink()
    if importlib.util.find_spec("venv") is None:
        _install_debian("python3-venv")
    _call("make the environment", BASE_PYTHON, "-m", "venv", "--without-pip", str(venv))


def _sync(level: str) -> None:
    command = [_find_uv(), "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode"]
    command += ["--python", _environments.python(level), _environments.pins(level)]
    environment = _environments.variables() | _mirror() | _cache()
    what = "install the pinned packages"
    try:
        _call(what, *command, environment=environment)
    except InstallError as error:
        if "certificate" not in str(error):
            raise
        # An organisation's own certificate is known to the system, but uv brings its own list.
        _call(what, *command, environment=environment | SYSTEM_TRUST)


def _lead_to_source(level: str) -> None:
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = _call("ask the environment for its folder", _environments.python(level), "-c", ask).strip()
    _write_whole(Path(packages) / "amends.pth", f"{_environments.ROOT}/src\n")


def _find_uv() -> str:
    own = str(TOOLS / "bin" / "uv")
    for candidate in (own, shutil.which("uv")):
        if candidate and _is_recent_uv(candidate):
            return candidate
    pip = [BASE_PYTHON, "-m", "pip"]
    if not _runs(*pip, "--version"):
        pip = [_tools_python(), "-m", "pip"]
    _call(
        "install uv, the package installer",
        *pip,
        *("install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"),
        *("--target", str(TOOLS), "--upgrade", "--require-hashes", "-r", _environments.pins("uv")),
        environment=_environments.variables() | {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"},
    )
    return own


def _is_recent_uv(candidate: str) -> bool:
    try:
        done = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    version = re.match(r"uv (\d+)\.(\d+)", done.stdout)
    return version is not None and tuple(map(int, version.groups())) >= OLDEST_UV


def _tools_python() -> str:
    """A Python that has pip, on a machine whose own has none."""
    if not _runs(BASE_PYTHON, "-c", "import ensurepip"):
        _install_debian("python3-venv")
    folder = TOOLS.parent / "pip"
    _call("set up pip", BASE_PYTHON, "-m", "venv", "--clear", str(folder))
    return str(folder / "bin" / "python")


def _install_debian(package: str) -> None:
    if not _may_install_debian():
        _refuse(package)
    _say(f"installing Debian's {package}, which brings pip")
    _fetch_debian(package)
    importlib.invalidate_caches()
    if not _runs(BASE_PYTHON, "-c", "import ensurepip, venv"):
        _refuse(package)


def bring(program: str, package: str) -> None:
    """Install a Debian package where its program is missing; where none may be, whoever needs it says that it is missing.

    Raises: InstallError.
    """
    if shutil.which(program) is None and _may_install_debian():
        _say(f"installing Debian's {package}, once")
        _fetch_debian(package)


def bring_java() -> None:
    """Install what Spark runs on.

    Raises: InstallError.
    """
    bring("java", JAVA)


def _may_install_debian() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _fetch_debian(package: str) -> None:
    environment = _environments.variables() | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", package)
    if not _runs(*command, environment=environment):
        _runs("apt-get", "update", "-qq", environment=environment)
        _call(f"install Debian's {package}", *command, environment=environment)


def _refuse(package: str) -> NoReturn:
    message = (
        f"{BASE_PYTHON} has neither pip nor a way to set it up. Install pip for it, or uv "
        f"(on Debian, as root: apt-get install {package}), and run the command again."
    )
    raise InstallError(message)


def _mirror() -> dict[str, str]:
    """The package index and certificates that pip was told about; uv does not read pip's settings."""
    told: dict[str, str] = {}
    if not os.environ.keys() & {"UV_DEFAULT_INDEX", "UV_INDEX_URL"}:
        index = os.environ.get("PIP_INDEX_URL") or _ask_pip("global.index-url")
        told |= {"UV_DEFAULT_INDEX": index} if index else {}
    if "SSL_CERT_FILE" not in os.environ and os.path.isfile(os.environ.get("PIP_CERT", "")):
        told["SSL_CERT_FILE"] = os.environ["PIP_CERT"]
    return told


def _ask_pip(setting: str) -> str:
    ask = [BASE_PYTHON, "-m", "pip", "config", "get", setting]
    return subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()


def _cache() -> dict[str, str]:
    """Without a home folder to write to, uv has to do without its cache."""
    named = os.environ.get("UV_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    home = os.environ.get("HOME", "")
    return {} if named or (home and os.access(home, os.W_OK)) else {"UV_NO_CACHE": "1"}


def _runs(*command: str, environment: dict[str, str] | None = None) -> bool:
    return _finish(command, environment).returncode == 0


def _call(what: str, *command: str, environment: dict[str, str] | None = None) -> str:
    done = _finish(command, environment)
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()[-8:]
        message = (
            f"could not {what}: {Path(command[0]).name} ended with code {done.returncode}. "
            "Check the network and the free disk space (behind a mirror set PIP_INDEX_URL), then run "
            "the command again; it starts afresh. What it said:\n    " + "\n    ".join(words)
        )
        raise InstallError(message)
    return done.stdout


def _finish(command: Sequence[str], environment: dict[str, str] | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=environment or _environments.variables(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        close_fds=False,  # so that the lock is handed down
    )


def _write_whole(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8", errors="surrogateescape")
    part.replace(path)


def _say(text: str) -> None:
    print(f"amends: {text}", file=sys.stderr, flush=True)
