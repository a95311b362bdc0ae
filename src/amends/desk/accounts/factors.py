"""The second factor of staff: an app that shows codes, a passkey, and recovery codes for the day on which both are lost.

The arithmetic, the limits on attempts and the memory of used codes are allauth's; who needs a factor, and who may take
one away, stands here.
"""

import base64
import hashlib
import secrets

from allauth.account.authentication import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from amends.desk.accounts.models import Role, User
from amends.desk.audit.actions import record

_SECRET_BYTES = 20


class FactorError(Exception):
    """A factor is not taken away; the message says why."""


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Keeps the secrets encrypted, so that a copy of the database shows no code."""

    def encrypt(self, text: str) -> str:
        """A secret as it is stored."""
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """A secret as it is used; one of another `SECRET_KEY` gives a random one, which no code fits."""
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _cipher() -> Fernet:
    key = hashlib.sha256(b"amends.factors:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def has_factor(user: User) -> bool:
    """Whether a person has an app or a passkey."""
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return bool(Authenticator.objects.filter(user_id=user.id, type__in=kinds).exists())


def has_proved_factor(request: HttpRequest, user: User) -> bool:
    """Whether the second factor was shown in this session, and not the code by mail alone."""
    return any(one.get("method") == "mfa" for one in get_authentication_records(request, user))


def give_totp(user: User, secret: str) -> None:
    """Give a person an app's secret that is known already, as a trial does."""
    TOTP.activate(user, secret)


def reset_factors(user: User, by: User | None) -> None:
    """Take a person's factors away, and end their sessions; they set up a new one when they sign in next.

    `by` is None at the command line, for the day on which the only administrator has lost theirs.
    Raises: FactorError: nothing was changed.
    """
    if by is not None and not by.has_role(Role.ADMIN):
        raise FactorError(_("Your role does not include this."))
    if by == user:
        raise FactorError(_("Somebody else has to reset your own second factor."))
    with transaction.atomic():
        Authenticator.objects.filter(user_id=user.id).delete()
        # Sessions are tied to this; nobody has a password.
        user.set_unusable_password()
        user.save(update_fields=["password"])
        record(f"user:{user.id}", f"staff:{by.id}" if by else "desk", "second_factor_reset")
