"""Cases that examinations found, as people read them: the facts, and what a version answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from amends import InputError, decide
from amends.policy.explanation import show_value
from amends.policy.model import Policy

_DECIDING = ("grants", "denies", "refers")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a version says in a case."""

    outcome: str
    """One of the outcomes, or `error` where the case is refused as impossible."""
    amount: int
    currency: str
    clauses: tuple[str, ...]
    """Those that decide."""


def answer_to(policy: Policy, case: Mapping[str, object]) -> Answer:
    """What a version says in a case, decided anew."""
    currency = str(case["currency"])
    try:
        decision = decide(policy, case)
    except InputError:
        return Answer("error", 0, currency, ())
    cited = tuple(one.id for one in decision.clauses if one.role in _DECIDING)
    return Answer(decision.outcome.value, decision.amount, currency, cited)


def facts_in_words(policies: Sequence[Policy], case: Mapping[str, object]) -> list[tuple[str, str]]:
    """The facts of a case by their labels, as the first version that knows each of them shows it."""
    return [(_label(policies, name), _shown(policies, case, name)) for name in case if name != "currency"]


def _label(policies: Sequence[Policy], name: str) -> str:
    return next((policy.inputs[name].label for policy in policies if name in policy.inputs), name)


def _shown(policies: Sequence[Policy], case: Mapping[str, object], name: str) -> str:
    policy = next((policy for policy in policies if name in policy.inputs), None)
    if policy is None or name not in case:
        return "?"
    declared = policy.inputs[name]
    value = declared.read(declared, case[name])
    return show_value(declared.type, value, policy.zone, str(case["currency"]))
