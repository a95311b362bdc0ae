"""The commands that prove. They load the solver when they are called: it is large, and the others do without."""

import json
import sys
import time
from importlib.util import find_spec

import click

from amends.cli.policies import POLICY

FOUND = 1
PATH = click.Path(exists=True, dir_okay=False)


@click.command("check")
@click.argument("policy", type=PATH)
@click.option("--json", "as_json", is_flag=True, help="Write the report as JSON.")
@click.option("--strict", is_flag=True, help="End with 1 also where there are only warnings about words.")
@click.pass_context
def check_command(context: click.Context, policy: str, *, as_json: bool, strict: bool) -> None:
    """Prove that POLICY has no gap, no contradiction and no idle sentence, and that it keeps its promises."""
    read = POLICY.convert(policy, None, context)
    _require_solver("check")
    from amends.policy.checker import check_policy  # noqa: PLC0415 -- loads the solver

    begun = time.monotonic()
    report = check_policy(read)
    seconds = time.monotonic() - begun
    if as_json:
        click.echo(json.dumps(report.as_json(policy), indent=2, ensure_ascii=False))
    else:
        warnings = f", {len(report.lints)} warning(s)" if report.lints else ""
        click.echo(f"{report.render(policy)}\n\n{policy}: {len(report.findings)} finding(s){warnings}.")
        click.echo(f"{report.questions} questions to the solver, {seconds:.1f} s.", err=True)
    sys.exit(FOUND if report.findings or (strict and report.lints) else 0)


@click.command("compare")
@click.argument("before", type=PATH)
@click.argument("after", type=PATH)
@click.option("--json", "as_json", is_flag=True, help="Write the comparison as JSON.")
@click.pass_context
def compare_command(context: click.Context, before: str, after: str, *, as_json: bool) -> None:
    """Say who gains and who loses when AFTER takes the place of BEFORE, or prove that nobody does."""
    policies = [POLICY.convert(path, None, context) for path in (before, after)]
    _require_solver("compare")
    from amends.policy.comparison import (  # noqa: PLC0415 -- loads the solver
        DifferentInputsError,
        compare,
        comparison_json,
        summarise,
    )

    try:
        comparison = compare(*policies)
    except DifferentInputsError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps(comparison_json(comparison), indent=2, ensure_ascii=False))
    else:
        click.echo(summarise(comparison))
    sys.exit(FOUND if comparison.differences or not comparison.is_complete else 0)


def _require_solver(command: str) -> None:
    if find_spec("z3") is None:
        message = f"`{command}` needs the solver, which is not installed. Install amends[check]."
        raise click.ClickException(message)
