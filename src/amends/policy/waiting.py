"""A denial that time may turn: the first later day on which the same facts would no longer be denied.

`opens_on` names the day on which they would be granted; here it may also be that something is still missing by then,
which can be asked for in the meantime.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from amends.policy import dates
from amends.policy.answer import Decision, Outcome
from amends.policy.boundaries import opening_days
from amends.policy.compiled import program_of
from amends.policy.decision import decide_facts
from amends.policy.errors import InputError
from amends.policy.facts import read_facts
from amends.policy.model import Policy


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
    for instant in opening_days(program, facts, openable):
        try:
            decision = decide_facts(program, facts | {asked: instant})
        except InputError:
            continue
        if decision.outcome is not Outcome.DENIED:
            return Reopening(instant, decision)
    return None
