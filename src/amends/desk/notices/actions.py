"""Write letters, and send each once."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import transaction
from django.utils.translation import gettext as _

from amends.desk import clock, jobs, rows
from amends.desk.accounts.models import Customer
from amends.desk.audit.actions import record
from amends.desk.languages import reader_language
from amends.desk.notices.composition import Block, render_html, render_text
from amends.desk.notices.models import Letter, LetterKind
from amends.desk.notices.reply_address import make_message_id, reply_address
from amends.desk.unit_of_work import Part, write_at_end

_FRESH = """
SELECT jsonb_build_object('letter_ids', jsonb_agg(id ORDER BY created_at)) FROM letter GROUP BY customer_id
"""
KEPT_SECONDS = 600
"""How long a code or a link may wait for its mail."""


def greeting(customer: Customer) -> str:
    """How a letter begins."""
    return _("Dear %(name)s,") % {"name": customer.name} if customer.name else _("Hello,")


def write(
    customer: Customer,
    kind: LetterKind,
    reference: str,
    subject: str,
    blocks: Sequence[Block],
    *,
    case_id: UUID | None = None,
) -> None:
    """Write a letter, in the language that is spoken now, and have it sent once the transaction is there.

    Idempotent: by `reference`; what was told once is not told again (invariant I16).
    """
    letter = Letter(
        reference=f"{kind}:{reference}",
        customer=customer,
        case_id=case_id,
        kind=kind,
        subject=subject,
        text=render_text(blocks),
        html=render_html(subject, blocks, reader_language()),
        message_id=make_message_id(case_id),
        created_at=clock.now(),
    )
    write_at_end(_store, letter)


def _store(letters: list[Letter]) -> Part:
    """Store those that are not there yet, and have these sent, those to one customer by one job."""
    sending, job = jobs.enqueueing("send_letters", _FRESH)
    queries = {
        "letter": f"{rows.insertion(Letter)} ON CONFLICT (reference) DO NOTHING RETURNING id, customer_id, created_at",
        "letter_job": sending,
    }
    return Part(queries, [rows.as_json(letters), job])


def send(letter_id: UUID) -> None:
    """Send a letter that was not sent; a repeated attempt carries the same Message-ID.

    Raises: OSError, SMTPException: the mail server did not take it; the job tries again.
    """
    with transaction.atomic():
        letter = Letter.objects.select_for_update(no_key=True).select_related("customer").get(id=letter_id)
        if letter.sent_at is not None or letter.customer.erased_at is not None:
            return
        mail = EmailMultiAlternatives(
            letter.subject,
            letter.text,
            settings.DEFAULT_FROM_EMAIL,
            [letter.customer.email],
            reply_to=[reply_address(letter.case_id)] if letter.case_id else None,
            headers={"Message-ID": letter.message_id, "Auto-Submitted": "auto-generated"},
        )
        mail.attach_alternative(letter.html, "text/html")
        mail.send()
        letter.sent_at = clock.now()
        letter.save(update_fields=["sent_at"])
        subject = f"case:{letter.case_id}" if letter.case_id else f"customer:{letter.customer_id}"
        record(subject, "desk", "letter_sent", letter=str(letter.id), kind=letter.kind)


def keep_for_job(**words: str) -> str:
    """Keep short-lived words for a job, under a key that tells nothing: queues and logs show arguments."""
    key = f"kept:{secrets.token_urlsafe(16)}"
    cache.set(key, words, KEPT_SECONDS)
    return key


def take_kept(key: str) -> dict[str, str] | None:
    """The words that were kept, None where their time is over."""
    words = cache.get(key)
    return words if isinstance(words, dict) else None


def send_later(to: str, subject: str, text: str) -> None:
    """Have a job send a short mail, so that the caller's answer takes as long for strangers as for others."""
    jobs.enqueue("send_kept_mail", key=keep_for_job(to=to, subject=subject, text=text))


def send_kept(key: str) -> None:
    """Send a mail that was kept; nothing where its time is over."""
    words = take_kept(key)
    if words is not None:
        send_plain(words["to"], words["subject"], words["text"])
        cache.delete(key)


def send_plain(to: str, subject: str, text: str) -> None:
    """Send a short mail that is not kept."""
    headers = {"Message-ID": make_message_id(), "Auto-Submitted": "auto-generated"}
    EmailMessage(subject, text, settings.DEFAULT_FROM_EMAIL, [to], headers=headers).send()


@dataclass(frozen=True, slots=True)
class AttachedPicture:
    """A picture that goes with a mail."""

    name: str
    media_type: str
    content: bytes


def send_with_pictures(to: str, subject: str, text: str, pictures: Sequence[AttachedPicture]) -> None:
    """Send a short mail with pictures; the copy is not kept."""
    headers = {"Message-ID": make_message_id(), "Auto-Submitted": "auto-generated"}
    mail = EmailMessage(subject, text, settings.DEFAULT_FROM_EMAIL, [to], headers=headers)
    for picture in pictures:
        mail.attach(picture.name, picture.content, picture.media_type)
    mail.send()


def erase_letters(customer: Customer) -> None:
    """Empty the words of a person's letters; which were sent, and when, stays."""
    Letter.objects.filter(customer=customer).exclude(text="").update(text="", html="")
