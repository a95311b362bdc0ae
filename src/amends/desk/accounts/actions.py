"""Customers, staff and keys: made, found, erased."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from django.db import transaction

from amends.desk import clock
from amends.desk.accounts.models import ApiKey, Customer, PortalLink, Scope
from amends.desk.audit.actions import record

KEY_PREFIX = "amk_"
LINK_LIFE = timedelta(minutes=10)


class ErasedError(Exception):
    """The customer was erased and does not come back."""


@dataclass(frozen=True, slots=True)
class Person:
    """What the host product tells of a customer."""

    email: str
    name: str
    locale: str | None
    """None where nothing is told of it: a customer may have chosen their own."""
    country: str


def record_customer(external_id: str, person: Person, actor: str) -> tuple[Customer, bool]:
    """Record a customer, or take over what changed; True where there was none with this id.

    Raises: ErasedError: nothing was written.
    """
    with transaction.atomic():
        told = {name: value for name, value in asdict(person).items() if value is not None}
        customer, is_fresh = Customer.objects.select_for_update(no_key=True).get_or_create(
            external_id=external_id, defaults=told | {"created_at": clock.now()}
        )
        if customer.erased_at is not None:
            raise ErasedError(external_id)
        changed = [name for name, value in told.items() if getattr(customer, name) != value]
        if is_fresh or changed:
            for name in changed:
                setattr(customer, name, told[name])
            customer.save(update_fields=list(told))
            record(f"customer:{customer.id}", actor, "recorded", changed=[] if is_fresh else changed)
    return customer, is_fresh


def choose_locale(customer: Customer, language: str) -> None:
    """Speak and write to a customer in a language from now on; their country's formats stay where they speak it."""
    if customer.language == language:
        return
    customer.locale = language
    customer.save(update_fields=["locale"])
    record(f"customer:{customer.id}", f"customer:{customer.id}", "chose_language", language=language)


def make_link(customer: Customer, actor: str, life: timedelta = LINK_LIFE) -> tuple[PortalLink, str]:
    """Make a link to the portal; its token is returned once and not kept."""
    token, now = secrets.token_urlsafe(32), clock.now()
    link = PortalLink.objects.create(
        sha256=key_sha256(token), customer=customer, created_at=now, expires_at=now + life
    )
    record(f"customer:{customer.id}", actor, "portal_link")
    return link, token


def redeem_link(token: str) -> Customer | None:
    """Whom a link signs in; None where it is unknown, too old or was used. It works once, also at the same moment."""
    now = clock.now()
    unused = PortalLink.objects.filter(sha256=key_sha256(token), used_at=None, expires_at__gt=now)
    if not unused.update(used_at=now):
        return None
    return PortalLink.objects.select_related("customer").get(sha256=key_sha256(token)).customer


def create_key(name: str, scopes: Sequence[Scope], secret: str | None = None) -> tuple[ApiKey, str]:
    """Make an API key; the secret is returned once and not kept."""
    secret = secret or KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        name=name, prefix=secret[:12], sha256=key_sha256(secret), scopes=list(scopes), created_at=clock.now()
    )
    record(f"key:{key.id}", "desk", "created", name=name, scopes=[scope.value for scope in scopes])
    return key, secret


def key_sha256(secret: str) -> str:
    """What is kept of a key or a token. It has 256 random bits, so a plain hash cannot be searched."""
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
    PortalLink.objects.filter(customer=customer, used_at=None).update(used_at=customer.erased_at)
    if customer.user is not None:
        customer.user.email, customer.user.name, customer.user.is_active = customer.email, "", False
        customer.user.save(update_fields=["email", "name", "is_active"])
    record(f"customer:{customer.id}", actor, "erased")
