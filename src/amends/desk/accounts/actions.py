"""Customers, staff and keys: made, found, erased."""

import hashlib
import secrets
from collections.abc import Sequence

from amends.desk import clock
from amends.desk.accounts.models import ApiKey, Customer, Scope
from amends.desk.audit.actions import record

KEY_PREFIX = "amk_"


def create_key(name: str, scopes: Sequence[Scope], secret: str | None = None) -> tuple[ApiKey, str]:
    """Make an API key; the secret is returned once and not kept."""
    secret = secret or KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        name=name, prefix=secret[:12], sha256=key_sha256(secret), scopes=list(scopes), created_at=clock.now()
    )
    record(f"key:{key.id}", "desk", "created", name=name, scopes=[scope.value for scope in scopes])
    return key, secret


def key_sha256(secret: str) -> str:
    """What is kept of a key. A key has 256 random bits, so a plain hash cannot be searched."""
    return hashlib.sha256(secret.encode()).hexdigest()


def find_key(secret: str) -> ApiKey | None:
    """The key with this secret, if it was not revoked."""
    return ApiKey.objects.filter(sha256=key_sha256(secret), revoked_at=None).first()


def erase_customer(customer: Customer, actor: str) -> None:
    """Take away what names a person; cases, books and hashes stay as they are (invariant I20)."""
    customer.email = f"erased-{customer.id}@invalid.example"
    customer.name = ""
    customer.country = ""
    customer.erased_at = clock.now()
    customer.save(update_fields=["email", "name", "country", "erased_at"])
    record(f"customer:{customer.id}", actor, "erased")
