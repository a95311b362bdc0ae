"""Lints: what a solver cannot see, because it does not read sentences.

They are warnings. A lint says that readers may be misled, not that a decision is wrong, and it can be mistaken.
"""

import re
from collections.abc import Iterator

from amends.policy.checker.findings import Finding
from amends.policy.checker.sides import boundary_words, opposite_words
from amends.policy.checker.wording import is_readable, mentions, paragraphs, prose
from amends.policy.limits import limits_behind
from amends.policy.model import Parameter, Policy, Rule, inputs_read
from amends.policy.source import Span

_DAYS_COUNTED = re.compile(
    r"\bday (?:0|zero)\b|\blast (?:day|month)\b[^.]*\b(?:counts?|counted|included|belongs|full)\b|\bcalendar (?:day|month)s?\b|\binclu(?:sive|ding|des)\b|\bto its last second\b",
    re.IGNORECASE,
)
"""Words of a page that say which day is counted first or last."""
_ABSOLUTE = re.compile(
    r"\b(never|always|in no case|under no circumstances|in every case|guaranteed?)\b", re.IGNORECASE
)
_MONEY = re.compile(r"\b(refund\w*|return\w*|repaid|pays?|paid|money|amount\w*|charged?)\b", re.IGNORECASE)
_INFORMATION = re.compile(r"\{\.info\}\s*$")


def find_lints(policy: Policy) -> tuple[Finding, ...]:
    """Every lint, in the order of the file."""
    found = [*_unread_inputs(policy)]
    if is_readable(policy):
        found += opposite_words(policy)
        found += boundary_words(policy)
        found += _unstated_boundaries(policy)
        found += _promises_without_proof(policy)
    return tuple(sorted(found, key=lambda one: (one.span, one.code)))


def _unstated_boundaries(policy: Policy) -> Iterator[Finding]:
    says_days = _DAYS_COUNTED.search(prose(policy)) is not None
    seen: set[tuple[str, str]] = set()
    for rule in policy.rules:
        for limit in limits_behind(policy, rule):
            place = (rule.clause, limit.number.name)
            if place not in seen and not limit.fact.type.exact:
                seen.add(place)
                yield from _unstated(policy, rule, limit.number, says_days=says_days)


def _unstated(policy: Policy, rule: Rule, number: Parameter, *, says_days: bool) -> Iterator[Finding]:
    if _counts_days(number):
        if not says_days and number.name in policy.parameters:
            message = f"`{rule.clause}` counts {number.text}, and no sentence says which day is the first or whether the last one counts."
            fix = "Add such a sentence: “Days are calendar days; the day of the purchase is day 0.”"
            yield Finding("unstated-boundary", (rule.clause,), rule.span, message, fix)
        return
    for mention in mentions(policy, rule.clause, number.name):
        if not mention.words:
            message = f"`{rule.clause}` compares with {number.text}, and the words before it do not say on which side {number.text} itself is."
            fix = "Write “at most”, “fewer than”, “at least” or “more than” before the number."
            yield Finding("unstated-boundary", (rule.clause,), mention.span, message, fix)


def _counts_days(number: Parameter) -> bool:
    return any(unit in ("days", "months") for unit, _power in number.type.unit)


def _unread_inputs(policy: Policy) -> Iterator[Finding]:
    """The reader refuses an input that nothing reads; here are those that nothing reads in order to decide."""
    read = {policy.roles.paid, policy.roles.refunded, policy.roles.asked, *policy.requires}
    for rule in policy.rules:
        read |= {rule.pay, *inputs_read(policy, rule.when), *(need.input for need in rule.needs)}
        for line in rule.lines:
            read |= inputs_read(policy, line.expression)
        for need in rule.needs:
            read |= inputs_read(policy, need.condition) if need.condition is not None else frozenset()
        read |= inputs_read(policy, rule.then.condition) if rule.then.condition is not None else frozenset()
    for cap in policy.caps:
        read |= {cap.history, *inputs_read(policy, cap.limit)}
    lines = policy.text.split("\n")
    for name in policy.inputs:
        if name not in read:
            message = f"No decision reads `{name}`: it stands in an assumption or a promise only."
            fix = "Use it in a rule, or take it out: somebody has to answer it in every case."
            yield Finding("unread-input", (), _declared_at(lines, name), message, fix)


def _declared_at(lines: list[str], name: str) -> Span:
    declared = re.compile(rf"^\s+{re.escape(name)}\s*:")
    return next((Span(number, 1) for number, line in enumerate(lines, 1) if declared.match(line)), Span(1, 1))


def _promises_without_proof(policy: Policy) -> Iterator[Finding]:
    for span, block in paragraphs(policy):
        said = _ABSOLUTE.search(block)
        if said and _INFORMATION.search(block) and _MONEY.search(block):
            message = f"The sentence says “{said[0].lower()}” of money, and nothing proves it."
            fix = "Give it an id and a `promise` block, or say it without that word."
            yield Finding("promise-without-proof", (), span, message, fix)
