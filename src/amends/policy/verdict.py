"""The bare verdict: outcome, grant and amount, for scans of many cases where nobody reads the reasons.

It says what `decide_facts` says. A case whose clauses are all known takes a short way of generated code; where
anything unknown, conflicting or rare is involved, `decide_facts` itself answers.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias, cast

from amends.policy.answer import Outcome
from amends.policy.code import ALWAYS, NEVER, Code, Fixed
from amends.policy.compiled import Variants, breakable_promises, broken_test, program_of
from amends.policy.decision import SHAPES_MAX, decide_facts
from amends.policy.expression import Compare, Given, Result
from amends.policy.facts import Facts
from amends.policy.model import Policy, Promise, PromiseKind, Rule, Verb
from amends.policy.program import Program
from amends.policy.resolution import DENIES, Clauses, members
from amends.policy.signs import is_never_negative

Verdict: TypeAlias = tuple[Outcome, str | None, int]
"""Outcome, grant, and the amount in minor units."""

Settlement: TypeAlias = Callable[[Facts], Verdict | None]
"""The verdict of a case in which certain rules hold; None where it takes the whole decision to know."""

INVOLVED = -1
STRANGER = -2
"""Instead of a mask of rules: something is unknown or impossible; what the policy requires is not met."""


@lru_cache(maxsize=256)
def verdict_of(policy: Policy) -> Callable[[Facts], Verdict]:
    """The function that gives the verdict of a case whose inputs are validated.

    Its function raises: InputError: a broken assumption.
    """
    program = program_of(policy)
    rules = Variants(policy, lambda fixed: _known_rules(policy, fixed))
    switches = rules.key
    settlements = _Settlements(policy)

    def verdict(facts: Facts) -> Verdict:
        return settlements[rules[switches(facts)](facts)](facts) or _decided(program, facts)

    return verdict


class _Settlements(dict[int, Settlement]):
    """The settlement of each combination of rules, made when it first occurs."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.policy = policy
        self[INVOLVED] = _constant(None)
        self[STRANGER] = _constant((Outcome.NEEDS_INFORMATION, None, 0))

    def __missing__(self, rules: int) -> Settlement:
        settlement = _settlement(self.policy, rules)
        if len(self) < SHAPES_MAX:
            self[rules] = settlement
        return settlement


def _decided(program: Program, facts: Facts) -> Verdict:
    decision = decide_facts(program, facts)
    return decision.outcome, decision.grant, decision.amount


def _constant(verdict: Verdict | None) -> Settlement:
    return lambda _: verdict


def _known_rules(policy: Policy, fixed: Fixed) -> Callable[[Facts], int]:
    """Code for the mask of the rules that hold, if all of them are known."""
    code = Code(policy, fixed)
    code.on_unknown = f"return {INVOLVED}"
    tests = [(rule.index, code.test(rule.when)) for rule in policy.rules]
    code.on_unknown = None
    for assumption in policy.assumptions:
        code.lines.append(f"if {code.test(assumption)[1]}: return {INVOLVED}")
    code.lines.extend(f"if f[{name!r}] is not True: return {STRANGER}" for name in policy.requires)
    code.lines.append(f"t = {sum(1 << index for index, test in tests if test == ALWAYS)}")
    for index, (true, false) in tests:
        if (true, false) in (ALWAYS, NEVER):
            continue
        code.lines.append(f"if {true}: t |= {1 << index}")
        if None in fixed.values():
            code.lines.append(f"elif not {false}: return {INVOLVED}")
    code.lines.append("return t")
    return cast("Callable[[Facts], int]", code.build())


def _settlement(policy: Policy, true: int) -> Settlement:
    """Code for the verdict of the cases in which exactly these rules hold."""
    clauses = Clauses(true, 0, policy.attackers, lambda _: DENIES, lambda _: True)
    winners = [policy.rules[index] for index in members(clauses.winning)]
    others = [rule for rule in winners if rule.verb is not Verb.GRANT]
    if policy.caps or any(rule.lines or rule.needs for rule in others):
        return _constant(None)
    if not winners:
        return _constant((Outcome.NEEDS_REVIEW, None, 0))
    code = Code(policy, {})
    code.on_unknown = "return None"
    if any(rule.verb is Verb.REFER for rule in others):
        for rule in winners:
            _total(code, rule)
        return _finished(code, Outcome.NEEDS_REVIEW, None, "0")
    if len(others) == len(winners):
        _keep_promises(code, Outcome.DENIED, None, "0", [rule.clause for rule in others])
        return _finished(code, Outcome.DENIED, None, "0")
    if len(winners) > 1:
        return _constant(None)
    return _granted(code, winners[0])


def _granted(code: Code, rule: Rule) -> Settlement:
    asks = code.constant((Outcome.NEEDS_INFORMATION, None, 0))
    for need in rule.needs:
        applies = "True" if need.condition is None else f"not {code.test(need.condition)[1]}"
        code.lines.append(f"if f[{need.input!r}] is not True and {applies}: return {asks}")
    total = _total(code, rule)
    _keep_promises(code, Outcome.GRANTED, rule.grant, total, [])
    return _finished(code, Outcome.GRANTED, rule.grant, total)


def _total(code: Code, rule: Rule) -> str:
    """The name of what a rule pays: its lines, at most what is left, at least zero."""
    if rule.verb is not Verb.GRANT:
        return "0"
    roles, inputs = code.policy.roles, code.policy.inputs
    if rule.then.condition is not None:
        code.value(rule.then.condition)
    if rule.pay in inputs:
        code.value(Given(inputs[rule.pay].type, rule.pay))
    left = "0" if roles.paid is None else code.value(Given(inputs[roles.paid].type, roles.paid))
    if roles.paid is not None and roles.refunded is not None:
        left = f"{left} - {code.value(Given(inputs[roles.refunded].type, roles.refunded))}"
    lines = [code.value(line.expression) for line in rule.lines]
    code.lines.append(f"a, left = {' + '.join(lines) or '0'}, {left}")
    code.lines.append("if a > left: a = left")
    code.lines.append("if a < 0: a = 0")
    return "a"


def _keep_promises(code: Code, outcome: Outcome, grant: str | None, amount: str, denials: list[str]) -> None:
    code.on_unknown = None
    code.results = {
        "refund": amount,
        "outcome": repr(outcome.value),
        "grant": repr(grant or "none"),
        "denials": repr(" ".join(denials)),
    }
    for _, promise in breakable_promises(code.policy):
        if amount != "0" or not _holds_of_nothing(code.policy, promise):
            code.lines.append(f"if {broken_test(code, promise)}: return None")


def _holds_of_nothing(policy: Policy, promise: Promise) -> bool:
    """Whether a promise only bounds the refund, by what no refund at all cannot exceed."""
    match promise.statement:
        case Compare(operator="<=", left=Result(name="refund"), right=bound):
            return promise.kind is PromiseKind.ALWAYS and is_never_negative(policy, bound)
        case _:
            return False


def _finished(code: Code, outcome: Outcome, grant: str | None, amount: str) -> Settlement:
    fixed = code.constant(outcome)
    code.lines.append(f"return {fixed}, {grant!r}, {amount}")
    return cast("Settlement", code.build())
