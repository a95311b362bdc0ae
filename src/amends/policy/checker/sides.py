"""Lints on sides: whether a sentence and its rule lie on the same side of a number, and agree about the number itself."""

import re
from collections.abc import Iterator

from amends.policy.checker.findings import Finding
from amends.policy.checker.wording import Mention, mentions, prose
from amends.policy.expression import Arithmetic, Literal, Node
from amends.policy.limits import MIRRORED, Limit, comparisons, limits_behind
from amends.policy.model import Clause, Policy, Rule, inputs_read, walk_deep
from amends.policy.types import DAYS, Kind

_FIX = "Correct the comparison, or the words."
_FIRST_DAY_IS_ZERO = re.compile(r"\bday (?:0|zero)\b", re.IGNORECASE)
_DAY_TAKEN_IN = re.compile(
    r"\bfrom the day of (?:the |your )?(\w+)(?: \w+){0,3}? on(?:wards?)?\b", re.IGNORECASE
)
_DAY_LEFT_OUT = re.compile(r"(?<!\bor )\b(?:before|after) the day of (?:the |your )?(\w+)", re.IGNORECASE)
_STEM = 4
"""Letters that `arrival` and `arrives` have in common."""


def opposite_words(policy: Policy) -> Iterator[Finding]:
    """Where the words beside a number say the opposite of every rule behind it."""
    for limits, mention in _told(policy):
        if mention.side and all(mention.side.is_upper is not limit.is_upper for limit in limits):
            side = "at most" if limits[0].is_upper else "more than"
            yield _finding("opposite-words", limits[0], mention, f"its rule holds for {side} that")


def boundary_words(policy: Policy) -> Iterator[Finding]:
    """Where the words say that a number itself, or a day, is taken in or left out, and the rule does otherwise."""
    is_zero = _FIRST_DAY_IS_ZERO.search(prose(policy)) is not None
    for limits, mention in _told(policy):
        alike = [limit for limit in limits if mention.side and limit.is_upper is mention.side.is_upper]
        if alike and all(_ends_at_midnight(limit) for limit in alike):
            said = "its rule takes in no more than the first moment of that day"
            yield _finding("boundary-words", alike[0], mention, said)
        includes = _includes(mention, alike[0], is_zero=is_zero) if alike else None
        if includes is not None and all(_differs(policy, limit, includes=includes) for limit in alike):
            verb = "leaves it out" if includes else "takes it in"
            yield _finding("boundary-words", alike[0], mention, f"its rule {verb}")
    for rule in policy.rules:
        yield from _days_told_otherwise(policy, rule, policy.clauses[rule.clause])


def _told(policy: Policy) -> Iterator[tuple[list[Limit], Mention]]:
    """What the rules of a clause compare with a number, and each place at which its sentence names it."""
    found: dict[tuple[str, str], list[Limit]] = {}
    for rule in policy.rules:
        for limit in limits_behind(policy, rule):
            found.setdefault((rule.clause, limit.number.name), []).append(limit)
    for (clause, number), limits in found.items():
        for mention in mentions(policy, clause, number):
            yield limits, mention


def _finding(code: str, limit: Limit, mention: Mention, contrary: str) -> Finding:
    said = mention.words.format(limit.number.text)
    message = f"`{limit.rule.clause}` says “{said}”, and {contrary}."
    return Finding(code, (limit.rule.clause,), mention.span, message, _FIX)


def _includes(mention: Mention, limit: Limit, *, is_zero: bool) -> bool | None:
    """Whether the words take in the number itself; None where readers may take them either way."""
    assert mention.side is not None
    if mention.words.startswith("within") and mention.side.is_upper and limit.number.type == DAYS and is_zero:
        return True
    return mention.side.includes


def _differs(policy: Policy, limit: Limit, *, includes: bool) -> bool:
    if limit.number.type.kind is not Kind.NUMBER or _is_shifted(policy, limit.fact):
        return False
    return limit.takes_in is not includes


def _is_shifted(policy: Policy, fact: Node) -> bool:
    """Whether something is added to a fact before it is compared: then the number is no boundary of it."""
    return any(
        isinstance(part, Arithmetic) and Literal in (type(part.left), type(part.right))
        for part in walk_deep(policy, fact)
    )


def _ends_at_midnight(limit: Limit) -> bool:
    """A date is the first moment of its day, so `<=` takes in that moment and nothing else of the day."""
    return limit.number.type.kind is Kind.INSTANT and limit.operator == "<="


def _days_told_otherwise(policy: Policy, rule: Rule, clause: Clause) -> Iterator[Finding]:
    """Where a sentence says from, before or after which day it holds, and its rule is one day off."""
    for words, includes in ((_DAY_TAKEN_IN, True), (_DAY_LEFT_OUT, False)):
        for said in words.finditer(clause.text):
            found = list(_takes_in_day(policy, rule, said[1].lower()[:_STEM]))
            if found and includes not in found:
                verb = "leaves that day out" if includes else "takes that day in"
                message = f"`{rule.clause}` says “{said[0]}”, and its rule {verb}."
                yield Finding("boundary-words", (rule.clause,), clause.span, message, _FIX)


def _takes_in_day(policy: Policy, rule: Rule, stem: str) -> Iterator[bool]:
    """For each comparison of a number of days from or to a named day with 0: whether the day itself is taken in."""
    for operator, left, right in comparisons(rule.when, policy.derived):
        fact, symbol, literal = left, operator, right
        if isinstance(left, Literal):
            fact, symbol, literal = right, MIRRORED[operator], left
        if isinstance(literal, Literal) and fact.type == DAYS and _is_of(policy, fact, stem):
            yield symbol in (("<=", ">=") if literal.value == 0 else ("<", "<="))


def _is_of(policy: Policy, fact: Node, stem: str) -> bool:
    read = (policy.inputs[name] for name in inputs_read(policy, fact))
    return any(one.type.kind is Kind.INSTANT and stem in f"{one.name} {one.label}".lower() for one in read)
