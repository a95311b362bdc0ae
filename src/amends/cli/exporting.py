"""The commands that write what happened as inputs of the policy."""

from datetime import timedelta
from typing import TextIO

import click

from amends.cli.desk import connect_desk

OUTPUT = click.option(
    "-o", "--output", type=click.File("w", encoding="utf-8", lazy=True), default="-", help="The file."
)


@click.group("export")
def export_group() -> None:
    """Write past requests or orders as CSV, in the columns of the policy in force: what would each get?"""


@export_group.command("requests")
@OUTPUT
def requests_command(output: TextIO) -> None:
    """Each case as first decided, and each refund that was made at the gateway."""
    connect_desk()
    from amends.desk.exporting import write_requests
    from amends.desk.policies.actions import NoPolicyError

    try:
        rows = write_requests(output)
    except NoPolicyError:
        raise _no_policy() from None
    click.echo(f"{rows} requests.", err=True)


@export_group.command("orders")
@click.option(
    "--days",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="How long after the purchase it is asked.",
)
@OUTPUT
def orders_command(days: int, output: TextIO) -> None:
    """Every purchase, as if a refund had been asked for some days after it."""
    connect_desk()
    from amends.desk.exporting import write_orders
    from amends.desk.policies.actions import NoPolicyError

    try:
        rows = write_orders(output, timedelta(days=days))
    except NoPolicyError:
        raise _no_policy() from None
    click.echo(f"{rows} orders.", err=True)


def _no_policy() -> click.ClickException:
    return click.ClickException(
        "No policy is in force, so nobody knows which columns it takes. Publish one in the console first."
    )
