"""How long one decision of the shipped policy takes: by hand, by amends, and by other engines with the same rules.

Every answer is compared with the hand-written one first; if any differs, no time is printed.
"""

import gc
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
ROUNDS = 21
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
    _print_table(contestants, _measure(contestants))
    print(*absent, sep="\n")


def _on_facts(policy: Policy) -> list[Engine]:
    program = program_of(policy)
    return [
        Engine("hand-written Python", VERDICT, hand_written.verdict, tuple),
        Engine("amends, verdict", VERDICT, verdict_of(policy), tuple),
        Engine("amends, decision", REASONS, lambda facts: decide_facts(program, facts), _verdict),
    ]


def _on_inputs(policy: Policy) -> Engine:
    return Engine("amends, from JSON inputs", REASONS, lambda case: decide(policy, case), _verdict)


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


def _measure(contestants: list[Contestant]) -> list[tuple[float, float]]:
    """Of each contestant: nanoseconds for one decision, and the ratio to the hand-written one on the same cases."""
    times: list[list[float]] = [[] for _ in contestants]
    ratios: list[list[float]] = [[] for _ in contestants]
    gc.disable()
    for _ in range(ROUNDS):
        for index, contestant in enumerate(contestants):
            by_hand = _nanoseconds(hand_written.verdict, contestant.facts)
            times[index].append(_nanoseconds(contestant.engine.decide, contestant.cases))
            ratios[index].append(times[index][-1] / by_hand)
        gc.collect()
    return [(median(one), median(other)) for one, other in zip(times, ratios, strict=True)]


def _nanoseconds(decide_one: Callable[[Any], object], cases: Sequence[Any]) -> float:
    for case in cases:  # What ran before must not decide what is still in the processor's caches.
        decide_one(case)
    begun = perf_counter_ns()
    for case in cases:
        decide_one(case)
    return (perf_counter_ns() - begun) / len(cases)


def _print_table(contestants: list[Contestant], measured: list[tuple[float, float]]) -> None:
    print(f"{'engine':<26}{'answers':<34}{'cases':>6}{'us':>10}{'ratio':>9}")
    for contestant, (nanoseconds, ratio) in zip(contestants, measured, strict=True):
        engine = contestant.engine
        figures = f"{len(contestant.cases):>6}{nanoseconds / 1000:>10.2f}{ratio:>9.2f}"
        print(f"{engine.name:<26}{engine.says:<34}{figures}")


if __name__ == "__main__":
    main()
