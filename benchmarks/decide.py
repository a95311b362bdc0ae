"""How long one decision of the shipped policy takes: by hand, by amends, and by other engines with the same rules.

Every answer is compared with the hand-written one first; if any differs, no time is printed.
"""

import gc
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any

import hand_written
from amends import decide, read_policy
from amends.policy.answer import Decision
from amends.policy.compiled import program_of
from amends.policy.decision import decide_facts
from amends.policy.facts import read_facts
from amends.policy.model import Policy
from amends.policy.program import Program
from amends.policy.verdict import verdict_of
from engines import Engine, Facts
from workload import complete_cases

POLICY = Path(__file__).parents[1] / "policies" / "flux-kontext.md"
OTHERS = {
    "engines.cel": "CEL (Rust)",
    "engines.refund_guard": "refund-guard",
    "engines.zen": "zen-engine",
    "engines.rego": "Rego (regopy)",
    "engines.openfisca": "OpenFisca",
}
CASES = 300
ROUNDS = 31
VERDICT = "outcome, grant, amount"
REASONS = "with lines, clauses, opens_on"


@dataclass(frozen=True)
class Contestant:
    """An engine with the cases it can decide, in its own shape and as facts."""

    engine: Engine
    cases: Sequence[Any]
    facts: Sequence[Facts]


def main() -> None:
    """Compare the answers, then measure and print."""
    policy = read_policy(POLICY)
    raw = complete_cases(CASES)
    facts = [read_facts(policy.inputs, policy.currencies, case) for case in raw]
    contestants = [_contestant(engine, facts) for engine in _on_facts(policy)]
    contestants.append(Contestant(_on_inputs(policy), raw, facts))
    absent = []
    for module, name in OTHERS.items():
        try:
            contestants.append(_contestant(import_module(module).engine(), facts))
        except ImportError as error:
            absent.append(f"{name} is absent: {error}.")
    wrong = [line for contestant in contestants for line in _differences(contestant)]
    if wrong:
        sys.exit("The answers differ, so no time is printed.\n" + "\n".join(wrong))
    print(f"{CASES} complete cases, all answers equal; {ROUNDS} interleaved rounds, median; ", end="")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores\n")
    _print_table(contestants, _measure(contestants, program_of(policy)))
    print(*absent, sep="\n")


def _on_facts(policy: Policy) -> list[Engine]:
    program = program_of(policy)
    return [
        Engine("hand-written Python", VERDICT, hand_written.verdict, tuple),
        Engine("amends, verdict", VERDICT, verdict_of(policy), tuple),
        Engine("amends, decision", REASONS, partial(decide_facts, program), _verdict),
    ]


def _on_inputs(policy: Policy) -> Engine:
    return Engine("amends, from JSON inputs", REASONS, partial(decide, policy), _verdict)


def _verdict(decision: Decision) -> hand_written.Verdict:
    return decision.outcome, decision.grant, decision.amount


def _contestant(engine: Engine, facts: list[Facts]) -> Contestant:
    sayable = [known for known in facts if engine.can_say(known)]
    return Contestant(engine, [engine.prepare(known) for known in sayable], sayable)


def _differences(contestant: Contestant) -> Iterator[str]:
    engine = contestant.engine
    for case, facts in zip(contestant.cases, contestant.facts, strict=True):
        found, expected = engine.read(engine.decide(case)), hand_written.verdict(facts)
        if found != expected:
            yield f"{engine.name} says {found}, not {expected}, of {facts}"


def _measure(contestants: list[Contestant], program: Program) -> list[tuple[float, ...]]:
    """Of each contestant and, on the same cases, of the hand-written function and of decisions: nanoseconds for one."""
    measured = []
    gc.disable()
    for contestant in contestants:
        sides = (
            (contestant.engine.decide, contestant.cases),
            (hand_written.verdict, contestant.facts),
            (partial(decide_facts, program), contestant.facts),
        )
        rounds = [[_nanoseconds(decide_one, cases) for decide_one, cases in sides] for _ in range(ROUNDS)]
        measured.append(tuple(map(median, zip(*rounds, strict=True))))
        gc.collect()
    return measured


def _nanoseconds(decide_one: Callable[[Any], object], cases: Sequence[Any]) -> float:
    for case in cases:  # What ran before must not decide what is still in the processor's caches.
        decide_one(case)
    begun = perf_counter_ns()
    for case in cases:
        decide_one(case)
    return (perf_counter_ns() - begun) / len(cases)


def _print_table(contestants: list[Contestant], measured: list[tuple[float, ...]]) -> None:
    print(f"{'engine':<26}{'answers':<34}{'cases':>6}{'us':>9}{'to hand':>9}{'to decision':>13}")
    for contestant, (own, by_hand, decision) in zip(contestants, measured, strict=True):
        engine = contestant.engine
        ratios = f"{own / by_hand:>9.2f}{own / decision:>13.2f}"
        print(f"{engine.name:<26}{engine.says:<34}{len(contestant.cases):>6}{own / 1000:>9.2f}{ratios}")


if __name__ == "__main__":
    main()
