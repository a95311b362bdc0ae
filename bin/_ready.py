"""The checkout's own Python environments: whether one is ready, and starting Python in it.

This file has to parse under every Python 3, so that one that is too old can still say so.
"""

import hashlib
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

# Each level, with the levels that hold everything it needs.
ENOUGH = {
    "kernel": ("kernel", "check", "sql", "desk", "dev"),
    "check": ("check", "sql", "desk", "dev"),
    "sql": ("sql", "desk", "dev"),
    "desk": ("desk", "dev"),
    "dev": ("dev",),
    "benchmarks": ("benchmarks",),
}

# What benchmarks compare with stays away from what the program runs and is checked with.
FOLDERS = {
    **dict.fromkeys(("kernel", "check", "sql", "desk", "dev"), ".venv"),
    "benchmarks": "var/benchmarks",
}

OLDEST = (3, 11)


def venv(level: str) -> str:
    """The folder of the environment that a level is installed into."""
    return os.path.join(ROOT, FOLDERS[level])


def python(level: str) -> str:
    """The Python of a level's environment."""
    return os.path.join(venv(level), "bin", "python")


def pins(level: str) -> str:
    """Where the pinned packages of a level are listed."""
    return os.path.join(ROOT, "requirements", level + ".txt")


def stamp(level: str) -> str:
    """What the file `ready` of an environment holds once a level is installed, for these pins, this Python and this path."""
    with open(pins(level), "rb") as listed:
        digest = hashlib.sha256(listed.read()).hexdigest()
    # The resolved path carries the version (…/python3.11): nothing has to be started to learn it.
    interpreter = os.path.realpath(python(level))
    return f"level {level}\npins {digest}\npython {interpreter}\ncheckout {ROOT}\n"


def held(level: str) -> str:
    """The stamp of the last complete installation in a level's environment, or nothing."""
    try:
        with open(os.path.join(venv(level), "ready"), encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def is_ready(level: str) -> bool:
    """Whether its environment holds the pinned packages of a level, or of one that includes it."""
    return os.path.exists(python(level)) and held(level) in [stamp(one) for one in ENOUGH[level]]


def ensure(level: str) -> None:
    """Install what a level needs, unless it is there already."""
    if is_ready(level):
        return
    _require_python()
    import _install

    _install.install(level)


def environment() -> dict:
    """The caller's environment, with bytecode allowed: without it every start takes twice as long."""
    return {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def start(level: str, *arguments: str) -> None:
    """Become the Python of a level's environment; its exit code is then ours."""
    os.execve(python(level), [python(level), *arguments], environment())


def _require_python() -> None:
    if sys.version_info >= OLDEST:
        return
    import subprocess

    for name in ("python3.14", "python3.13", "python3.12", "python3.11"):
        # A name on PATH proves nothing: version managers leave shims that only print an error.
        probe = [name, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        try:
            works = subprocess.call(probe, stderr=subprocess.DEVNULL) == 0
        except OSError:
            works = False
        if works:
            os.execvp(name, [name, *sys.argv])
    sys.exit(
        "amends: Python 3.11 or newer is needed, but {} is {}.{}. "
        "Install one (it may stand beside this one) and run the command again.".format(
            sys.executable, *sys.version_info[:2]
        )
    )
