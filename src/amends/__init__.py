"""amends: a refund desk as code. The policy that customers read decides every request."""

from amends.policy.answer import Decision
from amends.policy.decision import decide
from amends.policy.errors import InputError, PolicyError
from amends.policy.reader import parse_policy, read_policy

__all__ = ["Decision", "InputError", "PolicyError", "decide", "parse_policy", "read_policy"]
