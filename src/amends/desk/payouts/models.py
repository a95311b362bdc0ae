"""Payouts and the files by which the bank is told of them."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from amends.desk import ids
from amends.desk.accounts.models import User
from amends.desk.payments.models import Refund
from amends.desk.payouts.states import PayoutState

_STATES = {
    PayoutState.ASKED: _("Account asked for"),
    PayoutState.GIVEN: _("Account given"),
    PayoutState.PROPOSED: _("Proposed"),
    PayoutState.RELEASED: _("Released"),
    PayoutState.EXPORTED: _("In a file for the bank"),
    PayoutState.PAID: _("Paid"),
    PayoutState.RETURNED: _("Came back"),
    PayoutState.WITHDRAWN: _("Called off"),
}
_AGREED = [PayoutState.RELEASED, PayoutState.EXPORTED, PayoutState.PAID, PayoutState.RETURNED]
_IN_FILE = [PayoutState.EXPORTED, PayoutState.PAID, PayoutState.RETURNED]


class Batch(models.Model):
    """One file for the bank: its bytes are fixed, so that handing it over again is the same order, not another one."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    currency = models.CharField(max_length=3)
    count = models.PositiveIntegerField()
    total = models.BigIntegerField()
    """Minor units of the currency."""
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    sealed_csv = models.TextField()
    sealed_xml = models.TextField(blank=True)
    """pain.001, of euro only; like the CSV it is sealed, and empty once somebody in it was erased."""
    csv_sha256 = models.CharField(max_length=64)
    xml_sha256 = models.CharField(max_length=64, blank=True)

    @property
    def is_erased(self) -> bool:
        """Whether it can be handed over no more."""
        return not self.sealed_csv


class Payout(models.Model):
    """What is known about paying one refund by bank transfer; the refund beside it reserves the money and posts it."""

    refund = models.OneToOneField(Refund, on_delete=models.PROTECT, primary_key=True, related_name="payout")
    state = models.CharField(
        max_length=10,
        choices=[(state.value, words) for state, words in _STATES.items()],
        default=PayoutState.ASKED,
    )
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    """None where one before it came back."""
    opened_at = models.DateTimeField()
    why = models.TextField()
    """Why the gateway cannot pay it, or why the bank sent the one before back; the customer reads the second."""
    remittance = models.CharField(max_length=140)
    """What the customer reads on the statement."""
    sealed_account = models.TextField(blank=True)
    account_hint = models.CharField(max_length=10, blank=True)
    """Country and last four characters."""
    given_at = models.DateTimeField(null=True, blank=True)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    released_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, null=True, blank=True, related_name="payouts")
    bank_reference = models.TextField(blank=True)
    """How the bank's statement names it."""
    booked_on = models.DateField(null=True, blank=True)
    return_reason = models.TextField(blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in PayoutState]), name="payout_known_state"
            ),
            models.CheckConstraint(
                condition=Q(released_by=None) | ~Q(released_by=F("proposed_by")), name="payout_by_two_people"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[state.value for state in _AGREED])
                | Q(proposed_by__isnull=False, released_by__isnull=False),
                name="payout_agreed_before_file",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in _IN_FILE], batch__isnull=False)
                | ~Q(state__in=[state.value for state in _IN_FILE]) & Q(batch=None),
                name="payout_file_fits_state",
            ),
            models.CheckConstraint(
                condition=~Q(state="paid") | (Q(booked_on__isnull=False) & ~Q(bank_reference="")),
                name="payout_paid_with_reference",
            ),
        )
        indexes = (models.Index(fields=["state", "changed_at"], name="payout_by_state"),)
