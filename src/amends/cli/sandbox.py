"""The command that runs a gateway for trials."""

import os
from pathlib import Path
from typing import TextIO

import click

from amends.sandbox.clock import Clock
from amends.sandbox.scenarios import ScenarioError, play
from amends.sandbox.server import Sandbox

PORT = 8401


@click.command("sandbox")
@click.option("--port", default=PORT, show_default=True, help="Where it listens, on loopback.")
@click.option(
    "--scenario", type=click.File(encoding="utf-8"), help="Calls that a fresh sandbox begins with, as JSON."
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=lambda: os.environ.get("AMENDS_STATE", "var"),
    show_default="AMENDS_STATE, or var",
    help="The folder that keeps sandbox.sqlite and the clock.",
)
@click.option("--webhook-url", envvar="SANDBOX_WEBHOOK_URL", default="", help="Who is told of every event.")
@click.option(
    "--webhook-secret", envvar="STRIPE_WEBHOOK_SECRET", default="", help="What events are signed with."
)
def sandbox_command(
    port: int, scenario: TextIO | None, state: Path, webhook_url: str, webhook_secret: str
) -> None:
    """Run a gateway in Stripe's shape, for trials: no money moves, and faults come on demand."""
    state.mkdir(parents=True, exist_ok=True)
    try:
        server = Sandbox(
            port,
            state=state / "sandbox.sqlite",
            clock=Clock(state / "clock"),
            webhook_url=webhook_url,
            webhook_secret=webhook_secret,
        )
    except OSError as error:
        message = f"Port {port} is taken ({error.strerror}). End what uses it, or choose another with --port."
        raise click.ClickException(message) from None
    if scenario is not None:
        _play(server, scenario, state)
    click.echo(
        f"The sandbox listens at {server.address}; {server.address}/_sandbox/dump shows what it holds."
    )
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


def _play(server: Sandbox, scenario: TextIO, state: Path) -> None:
    if not server.store.is_empty():
        click.echo(
            f"{state / 'sandbox.sqlite'} holds objects already, so {scenario.name} is not played again."
        )
        return
    try:
        calls = play(server.account, scenario.read())
    except ScenarioError as error:
        raise click.ClickException(f"{scenario.name}: {error}") from None
    click.echo(f"{scenario.name} made {calls} calls.")
