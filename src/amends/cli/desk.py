"""The commands that run the desk and look after it; loaded only when one of them is called."""

import json
import os
import shutil
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import click

from amends.cli import sandbox
from amends.cli.processes import Processes
from amends.desk import embedded_postgres

WEB_PORT = 8400
MAIL_PORT_AWAY = 2
"""From the web's port."""
SANDBOX_ADDRESS = f"http://127.0.0.1:{sandbox.PORT}"
START_SECONDS_MAX = 60
DEMO_TOTP_SECRET = "AMENDSDEMOSTAFFSECRETFORTRIALS22"  # noqa: S105  # of a trial, known to all
DEMO_WEBHOOK_SECRET = "whsec_demo"  # noqa: S105  # of a sandbox on this machine


MAIL_PORT = click.option(
    "--mail-port", type=int, help="Where letters come in by SMTP or LMTP, on loopback.  [default: port + 2]"
)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the desk listens, on loopback."""

    web: int
    mail: int

    def web_answers(self) -> bool:
        """Whether pages are served."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/readyz", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def mail_answers(self) -> bool:
        """Whether letters are taken."""
        try:
            with socket.create_connection(("127.0.0.1", self.mail), timeout=2):
                return True
        except OSError:
            return False


@click.command("up")
@click.option("--port", default=WEB_PORT, show_default=True, help="Where the web listens, on loopback.")
@MAIL_PORT
def up_command(port: int, mail_port: int | None) -> None:
    """Run the desk: web, mail and worker, on DATABASE_URL or on a PostgreSQL of its own."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "amends.desk.settings"}
    ports = Ports(port, mail_port or port + MAIL_PORT_AWAY)
    for needed in (ports.web, ports.mail):
        _demand_free(needed)
    _prepare_database(environment)
    sys.exit(_run(environment, ports, {}))


@click.command("demo")
@click.option("--port", default=WEB_PORT, show_default=True, help="Where the web listens, on loopback.")
@click.option("--sandbox-port", default=sandbox.PORT, show_default=True, help="Where the gateway listens.")
@MAIL_PORT
@click.option("--fresh", is_flag=True, help="Forget what an earlier demo left.")
def demo_command(port: int, sandbox_port: int, mail_port: int | None, *, fresh: bool) -> None:
    """Run the desk with a sandbox gateway and a believable product, for a trial."""
    state = Path(os.environ.get("AMENDS_STATE", "var/demo")).resolve()
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "amends.desk.settings",
        "AMENDS_DEMO": "1",
        "AMENDS_STATE": str(state),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "STRIPE_SECRET_KEY": "sk_test_demo",
        "STRIPE_WEBHOOK_SECRET": DEMO_WEBHOOK_SECRET,
        "STRIPE_API_BASE": f"http://127.0.0.1:{sandbox_port}",
        "SANDBOX_WEBHOOK_URL": f"http://127.0.0.1:{port}/webhooks/stripe",
    }
    environment.pop("DATABASE_URL", None)
    ports = Ports(port, mail_port or port + MAIL_PORT_AWAY)
    for needed in (ports.web, sandbox_port, ports.mail):
        _demand_free(needed)
    if fresh:
        _forget(state)
    _prepare_database(environment)
    gateway = {"sandbox": [sys.executable, "-m", "amends", "sandbox", "--port", str(sandbox_port)]}
    sys.exit(_run(environment, ports, gateway, seed=True))


def _forget(state: Path) -> None:
    try:
        embedded_postgres.remove(state / "postgres" / "18")
    except embedded_postgres.PostgresError as error:
        raise click.ClickException(str(error)) from None
    shutil.rmtree(state, ignore_errors=True)


def _prepare_database(environment: dict[str, str]) -> None:
    """Start the database if it is ours, bring its tables up to date as their owner, and hand on the service's role."""
    folder = Path(environment.get("AMENDS_STATE", "var")).resolve() / "postgres" / "18"
    given = environment.get("DATABASE_URL")
    owner = environment.get("AMENDS_OWNER_DATABASE_URL") or given or embedded_postgres.address(folder)
    os.environ |= environment | {"DATABASE_URL": owner}
    # Before anything starts: what is not set is said at once.
    _django()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import DatabaseError

    from amends.desk import database

    if not given:
        _use(folder)
        environment["DATABASE_URL"] = embedded_postgres.address(folder, settings.SERVICE_ROLE)
    call_command("collectstatic", interactive=False, verbosity=0)
    try:
        database.prepare(settings.SERVICE_ROLE, may_create_role=True)
    except DatabaseError as error:
        raise click.ClickException(f"The database cannot be prepared: {error}") from None


def _use(folder: Path) -> None:
    try:
        embedded_postgres.use(folder)
    except embedded_postgres.PostgresError as error:
        raise click.ClickException(str(error)) from None


def _django() -> None:
    import django
    from django.core.exceptions import ImproperlyConfigured

    try:
        django.setup()
    except ImproperlyConfigured as error:
        raise click.ClickException(str(error)) from None


def _demand_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            message = f"Port {port} is taken ({error.strerror}). End what uses it, or choose another port."
            raise click.ClickException(message) from None


def _run(
    environment: dict[str, str], ports: Ports, others: dict[str, list[str]], *, seed: bool = False
) -> int:
    processes = Processes(environment)
    processes.catch_signals()
    for name, command in others.items():
        processes.start(name, command)
    python = sys.executable
    listen = ["--host", "127.0.0.1", "--port", str(ports.web)]
    granian = [python, "-m", "granian", "--interface", "wsgi", *listen, "--workers", "1"]
    granian += ["--blocking-threads", "4", "--no-ws", "--log-level", "warning"]
    processes.start("web", [*granian, "amends.desk.wsgi:application"])
    processes.start("mail", [python, "-m", "amends.desk.mailbox", str(ports.mail)])
    if not all(_wait_for(processes, answers) for answers in (ports.web_answers, ports.mail_answers)):
        processes.stop()
        click.echo("Web or mail did not start; their words stand above.", err=True)
        return 1
    if seed:
        _seed(environment)
    processes.start("worker", [python, "-m", "amends.desk.schedule"])
    click.echo(_where(environment, ports, is_demo=seed))
    return processes.wait()


def _wait_for(processes: Processes, answers: Callable[[], bool]) -> bool:
    end = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < end and not processes.is_stopping:
        if answers():
            return True
        time.sleep(0.1)
    return False


def _seed(environment: dict[str, str]) -> None:
    from amends.desk.demo.seed import seed

    click.echo(seed(environment["STRIPE_API_BASE"], DEMO_TOTP_SECRET))


def _where(environment: dict[str, str], ports: Ports, *, is_demo: bool) -> str:
    port = ports.web
    lines = [f"The desk is up: http://127.0.0.1:{port}"]
    if is_demo:
        state = environment["AMENDS_STATE"]
        lines += [
            f"  API       http://127.0.0.1:{port}/api/v1/docs",
            "            key amk_demo_shop_key_for_trials",
            f"  policy    http://127.0.0.1:{port}/policy",
            f"  portal    http://127.0.0.1:{port}/start (customer: tara@customers.example)",
            f"  console   http://127.0.0.1:{port}/console/ (staff: approver@example.com)",
            f"            second factor: bin/amends totp {DEMO_TOTP_SECRET}",
            f"  gateway   {environment['STRIPE_API_BASE']}/_sandbox/dump",
            f"  mail      {state}/mail (the codes to sign in come here, too)",
            f"  letters   smtp://127.0.0.1:{ports.mail} (for support@example.com)",
            f"  clock     {_clock_command(environment['STRIPE_API_BASE'])}",
            "docs/contract.md tells the rest. Ctrl-C stops everything.",
        ]
    return "\n".join(lines)


def _clock_command(address: str) -> str:
    command = "bin/amends clock advance --days 14"
    return command if address == SANDBOX_ADDRESS else f"STRIPE_API_BASE={address} {command}"


@click.group("books")
def books_group() -> None:
    """Look after the books."""


@books_group.command("check")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def check_command(*, as_json: bool) -> None:
    """Compute every balance from zero, compare states with the journal, verify the audit trail, replay decisions."""
    connect_desk()
    from amends.desk.books import check_books, check_decisions, count_checked

    findings = [*check_books(), *check_decisions()]
    counted = count_checked()
    if as_json:
        click.echo(json.dumps({"checked": counted, "findings": findings}))
    else:
        for finding in findings:
            click.echo(finding)
        looked_at = ", ".join(f"{count} {name}" for name, count in counted.items())
        click.echo(f"{len(findings)} findings in {looked_at}.")
    sys.exit(1 if findings else 0)


@books_group.command("export")
def export_command() -> None:
    """Write the journal as CSV."""
    connect_desk()
    from amends.desk.journal.export import csv_lines

    sys.stdout.writelines(csv_lines())


def connect_desk() -> None:
    """Use the database of the desk of this folder: the one in DATABASE_URL, else the demo's, else its own."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amends.desk.settings")
    if not os.environ.get("DATABASE_URL"):
        state = Path(os.environ.get("AMENDS_STATE", "var/demo")).resolve()
        if not (state / "postgres").exists():
            raise click.ClickException(f"{state} holds no database. Start bin/demo, or set DATABASE_URL.")
        os.environ |= {"AMENDS_STATE": str(state), "AMENDS_DEMO": "1"}
        _use(state / "postgres" / "18")
    _django()


@click.group("clock")
def clock_group() -> None:
    """Move the clock of a demo."""


@clock_group.command("advance")
@click.option("--days", type=click.IntRange(min=0), default=0)
@click.option("--hours", type=click.IntRange(min=0), default=0)
def advance_command(days: int, hours: int) -> None:
    """Let time pass for desk and sandbox."""
    address = os.environ.get("STRIPE_API_BASE", SANDBOX_ADDRESS)
    seconds = int(timedelta(days=days, hours=hours).total_seconds())
    request = urllib.request.Request(
        f"{address}/_sandbox/clock/advance", data=f"seconds={seconds}".encode(), method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            click.echo(answer.read().decode())
    except (urllib.error.URLError, OSError) as error:
        raise click.ClickException(
            f"The sandbox at {address} does not answer ({error}). Start bin/demo; with another "
            "--sandbox-port, set STRIPE_API_BASE to the address it prints."
        ) from None


@click.command("retention")
def retention_command() -> None:
    """Erase what is older than the settings say: files, bank details, sessions, kept answers. Run it daily."""
    connect_desk()
    from amends.desk.retention import apply_retention

    erased = apply_retention()
    click.echo(
        f"Erased {erased.files} files, {erased.mail} letters, {erased.accounts} bank details and {erased.answers} kept "
        "answers, and the sessions that had ended."
    )


@click.command("erase")
@click.argument("customer")
def erase_command(customer: str) -> None:
    """Erase a person, named by the host product's own id; books, decisions and hashes stay."""
    connect_desk()
    from amends.desk.accounts.models import Customer
    from amends.desk.retention import NotErasableError, erase_person

    found = Customer.objects.filter(external_id=customer).first()
    if found is None:
        raise click.ClickException(
            f"There is no customer {customer!r}. Give the id that the host product uses."
        )
    try:
        erase_person(found, "desk")
    except NotErasableError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{customer} is erased.")


@click.command("reset-factor")
@click.argument("email")
def reset_factor_command(email: str) -> None:
    """Take a member of staff's second factor away, when no administrator is left who could; ends their sessions."""
    connect_desk()
    from amends.desk.accounts.factors import reset_factors
    from amends.desk.accounts.models import User

    person = User.objects.filter(email=email.lower()).exclude(roles=[]).first()
    if person is None:
        raise click.ClickException(f"No member of staff has the address {email!r}.")
    reset_factors(person, None)
    click.echo(f"{person.email} sets up a new second factor at the next sign-in.")


@click.command("reconcile")
def reconcile_command() -> None:
    """Take over what the gateway holds of every payment, and list what still differs.

    After a restore, run it before web and worker start. The exit code is 1 where somebody has to see to a difference.
    """
    connect_desk()
    from amends.desk.payments.gateway import GatewayError
    from amends.desk.reconciliation.actions import open_discrepancies, reconcile
    from amends.desk.reconciliation.telling import in_words

    try:
        run = reconcile()
    except GatewayError as error:
        raise click.ClickException(
            f"The gateway does not answer ({error.code}). Run the command again."
        ) from None
    click.echo(f"{run.payments} payments compared; {run.refunds} refunds were taken over.")
    waiting = [in_words(one) for one in open_discrepancies()]
    for words in waiting:
        click.echo(words)
    sys.exit(1 if waiting else 0)
