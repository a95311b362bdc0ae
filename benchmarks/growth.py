"""How the time grows with the rows of a table and with the clauses of a policy: figures, and the plot `docs/growth.svg`.

Each figure is the lesser of two runs. The rows are complete cases of the shipped policy; the growing policies are those
of `check.py`, without a defect.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import check
import sql
from amends import parse_policy, read_policy
from amends.policy.checker import check_policy
from amends.policy.sql.compiler import Dialect, compile_policy

ROOT = Path(__file__).resolve().parents[1]
PLOT = ROOT / "docs" / "growth.svg"
ROWS = (100_000, 1_000_000, 3_000_000, 10_000_000)
CLAUSES = (10, 50, 200, 500, 1_000)
REPEATS = 2
MARKS = "osD^v"

Curves = dict[str, list[float]]


def least(run: Callable[[], object]) -> float:
    """The least time of some runs, in seconds."""
    return min(check.seconds(run) for _ in range(REPEATS))


def over_rows(folder: Path) -> Curves:
    """What each query takes, by the rows."""
    policy = read_policy(ROOT / "policies" / "flux-kontext.md")
    made = compile_policy(policy, Dialect.DUCKDB, "requests")
    curves: Curves = {}
    with sql.connect(folder) as engine:
        sql.fill(engine, policy, folder)
        for rows in ROWS:
            sql.repeat(engine, rows // sql.REPEATED)
            others = sql.others(engine, policy, rows // sql.REPEATED, folder)
            runs = sql.runs_of(engine, made) | others
            for name, run in runs.items():
                curves.setdefault(name, []).append(least(run))
            engine.execute("DROP TABLE requests")
    return curves


def over_clauses() -> Curves:
    """What reading, checking and writing the SQL take, by the clauses."""
    curves: Curves = {}
    for clauses in CLAUSES:
        text = check.policy_text(clauses)
        policy = parse_policy(text)
        runs: dict[str, Callable[[], object]] = {
            "read": partial(parse_policy, text),
            "check": partial(check_policy, policy),
            "write the SQL": partial(compile_policy, policy, Dialect.DUCKDB, "requests"),
        }
        for name, run in runs.items():
            curves.setdefault(name, []).append(least(run))
    return curves


def show(head: str, sizes: tuple[int, ...], curves: Mapping[str, list[float]]) -> None:
    """Print the curves as a table, with how the time grows from the second largest size to the largest."""
    print(f"{head:<28}" + "".join(f"{size:>12,}" for size in sizes) + f"{'growth':>9}")
    for name, seconds in curves.items():
        figures = "".join(f"{one:>12.3f}" for one in seconds)
        print(f"{name:<28}{figures}{seconds[-1] / seconds[-2]:>9.1f}")


def draw(axes: Axes, head: str, sizes: tuple[int, ...], curves: Mapping[str, list[float]]) -> None:
    """Both scales are logarithmic: what grows in step is a line that rises by one decade in each decade."""
    for mark, (name, seconds) in zip(MARKS * 2, curves.items(), strict=False):
        axes.loglog(sizes, seconds, marker=mark, markersize=4, label=name)
    axes.set_xlabel(head)
    axes.set_ylabel("seconds")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(frameon=False, fontsize="small")


def main() -> None:
    """Measure, print and draw."""
    with TemporaryDirectory() as name:
        rows = over_rows(Path(name))
    clauses = over_clauses()
    show("seconds by rows", ROWS, rows)
    show("seconds by clauses", CLAUSES, clauses)
    mpl.rcParams["svg.hashsalt"] = "amends"
    mpl.rcParams["svg.fonttype"] = "none"
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw(left, "rows of a table", ROWS, rows)
    draw(right, "clauses of a policy", CLAUSES, clauses)
    figure.savefig(PLOT, metadata={"Date": None})
    print(f"Drawn: {PLOT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
