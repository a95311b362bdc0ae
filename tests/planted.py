"""Defects to plant: changes of the shipped policy, and small policies of their own, with what must be found."""

import re
from typing import NamedTuple

from conftest import ROOT

SHIPPED = (ROOT / "policies" / "flux-kontext.md").read_text()
HEAD = """---
policy: small
title: Small
version: 1
effective: 2025-01-01
zone: {zone}
rounding: half_up
contact: support@example.com
inputs:
  plan: one of basic, pro, from desk, "Plan"
  bought_at: instant, from desk, "When it was bought"
  requested_at: instant, from desk, "When you asked"
  paid: money, from desk, "What you paid"
  refunded: money, from desk, "Returned before"
  lessons: count of lessons, from desk, "Lessons taken"
  share: ratio, from staff, "Part that did not work"
assume:
  requested_at >= bought_at and plan in (basic, pro) and lessons >= 0 and share >= 0 and share <= 1
  paid >= 0 and refunded >= 0 and refunded <= paid
---
# Small

"""
AGE = "```define age\ndays_between(bought_at, requested_at)\n```\n\n"
RETURNED = '  returned "Returned before": -refunded'


class Planted(NamedTuple):
    """A defect: what was done, the text with it, and the finding that must come of it."""

    name: str
    text: str
    code: str
    clauses: tuple[str, ...]


def sentence(clause: str, words: str, *lines: str, kind: str = "rule") -> str:
    """A sentence with its block."""
    inside = "\n".join(lines)
    return f"- {words} {{#{clause}}}\n\n```{kind} {clause}\n{inside}\n```\n\n"


def small(*sentences: str, zone: str = "UTC") -> str:
    """A small policy."""
    return HEAD.format(zone=zone) + "".join(sentences)


def lean(*sentences: str) -> str:
    """A small policy that declares no more than its sentences read."""
    text, body = small(*sentences), "".join(sentences)
    for name in ("plan", "lessons", "share"):
        if not re.search(rf"\b{name}\b(?!s)", body.replace("[3 lessons]", "")):
            text = re.sub(rf"^  {name}: .*\n", "", text, flags=re.MULTILINE)
            text = re.sub(rf" and {name} (?:in \(.*?\)|>= 0)(?: and share <= 1)?", "", text)
    return text


def grant(clause: str, when: str, *amounts: str, words: str = "You get money back.", more: str = "") -> str:
    """A sentence that pays the given lines."""
    lines = [f'  {name} "Line": {amount}' for name, amount in (one.split("=", 1) for one in amounts)]
    rest = [more] if more else []
    return sentence(clause, words, "grant: refund", f"when: {when}", *rest, "lines:", *lines)


def deny(clause: str, when: str, *more: str, words: str = "You get nothing back.") -> str:
    """A sentence that refuses."""
    return sentence(clause, words, "deny", f"when: {when}", *more)


def changed(name: str, before: str, after: str, code: str, *clauses: str) -> Planted:
    """The shipped policy with one change."""
    assert SHIPPED.count(before) == 1, f"{name}: found {SHIPPED.count(before)} times"
    return Planted(name, SHIPPED.replace(before, after), code, clauses)


BACK = grant("back", "age <= window", "paid=paid", words="Within [10 days]{#window} you get it back.") + AGE
LATE = deny("late", "age > window")
REFUSED = "when: product == subscription and request in (refund, technical) and "
FULL = f"{REFUSED}age <= window and generations <= free_use"
OVERRIDES = "overrides: fault, not_yet, minor, in_time"
EARLIER = "min(0, left_less_fee - round(broken_share))"

IN_THE_SHIPPED_POLICY = (
    changed("last day forgotten", "age <= window and gen", "age < window and gen", "gap"),
    changed("late begins later", f"{REFUSED}age > window", f"{REFUSED}age > fix_time", "gap"),
    changed("nothing left forgotten", "comes_back <= 0", "comes_back < 0", "gap"),
    changed("no interval forgotten", "interval != year", "interval == month", "gap"),
    changed("day 7 twice", "age > window", "age >= window", "conflict", "full", "late"),
    changed(
        "generation 50 twice",
        "generations > free_use",
        "generations >= free_use",
        "conflict",
        "full",
        "heavy",
    ),
    changed("nothing left twice", "comes_back > 0", "comes_back >= 0", "conflict", "convert", "used_up"),
    changed(
        "full beside minor", OVERRIDES, "overrides: fault, not_yet, in_time", "conflict", "full", "minor"
    ),
    changed(
        "full beside not yet", OVERRIDES, "overrides: fault, minor, in_time", "conflict", "full", "not_yet"
    ),
    changed(
        "full beside in time", OVERRIDES, "overrides: fault, not_yet, minor", "conflict", "full", "in_time"
    ),
    changed(
        "full beside fault", OVERRIDES, "overrides: not_yet, minor, in_time", "conflict", "full", "fault"
    ),
    changed("fault beside heavy", "overrides: late, heavy", "overrides: late", "conflict", "fault", "heavy"),
    changed("fault beside late", "overrides: late, heavy", "overrides: heavy", "conflict", "fault", "late"),
    changed(
        "fee forgotten in a bound",
        EARLIER,
        EARLIER.replace("left_less_fee", "left"),
        "broken-promise",
        "fault",
        "fee_once",
    ),
    changed(
        "promise too strong",
        "always: refund <= left\n",
        "always: refund <= left_less_fee\n",
        "broken-promise",
        "full",
        "bound",
    ),
    changed(
        "promise to nobody", "always: refund <= left\n", "never: denied_by(late)\n", "broken-promise", "bound"
    ),
    changed(
        "two products at once",
        "interval == year and not accidental",
        "product == credits and not accidental",
        "dead-clause",
        "on_purpose",
    ),
    changed(
        "always overridden",
        "comes_back <= 0",
        "comes_back <= 0 and not accidental",
        "shadowed-clause",
        "used_up",
        "again",
        "on_purpose",
    ),
    changed(
        "never together",
        "interval != year\n",
        "interval != year\noverrides: again\n",
        "vacuous-override",
        "monthly",
        "again",
    ),
    changed(
        "more returned than paid",
        "refunded >= 0 and refunded <= paid",
        "refunded >= 0 and refunded <= refunded",
        "out-of-bounds",
        "fault",
    ),
    changed(
        "nothing is possible",
        "requested_at >= purchased_at\n",
        "requested_at >= purchased_at and purchased_at > requested_at\n",
        "impossible-assumptions",
    ),
)
OWED = 'owes:\n  fee "Owed": {}'
IN_SMALL_POLICIES = (
    Planted(
        "two grants pay by other lines",
        small(BACK, grant("half", "age <= window and plan == pro", "half=paid"), LATE),
        "conflict",
        ("back", "half"),
    ),
    Planted(
        "two grants pay by the same lines in another order",
        small(
            grant("back", "plan == pro", "paid=paid", "one=-refunded", "two=-refunded"),
            grant("same", "plan == pro", "paid=paid", "two=-refunded", "one=-refunded"),
            deny("basic", "plan == basic"),
        ),
        "conflict",
        ("back", "same"),
    ),
    Planted(
        "a grant of another kind",
        small(BACK, LATE, grant("pro", "plan == pro", "paid=paid").replace("grant: refund", "grant: gift")),
        "conflict",
        ("back", "pro"),
    ),
    Planted(
        "days of a zone",
        small(BACK, deny("late", "age >= window"), zone="Europe/Berlin"),
        "conflict",
        ("back", "late"),
    ),
    Planted(
        "nothing said for the last day",
        small(BACK.replace("<=", "<"), LATE, zone="America/New_York"),
        "gap",
        (),
    ),
    Planted(
        "more use pays more",
        small(
            grant("used", "lessons >= 0", "paid=min(paid, worth)", words="A lesson is worth nothing."),
            "```define worth\nround(paid * share)\n```\n\n",
            sentence(
                "falling", "A larger share never pays more.", "falls: refund with share", kind="promise"
            ),
        ),
        "broken-promise",
        ("used", "falling"),
    ),
    Planted(
        "waiting pays more",
        small(
            grant("back", "age > window", "paid=paid", words="After [10 days]{#window} it comes back."),
            AGE,
            deny("early", "age <= window"),
            sentence(
                "waiting", "Waiting never pays more.", "falls: refund with requested_at", kind="promise"
            ),
        ),
        "broken-promise",
        ("back", "waiting"),
    ),
    Planted(
        "paying more returns less",
        small(
            grant("back", "lessons >= 0", "paid=refunded"),
            sentence("more", "More paid is more returned.", "rises: refund with refunded", kind="promise"),
        ),
        "broken-promise",
        ("back", "more"),
    ),
    Planted(
        "half a cent",
        small(
            grant("part", "lessons >= 0", "part=round_up(paid * share)"),
            sentence(
                "down",
                "Never more than the exact share.",
                "always: refund <= round_down(paid * share)",
                kind="promise",
            ),
        ),
        "broken-promise",
        ("part", "down"),
    ),
    Planted(
        "a grant that a promise forbids",
        small(BACK, LATE, sentence("none", "Nothing is paid.", "never: refund > 0", kind="promise")),
        "never-pays",
        ("back",),
    ),
    Planted(
        "a stricter sentence behind another",
        small(BACK, LATE, deny("later", "age > longer", words="Nor after [20 days]{#longer}.")),
        "redundant-rule",
        ("later", "late"),
    ),
    Planted(
        "a grant inside another",
        small(BACK, LATE, grant("pro", "plan == pro and age <= window", "paid=paid")),
        "redundant-rule",
        ("pro", "back"),
    ),
    Planted(
        "debts that differ",
        small(
            deny("owing", "lessons >= 0", OWED.format("paid")),
            deny("owed", "plan == pro", OWED.format("refunded")),
        ),
        "conflict",
        ("owing", "owed"),
    ),
    Planted(
        "an override without use",
        small(BACK, deny("late", "age > window", "overrides: back")),
        "vacuous-override",
        ("late", "back"),
    ),
    Planted(
        "a number of one currency",
        small(
            grant("back", "paid > least", "paid=paid", words="Above [USD 5.00]{#least} it comes back."),
            deny("little", "paid <= least"),
        ),
        "other-currency",
        ("back",),
    ),
    Planted(
        "a row that is missing",
        small(
            "- The table says how much. {#tiers}\n\n| Lessons {lessons} | Part {part} |\n|---|---|\n| up to 4 | 50% |\n| 6 to 10 | 25% |\n\n",
            grant(
                "back",
                "lessons <= top",
                "paid=round(paid * tiers.part)",
                words="Up to [10 lessons]{#top} a part comes back.",
            ),
            deny("many", "lessons > top"),
        ),
        "table-gap",
        ("back", "tiers"),
    ),
)
DAYS = "- Days are calendar days; the day of the purchase is day 0. {.info}\n\n"
MENDED = lean(DAYS, BACK, LATE)
"""Without a lint."""
LINTS = (
    Planted(
        "within beside more than",
        lean(
            DAYS,
            BACK,
            LATE.replace("You get nothing back.", "Within [10 days]{=window} you get nothing back."),
        ),
        "opposite-words",
        ("late",),
    ),
    Planted(
        "at least beside fewer",
        lean(
            *(DAYS, BACK, LATE),
            grant(
                "few", "lessons < top", "paid=paid", words="With at least [3 lessons]{#top} you get it back."
            ),
            deny("many", "lessons >= top"),
        ),
        "opposite-words",
        ("few",),
    ),
    Planted(
        "at most beside fewer",
        lean(
            *(DAYS, BACK, LATE),
            grant("few", "lessons < top", "paid=paid", words="With at most [3 lessons]{#top} it comes back."),
            deny("many", "lessons >= top"),
        ),
        "boundary-words",
        ("few",),
    ),
    Planted("days without a convention", lean(BACK), "unstated-boundary", ("back",)),
    Planted(
        "a count without a side",
        lean(
            *(DAYS, BACK, LATE),
            grant("few", "lessons <= top", "paid=paid", words="The limit is [3 lessons]{#top}."),
            deny("many", "lessons > top"),
        ),
        "unstated-boundary",
        ("few",),
    ),
    Planted(
        "an input that only an assumption reads",
        MENDED.replace("inputs:\n", 'inputs:\n  age_of_account: days, from desk, "Age"\n').replace(
            "assume:\n", "assume:\n  age_of_account >= 0\n"
        ),
        "unread-input",
        (),
    ),
    Planted(
        "a promise that is only information",
        f"{MENDED}- We never return more than you paid. {{.info}}\n",
        "promise-without-proof",
        (),
    ),
)
"""What a solver cannot see."""
PLANTED = (*IN_THE_SHIPPED_POLICY, *IN_SMALL_POLICIES)
