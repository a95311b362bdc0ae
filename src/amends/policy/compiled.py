"""The program of a policy, built once."""

from functools import lru_cache

from amends.policy.model import Policy
from amends.policy.program import Program, interpret


@lru_cache(maxsize=256)
def program_of(policy: Policy) -> Program:
    """The program that decides by a policy."""
    return interpret(policy)
