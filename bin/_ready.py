"""Starting Python in one of the checkout's own environments, which is installed first where it is missing.

This file has to parse under every Python 3, so that one that is too old can still say so.
"""

import os
import sys

import _environments

OLDEST = (3, 11)


def ensure(level: str) -> None:
    """Install what a level needs, unless it is there already."""
    if _environments.is_ready(level):
        return
    _require_python()
    import _install

    _install.install(level)


def start(level: str, *arguments: str) -> None:
    """Become the Python of a level's environment; its exit code is then ours."""
    os.execve(
        _environments.python(level), [_environments.python(level), *arguments], _environments.variables()
    )


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
