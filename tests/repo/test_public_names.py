"""What `import amends` promises: the names it lists, and that it loads nothing heavy."""

import subprocess
import sys
import tomllib

import amends
from conftest import ROOT

LATE = {"babel", "click", "django", "duckdb", "sqlglot", "z3"}


def test_every_listed_name_exists_and_deciding_is_among_them() -> None:
    missing = [name for name in amends.__all__ if not hasattr(amends, name)]

    assert missing == []
    assert {"read_policy", "decide"} <= set(amends.__all__)


def test_import_loads_no_solver_framework_or_translation() -> None:
    ask = "import sys, amends; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.check_output([sys.executable, "-c", ask], text=True).split()

    assert LATE & set(loaded) == set()


def test_the_command_line_loads_the_solver_only_to_prove() -> None:
    ask = "import sys, amends.cli; print('z3' in sys.modules, 'amends.policy.checker' in sys.modules)"

    assert subprocess.check_output([sys.executable, "-c", ask], text=True) == "False False\n"


def test_the_program_states_the_version_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    stated = subprocess.check_output([sys.executable, "-m", "amends", "--version"], text=True)

    assert stated == f"amends {project['version']}\n"
