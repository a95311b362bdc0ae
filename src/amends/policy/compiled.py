"""The program of a policy as Python code: the same answers as the interpreter, faster.

The code is made from the typed model alone: generated names, values bound as constants, no text of the author. Every
sub-expression is computed once, so code grows with the policy and never faster. The inputs that most rules switch on
(which kind of request, which product) are fixed in advance: each combination gets its own short code when it is first
seen, in which everything that cannot hold there is gone.
"""

from collections.abc import Callable
from functools import cache, lru_cache
from operator import itemgetter
from typing import TypeVar, cast

from amends.policy.code import ALWAYS, NEVER, UNKNOWN, Code, Fixed
from amends.policy.expression import Compare, Node
from amends.policy.facts import Facts
from amends.policy.model import Policy, Promise, PromiseKind, Rule, inputs_read
from amends.policy.program import Amounts, Condition, Program, Results, openable_conditions
from amends.policy.timing import time_comparisons
from amends.policy.types import Kind

Answer = TypeVar("Answer")

VARIANTS_MAX = 64
"""How many combinations of fixed inputs may get code of their own."""


@lru_cache(maxsize=256)
def program_of(policy: Policy) -> Program:
    """The program that decides by a policy, compiled once."""
    conditions = openable_conditions(policy)
    return Program(
        policy=policy,
        truth=_by_variant(policy, lambda fixed: _truth(policy, fixed)),
        amounts=tuple(_amounts(policy, rule) for rule in policy.rules),
        broken_assumption=_broken_assumption(policy),
        openable=_by_variant(policy, lambda fixed: _openable(policy, conditions, fixed)),
        time_comparisons=_time_comparisons(policy),
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


class Variants(dict[object, Callable[[Facts], Answer]]):
    """The code made for each combination of switches, when it is first needed."""

    def __init__(self, policy: Policy, build: Callable[[Fixed], Callable[[Facts], Answer]]) -> None:
        super().__init__()
        self.build = build
        self.switches = _switches(policy)
        self.key: Callable[[Facts], object] = itemgetter(*self.switches) if self.switches else lambda _: ()

    def __missing__(self, key: object) -> Callable[[Facts], Answer]:
        values = key if isinstance(key, tuple) else (key,)
        self[key] = self.build(dict(zip(self.switches, values, strict=True)))
        return self[key]


def _by_variant(
    policy: Policy, build: Callable[[Fixed], Callable[[Facts], Answer]]
) -> Callable[[Facts], Answer]:
    variants = Variants(policy, build)
    key = variants.key
    return lambda facts: variants[key(facts)](facts)


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


def _openable(policy: Policy, conditions: list[tuple[int, Node]], fixed: Fixed) -> Callable[[Facts], int]:
    code = Code(policy, fixed)
    tests = [(index, code.test(condition)) for index, condition in conditions]
    tests = [(index, test) for index, test in tests if test != NEVER]
    code.lines.append("t = 0")
    code.lines.extend(f"if not {false}: t |= {1 << index}" for index, (_, false) in tests)
    code.lines.append("return t")
    return cast("Callable[[Facts], int]", code.build())


def _time_comparisons(policy: Policy) -> Callable[[int], tuple[Condition, ...]]:
    condition = cache(lambda comparison: _condition(policy, comparison))

    @cache
    def time_comparisons_of(index: int) -> tuple[Condition, ...]:
        return tuple(map(condition, time_comparisons(policy, policy.rules[index].when)))

    return time_comparisons_of


def _condition(policy: Policy, comparison: Compare) -> Condition:
    code = Code(policy, {})
    true, false = code.test(comparison)
    code.lines.append(f"return True if {true} else False if {false} else None")
    return cast("Condition", code.build())


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


def breakable_promises(policy: Policy) -> list[tuple[int, Promise]]:
    """The promises that a single decision can break, with their numbers."""
    kinds = (PromiseKind.ALWAYS, PromiseKind.NEVER)
    return [(index, promise) for index, promise in enumerate(policy.promises) if promise.kind in kinds]


def broken_test(code: Code, promise: Promise) -> str:
    """The condition under which a decision breaks a promise."""
    broken = code.test(promise.statement)[promise.kind is PromiseKind.ALWAYS]
    return broken if promise.condition is None else f"{code.test(promise.condition)[0]} and {broken}"


def _broken_promise(policy: Policy) -> Callable[[Facts, Results], int]:
    code = Code(policy, {})
    for index, promise in breakable_promises(policy):
        code.lines.append(f"if {broken_test(code, promise)}: return {index}")
    code.lines.append("return -1")
    return cast("Callable[[Facts, Results], int]", code.build("f, r"))
