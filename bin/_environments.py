"""The checkout's own Python environments: where they are, what belongs into each, and whether it is there.

This file has to parse under every Python 3, so that one that is too old can still say so.
"""

import hashlib
import os

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


def variables() -> dict:
    """The caller's environment variables, with bytecode allowed: without it every start takes twice as long."""
    return {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
