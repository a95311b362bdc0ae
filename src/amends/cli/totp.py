"""The code that an authenticator app shows now (RFC 6238, as such apps have it: SHA-1, 6 digits, 30 seconds)."""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

import click

PERIOD_SECONDS = 30
DIGITS = 6


def code_at(secret: str, at: datetime) -> str:
    """The code of a secret at an instant.

    Raises: ValueError: the secret is not written in base32.

    >>> from datetime import UTC
    >>> code_at("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", datetime.fromtimestamp(59, UTC))
    '287082'
    """
    try:
        key = base64.b32decode(secret.replace(" ", "").upper().rstrip("=") + "=" * (-len(secret) % 8))
    except binascii.Error as error:
        raise ValueError(
            f"{secret!r} is no secret: it consists of the letters A to Z and the digits 2 to 7"
        ) from error
    counter = int(at.timestamp()) // PERIOD_SECONDS
    digest = hmac.new(key, counter.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


@click.command("totp")
@click.argument("secret")
def totp_command(secret: str) -> None:
    """Print the code that an authenticator app shows for SECRET now; the demo's staff have one that is known."""
    from amends.desk.clock import machine_now  # noqa: PLC0415 -- loads Django, which `amends --help` does without

    try:
        click.echo(code_at(secret, machine_now()))
    except ValueError as error:
        raise click.ClickException(f"{error}.") from None
