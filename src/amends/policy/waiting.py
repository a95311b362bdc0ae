"""A denial that time may turn: the first later day on which the same facts would no longer be denied.

`opens_on` names the day on which they would be granted; here it may also be that something is still missing by then,
which can be asked for in the meantime.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from amends.policy import dates
from amends.policy.answer import Decision, Outcome
from amends.policy.boundaries import opening_days
from amends.policy.compiled import program_of
from amends.policy.decision import decide_facts
from amends.policy.errors import InputError
from amends.policy.facts import Facts, read_facts
from amends.policy.model import Policy
from amends.policy.program import Program


@dataclass(frozen=True, slots=True)
class Reopening:
    """A day in the policy's zone, by its first instant (microseconds since the epoch), and the decision of that day."""

    starts_at: int
    decision: Decision

    @property
    def day(self) -> str:
        """The day as people write it."""
        return dates.local_time(self.starts_at, self.decision.policy.zone).date().isoformat()


def find_reopening(policy: Policy, inputs: Mapping[str, object]) -> Reopening | None:
    """The first later day on which the case is not denied, None where waiting changes nothing.

    Raises: InputError: a bad input.
    """
    program = program_of(policy)
    facts = read_facts(policy.inputs, policy.currencies, inputs)
    asked = policy.roles.asked
    openable = program.openable(facts)
    if asked is None or not openable:
        return None
    for instant, decision in _later_decisions(program, facts, asked, openable):
        if decision.outcome is not Outcome.DENIED:
            return Reopening(instant, decision)
    return None


def find_end_of_grant(policy: Policy, inputs: Mapping[str, object]) -> int | None:
    """The first instant at which a case that is granted today is not any more, None where waiting changes nothing.

    Time: microseconds since the epoch, at the start of a day of the policy's zone.
    Raises: InputError: a bad input.
    """
    program = program_of(policy)
    facts = read_facts(policy.inputs, policy.currencies, inputs)
    asked = policy.roles.asked
    if asked is None:
        return None
    every_rule = (1 << len(policy.rules)) - 1
    for instant, decision in _later_decisions(program, facts, asked, every_rule):
        if decision.outcome is not Outcome.GRANTED:
            return instant
    return None


def _later_decisions(
    program: Program, facts: Facts, asked: str, rules: int
) -> Iterator[tuple[int, Decision]]:
    """The decision of each later day on which one of the rules, a bit mask, may turn; days that cannot be are left out."""
    for instant in opening_days(program, facts, rules):
        try:
            decision = decide_facts(program, facts | {asked: instant})
        except InputError:
            continue
        yield instant, decision
