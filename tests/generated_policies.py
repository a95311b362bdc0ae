"""Policies made here: small ones at random, whose rules override, need, owe, refer and pay in the same or other words,
and long ones of many denials.
"""

from random import Random

from amends import parse_policy
from amends.policy.model import Policy

FLAGS = ("red", "green", "blue", "tall", "wide", "deep")
NEEDS = ("proof", "reason")
HEAD = """---
policy: generated
title: Generated
version: 1
effective: 2025-01-01
contact: support@example.com
inputs:
{inputs}  way: one of original, credit, from customer
  paid: money, from desk
  fee: money, from desk
  refunded: money, from desk
assume:
  paid >= 0 and fee >= 0 and refunded >= 0
  way == original or way == credit
---
# Generated

"""
LINES = (
    '  paid "Paid": paid\n',
    '  paid "Paid": paid\n  fee "Fee": -fee\n',
    '  paid "Paid": paid\n  fee "Fee": -fee\n  back "Back": -refunded\n',
    '  paid "Paid": paid\n  back "Back": -refunded\n  fee "Fee": -fee\n',
    '  paid "Paid": paid\n  fee "Fee": min(0, -fee)\n',
)
THEN = ("", "", "then: end now\n", "then: end now if wide else keep\n")
PAY = ("", "", "pay: credit\n", "pay: way\n")
OWES = ("", "", 'owes:\n  fee "Fee": fee\n', 'owes:\n  paid "Paid": paid\n')


DENIALS = """---
policy: denials
title: Denials
version: 1
effective: 2025-01-01
contact: support@example.com
inputs:
  used: count of uses, from desk
---
# Denials
"""
DENIAL = """
- Nothing with [{number} uses]{{#with_{number}}}. {{#no_{number}}}

```rule no_{number}
deny
when: used == with_{number}
```
"""


def many_denials(clauses: int) -> str:
    """A policy of the given number of clauses, of which each denies at a number of uses of its own, from 2 on."""
    return DENIALS + "".join(DENIAL.format(number=number) for number in range(2, clauses + 2))


def generated_policy(seed: int) -> Policy:
    """A policy of up to seven rules; the same seed gives the same one."""
    random = Random(seed)  # noqa: S311 -- the same policies in every run
    count = random.randrange(2, 8)
    inputs = "".join(f"  {name}: yes or no, from desk\n" for name in (*FLAGS, *NEEDS))
    blocks = [_sentence(random, number) for number in range(count)]
    used = (
        f"- Every flag counts. {{#flags}}\n\n```rule flags\nrefer\nwhen: {' and '.join(FLAGS + NEEDS)}\n```\n"
    )
    return parse_policy(HEAD.format(inputs=inputs) + "\n".join(blocks) + "\n" + used)


def _sentence(random: Random, number: int) -> str:
    verb = random.choice(("grant: refund", "grant: refund", "grant: gift", "deny", "deny", "refer"))
    body = f"{verb}\nwhen: {_condition(random)}\n"
    later = [f"c{other}" for other in range(number) if random.random() < 0.35]
    if later:
        body += f"overrides: {', '.join(later)}\n"
    if random.random() < 0.3:
        body += f"needs: {', '.join(random.sample(NEEDS, random.randrange(1, 3)))}\n"
    if verb.startswith("grant"):
        body += f"lines:\n{random.choice(LINES)}{random.choice(THEN)}{random.choice(PAY)}"
    elif verb == "deny":
        body += random.choice(OWES)
    return f"- Sentence {number}. {{#c{number}}}\n\n```rule c{number}\n{body}```\n"


def _condition(random: Random) -> str:
    parts = [random.choice(("", "not ")) + random.choice(FLAGS) for _ in range(random.randrange(1, 3))]
    return random.choice((" and ", " or ")).join(parts)
