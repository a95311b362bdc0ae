"""Customers, staff and API keys."""

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from amends.desk import clock, ids


class Role(models.TextChoices):
    """What a member of staff may do."""

    AGENT = "agent", _("Agent")
    """Works on cases: asks, states facts, declines as computed."""
    APPROVER = "approver", _("Approver")
    """Approves payments and waivers."""
    FINANCE = "finance", _("Finance")
    """Handles failed refunds and the books."""
    POLICY_OWNER = "policy_owner", _("Policy Owner")
    """Drafts and publishes policies."""
    ADMIN = "admin", _("Admin")
    """Manages people, keys and limits."""


class Users(BaseUserManager["User"]):
    """Makes users by their mail address."""

    def create_user(self, email: str, name: str = "", roles: tuple[Role, ...] = ()) -> "User":
        """A person who signs in by mail code or passkey; nobody has a password."""
        user = self.model(email=email.lower(), name=name, roles=list(roles))
        user.set_unusable_password()
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person who signs in: a member of staff if there are roles, else a customer."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    email = models.EmailField(unique=True)
    name = models.TextField(blank=True)
    roles = ArrayField(models.CharField(max_length=20, choices=Role.choices), default=list, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now)

    objects = Users()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def has_role(self, *roles: Role) -> bool:
        """Whether the person has one of the roles."""
        return self.is_active and any(role in self.roles for role in roles)


class SavedView(models.Model):
    """A list that a member of staff comes back to: a name for what stands in its address."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="views")
    name = models.CharField(max_length=60)
    query = models.TextField()
    """Of the address, such as `queue=mine&kind=technical`."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "name"], name="one_view_of_a_name"),)


class Customer(models.Model):
    """Somebody who buys; written by the host product, emptied of personal data on erasure, never deleted."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    external_id = models.TextField(unique=True)
    """The host product's own id."""
    email = models.EmailField()
    name = models.TextField(blank=True)
    locale = models.CharField(max_length=20, default="en_US")
    country = models.CharField(max_length=2, blank=True)
    user = models.OneToOneField(User, on_delete=models.PROTECT, null=True, blank=True)
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (models.Index(Lower("email"), name="customer_by_email"),)

    @property
    def language(self) -> str:
        """The language of the locale, such as `de` of `de_AT`."""
        return self.locale.partition("_")[0]


class Scope(models.TextChoices):
    """What an API key may do."""

    CUSTOMERS = "customers"
    ORDERS = "orders"
    USAGE = "usage"
    CASES = "cases"
    DECISIONS = "decisions"
    EXPORTS = "exports"
    WEBHOOKS = "webhooks"


class ApiKey(models.Model):
    """A program's key; only its hash is kept."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    name = models.TextField()
    prefix = models.CharField(max_length=12)
    """The first characters, so that people can tell keys apart."""
    sha256 = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices))
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)


class PortalLink(models.Model):
    """A link that signs a customer in at the portal, once and for a short time; only its hash is kept."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
