"""The command `amends`."""

import json
import sys
from typing import TextIO

import click

from amends.cli.streams import read_cases
from amends.policy.decision import Decision, decide
from amends.policy.errors import InputError, PolicyError
from amends.policy.model import Policy
from amends.policy.reader import read_policy

BAD_INPUT = 2
BAD_POLICY = 1


class PolicyFile(click.ParamType):
    """A policy file, read; one that does not read ends the command with all that is wrong."""

    name = "policy"

    def convert(self, value: str | Policy, param: click.Parameter | None, ctx: click.Context | None) -> Policy:
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


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="amends", prog_name="amends")
def main() -> None:
    """A refund desk as code: one Markdown policy that customers read and that decides."""


@main.command("decide")
@click.argument("policy", type=POLICY)
@click.argument("cases", type=click.File(encoding="utf-8"), default="-")
@click.option("--json", "as_json", is_flag=True, help="Write JSON also on a terminal.")
@click.option("--waive", multiple=True, metavar="CLAUSE", help="Set a clause aside, as a person may.")
@click.option("--grant", metavar="CLAUSE", help="Use this granting clause if no other holds.")
def decide_command(policy: Policy, cases: TextIO, as_json: bool, waive: tuple[str, ...], grant: str | None) -> None:  # noqa: FBT001  # a click flag
    """Decide CASES (one JSON object, an array, or JSON Lines; - is standard input) by POLICY."""
    failed = False
    for case in read_cases(cases):
        shown = _decided(policy, case, waive, grant)
        failed = failed or "error" in shown
        click.echo(json.dumps(shown, ensure_ascii=False))
    sys.exit(BAD_INPUT if failed else 0)


def _decided(
    policy: Policy, case: dict[str, object] | InputError, waive: tuple[str, ...], grant: str | None
) -> dict[str, object]:
    named = {"id": case["id"]} if isinstance(case, dict) and "id" in case else {}
    try:
        if isinstance(case, InputError):
            raise case
        decision = decide(policy, case, waive=waive, grant=grant)
    except InputError as error:
        return {**named, "error": error.as_json()}
    return {**named, **decision_json(decision), "facts": {k: v for k, v in case.items() if k != "id"}}


def decision_json(decision: Decision) -> dict[str, object]:
    """A decision in the shape of the contract, with the hash of its core."""
    return {**decision.core(), "core_sha256": decision.core_sha256}


