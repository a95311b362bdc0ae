"""Questions about what a policy promises, and about the bounds that hold for every refund."""

import operator
from dataclasses import replace
from functools import partial

from amends.policy.amounts import amount_left
from amends.policy.answer import Decision, Outcome
from amends.policy.checker.findings import Finding
from amends.policy.checker.inquiry import Inquiry
from amends.policy.checker.monotony import facts_of_order
from amends.policy.checker.situation import Situation
from amends.policy.checker.smt import Term, both, either, opposite
from amends.policy.checker.values import Encoded, Moment, Quantity, Truth, compare
from amends.policy.checker.witness import Case, judged, read_case, settle
from amends.policy.decision import decide, results_of
from amends.policy.evaluation import Evaluation
from amends.policy.expression import Literal
from amends.policy.facts import Value, read_facts
from amends.policy.model import Policy, Promise, PromiseKind, Verb


def check_promises(inquiry: Inquiry) -> None:
    """Whether every promise is kept by every clause."""
    for promise in inquiry.policy.promises:
        if promise in inquiry.situation.promises_of_each_case:
            _check_each_case(inquiry, promise)
        else:
            _check_direction(inquiry, promise)


def _check_each_case(inquiry: Inquiry, promise: Promise) -> None:
    situation, policy = inquiry.situation, inquiry.policy
    alone = replace(policy, promises=(promise,))
    for index in [*situation.of_verb(Verb.GRANT), None]:
        broken = situation.broken(promise, situation.results_of(index))
        clause = None if index is None else policy.rules[index].clause
        by = f"`{clause}` grants" if clause else "the policy denies"
        message = f"`{promise.clause}` is broken where {by}."
        fix = f"Narrow the sentence of `{clause or promise.clause}`, or say in `{promise.clause}` what is excepted."
        names = (clause, promise.clause) if clause else (promise.clause,)
        finding = Finding("broken-promise", names, promise.span, message, fix)
        decided = situation.denied if index is None else situation.granted_by(index)
        others = [other for other in situation.promises_of_each_case if other is not promise]
        kept = [opposite(situation.broken(other, situation.results_of(index))) for other in others]
        payment = None if index is None else situation.payments[index]
        pays = () if payment is None else (payment.total > 0,)
        shows = judged(alone, partial(_breaks, clause))
        inquiry.rule_out(finding, shows, decided, broken, wishes=(*pays, *kept))


def _breaks(clause: str | None, decision: Decision) -> bool:
    role = "grants" if clause else "denies"
    cited = (citation for citation in decision.clauses if citation.role == role)
    return decision.reason == "broken_promise" and any(clause in (None, citation.id) for citation in cited)


def _check_direction(inquiry: Inquiry, promise: Promise) -> None:
    """Whether the value never moves against the promise between two cases that differ in one input only."""
    assert promise.along is not None
    first, encoding = inquiry.situation, inquiry.encoding
    shared = {name: value for name, value in encoding.inputs.items() if name != promise.along}
    other = encoding.beside(inquiry.policy, shared)
    second = Situation(other)
    second.assume()
    grows = _grows(encoding.inputs[promise.along], other.inputs[promise.along])
    classes = [*first.of_verb(Verb.GRANT), None]
    for low in classes:
        for high in classes:
            moves = (grows, *_moves(first, low, promise), *_moves(second, high, promise))
            wrong = _goes_against(promise, (first, low), (second, high))
            terms = (*moves, wrong, *facts_of_order(encoding, other))
            _prove_direction(inquiry, promise, (first, second), (low, high), terms)


def _prove_direction(
    inquiry: Inquiry,
    promise: Promise,
    pair: tuple[Situation, Situation],
    indices: tuple[int | None, int | None],
    terms: tuple[Term, ...],
) -> None:
    moved = "rises" if promise.kind is PromiseKind.FALLS else "falls"
    message = f"`{promise.clause}` is broken: the value {moved} as `{promise.along}` grows."
    fix = f"Correct the clause that pays, or say in `{promise.clause}` what is excepted."
    named = (None if index is None else inquiry.policy.rules[index].clause for index in indices)
    clauses = tuple(dict.fromkeys(name for name in (*named, promise.clause) if name))
    finding = Finding("broken-promise", clauses, promise.span, message, fix)
    found = inquiry.can(finding, *terms)
    if found is False:
        inquiry.proved["broken-promise"] += 1
    if not found:
        return
    assert promise.along is not None
    first, second = (situation.encoding for situation in pair)
    with inquiry.prover.scope(*terms):
        settle(first, first.inputs)
        settle(second, {promise.along: second.inputs[promise.along]})
    case = read_case(first)
    cases = (case, {**case, promise.along: read_case(second)[promise.along]})
    inquiry.report_cases(finding, partial(_goes_wrong, inquiry.policy, promise), cases)


def _moves(situation: Situation, index: int | None, promise: Promise) -> tuple[Term, Term]:
    decided = situation.denied if index is None else situation.granted_by(index)
    if promise.condition is None:
        return decided, True
    return decided, situation.encoding.truth(promise.condition, situation.results_of(index)).true


def _goes_against(
    promise: Promise, before: tuple[Situation, int | None], after: tuple[Situation, int | None]
) -> Term:
    low, high = (
        situation.encoding.value(promise.statement, situation.results_of(index))
        for situation, index in (before, after)
    )
    wrong = _grows(low, high) if promise.kind is PromiseKind.FALLS else _grows(high, low)
    return both(low.known, high.known, wrong)


def _grows(low: Encoded, high: Encoded) -> Term:
    """Whether one value is strictly below another; `none` is not in the order."""
    present = both(opposite(low.absent), opposite(high.absent))
    match low, high:
        case Moment(), Moment():
            return both(present, low.is_before(high))
        case Quantity(), Quantity():
            return both(present, compare(low, high, operator.lt))
        case Truth(), Truth():
            return both(present, opposite(low.holds), high.holds)
        case _:
            return False


def _goes_wrong(policy: Policy, promise: Promise, cases: tuple[Case, ...]) -> bool:
    low, high = (_value_of(policy, promise, case) for case in cases)
    if low is None or high is None:
        return False
    return low < high if promise.kind is PromiseKind.FALLS else high < low  # type: ignore[operator]  # numbers


def _value_of(policy: Policy, promise: Promise, case: Case) -> Value:
    """What the promise speaks of, in a case that is decided and in which it applies."""
    decision = decide(replace(policy, promises=()), case)
    if decision.outcome not in (Outcome.GRANTED, Outcome.DENIED):
        return None
    facts = read_facts(policy.inputs, policy.currencies, case)
    evaluation = Evaluation(policy, facts, results_of(decision)._asdict())
    if promise.condition is not None and evaluation.value(promise.condition) is not True:
        return None
    return evaluation.value(promise.statement)


def check_bounds(inquiry: Inquiry) -> None:
    """Whether every refund is at least zero and at most what is left of the payment."""
    situation, policy = inquiry.situation, inquiry.policy
    for index in situation.of_verb(Verb.GRANT):
        payment = situation.payments[index]
        assert payment is not None
        rule = policy.rules[index]
        message = f"`{rule.clause}` grants where less than nothing is left of the payment."
        fix = "Add to `assume:` that no more can be returned than was paid, or deny such cases."
        inquiry.rule_out(
            Finding("out-of-bounds", (rule.clause,), rule.span, message, fix),
            partial(_is_out_of_bounds, replace(policy, promises=())),
            situation.granted_by(index),
            either(payment.total < 0, payment.total > situation.left),
        )


def _is_out_of_bounds(policy: Policy, cases: tuple[Case, ...]) -> bool:
    (case,) = cases
    left = amount_left(policy, read_facts(policy.inputs, policy.currencies, case))
    decision = decide(policy, case)
    return decision.outcome is Outcome.GRANTED and left is not None and not 0 <= decision.amount <= left


def check_payment(inquiry: Inquiry) -> None:
    """Whether every grant can pay something while all promises are kept."""
    situation, policy = inquiry.situation, inquiry.policy
    for index in situation.of_verb(Verb.GRANT):
        payment = situation.payments[index]
        assert payment is not None
        rule = policy.rules[index]
        if all(isinstance(line.expression, Literal) for line in rule.lines):
            continue  # whoever writes a line of 0 means that only the plan changes
        message = f"`{rule.clause}` can never pay: in every case its lines come to nothing, a promise forbids it or another clause contradicts it."
        fix = "Correct the lines, say in the promises what is excepted, or let one clause override the other. If nothing is meant to be paid, write one line that is `0`."
        finding = Finding("never-pays", (rule.clause,), rule.span, message, fix)
        pays = (situation.granted_by(index), payment.total > 0)
        results = situation.results_of(index)
        kept = [opposite(situation.broken(promise, results)) for promise in situation.promises_of_each_case]
        found = inquiry.can(finding, *pays, *kept)
        if found is False:
            inquiry.report(finding)
        elif found:
            inquiry.proved["never-pays"] += 1
