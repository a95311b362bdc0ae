"""What `import amends` promises: the names it lists, and that it loads nothing heavy."""

import subprocess
import sys

import amends

LATE = {"babel", "click", "django", "duckdb", "sqlglot", "z3"}


def test_every_listed_name_exists_and_deciding_is_among_them() -> None:
    missing = [name for name in amends.__all__ if not hasattr(amends, name)]

    assert missing == []
    assert {"read_policy", "decide"} <= set(amends.__all__)


def test_import_loads_no_solver_framework_or_translation() -> None:
    ask = "import sys, amends; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.check_output([sys.executable, "-c", ask], text=True).split()

    assert LATE & set(loaded) == set()
