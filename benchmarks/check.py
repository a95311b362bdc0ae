"""How long a check takes: the shipped policy, generated policies up to a thousand clauses, and a comparison.

The generated policies have no defect. Every second clause grants in a band of usage of its own, within a window of its
own, and the one behind it denies later in the same band. The last column is what the project promises itself.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter

from amends import parse_policy, read_policy
from amends.policy.checker import check_policy
from amends.policy.comparison import compare
from amends.policy.model import Policy
from wide import HEAD

ROOT = Path(__file__).resolve().parents[1]
SIZES = ((50, 5.0), (1_000, 60.0))
SHIPPED_SECONDS = 2.0
COMPARE_SECONDS = 5.0
BAND = """
- With [{low} generations]{{#low_{n}}} to [{high} generations]{{#high_{n}}}, within [{days} days]{{#days_{n}}}. {{#band_{n}}}

```rule band_{n}
grant: refund "Refund"
when: generations >= low_{n} and generations <= high_{n} and age <= days_{n}
lines:
  paid "What you paid": paid
  returned "Returned before": -refunded
```

- Later than [{days} days]{{=days_{n}}} with so many, nothing comes back. {{#late_{n}}}

```rule late_{n}
deny
when: generations >= low_{n} and generations <= high_{n} and age > days_{n}
```
"""
ABOVE = """
- With more than [{high} generations]{{=high_{n}}} nothing comes back. {{#above}}

```rule above
deny
when: generations > high_{n}
```

- While a person looks into it, and for credits, a person decides. {{#looked_into}}

```rule looked_into
refer
when: is_looked_into or product == credits
```
"""
ASSUME = """assume:
  requested_at >= purchased_at
  refunded >= 0 and refunded <= paid
"""


def policy_text(clauses: int) -> str:
    """A policy without a gap or a contradiction, with about the given number of clauses."""
    bands = clauses // 2 - 1
    body = [BAND.format(n=n, low=n * 10, high=n * 10 + 9, days=7 + n % 30) for n in range(bands)]
    age = "\n```define age\ndays_between(purchased_at, requested_at)\n```\n"
    above = ABOVE.format(n=bands - 1, high=bands * 10 - 1)
    return f"{HEAD}{ASSUME}---\n# A generated policy\n{age}{''.join(body)}{above}"


def seconds(action: Callable[[], object]) -> float:
    """How long one run takes."""
    begun = perf_counter()
    action()
    return perf_counter() - begun


def check(policy: Policy) -> None:
    """Check a policy that has no defect."""
    report = check_policy(policy)
    assert report.is_complete
    assert not report.findings, [finding.message for finding in report.findings]


def main() -> None:
    """Measure and print one row for each policy."""
    shipped = read_policy(str(ROOT / "policies" / "flux-kontext.md"))
    later = parse_policy(shipped.text.replace("[7 days]", "[14 days]"))
    rows = [("check, shipped policy", seconds(lambda: check(shipped)), SHIPPED_SECONDS)]
    for clauses, most in SIZES:
        policy = parse_policy(policy_text(clauses))
        rows.append((f"check, {len(policy.clauses):,} clauses", seconds(partial(check, policy)), most))
    rows.append(
        ("compare, shipped policy with itself", seconds(lambda: compare(shipped, shipped)), COMPARE_SECONDS)
    )
    rows.append(("compare, 14 days instead of 7", seconds(lambda: compare(shipped, later)), COMPARE_SECONDS))
    print(f"{'':<40}{'seconds':>10}{'at most':>10}")
    for name, taken, most in rows:
        print(f"{name:<40}{taken:>10.2f}{most:>10.1f}{'' if taken <= most else '  too slow'}")


if __name__ == "__main__":
    main()
