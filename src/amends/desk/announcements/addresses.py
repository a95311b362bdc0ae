"""Where events may be sent: public addresses over TLS, so that nobody makes the desk call into its own network.

A trial may also use loopback. The address is looked up once, checked, and then called by its number: a name that leads
elsewhere at the second look changes nothing.
"""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from django.conf import settings

URL_LENGTH_MAX = 500


class AddressError(Exception):
    """Events are not sent there; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address: the name that TLS and the Host header carry, and the number that is called."""

    host: str
    number: str
    port: int
    path: str
    is_encrypted: bool


def check_form(url: str) -> None:
    """Refuse what can be seen to be wrong without asking anybody.

    Raises: AddressError.
    """
    parts = urlsplit(url)
    if len(url) > URL_LENGTH_MAX or not url.isascii() or any(c.isspace() or not c.isprintable() for c in url):
        raise AddressError(f"An address is plain ASCII without spaces, at most {URL_LENGTH_MAX} characters.")
    if parts.username is not None or parts.fragment:
        raise AddressError("An address carries no user name, no password and no fragment.")
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressError("The port is no number between 1 and 65535.") from error
    if not host or port == 0:
        raise AddressError("An address begins with https:// and names a host.")
    if parts.scheme != "https" and not (
        parts.scheme == "http" and settings.IS_DEMO and _is_loopback_name(host)
    ):
        raise AddressError("Events are sent over https only; a trial may also use http://127.0.0.1.")
    if (number := _number(host)) is not None:
        _demand_allowed(number)


def find(url: str) -> Target:
    """Look an address up and check what it leads to.

    Raises: AddressError: a private address, or none.
    """
    check_form(url)
    parts = urlsplit(url)
    assert parts.hostname is not None
    is_encrypted = parts.scheme == "https"
    port = parts.port or (443 if is_encrypted else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressError(f"The host {parts.hostname} is not known.") from error
    numbers = [ip_address(str(address[0]).partition("%")[0]) for *_, address in found]
    for number in numbers:
        _demand_allowed(number)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.hostname, str(numbers[0]), port, path, is_encrypted)


def _number(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_loopback_name(host: str) -> bool:
    number = _number(host)
    return host == "localhost" or (number is not None and number.is_loopback)


def _demand_allowed(number: IPv4Address | IPv6Address) -> None:
    inner = number.ipv4_mapped if isinstance(number, IPv6Address) and number.ipv4_mapped else number
    is_public = inner.is_global and not inner.is_multicast
    if not is_public and not (settings.IS_DEMO and inner.is_loopback):
        raise AddressError(f"{number} is not a public address.")
