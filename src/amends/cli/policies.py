"""A policy file as an argument of a command."""

import sys

import click

from amends.policy.errors import PolicyError
from amends.policy.model import Policy
from amends.policy.reader import read_policy

BAD_POLICY = 1


class PolicyFile(click.ParamType["Policy"]):
    """A policy file, read; one that does not read ends the command with all that is wrong."""

    name = "policy"

    def convert(
        self, value: str | Policy, param: click.Parameter | None, ctx: click.Context | None
    ) -> Policy:
        """Read the file."""
        if isinstance(value, Policy):
            return value
        try:
            return read_policy(value)
        except OSError as error:
            self.fail(f"{value}: {error.strerror}", param, ctx)
        except PolicyError as error:
            click.echo(str(error), err=True)
            click.echo(f"\n{len(error.problems)} problem(s). Each is explained in docs/errors.md.", err=True)
            sys.exit(BAD_POLICY)


POLICY = PolicyFile()
