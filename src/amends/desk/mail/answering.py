"""What the desk answers by itself: one letter to one address a day, and the same words whether an order exists or not.

Who writes learns nothing from it; the link goes to the address on file, wherever the letter came from (reading R13).
"""

from datetime import timedelta
from uuid import UUID

from babel.dates import format_date
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Lower

from amends.desk import clock, jobs
from amends.desk.accounts.actions import make_link
from amends.desk.audit.actions import record
from amends.desk.mail.models import AutomaticAnswer, Draft, DraftState, IncomingMail
from amends.desk.notices.actions import send_plain

LINK_LIFE = timedelta(days=7)


def may_answer(address: str) -> bool:
    """Whether an address was not answered automatically today; it counts as answered from here on."""
    _, is_fresh = AutomaticAnswer.objects.get_or_create(address=address.lower(), day=clock.now().date())
    return is_fresh


def acknowledge(mail_id: UUID) -> None:
    """Tell a writer whom we do not know that the letter is here, where automatic answers are sent to (RFC 3834).

    Raises: OSError, SMTPException: the mail server did not take it; the job tries again.
    """
    with transaction.atomic():
        mail = IncomingMail.objects.select_for_update(no_key=True).get(id=mail_id)
        if not mail.envelope_from or not may_answer(mail.envelope_from):
            return
        record(f"mail:{mail.id}", "desk", "acknowledged")
        send_plain(mail.envelope_from, "We have your letter", _ACKNOWLEDGED.format(url=settings.PUBLIC_URL))


_ACKNOWLEDGED = """We have your letter.

If it is about an order at our shop, a link to confirm your request is on its
way to the mail address of that order's account. It is sent there and nowhere
else, and we cannot say here whether there is such an order.

If you get no link, please write to us from the address of your account and
name the order number, or begin here:

    {url}/start
"""


def send_invitation(draft_id: UUID) -> None:
    """Send the customer of a draft a link to it, to the address on file.

    Raises: OSError, SMTPException: the mail server did not take it; the job tries again.
    """
    with transaction.atomic():
        draft = (
            Draft.objects.select_for_update(no_key=True, of=("self",))
            .select_related("customer", "order")
            .get(id=draft_id)
        )
        customer = draft.customer
        if draft.state != DraftState.OPEN or customer.erased_at or not may_answer(customer.email):
            return
        draft.invited_on = clock.now().date()
        draft.save(update_fields=["invited_on"])
        _, token = make_link(customer, "mail", LINK_LIFE)
        record(f"draft:{draft.id}", "desk", "invited")
        send_plain(customer.email, "Please confirm your request", _invitation(draft, token))


def _invitation(draft: Draft, token: str) -> str:
    about = f"order {draft.order.number}" if draft.order else "your account"
    day = format_date(draft.first_contact_at.date(), "d MMMM y", locale=draft.customer.locale)
    return _INVITATION.format(about=about, day=day, url=settings.PUBLIC_URL, token=token, draft=draft.id)


_INVITATION = """A letter about {about} reached us on {day}.

If you wrote it, please look at what we read in it and confirm your request.
Until then nothing is asked for and nothing is decided:

    {url}/drafts/{draft}/{token}

The link works once, within seven days. Later, sign in with this address and
you find the request there:

    {url}/drafts/{draft}

{day} counts as the day on which you asked.

If you did not write to us, you need not do anything, or you can discard the
request there.
"""


def invite_waiting(limit: int) -> None:
    """Have jobs send a link to customers of drafts who got none, because they had another answer that day."""
    answered = AutomaticAnswer.objects.filter(
        address=Lower(OuterRef("customer__email")), day=clock.now().date()
    )
    waiting = Draft.objects.filter(state=DraftState.OPEN, invited_on=None, customer__erased_at=None)
    found = waiting.exclude(Exists(answered)).order_by("first_contact_at")
    for draft_id in found.values_list("id", flat=True)[:limit]:
        jobs.enqueue("invite_writer", once=f"invite_writer:{draft_id}", draft_id=str(draft_id))
