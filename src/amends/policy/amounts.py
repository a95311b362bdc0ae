"""The lines of a grant: what the rule writes, caps, and the two lines that the language adds (semantics, rules 7, 8, 10)."""

from dataclasses import dataclass

from amends.policy.evaluation import Evaluation
from amends.policy.facts import Facts, Value
from amends.policy.model import Cap, Policy, Rule
from amends.policy.program import Amounts

LABELS = {
    "not_more_than_left": "Not more than is left of your payment",
    "not_below_zero": "Not below zero",
}


@dataclass(frozen=True, slots=True)
class AmountLine:
    """One line of a decision, in minor units."""

    id: str
    label: str
    amount: int


@dataclass(frozen=True, slots=True)
class Payout:
    """A part of the refund and where it goes: original payment method or account credit."""

    to: str
    amount: int


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What a granting rule comes to in a case.

    Invariant: the lines sum to the payouts, and both to `total`.
    """

    total: int
    lines: tuple[AmountLine, ...]
    payouts: tuple[Payout, ...]
    then: str


def entitle(policy: Policy, rule: Rule, written: Amounts, facts: Facts) -> Entitlement | None:
    """Complete the written lines of a rule; None where any part is unknown.

    Rounding: none here, each written line was rounded once.
    """
    effect = _effect(policy, rule, facts)
    left = amount_left(policy, facts)
    pay = facts[rule.pay] if rule.pay in policy.inputs else rule.pay
    if effect is None or left is None or not isinstance(pay, str):
        return None
    lines = written_lines(rule, written)
    if lines is None:
        return None
    total, credit = _sum(lines), 0
    if policy.caps:
        capped = _cap(policy, facts, total)
        if capped is None:
            return None
        lines += capped
        total += _sum(capped)
        credit = _sum(tuple(line for line in capped if line.amount > 0))
    if total > left:
        lines += (_built_in("not_more_than_left", left - total),)
        total = left
    if total < 0:
        lines += (_built_in("not_below_zero", -total),)
        total = 0
    return Entitlement(total, lines, _payouts(pay, total, min(credit, total)), effect)


def _sum(lines: tuple[AmountLine, ...]) -> int:
    return sum([line.amount for line in lines])


def written_lines(rule: Rule, written: Amounts) -> tuple[AmountLine, ...] | None:
    """The lines of the rule; those that come to zero are left out, but for the first."""
    kept = []
    for line, amount in zip(rule.lines, written, strict=True):
        if amount is None:
            return None
        if amount or line is rule.lines[0]:
            kept.append(AmountLine(line.id, line.label, amount))
    return tuple(kept)


def amount_left(policy: Policy, facts: Facts) -> int | None:
    """What was paid less what was returned, None where unknown."""
    if policy.roles.paid is None:
        return 0
    paid = facts[policy.roles.paid]
    refunded: Value = 0 if policy.roles.refunded is None else facts[policy.roles.refunded]
    if not isinstance(paid, int) or not isinstance(refunded, int):
        return None
    return paid - refunded


def inputs_behind(policy: Policy, rule: Rule, facts: Facts) -> set[str]:
    """The unknown inputs that keep the lines of a rule from being known."""
    evaluation = Evaluation(policy, facts)
    nodes = [line.expression for line in rule.lines] + [cap.limit for cap in policy.caps]
    if rule.then.condition is not None:
        nodes.append(rule.then.condition)
    named = [policy.roles.paid, policy.roles.refunded, rule.pay, *(cap.history for cap in policy.caps)]
    missing = {name for name in named if name is not None and name in policy.inputs and facts[name] is None}
    return missing.union(*(evaluation.unknown_inputs(node) for node in nodes))


def _effect(policy: Policy, rule: Rule, facts: Facts) -> str | None:
    if rule.then.condition is None:
        return rule.then.effect
    held = Evaluation(policy, facts).value(rule.then.condition)
    if held is None:
        return None
    return rule.then.effect if held else rule.then.otherwise


def _cap(policy: Policy, facts: Facts, total: int) -> tuple[AmountLine, ...] | None:
    lines: tuple[AmountLine, ...] = ()
    for cap in policy.caps:
        limit, history = Evaluation(policy, facts).value(cap.limit), facts[cap.history]
        if not isinstance(limit, int) or not isinstance(history, int):
            return None
        over = total - max(0, limit - history)
        if over > 0:
            lines += _over_cap(cap, over, cap_line(policy, cap))
            total -= over
    return lines


def cap_line(policy: Policy, cap: Cap) -> str:
    """The id of the line of a cap; where a policy has several, their ids tell them apart."""
    return "cap" if len(policy.caps) == 1 else f"cap_{cap.clause}"


def _over_cap(cap: Cap, over: int, name: str) -> tuple[AmountLine, ...]:
    line = AmountLine(name, cap.label, -over)
    if not cap.rest_as_credit:
        return (line,)
    return (line, AmountLine(f"{name}_as_credit", f"{cap.label}, the rest as credit", over))


def _built_in(name: str, amount: int) -> AmountLine:
    return AmountLine(name, LABELS[name], amount)


def _payouts(pay: str, total: int, credit: int) -> tuple[Payout, ...]:
    if not credit:
        return (Payout(pay, total),) if total else ()
    parts = {pay: total - credit}
    parts["credit"] = parts.get("credit", 0) + credit
    return tuple(Payout(to, amount) for to, amount in parts.items() if amount)
