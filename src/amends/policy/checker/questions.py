"""Notes on questions: facts that are asked for although every answer leads to the same decision.

An unknown clause is tried both ways by itself (semantics, rule 2), so two clauses of which one always holds can leave
open what is settled. Nothing is proved here: a question that is not reported may still be needless.
"""

from collections.abc import Iterator
from functools import partial
from typing import TypeAlias

from amends.policy.answer import Outcome
from amends.policy.checker.encoding import Encoding
from amends.policy.checker.findings import Finding, Witness
from amends.policy.checker.inquiry import Inquiry
from amends.policy.checker.outcome import Ending
from amends.policy.checker.situation import Situation
from amends.policy.checker.smt import Answer, Term, both, either, equal, opposite
from amends.policy.checker.values import Encoded, Truth, Word
from amends.policy.checker.witness import Case, is_shown, read_case, smallest_case, without_idle_facts
from amends.policy.decision import decide
from amends.policy.facts import Input
from amends.policy.model import Policy, Rule, inputs_read
from amends.policy.resolution import members
from amends.policy.types import Kind

Reply: TypeAlias = bool | str

RULES_MAX = 100
"""Each answer needs the whole policy once more, so wide policies are not looked at."""


def check_questions(inquiry: Inquiry) -> None:
    """Note inputs of few values that are asked for where no value makes a difference."""
    policy = inquiry.policy
    if len(policy.rules) > RULES_MAX:
        return
    for name, declared in policy.inputs.items():
        if len(_reading(policy, name)) > 1 and name not in policy.requires and not declared.type.optional:
            _check_question(inquiry, declared)


def _reading(policy: Policy, name: str) -> list[Rule]:
    return [rule for rule in policy.rules if name in inputs_read(policy, rule.when)]


def _check_question(inquiry: Inquiry, declared: Input) -> None:
    policy, name = inquiry.policy, declared.name
    answers = list(_answers(declared))
    if not answers:
        return
    terms = tuple(_same_by_other_clauses(inquiry, name, answers))
    shows = partial(_is_asked_needlessly, policy, name, answers)
    if inquiry.prover.ask(*terms) is not Answer.POSSIBLE:
        return
    # To make a case plain takes as long as all that was proved, so any case has to show it first.
    if not is_shown(_without(name, read_case(inquiry.encoding)), shows):
        return
    without = _without(name, smallest_case(inquiry.encoding, *terms) or {})
    if is_shown(without, shows):
        message = f"`{name}` is asked for in this case, and every answer leads to the same decision."
        fix = "Nothing has to be done; one clause that does not read it would spare the question."
        rules = _reading(policy, name)
        clauses = tuple(dict.fromkeys(rule.clause for rule in rules))
        witness = Witness(policy, without_idle_facts(policy, without, shows))
        inquiry.notes.append(Finding("needless-question", clauses, rules[0].span, message, fix, witness))


def _without(name: str, case: Case) -> tuple[Case]:
    return ({key: value for key, value in case.items() if key != name},)


def _answers(declared: Input) -> Iterator[Reply]:
    if declared.type.kind is Kind.YES_NO:
        yield from (True, False)
    elif declared.type.kind is Kind.ENUM:
        yield from declared.type.members


def _same_by_other_clauses(inquiry: Inquiry, name: str, answers: list[Reply]) -> Iterator[Term]:
    """That every answer is decided alike, and no clause decides whatever the answer."""
    endings = [Ending(Situation(_answered(inquiry, name, answer))) for answer in answers]
    first = endings[0]
    yield either(first.grants, first.denies)
    for ending in endings:
        yield both(ending.situation.is_possible, ending.situation.is_clear)
        yield both(equal(ending.outcome, first.outcome), equal(ending.refund, first.refund))
    policy = inquiry.policy
    always = [both(*(ending.situation.holds[rule.index] for ending in endings)) for rule in policy.rules]
    for held, attackers in zip(always, policy.attackers, strict=True):
        yield opposite(both(held, *(opposite(always[index]) for index in members(attackers))))


def _answered(inquiry: Inquiry, name: str, answer: Reply) -> Encoding:
    value: Encoded = (
        Truth(answer) if isinstance(answer, bool) else Word(inquiry.encoding.words.number(answer))
    )
    return inquiry.encoding.beside(inquiry.policy, {**inquiry.encoding.inputs, name: value})


def _is_asked_needlessly(policy: Policy, name: str, answers: list[Reply], cases: tuple[Case, ...]) -> bool:
    (case,) = cases
    asked = decide(policy, case)
    decisions = [decide(policy, {**case, name: answer}) for answer in answers]
    verdicts = {(one.outcome, one.grant, one.amount, one.lines) for one in decisions}
    return asked.outcome is Outcome.NEEDS_INFORMATION and asked.missing == (name,) and len(verdicts) == 1
