"""What shows to be never negative, without a solver."""

import pytest

from amends import parse_policy
from amends.policy.expression import Compare
from amends.policy.signs import is_never_negative

POLICY = """---
policy: signs
title: Signs
version: 2025-01-01
effective: 2025-01-01
zone: UTC
rounding: half_up
contact: support@example.com
inputs:
  paid: money, from desk, "Paid"
  fee: money, from desk, "Fee"
  refunded: money, from desk, "Returned before"
assume:
  refunded <= paid and fee >= 0
---
# Signs

- All of it. {{#all}}

```rule all
grant: refund "Refund"
when: fee >= 0
lines:
  paid "Paid": paid
```

```define left
paid - refunded
```

- Bound. {{#bound}}

```promise bound
always: refund <= {bound}
```

- Left. {{#left_bound}}

```promise left_bound
always: refund <= left
```
"""


@pytest.mark.parametrize(
    "bound, is_shown",
    [
        ("fee", True),
        ("paid", False),
        ("refunded", False),
        ("paid - refunded", True),
        ("refunded - paid", False),
        ("paid - fee", False),
        ("left", True),
        ("left - fee", False),
        ("max(0, left - fee)", True),
        ("max(paid, refunded)", False),
        ("min(0, left)", False),
        ("0", True),
    ],
)
def test_a_bound_is_never_negative_where_the_assumptions_show_it(bound: str, is_shown: bool) -> None:  # noqa: FBT001 -- a column of the table
    policy = parse_policy(POLICY.format(bound=bound))
    statement = policy.promises[0].statement
    assert isinstance(statement, Compare)

    assert is_never_negative(policy, statement.right) is is_shown
