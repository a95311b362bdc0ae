"""The command `amends`."""

import json
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar, TextIO

import click

from amends.cli.policies import BAD_POLICY, POLICY
from amends.cli.proving import check_command, compare_command
from amends.cli.querying import backtest_command, sql_command
from amends.cli.streams import read_cases
from amends.policy.answer import Decision
from amends.policy.cases import cases_path, check_worked_cases, read_worked_cases
from amends.policy.decision import decide
from amends.policy.errors import InputError, PolicyError
from amends.policy.explanation import Explanation, explain
from amends.policy.facts import Facts, read_facts
from amends.policy.letter import write_letter, write_report
from amends.policy.model import Policy
from amends.policy.page.html import render_page
from amends.policy.replay import replay
from amends.policy.schema import case_schema
from amends.policy.versions import best_of, decide_each, known_inputs

DIFFERENT = 1
BAD_INPUT = 2


ALSO = click.option(
    "--also", type=POLICY, multiple=True, help="Another version of the policy; the better result wins."
)
CASES = click.File(encoding="utf-8-sig", errors="surrogateescape")


class Commands(click.Group):
    """The commands of the kernel, and those of the desk, which load Django only when they are called."""

    desk: ClassVar[dict[str, str]] = {
        "up": "desk.up_command",
        "demo": "desk.demo_command",
        "books": "desk.books_group",
        "clock": "desk.clock_group",
        "retention": "desk.retention_command",
        "erase": "desk.erase_command",
        "reconcile": "desk.reconcile_command",
        "reset-factor": "desk.reset_factor_command",
        "totp": "totp.totp_command",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names."""
        return sorted([*super().list_commands(ctx), *self.desk])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name."""
        if cmd_name not in self.desk:
            return super().get_command(ctx, cmd_name)
        module, _, name = self.desk[cmd_name].partition(".")
        found = getattr(import_module(f"amends.cli.{module}"), name)
        assert isinstance(found, click.Command)
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option("0.1.0", prog_name="amends", message="%(prog)s %(version)s")
def main() -> None:
    """A refund desk as code: one Markdown policy that customers read and that decides."""


main.add_command(check_command)
main.add_command(compare_command)
main.add_command(sql_command)
main.add_command(backtest_command)


@main.command("decide")
@click.argument("policy", type=POLICY)
@click.argument("cases", type=CASES, default="-")
@click.option("--json", "form", flag_value="json", help="Write JSON also on a terminal.")
@click.option("--letter", "form", flag_value="letter", help="Write letters also into a pipe.")
@ALSO
@click.option("--waive", multiple=True, metavar="CLAUSE", help="Set a clause aside, as a person may.")
@click.option("--grant", metavar="CLAUSE", help="Use this granting clause if no other holds.")
def decide_command(  # one parameter per option of the command
    policy: Policy,
    cases: TextIO,
    form: str | None,
    also: tuple[Policy, ...],
    waive: tuple[str, ...],
    grant: str | None,
) -> None:
    """Decide CASES (one JSON object, an array, or JSON Lines; - is standard input) by POLICY."""
    as_letter = form == "letter" or (form is None and sys.stdout.isatty())
    failed = False
    versions = (policy, *also)
    for case in read_cases(cases):
        try:
            if isinstance(case, InputError):
                raise case
            decision = best_of(decide_each(versions, case, waive=waive, grant=grant))
        except InputError as error:
            failed = True
            click.echo(_error_line(case, error) if not as_letter else f"error: {error}\n")
            continue
        if as_letter:
            _, explanation = _explained(decision, known_inputs(decision.policy, versions, case))
            click.echo(write_letter(decision.policy, explanation) + "\n")
        else:
            click.echo(_decision_line(decision, case, waive, grant))
    sys.exit(BAD_INPUT if failed else 0)


@main.command("explain")
@click.argument("policy", type=POLICY)
@click.argument("cases", type=CASES, default="-")
@click.option("--json", "as_json", is_flag=True, help="Write the sentences as JSON.")
def explain_command(policy: Policy, cases: TextIO, *, as_json: bool) -> None:
    """Say of every clause whether it holds in CASES, what overrides it, and what would change the result."""
    failed = False
    for case in read_cases(cases):
        try:
            if isinstance(case, InputError):
                raise case
            facts, explanation = _explained(decide(policy, case), case)
        except InputError as error:
            failed = True
            click.echo(_error_line(case, error) if as_json else f"error: {error}\n")
            continue
        if as_json:
            shown = {**_named(case), **explanation.decision.core(), "explanation": explanation.as_json()}
            click.echo(json.dumps(shown, ensure_ascii=False))
        else:
            click.echo(write_report(policy, facts, explanation) + "\n")
    sys.exit(BAD_INPUT if failed else 0)


@main.command("inputs")
@click.argument("policy", type=POLICY)
@click.option("--schema", is_flag=True, help="Write the JSON Schema of a case.")
def inputs_command(policy: Policy, *, schema: bool) -> None:
    """List what a case may say, and who answers each input."""
    if schema:
        click.echo(json.dumps(case_schema(policy), indent=2, ensure_ascii=False))
        return
    width = max(map(len, policy.inputs))
    for declared in policy.inputs.values():
        click.echo(
            f"{declared.name:<{width}}  {declared.answered_by:<8}  {declared.type}  ({declared.label})"
        )


@main.command("page")
@click.argument("policy", type=POLICY)
@click.option("-o", "--output", type=click.Path(dir_okay=False, allow_dash=True), default="-")
def page_command(policy: Policy, output: str) -> None:
    """Write the public page as one HTML document."""
    try:
        file = click.open_file(output, "w", encoding="utf-8", atomic=True)
    except OSError as error:
        raise click.FileError(output, error.strerror) from None
    with file:
        file.write(render_page(policy))


@main.command("test")
@click.argument("policies", type=click.Path(exists=True, dir_okay=False), nargs=-1, required=True)
def test_command(policies: tuple[str, ...]) -> None:
    """Check POLICIES against the worked cases beside them (NAME.cases.md)."""
    failed = False
    for path in policies:
        policy = POLICY.convert(path, None, click.get_current_context())
        beside = cases_path(path)
        try:
            cases, numbers = read_worked_cases(policy, beside)
        except OSError as error:
            raise click.ClickException(
                f"{beside}: {error.strerror}. Worked cases stand beside the policy."
            ) from None
        except PolicyError as error:
            click.echo(str(error), err=True)
            sys.exit(BAD_POLICY)
        failures = list(check_worked_cases(policy, cases, numbers))
        failed = failed or bool(failures)
        for failure in failures:
            click.echo(f"{beside}:{failure.line}: {failure.name}: {'; '.join(failure.differences)}")
        total = len(cases) + len(numbers)
        click.echo(f"{path}: {total - len(failures)} of {total} worked cases and numbers hold.")
    sys.exit(DIFFERENT if failed else 0)


@main.command("replay")
@click.argument("policy", type=POLICY)
@click.argument("decisions", type=CASES, default="-")
@ALSO
def replay_command(policy: Policy, decisions: TextIO, also: tuple[Policy, ...]) -> None:
    """Decide stored DECISIONS (the lines that `decide` wrote) again and compare every byte of their cores."""
    different = total = 0
    for number, stored in enumerate(read_cases(decisions), 1):
        total += 1
        try:
            if isinstance(stored, InputError):
                raise stored
            difference = replay((policy, *also), stored)
        except InputError as error:
            difference = str(error)
        if difference:
            different += 1
            click.echo(f"decision {number}: differs in {difference}")
    click.echo(f"{total - different} of {total} decisions replayed byte for byte.")
    sys.exit(DIFFERENT if different else 0)


def _explained(decision: Decision, case: Mapping[str, object]) -> tuple[Facts, Explanation]:
    policy = decision.policy
    facts = read_facts(policy.inputs, policy.currencies, case)
    return facts, explain(policy, facts, decision)


def _named(case: object) -> dict[str, object]:
    return {"id": case["id"]} if isinstance(case, dict) and "id" in case else {}


def _error_line(case: object, error: InputError) -> str:
    return json.dumps({**_named(case), "error": error.as_json()}, ensure_ascii=False)


def _decision_line(
    decision: Decision, case: dict[str, object], waive: tuple[str, ...], grant: str | None
) -> str:
    stored = {
        **_named(case),
        **decision.core(),
        "core_sha256": decision.core_sha256,
        "facts": {key: value for key, value in case.items() if key != "id"},
    }
    if waive:
        stored["waive"] = sorted(waive)
    if grant:
        stored["grant_by"] = grant
    return json.dumps(stored, ensure_ascii=False)
