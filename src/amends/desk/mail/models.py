"""Letters as they came, what became of them, and the requests that they may become."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from amends.desk import ids
from amends.desk.accounts.models import Customer, User
from amends.desk.cases.models import Case, RequestKind
from amends.desk.orders.models import Order


class DraftState(models.TextChoices):
    """What became of a draft."""

    OPEN = "open", _("Open")
    """Waits for the customer to confirm it."""
    CONFIRMED = "confirmed", _("Confirmed")
    DISCARDED = "discarded", _("Discarded")
    EXPIRED = "expired", _("Expired")
    """Nobody confirmed it in time."""


class Draft(models.Model):
    """A request that a letter seems to make; it becomes a case when the customer confirms it, signed in.

    Nothing in it is known to be true: anybody may have written the letter.
    """

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    """Whose request it would be: of the order that is named, else of the address that it came from."""
    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, blank=True)
    kind = models.CharField(max_length=20, choices=RequestKind.choices, blank=True)
    """Empty where the letter does not say it plainly."""
    reason = models.TextField(blank=True)
    purchased_on = models.DateField(null=True, blank=True)
    """The day of purchase that the letter names."""
    first_contact_at = models.DateTimeField()
    """When the first letter arrived; the window is judged by it (reading R2)."""
    expires_on = models.DateField()
    """The last day on which it can be confirmed; a further letter moves it."""
    invited_on = models.DateField(null=True, blank=True)
    """The day on which the customer was last sent a link to it."""
    state = models.CharField(max_length=10, choices=DraftState.choices, default=DraftState.OPEN)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, blank=True)
    """What it became."""
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.TextField(blank=True)
    """`customer:ID`, `staff:ID` or `desk`."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["customer", "order"],
                condition=Q(state="open"),
                nulls_distinct=False,
                name="one_open_draft_per_order",
            ),
        )
        indexes = (
            models.Index(fields=["first_contact_at"], condition=Q(state="open"), name="draft_open"),
            models.Index(fields=["expires_on"], condition=Q(state="open"), name="draft_expiring"),
            models.Index(fields=["customer", "state"], name="draft_by_customer"),
        )


class MailState(models.TextChoices):
    """What became of a letter."""

    WAITING = "waiting", _("Waiting")
    """Kept, not read yet."""
    JOINED = "joined", _("Joined")
    """In the thread of a case."""
    DRAFTED = "drafted", _("Drafted")
    QUARANTINED = "quarantined", _("Quarantined")
    """A person says what becomes of it."""
    AUTOMATIC = "automatic", _("Automatic")
    """Written by a machine; kept, never answered."""
    DISCARDED = "discarded", _("Discarded")
    SPAM = "spam", _("Spam")


class Why(models.TextChoices):
    """Why a letter is in no case and no draft; the words are for staff."""

    FORGED_TOKEN = "forged_token", _("The reply address holds a token that is not ours.")
    NOT_A_PARTICIPANT = "not_a_participant", _("Somebody answered who is not the customer of that case.")
    NOT_AUTHENTIC = "not_authentic", _("The sender's domain says that it did not send this (DMARC).")
    STRANGER = "stranger", _("Neither the sender nor an order in it is known.")
    SENDER_UNCLEAR = "sender_unclear", _("It names no sender, or several.")
    SPAM_BEFORE = "spam_before", _("An earlier letter of this sender was marked as spam.")
    SAME_ID = "same_id", _("Another letter came with the same Message-ID.")
    UNREADABLE = "unreadable", _("It is not built like a letter, or too deep or too large to be taken apart.")
    BOUNCE = "bounce", _("A mail server reports about a letter of ours.")
    AUTO_REPLY = "auto_reply", _("An automatic answer.")
    LIST = "list", _("From a mailing list, or sent in bulk.")
    LOOP = "loop", _("A letter of ours that came back.")


class IncomingMail(models.Model):
    """One letter as it came; how it came never changes, and what became of it is said by the desk or by a person."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    identity = models.CharField(max_length=64, unique=True)
    """A hash that is the same when the same letter is delivered again."""
    deliveries = models.PositiveIntegerField(default=1)
    message_id = models.TextField(blank=True)
    via = models.TextField()
    """`smtp`, `lmtp` or the mail provider's name."""
    envelope_from = models.TextField(blank=True)
    """Empty where a mail server reports about a letter."""
    envelope_to = ArrayField(models.TextField())
    received_at = models.DateTimeField()
    """By our clock; the date in a letter is its sender's."""
    size = models.PositiveIntegerField()
    sender = models.TextField(blank=True)
    """The address in `From:`, in small letters: a hint, and never an identity."""
    subject = models.TextField(blank=True)
    text = models.TextField(blank=True)
    """All of its words."""
    authentication = models.JSONField(default=dict)
    """Results of `dkim`, `spf` and `dmarc`, from our own mail server only."""
    files = models.JSONField(default=list)
    """Name, media type and size of each, and why it was not taken, if it was not."""
    state = models.CharField(max_length=12, choices=MailState.choices, default=MailState.WAITING)
    why = models.CharField(max_length=20, choices=Why.choices, blank=True)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, blank=True, related_name="mail")
    draft = models.ForeignKey(Draft, on_delete=models.PROTECT, null=True, blank=True, related_name="mail")
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    """The member of staff who said what becomes of it."""

    class Meta:
        indexes = (
            models.Index(fields=["state", "-received_at"], name="mail_by_state"),
            models.Index(fields=["sender", "state"], name="mail_by_sender"),
            models.Index(fields=["message_id"], name="mail_by_message_id"),
        )


class Original(models.Model):
    """The bytes of a letter, apart from its row, so that lists do not carry them."""

    mail = models.OneToOneField(IncomingMail, on_delete=models.CASCADE, primary_key=True)
    content = models.BinaryField()


class AutomaticAnswer(models.Model):
    """One address on one day: it is not answered automatically a second time."""

    address = models.TextField()
    day = models.DateField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["address", "day"], name="one_answer_a_day"),)
