"""The address that answers to a case come back to: it holds a token that nobody but the desk can make.

The token is the case's id and a keyed hash of it (HMAC-SHA256, 80 bits of it), in the lower-case letters of base32,
because mail servers may change the case of what stands before the `@`. It is a pointer, not an identity: whoever
has been forwarded a letter has it, too.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Iterable
from email.utils import parseaddr
from uuid import UUID

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

_HASH_BYTES = 10
_ID_LETTERS = 26
_TOKEN_LETTERS = 42
_TOKEN = re.compile(rf"[a-z2-7]{{{_TOKEN_LETTERS}}}")


class ForgedTokenError(Exception):
    """Something stands in the place of the token that the desk did not make."""


def contact_address() -> str:
    """The bare address that letters come from and that customers write to."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].lower()


def reply_address(case_id: UUID) -> str:
    """Where an answer about a case goes, such as `support+TOKEN@example.com`."""
    local, _, domain = contact_address().rpartition("@")
    return f"{local}+{_token(case_id)}@{domain}"


def is_ours(address: str) -> bool:
    """Whether mail to an address is for the desk: its contact address, with or without something behind a `+`."""
    return _tag_of(address) is not None


def make_message_id(case_id: UUID | None = None) -> str:
    """The id of a mail of ours, which can be told from others without looking it up; with its case, if it has one."""
    unique = secrets.token_hex(8)
    mark = _token(case_id) if case_id else _keyed_hash(unique.encode())
    return f"<{unique}.{mark}@{contact_address().rpartition('@')[2]}>"


def is_own_message_id(message_id: str) -> bool:
    """Whether the desk made this id."""
    unique, _, mark = message_id.strip("<> ").partition("@")[0].partition(".")
    if _case_of(mark) is not None:
        return True
    return constant_time_compare(mark, _keyed_hash(unique.encode()))


def case_of_address(addresses: Iterable[str]) -> UUID | None:
    """The case that the first address with something behind its `+` names; None where there is none.

    Raises: ForgedTokenError.
    """
    for address in addresses:
        if tag := _tag_of(address):
            case_id = _case_of(tag)
            if case_id is None:
                raise ForgedTokenError
            return case_id
    return None


def case_of_message_id(message_ids: Iterable[str]) -> UUID | None:
    """The case of the first id that a letter about a case carried."""
    for message_id in message_ids:
        mark = message_id.strip("<> ").partition("@")[0].partition(".")[2]
        case_id = _case_of(mark)
        if case_id is not None:
            return case_id
    return None


def _tag_of(address: str) -> str | None:
    """What stands behind the `+`, empty where there is none; None where the address is not the desk's."""
    own, _, own_domain = contact_address().rpartition("@")
    local, _, domain = address.lower().rpartition("@")
    if domain != own_domain or (local != own and not local.startswith(f"{own}+")):
        return None
    return local.removeprefix(own).removeprefix("+")


def _token(case_id: UUID) -> str:
    return _letters(case_id.bytes) + _keyed_hash(case_id.bytes)


def _case_of(mark: str) -> UUID | None:
    if not _TOKEN.fullmatch(mark):
        return None
    try:
        case_id = UUID(bytes=base64.b32decode(mark[:_ID_LETTERS].upper() + "======"))
    except binascii.Error:
        return None
    return case_id if constant_time_compare(mark, _token(case_id)) else None


def _keyed_hash(content: bytes) -> str:
    return _letters(salted_hmac("amends.reply", content, algorithm="sha256").digest()[:_HASH_BYTES])


def _letters(content: bytes) -> str:
    return base64.b32encode(content).decode().rstrip("=").lower()
