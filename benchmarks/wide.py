"""How reading, compiling, deciding and explaining grow with the number of clauses, on generated policies.

Every second clause grants in a band of usage of its own, within a window of its own; the others deny for a reason that
is an input. The last column is the growth from the second largest policy to the largest, which has ten times as many.
"""

import tracemalloc
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter_ns

from amends import parse_policy
from amends.policy.compiled import program_of
from amends.policy.decision import decide_facts
from amends.policy.explanation import explain
from amends.policy.facts import Facts, read_facts
from amends.policy.model import Policy
from amends.policy.program import interpret
from amends.policy.verdict import verdict_of

SIZES = (10, 100, 1_000)
REPEATS = 5
REASONS_MAX = 150  # A policy may have 200 inputs.

HEAD = """---
policy: wide
title: A generated policy
version: 2025-01-01
effective: 2025-01-01
zone: UTC
rounding: half_up
contact: support@example.com
inputs:
  product: one of subscription, credits, from desk, "What was bought"
  purchased_at: instant, from desk, "When it was bought"
  requested_at: instant, from desk, "When you wrote to us"
  paid: money, from desk, "What you paid"
  refunded: money, from desk, "Returned before"
  generations: count of generations, from desk, "Generations"
  is_looked_into: yes or no, from desk, "A person looks into it"
"""

GRANT = """
- With [{low} generations]{{#low_{n}}} to [{high} generations]{{#high_{n}}}, within [{days} days]{{#days_{n}}}. {{#band_{n}}}

```rule band_{n}
grant: refund "Refund"
when: product == subscription and generations >= low_{n} and generations <= high_{n} and age <= days_{n}
lines:
  paid "What you paid": paid
  returned "Returned before": -refunded
```
"""

DENY = """
- Not for reason {n}. {{#reason_{n}}}

```rule reason_{n}
deny
when: product == subscription and because_{reason}
overrides: band_{band}
```
"""


REFER = """
- While a person looks into it, a person decides. {#looked_into}

```rule looked_into
refer
when: is_looked_into
```
"""


def policy_text(clauses: int) -> str:
    """A policy with the given number of clauses."""
    reasons = min(clauses // 2, REASONS_MAX)
    inputs = [f'  because_{n}: yes or no, from staff, "Reason {n}"\n' for n in range(reasons)]
    body = [
        DENY.format(n=n, band=n - 1, reason=n // 2 % reasons)
        if n % 2
        else GRANT.format(n=n, low=n * 10, high=n * 10 + 19, days=7 + n % 30)
        for n in range(clauses)
    ]
    age = "\n```define age\ndays_between(purchased_at, requested_at)\n```\n"
    return f"{HEAD}{''.join(inputs)}---\n# A generated policy\n{age}{REFER}{''.join(body)}"


def case_of(policy: Policy, *, because: bool | None, **changes: object) -> Facts:
    """A case in the last band, with the same answer for every reason."""
    grants = [name for name in policy.clauses if name.startswith("band_")]
    case: dict[str, object] = {
        "currency": "USD",
        "product": "subscription",
        "purchased_at": "2025-01-01T00:00:00Z",
        "requested_at": "2025-01-04T00:00:00Z",
        "paid": 1900,
        "refunded": 0,
        "is_looked_into": False,
        "generations": int(grants[-1].removeprefix("band_")) * 10 + 5,
    }
    reasons = {name: because for name in policy.inputs if name.startswith("because_")}
    return read_facts(policy.inputs, policy.currencies, case | reasons | changes)


def milliseconds(action: Callable[[], object], repeats: int = REPEATS) -> float:
    """The median time of an action."""
    times = []
    for _ in range(repeats):
        begun = perf_counter_ns()
        action()
        times.append((perf_counter_ns() - begun) / 1e6)
    return median(times)


def measure(clauses: int) -> dict[str, float]:
    """Every figure of one size."""
    text = policy_text(clauses)
    policy = parse_policy(text)
    figures = {"read, ms": milliseconds(lambda: parse_policy(text), 3)}
    none_holds, unknown, all_hold = (case_of(policy, because=one) for one in (False, None, True))
    tracemalloc.start()
    decide_facts(program_of(policy), none_holds)
    figures["program, kB"] = tracemalloc.get_traced_memory()[0] / 1000
    tracemalloc.stop()
    figures["compile and first decision, ms"] = milliseconds(lambda: _decide_first(policy, none_holds), 3)
    program, verdict = program_of(policy), verdict_of(policy)
    referred = case_of(policy, because=None, is_looked_into=True, generations=None)
    cases = {"granted": none_holds, "denied": all_hold, "unknown": unknown, "referred": referred}
    for name, facts in cases.items():
        expected = decide_facts(interpret(policy), facts).canonical()
        assert decide_facts(program, facts).canonical() == expected
        figures[f"decision, {name}, ms"] = milliseconds(partial(decide_facts, program, facts))
    figures["verdict, granted, ms"] = milliseconds(lambda: verdict(none_holds))
    for name, facts in (("unknown", unknown), ("denied", all_hold)):
        decision = decide_facts(program, facts)
        figures[f"explanation, {name}, ms"] = milliseconds(partial(explain, policy, facts, decision), 1)
    return figures


def _decide_first(policy: Policy, facts: Facts) -> None:
    decide_facts(program_of.__wrapped__(policy), facts)


def main() -> None:
    """Measure every size and print one row for each figure."""
    measured = [measure(size) for size in SIZES]
    print(f"{'clauses':<34}" + "".join(f"{size:>12,}" for size in SIZES) + f"{'growth':>9}")
    for name in measured[0]:
        values = [figures[name] for figures in measured]
        print(
            f"{name:<34}"
            + "".join(f"{value:>12.3f}" for value in values)
            + f"{values[-1] / values[-2]:>9.1f}"
        )


if __name__ == "__main__":
    main()
