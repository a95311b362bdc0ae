"""Payments, refunds, disputes and the gateway's notices."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from amends.desk import ids
from amends.desk.accounts.models import Customer, User
from amends.desk.journal.models import Account
from amends.desk.payments.states import ENDED_WITHOUT_MONEY, RefundState


class DisputeStatus(models.TextChoices):
    """Where a dispute is."""

    INQUIRY = "inquiry", _("Inquiry")
    """The bank asks; no money moved."""
    OPEN = "open", _("Open")
    WON = "won", _("Won")
    LOST = "lost", _("Lost")


class Payment(models.Model):
    """One charge at the gateway; amounts are what the gateway reported. What was returned is the sum of its refunds."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    gateway = models.CharField(max_length=20)
    gateway_ref = models.TextField()
    """The gateway's id of the charge."""
    captured = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    captured_at = models.DateTimeField()
    method = models.CharField(max_length=40)
    """Kind of payment method, as the policy's table of arrival times names it: Card, PayPal, …"""
    method_hint = models.CharField(max_length=20, blank=True)
    """What tells the customer which one it was, such as the last four digits."""
    fee = models.BigIntegerField(null=True, blank=True)
    """What the gateway kept, in the charge's currency; null until it is known (reading R4)."""
    fee_settled = models.BigIntegerField(null=True, blank=True)
    """The same in the currency of the settlement."""
    settlement_currency = models.CharField(max_length=3, blank=True)
    exchange_rate = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    """When its sums were last compared with the gateway's."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["gateway", "gateway_ref"], name="one_payment_per_charge"),
            models.CheckConstraint(condition=Q(captured__gte=0), name="payment_not_negative"),
        )


class Origin(models.TextChoices):
    """Who began a refund."""

    DESK = "desk", _("Desk")
    GATEWAY = "gateway", _("Gateway")
    """Made in the gateway's dashboard, or by somebody else; imported."""


class Refund(models.Model):
    """One refund: the intent, written before the gateway is called, and what became of it. The row is its own queue."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    case_id = models.UUIDField(null=True, blank=True)
    purpose = models.CharField(max_length=20)
    """The grant it carries out, or `correction`."""
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.DESK)
    by_bank = models.BooleanField(default=False)
    """Paid from our bank account, because the gateway cannot pay it; no worker ever sends it."""
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    account = models.CharField(
        max_length=40, choices=Account.choices, default=Account.SUBSCRIPTION_REVENUE.value
    )
    """What the money is taken from in the books."""
    instead_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="stand_ins"
    )
    """The refund of ours whose money this is: what a payout is made for, or what the gateway says a refund belongs to."""
    tax = models.BigIntegerField(default=0)
    """The part of the amount that is tax."""
    fee_retained = models.BigIntegerField(default=0)
    """The processing fee that the customer does not get back with it."""
    rounding = models.BigIntegerField(default=0)
    """The part that only the gateway's steps require."""
    plan_sha256 = models.CharField(max_length=64, blank=True)
    """Of what was approved; it is sent as it was approved (invariant I9)."""
    state = models.CharField(
        max_length=20,
        choices=[(state.value, state.value) for state in RefundState],
        default=RefundState.PLANNED,
    )
    is_held = models.BooleanField(default=False)
    """Waits for another effect, such as the change of the plan."""
    generation = models.PositiveSmallIntegerField(default=0)
    """Which idempotency key is used; a second one only when the first certainly had no effect."""
    refusals = models.PositiveIntegerField(default=0)
    """How many keys stand for a refusal that passes, such as too low a balance: each next try takes a fresh one."""
    sends = models.PositiveIntegerField(default=0)
    first_sent_at = models.DateTimeField(null=True, blank=True)
    """With the key of this generation."""
    last_sent_at = models.DateTimeField(null=True, blank=True)
    next_try_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True, blank=True)
    gateway_ref = models.TextField(null=True, blank=True)  # noqa: DJ001  # unique once it is known
    """The gateway's id of the refund."""
    reason = models.TextField(blank=True)
    """Why it is pending, was rejected or failed, in the gateway's code."""
    trace = models.TextField(blank=True)
    """The reference with which a bank finds it."""
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True, blank=True)
    """When the gateway was last asked about it."""

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_above_zero"),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in RefundState]), name="refund_known_state"
            ),
            models.UniqueConstraint(fields=["gateway_ref"], name="one_row_per_gateway_refund"),
            models.UniqueConstraint(
                fields=["case_id", "payment", "purpose"],
                condition=Q(origin="desk") & ~Q(state__in=sorted(ENDED_WITHOUT_MONEY)),
                name="one_live_refund_per_purpose",
            ),
            models.UniqueConstraint(
                fields=["instead_of"],
                condition=Q(by_bank=True) & ~Q(state__in=sorted(ENDED_WITHOUT_MONEY)),
                name="one_live_payout_per_refund",
            ),
            models.CheckConstraint(
                condition=Q(by_bank=False)
                | Q(is_held=True, sends=0, gateway_ref__isnull=True, instead_of__isnull=False),
                name="payout_never_sent_to_gateway",
            ),
        )
        indexes = (
            models.Index(
                fields=["next_try_at"],
                condition=Q(state__in=["planned", "sending", "unknown"], is_held=False),
                name="refund_queue",
            ),
            models.Index(fields=["state", "changed_at"], name="refund_by_state"),
            models.Index(fields=["case_id"], name="refund_of_case"),
        )

    @property
    def idempotency_key(self) -> str:
        """Names this intent at the gateway."""
        if self.refusals:
            return f"{self.id}:{self.generation}.{self.refusals}"
        return f"{self.id}:{self.generation}"


class DisputeQuerySet(models.QuerySet["Dispute"]):
    """Sets of disputes."""

    def about(self, *charged: Payment) -> Self:
        """Those of payments, and those that somebody linked to them."""
        return self.filter(Q(payment__in=charged) | Q(linked_payment__in=charged))

    def under_way(self) -> Self:
        """Those that a bank is looking at."""
        return self.filter(status__in=(DisputeStatus.INQUIRY, DisputeStatus.OPEN))


class Dispute(models.Model):
    """The customer's bank takes the money back; it counts as returned once it is lost (reading R17)."""

    gateway_ref = models.TextField(primary_key=True)
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="disputes", null=True, blank=True
    )
    """None where the charge is none that we know."""
    charge_ref = models.TextField(blank=True)
    """The gateway's id of the charge, where it is none that we know."""
    linked_payment = models.ForeignKey(
        Payment,
        on_delete=models.PROTECT,
        related_name="linked_disputes",
        null=True,
        blank=True,
        db_index=False,
    )
    """The payment that it is about, as finance says; it stands against that one, too."""
    status = models.CharField(max_length=10, choices=DisputeStatus.choices)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = DisputeQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(
                fields=["linked_payment"], condition=Q(linked_payment__isnull=False), name="dispute_by_link"
            ),
            models.Index(
                fields=["opened_at"], condition=Q(status__in=["inquiry", "open"]), name="dispute_under_way"
            ),
        )


class Notice(models.Model):
    """One event that the gateway told us of: that something changed, never what it is now."""

    event_id = models.TextField(primary_key=True)
    kind = models.TextField()
    object_id = models.TextField()
    received_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True)

    class Meta:
        indexes = (models.Index(fields=["received_at"], condition=Q(applied_at=None), name="notice_waiting"),)


class Claim(models.TextChoices):
    """What a person found at the gateway about a refund of which nobody knows whether it was made."""

    PAID = "paid", _("It was paid")
    """It is there under an id of the gateway's."""
    NEVER_MADE = "never_made", _("It was never made, and is not sent again")
    """It ends; the money may be paid on another way."""
    SEND_AGAIN = "send_again", _("It was never made; send it with a new key")


class Finding(models.Model):
    """What one member of finance states of an unknown refund, and who confirmed it; only then anything happens."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="findings")
    claim = models.CharField(max_length=10, choices=Claim.choices)
    gateway_ref = models.TextField(blank=True)
    """Of what was paid."""
    reason = models.TextField()
    stated_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    stated_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["refund"], condition=Q(confirmed_by=None), name="one_open_finding_per_refund"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=models.F("stated_by")),
                name="finding_by_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(claim="paid") | ~Q(gateway_ref=""), name="finding_of_payment_names_it"
            ),
        )
