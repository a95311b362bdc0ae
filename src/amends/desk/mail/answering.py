"""What the desk answers by itself: one letter to one address a day, and the same words whether an order exists or not.

Who writes learns nothing from it; the link goes to the address on file, wherever the letter came from (reading R13).
"""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Lower
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from amends.desk import clock, jobs
from amends.desk.accounts.actions import make_link
from amends.desk.audit.actions import record
from amends.desk.languages import reader_locale, speaking
from amends.desk.mail.models import AutomaticAnswer, Draft, DraftState, IncomingMail
from amends.desk.notices.actions import send_plain
from amends.policy.explanation import format_day

LINK_LIFE = timedelta(days=7)


def may_answer(address: str) -> bool:
    """Whether an address was not answered automatically today; it counts as answered from here on."""
    _answer, is_fresh = AutomaticAnswer.objects.get_or_create(address=address.lower(), day=clock.now().date())
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
        send_plain(mail.envelope_from, *_acknowledgement())


def _acknowledgement() -> tuple[str, str]:
    """Subject and text in every language, because nothing is known of whoever wrote."""
    subjects, texts = [], []
    for language, _name in settings.LANGUAGES:
        with speaking(language):
            subjects.append(_("We have your letter"))
            texts.append(_(_ACKNOWLEDGED) % {"url": settings.PUBLIC_URL})
    return " / ".join(subjects), "\n-----\n\n".join(texts)


_ACKNOWLEDGED = gettext_noop("""We have your letter.

If it is about an order at our shop, a link to confirm your request is on its
way to the mail address of that order's account. It is sent there and nowhere
else, and we cannot say here whether there is such an order.

If you get no link, please write to us from the address of your account and
name the order number, or begin here:

    %(url)s/start
""")


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
        _link, token = make_link(customer, "mail", LINK_LIFE)
        record(f"draft:{draft.id}", "desk", "invited")
        with speaking(customer.locale):
            send_plain(customer.email, _("Please confirm your request"), _invitation(draft, token))


def _invitation(draft: Draft, token: str) -> str:
    day = format_day(draft.first_contact_at.date(), reader_locale())
    if draft.order:
        about = _("A letter about order %(order)s reached us on %(day)s.")
        begin = about % {"order": draft.order.number, "day": day}
    else:
        begin = _("A letter about your account reached us on %(day)s.") % {"day": day}
    until = format_day(draft.expires_on, reader_locale())
    words = {"day": day, "until": until, "url": settings.PUBLIC_URL, "token": token, "draft": draft.id}
    return f"{begin}\n\n{_(_INVITATION) % words}"


_INVITATION = gettext_noop("""If you wrote it, please look at what we read in it and confirm your request.
Until then nothing is asked for and nothing is decided:

    %(url)s/drafts/%(draft)s/%(token)s

The link works once, within seven days. Later, sign in with this address and
you find the request there:

    %(url)s/drafts/%(draft)s

%(day)s counts as the day on which you asked.

Anybody may have written the letter, so we do not keep it for ever: if nobody
confirms the request by %(until)s, it is discarded by itself. You can ask
again after that, but the day of your letter no longer counts.

If you did not write to us, you need not do anything, or you can discard the
request there.
""")


def invite_waiting(limit: int) -> None:
    """Have jobs send a link to customers of drafts who got none, because they had another answer that day."""
    answered = AutomaticAnswer.objects.filter(
        address=Lower(OuterRef("customer__email")), day=clock.now().date()
    )
    waiting = Draft.objects.filter(state=DraftState.OPEN, invited_on=None, customer__erased_at=None)
    found = waiting.exclude(Exists(answered)).order_by("first_contact_at")
    for draft_id in found.values_list("id", flat=True)[:limit]:
        jobs.enqueue("invite_writer", once=f"invite_writer:{draft_id}", draft_id=str(draft_id))
