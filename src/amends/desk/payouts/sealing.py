"""Bank details at rest: sealed with a key from the settings, and bound to the payout that they belong to.

Backups, dumps and whoever reads the database see neither holder nor number. What is shown without the key, the country
and the last four characters, stands beside it.
"""

import json
from dataclasses import dataclass
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class NoKeyError(Exception):
    """This desk has no key for bank details, or another one than they were sealed with."""


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """Where money goes; never printed, not even by accident."""

    holder: str
    iban: str


def seal_account(payout_id: UUID, account: Account) -> str:
    """Bank details as they are kept.

    Raises: NoKeyError.
    """
    content = {"payout": str(payout_id), "holder": account.holder, "iban": account.iban}
    return seal(json.dumps(content, ensure_ascii=False).encode())


def open_account(payout_id: UUID, sealed: str) -> Account:
    """Bank details as they were given; those of another payout are refused, so that rows cannot be swapped.

    Raises: NoKeyError.
    """
    content = json.loads(unseal(sealed))
    if content["payout"] != str(payout_id):
        raise NoKeyError("the bank details belong to another payout")
    return Account(content["holder"], content["iban"])


def seal(content: bytes) -> str:
    """Bytes as they are kept, with the newest key."""
    return _keys().encrypt(content).decode()


def unseal(sealed: str) -> bytes:
    """Bytes as they were, with whichever key they were sealed with."""
    try:
        return _keys().decrypt(sealed.encode())
    except InvalidToken as error:
        raise NoKeyError("the bank details were sealed with a key that is not set any more") from error


def _keys() -> MultiFernet:
    if not settings.ACCOUNT_KEYS:
        raise NoKeyError("AMENDS_ACCOUNT_KEYS is not set")
    return MultiFernet([Fernet(key) for key in settings.ACCOUNT_KEYS])
