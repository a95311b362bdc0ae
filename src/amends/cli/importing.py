"""The commands that bring past sales into the desk."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

import click

from amends.cli.desk import connect_desk

if TYPE_CHECKING:
    from amends.desk.importing.telling import Told


@click.group("import")
def import_group() -> None:
    """Bring in what was sold before the desk was there."""


@import_group.command("stripe")
@click.option(
    "--map", "mapping", type=click.File(encoding="utf-8"), help="What prices sell, as TOML; docs/import.md."
)
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON.")
def stripe_command(mapping: TextIO | None, *, as_json: bool) -> None:
    """Fetch customers, prices, subscriptions, invoices, charges, refunds and disputes, and record them as orders.

    It goes on where it was interrupted, and may be run again at any time.
    """
    connect_desk()
    from amends.desk.importing.fetching import fetch_all
    from amends.desk.importing.meaning import MeaningError, read_map
    from amends.desk.importing.telling import Telling
    from amends.desk.importing.turn import UnderWayError, turn
    from amends.desk.payments.gateway import GatewayError
    from amends.desk.payments.stripe_gateway import connect

    try:
        mapped = read_map(mapping.read()) if mapping else {}
    except MeaningError as error:
        raise click.ClickException(f"{mapping.name if mapping else ''}: {error}") from None
    gateway = connect()
    try:
        with turn():
            fetch_all(gateway, _report)
            told = Telling(gateway, mapped, _report).tell_all()
    except UnderWayError:
        raise click.ClickException("Another import is under way. Wait until it has ended.") from None
    except GatewayError as error:
        raise click.ClickException(
            f"The gateway gave no usable answer ({error.code}). Run the command again; it goes on where it was."
        ) from None
    _show(told, as_json=as_json)
    sys.exit(1 if told.untold else 0)


def _report(kind: str, count: int) -> None:
    """One line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{kind}: {count}", nl=False, err=True)


def _show(told: "Told", *, as_json: bool) -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)
    if as_json:
        import json

        click.echo(
            json.dumps({"looked_at": told.looked_at, "recorded": told.recorded, "untold": told.untold})
        )
        return
    for problem in told.problems():
        click.echo(problem)
    looked_at, recorded = _counted(told.looked_at), _counted(told.recorded)
    click.echo(
        f"Looked at: {looked_at}. Recorded: {recorded}. Not told: {sum(map(len, told.untold.values()))}."
    )


def _counted(counts: Mapping[str, int]) -> str:
    words = [f"{count:,} {name}{'s' if count > 1 else ''}" for name, count in counts.items() if count]
    return ", ".join(words) or "nothing"
