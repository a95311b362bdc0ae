"""Decides cases by Spark and by `decide`, and ends with 1 at the first difference.

`python on_spark.py CASES POLICY...`, where a policy is a file or the seed of one made at random. A program of its own:
Spark leaves sockets open, which a run of tests takes for a fault.
"""

import sys
from pathlib import Path

from agreement import differences
from amends import read_policy
from generated import Cases
from generated_policies import generated_policy
from sql_engines import Spark


def main() -> None:
    """Decide, and say how many were."""
    number, *names = sys.argv[1:]
    engine = Spark()
    for seed, name in enumerate(names):
        policy = generated_policy(int(name)) if name.isdigit() else read_policy(Path(name))
        cases = Cases(policy, seed).several(int(number))
        for case, expected, answer in differences(policy, cases, engine.answers(policy, cases)):
            sys.exit(f"{name}: {case}\n  decide: {expected}\n  Spark:  {answer}")
        print(f"{name}: {len(cases)} cases alike")  # noqa: T201  # what the test counts


if __name__ == "__main__":
    main()
