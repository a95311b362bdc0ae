"""The program of a policy as Python code: the same answers as the interpreter, faster.

The code is made from the typed model alone: generated names, values bound as constants, no text of the author. Every
sub-expression is computed once, so code grows with the policy and never faster. The inputs that most rules switch on
(which kind of request, which product) are fixed in advance: each combination gets its own short code when it is first
seen, in which everything that cannot hold there is gone.
"""

from collections.abc import Callable
from functools import lru_cache
from operator import itemgetter
from typing import TypeVar, cast

from amends.policy.code import ALWAYS, NEVER, UNKNOWN, Code, Fixed
from amends.policy.expression import Node
from amends.policy.facts import Facts, Value
from amends.policy.model import Policy, PromiseKind, Rule, Verb, inputs_read
from amends.policy.program import Amounts, Program, Results
from amends.policy.timing import openable_condition
from amends.policy.types import Kind

Answer = TypeVar("Answer")

VARIANTS_MAX = 64
"""How many combinations of fixed inputs may get code of their own."""


@lru_cache(maxsize=256)
def program_of(policy: Policy) -> Program:
    """The program that decides by a policy, compiled once."""
    openable = [openable_condition(policy, rule.when) for rule in policy.rules if rule.verb is Verb.GRANT]
    return Program(
        policy=policy,
        truth=_by_variant(policy, lambda fixed: _truth(policy, fixed)),
        amounts=tuple(_amounts(policy, rule) for rule in policy.rules),
        broken_assumption=_broken_assumption(policy),
        may_open=_by_variant(policy, lambda fixed: _may_open(policy, openable, fixed)),
        broken_promise=_broken_promise(policy),
    )


def _switches(policy: Policy) -> tuple[str, ...]:
    """The enum inputs that most rules read, as many as the number of variants allows."""
    read = [inputs_read(policy, rule.when) for rule in policy.rules]
    candidates = [name for name, declared in policy.inputs.items() if declared.type.kind is Kind.ENUM]
    candidates.sort(key=lambda name: -sum(name in names for names in read))
    chosen: list[str] = []
    variants = 1
    for name in candidates:
        variants *= len(policy.inputs[name].type.members) + 1
        if variants > VARIANTS_MAX:
            break
        chosen.append(name)
    return tuple(chosen)


def _by_variant(
    policy: Policy, build: Callable[[Fixed], Callable[[Facts], Answer]]
) -> Callable[[Facts], Answer]:
    """A function that picks the code made for the values of the switches, making it when it is first needed."""
    names = _switches(policy)
    if not names:
        return build({})
    made: dict[tuple[Value, ...], Callable[[Facts], Answer]] = {}
    pick = itemgetter(*names) if len(names) > 1 else lambda facts: (facts[names[0]],)

    def answer(facts: Facts) -> Answer:
        key = pick(facts)
        function = made.get(key)
        if function is None:
            function = made[key] = build(dict(zip(names, key, strict=True)))
        return function(facts)

    return answer


def _truth(policy: Policy, fixed: Fixed) -> Callable[[Facts], tuple[int, int]]:
    code = Code(policy, fixed)
    tests = [(rule.index, code.test(rule.when)) for rule in policy.rules]
    true = sum(1 << index for index, test in tests if test == ALWAYS)
    unknown = sum(1 << index for index, test in tests if test == UNKNOWN)
    code.lines.append(f"t, u = {true}, {unknown}")
    for index, test in tests:
        if test in (ALWAYS, NEVER, UNKNOWN):
            continue
        code.lines.append(f"if {test[0]}: t |= {1 << index}")
        code.lines.append(f"elif not {test[1]}: u |= {1 << index}")
    code.lines.append("return t, u")
    return cast("Callable[[Facts], tuple[int, int]]", code.build())


def _may_open(policy: Policy, conditions: list[Node], fixed: Fixed) -> Callable[[Facts], bool]:
    code = Code(policy, fixed)
    tests = [code.test(condition) for condition in conditions]
    code.lines.extend(f"if not {false}: return True" for _, false in tests if false != "True")
    code.lines.append("return False")
    return cast("Callable[[Facts], bool]", code.build())


def _amounts(policy: Policy, rule: Rule) -> Callable[[Facts], Amounts]:
    code = Code(policy, {})
    names = [code.value(line.expression) for line in rule.lines]
    code.lines.append(f"return ({''.join(f'{name}, ' for name in names)})")
    return cast("Callable[[Facts], Amounts]", code.build())


def _broken_assumption(policy: Policy) -> Callable[[Facts], int]:
    code = Code(policy, {})
    for index, assumption in enumerate(policy.assumptions):
        _, false = code.test(assumption)
        code.lines.append(f"if {false}: return {index}")
    code.lines.append("return -1")
    return cast("Callable[[Facts], int]", code.build())


def _broken_promise(policy: Policy) -> Callable[[Facts, Results], int]:
    code = Code(policy, {})
    for index, promise in enumerate(policy.promises):
        if promise.kind not in (PromiseKind.ALWAYS, PromiseKind.NEVER):
            continue
        broken = code.test(promise.statement)[promise.kind is PromiseKind.ALWAYS]
        held = code.test(promise.condition)[0] if promise.condition is not None else "True"
        code.lines.append(f"if {held} and {broken}: return {index}")
    code.lines.append("return -1")
    return cast("Callable[[Facts, Results], int]", code.build("f, r"))
