"""A decision as plain text: a letter to the customer, or a report to the agent."""

import textwrap

from amends.policy.answer import Outcome
from amends.policy.evaluation import Evaluation
from amends.policy.explanation import LOCALE, Explanation, Reason, format_amount, show_value
from amends.policy.expression import All, Derived, Given, Node, walk
from amends.policy.facts import Facts, Value
from amends.policy.model import Policy
from amends.policy.types import Type
from amends.policy.words import say

WIDTH = 78
_CITED = ("grants", "denies", "refers")
_ROLES = {
    "grants": "grants",
    "denies": "denies",
    "refers": "asks for a person",
    "overridden": "overridden by",
    "possible": "might apply",
    "waived": "set aside by a person",
}


def write_letter(policy: Policy, explanation: Explanation, locale: str = LOCALE) -> str:
    """What the customer reads: the answer, its arithmetic, its reasons and what else is open."""
    parts = [explanation.headline, *_list("", explanation.questions)]
    parts += _table(explanation, locale)
    parts += _list("", explanation.consequences)
    cited = [reason for reason in explanation.reasons if reason.role in _CITED]
    if cited and explanation.decision.outcome is not Outcome.NEEDS_INFORMATION:
        parts += ["The sentences this rests on:", *(_quote(reason) for reason in cited)]
    parts += _list("What would have changed it:", explanation.counterfactuals)
    parts += _list("What else you can do:", explanation.offers)
    if explanation.decision.outcome is Outcome.DENIED:
        parts.append(_fill(f"You can appeal to a person: write to {policy.contact}."))
    parts.append(_fill(f"{policy.title}, version {policy.version}"))
    return "\n\n".join(parts)


def write_report(policy: Policy, facts: Facts, explanation: Explanation, locale: str = LOCALE) -> str:
    """What the agent reads: every clause true, false or unknown, the facts behind it, and what would change it."""
    decision = explanation.decision
    head = f"{decision.outcome.value}{f' ({decision.reason})' if decision.reason else ''}"
    if not decision.clauses and decision.missing:
        return f"{head}: {', '.join(decision.missing)} must hold before anything is decided."
    parts = [head, *_table(explanation, locale)]
    if decision.missing:
        parts.append(
            "Missing: " + ", ".join(f"{n} (from {policy.inputs[n].answered_by})" for n in decision.missing)
        )
    roles = {reason.id: reason for reason in explanation.reasons}
    evaluation = Evaluation(policy, facts)
    parts += [
        _clause_report(policy, evaluation, rule_index, roles) for rule_index in range(len(policy.rules))
    ]
    known = [
        f"{i.name} = {_shown(policy, evaluation, i.type, facts[i.name])}  (from {i.answered_by})"
        for i in policy.inputs.values()
    ]
    parts.append("Facts\n" + textwrap.indent("\n".join(known), "  "))
    parts += _list("What would change it:", (*explanation.counterfactuals, *explanation.offers))
    return "\n\n".join(parts)


def _clause_report(policy: Policy, evaluation: Evaluation, index: int, roles: dict[str, Reason]) -> str:
    rule = policy.rules[index]
    held = evaluation.value(rule.when)
    word = {True: "true", False: "false", None: "unknown"}[held if isinstance(held, bool) else None]
    reason = roles.get(rule.clause)
    part = (
        f", {_ROLES[reason.role]}{' ' + reason.by if reason.by else ''}"
        if reason and held is not False
        else ""
    )
    lines = [f"{rule.clause} ({rule.verb.value}): {word}{part}"]
    if held is not True:
        lines += [
            f"  {_condition_report(policy, evaluation, part)}" for part in _open_parts(evaluation, rule.when)
        ]
    return "\n".join(lines)


def _open_parts(evaluation: Evaluation, condition: Node) -> list[Node]:
    """The parts of a condition that keep it from holding; of what is false, only the false ones."""
    parts = _conjuncts(evaluation.policy, condition)
    worst = False if any(evaluation.value(part) is False for part in parts) else None
    return [part for part in parts if evaluation.value(part) is worst]


def _conjuncts(policy: Policy, condition: Node) -> list[Node]:
    match condition:
        case All():
            return [found for part in condition.operands for found in _conjuncts(policy, part)]
        case Derived() if isinstance(policy.derived[condition.name], All):
            return _conjuncts(policy, policy.derived[condition.name])
        case _:
            return [condition]


def _condition_report(policy: Policy, evaluation: Evaluation, condition: Node) -> str:
    if evaluation.value(condition) is None:
        return f"unknown: {', '.join(sorted(evaluation.unknown_inputs(condition)))}"
    read = {part.name: part for part in walk(condition) if isinstance(part, Given | Derived)}
    known = [
        f"{name.replace('_', ' ')} = {_shown(policy, evaluation, part.type, evaluation.value(part))}"
        for name, part in read.items()
    ]
    return f"not so: {say(policy, condition)}  ({', '.join(known)})"


def _shown(policy: Policy, evaluation: Evaluation, type_: Type, value: Value) -> str:
    return show_value(type_, value, policy.zone, str(evaluation.facts["currency"]))


def _table(explanation: Explanation, locale: str) -> list[str]:
    decision = explanation.decision
    if not explanation.arithmetic:
        return []
    total = decision.amount if decision.lines else sum(line.amount for line in decision.owed)
    name = "Refund" if decision.lines else "You owe"
    rows = [(line.label, line.amount) for line in explanation.arithmetic] + [(name, total)]
    shown = [(label, format_amount(amount, decision.currency, locale)) for label, amount in rows]
    width = max(len(label) for label, _ in shown)
    figures = max(len(amount) for _, amount in shown)
    lines = [f"  {label:<{width}}  {amount:>{figures}}" for label, amount in shown]
    lines.insert(-1, "  " + "-" * (width + figures + 2))
    return ["\n".join(lines)]


def _list(title: str, sentences: tuple[str, ...]) -> list[str]:
    if not sentences:
        return []
    items = [textwrap.fill(s, WIDTH, initial_indent="  - ", subsequent_indent="    ") for s in sentences]
    return ["\n".join([title, *items] if title else items)]


def _quote(reason: Reason) -> str:
    text = f"“{reason.text}” (#{reason.id})"
    return textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="  ")


def _fill(text: str) -> str:
    return textwrap.fill(text, WIDTH)
