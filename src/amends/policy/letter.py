"""A decision as plain text: a letter to the customer, or a report to the agent."""

import textwrap

from amends.policy.answer import Outcome
from amends.policy.explanation import Explanation, Reason, format_amount
from amends.policy.facts import Facts
from amends.policy.model import Policy
from amends.policy.report import Condition, RuleReport, report_facts, report_rules
from amends.policy.translation import LOCALE, spoken, translation

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
    """What the customer reads: the answer, its arithmetic, its reasons and what else is open.

    The explanation has been put into words already; the locale is the one it was made for.
    """
    _ = translation(locale).gettext
    parts = [explanation.headline, *_list("", explanation.questions)]
    parts += _table(explanation, locale)
    parts += _list("", explanation.consequences)
    cited = [reason for reason in explanation.reasons if reason.role in _CITED]
    if cited and explanation.decision.outcome is not Outcome.NEEDS_INFORMATION:
        parts += [_("The sentences this rests on:"), *(_quote(reason) for reason in cited)]
    parts += _list(_("What would have changed it:"), explanation.counterfactuals)
    parts += _list(_("What else you can do:"), explanation.offers)
    if explanation.decision.outcome is Outcome.DENIED:
        parts.append(
            _fill(_("You can appeal to a person: write to %(contact)s.") % {"contact": policy.contact})
        )
    named = {"title": policy.title, "version": policy.version}
    parts.append(_fill(_("%(title)s, version %(version)s") % named))
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
    parts += [_rule_report(rule, roles.get(rule.clause)) for rule in report_rules(policy, facts)]
    known = [f"{f.name} = {f.shown}  (from {f.answered_by})" for f in report_facts(policy, facts)]
    parts.append("Facts\n" + textwrap.indent("\n".join(known), "  "))
    parts += _list("What would change it:", (*explanation.counterfactuals, *explanation.offers))
    return "\n\n".join(parts)


def _rule_report(rule: RuleReport, reason: Reason | None) -> str:
    word = {True: "true", False: "false", None: "unknown"}[rule.held]
    part = (
        f", {_ROLES[reason.role]}{' ' + reason.by if reason.by else ''}"
        if reason and rule.held is not False
        else ""
    )
    lines = [f"{rule.clause} ({rule.verb.value}): {word}{part}"]
    if rule.held is not True:
        lines += [f"  {_condition_report(condition)}" for condition in rule.conditions]
    return "\n".join(lines)


def _condition_report(condition: Condition) -> str:
    if condition.held is None:
        return f"unknown: {', '.join(condition.unknown)}"
    return f"not so: {condition.words}  ({', '.join(f'{name} = {shown}' for name, shown in condition.read)})"


def _table(explanation: Explanation, locale: str) -> list[str]:
    decision = explanation.decision
    if not explanation.arithmetic:
        return []
    total = decision.amount if decision.lines else sum(line.amount for line in decision.owed)
    _ = translation(locale).gettext
    name = _("Refund") if decision.lines else _("You owe")
    rows = [(line.label, line.amount) for line in explanation.arithmetic] + [(name, total)]
    shown = [(label, format_amount(amount, decision.currency, spoken(locale))) for label, amount in rows]
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
