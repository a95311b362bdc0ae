"""What each rule makes of a case: true, false or unknown, the conditions that settle it, and the facts behind them."""

from dataclasses import dataclass

from amends.policy.evaluation import Evaluation
from amends.policy.explanation import show_value
from amends.policy.expression import All, Derived, Given, Node, walk
from amends.policy.facts import Facts, Value
from amends.policy.model import Policy, Rule, Verb
from amends.policy.translation import LOCALE
from amends.policy.types import Type
from amends.policy.words import say


@dataclass(frozen=True, slots=True)
class Fact:
    """An input as the case has it, and who answers it."""

    name: str
    label: str
    shown: str
    answered_by: str


@dataclass(frozen=True, slots=True)
class Condition:
    """One part of a rule, what it came to, and what it read."""

    words: str
    held: bool | None
    read: tuple[tuple[str, str], ...]
    """Names and values of what it looked at."""
    unknown: tuple[str, ...]
    """The inputs that keep it from being known."""


@dataclass(frozen=True, slots=True)
class RuleReport:
    """One rule seen through one case."""

    clause: str
    text: str
    """As customers read it."""
    verb: Verb
    held: bool | None
    conditions: tuple[Condition, ...]
    """The parts that settle it: all of what holds, else those that keep it from holding."""


def report_rules(policy: Policy, facts: Facts, locale: str = LOCALE) -> tuple[RuleReport, ...]:
    """Every rule, in the order of the page."""
    evaluation = Evaluation(policy, facts)
    return tuple(_report_rule(evaluation, rule, locale) for rule in policy.rules)


def report_facts(policy: Policy, facts: Facts, locale: str = LOCALE) -> tuple[Fact, ...]:
    """Every input, in the order of declaration."""
    evaluation = Evaluation(policy, facts)
    return tuple(
        Fact(
            name, declared.label, _shown(evaluation, declared.type, facts[name], locale), declared.answered_by
        )
        for name, declared in policy.inputs.items()
    )


def _report_rule(evaluation: Evaluation, rule: Rule, locale: str) -> RuleReport:
    held = _truth(evaluation, rule.when)
    parts = _conjuncts(evaluation.policy, rule.when)
    # Of what is false, only the false parts: the unknown ones would change nothing.
    settling = False if any(evaluation.value(part) is False for part in parts) else held
    conditions = [_report_condition(evaluation, part, locale) for part in parts]
    return RuleReport(
        clause=rule.clause,
        text=evaluation.policy.clauses[rule.clause].text,
        verb=rule.verb,
        held=held,
        conditions=tuple(condition for condition in conditions if condition.held is settling),
    )


def _conjuncts(policy: Policy, condition: Node) -> list[Node]:
    match condition:
        case All():
            return [found for part in condition.operands for found in _conjuncts(policy, part)]
        case Derived() if isinstance(policy.derived[condition.name], All):
            return _conjuncts(policy, policy.derived[condition.name])
        case _:
            return [condition]


def _report_condition(evaluation: Evaluation, condition: Node, locale: str) -> Condition:
    read = {part.name: part for part in walk(condition) if isinstance(part, Given | Derived)}
    return Condition(
        words=say(evaluation.policy, condition, locale),
        held=_truth(evaluation, condition),
        read=tuple(
            (name.replace("_", " "), _shown(evaluation, part.type, evaluation.value(part), locale))
            for name, part in read.items()
        ),
        unknown=tuple(sorted(evaluation.unknown_inputs(condition))),
    )


def _truth(evaluation: Evaluation, condition: Node) -> bool | None:
    held = evaluation.value(condition)
    return held if isinstance(held, bool) else None


def _shown(evaluation: Evaluation, type_: Type, value: Value, locale: str) -> str:
    return show_value(type_, value, evaluation.policy.zone, str(evaluation.facts["currency"]), locale)
