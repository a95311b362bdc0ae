"""What becomes of a letter: said first, as a verdict, then done."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from amends.desk import clock, jobs
from amends.desk.audit.actions import record
from amends.desk.cases.models import Case
from amends.desk.mail.authentication import FAIL, results_of
from amends.desk.mail.drafts import Target, add_to_draft, find_target
from amends.desk.mail.joining import join
from amends.desk.mail.machines import why_automatic
from amends.desk.mail.models import IncomingMail, MailState, Why
from amends.desk.mail.reading import ReadLetter, UnreadableError, read_letter
from amends.desk.notices.reply_address import ForgedTokenError, case_of_address, case_of_message_id

OVERLOOKED_AFTER = timedelta(minutes=2)
_ACKNOWLEDGED = frozenset({Why.STRANGER, Why.NOT_A_PARTICIPANT})


@dataclass(frozen=True, slots=True)
class SetAside:
    """A person decides, or nobody has to."""

    state: MailState
    why: Why


@dataclass(frozen=True, slots=True)
class Join:
    """It belongs to a case."""

    case: Case


Verdict = SetAside | Join | Target


def sort_mail(mail_id: UUID) -> None:
    """Read a letter that was kept, and do what becomes of it.

    Idempotent: a letter is sorted once.
    """
    with transaction.atomic():
        mail = IncomingMail.objects.select_for_update(no_key=True, of=("self",)).get(id=mail_id)
        if mail.state != MailState.WAITING:
            return
        try:
            letter = read_letter(bytes(mail.original.content))
        except UnreadableError:
            _set_aside(mail, SetAside(MailState.QUARANTINED, Why.UNREADABLE))
            return
        _note(mail, letter)
        match judge(mail, letter):
            case Join(case):
                join(mail, letter, case)
            case Target() as target:
                _draft(mail, letter, target)
            case SetAside() as verdict:
                mail.files = [file.noted() for file in letter.files]
                _set_aside(mail, verdict)


def sort_overlooked(limit: int) -> None:
    """Have jobs read letters that none has read: one failed too often, or its worker died."""
    before = clock.now() - OVERLOOKED_AFTER
    waiting = IncomingMail.objects.filter(state=MailState.WAITING, received_at__lt=before)
    for mail_id in waiting.order_by("received_at").values_list("id", flat=True)[:limit]:
        jobs.enqueue("sort_mail", once=f"sort_mail:{mail_id}", mail_id=str(mail_id))


def _note(mail: IncomingMail, letter: ReadLetter) -> None:
    mail.subject, mail.text = letter.subject, letter.text
    fields = letter.header.get("authentication-results", ())
    mail.authentication = results_of(fields, settings.TRUSTED_MAIL_SERVER)
    mail.save(update_fields=["subject", "text", "authentication"])


def judge(mail: IncomingMail, letter: ReadLetter) -> Verdict:
    """What becomes of a letter: a machine's is answered by nobody, a doubtful one waits for a person.

    `From:` lets a letter into a case only together with the token, which the desk gave to the customer alone.
    """
    if (why := why_automatic(letter, mail.envelope_from)) is not None:
        return SetAside(MailState.AUTOMATIC, why)
    if (doubt := _doubt(mail)) is not None:
        return SetAside(MailState.QUARANTINED, doubt)
    try:
        case_id = case_of_address(mail.envelope_to) or case_of_message_id(letter.answers_to)
    except ForgedTokenError:
        return SetAside(MailState.QUARANTINED, Why.FORGED_TOKEN)
    if case_id is not None:
        return _by_token(case_id, letter)
    return find_target(letter) or SetAside(MailState.QUARANTINED, Why.STRANGER)


def _doubt(mail: IncomingMail) -> Why | None:
    if not mail.sender:
        return Why.SENDER_UNCLEAR
    others = IncomingMail.objects.exclude(id=mail.id)
    if others.filter(sender=mail.sender, state=MailState.SPAM).exists():
        return Why.SPAM_BEFORE
    if mail.message_id and others.filter(message_id=mail.message_id).exists():
        return Why.SAME_ID
    return Why.NOT_AUTHENTIC if mail.authentication.get("dmarc") == FAIL else None


def _by_token(case_id: UUID, letter: ReadLetter) -> Verdict:
    case = Case.objects.select_related("customer").filter(id=case_id, customer__erased_at=None).first()
    if case is None:
        return SetAside(MailState.QUARANTINED, Why.FORGED_TOKEN)
    if case.customer.email.lower() != letter.sender:
        return SetAside(MailState.QUARANTINED, Why.NOT_A_PARTICIPANT)
    return Join(case)


def _draft(mail: IncomingMail, letter: ReadLetter, target: Target) -> None:
    draft = add_to_draft(mail, letter, target)
    if draft.invited_on is None:
        jobs.enqueue("invite_writer", draft_id=str(draft.id))
    if target.customer.email.lower() != mail.sender:
        jobs.enqueue("acknowledge_mail", mail_id=str(mail.id))


def _set_aside(mail: IncomingMail, verdict: SetAside) -> None:
    mail.state, mail.why = verdict.state, verdict.why
    mail.save(update_fields=["state", "why", "files"])
    record(f"mail:{mail.id}", "desk", verdict.state.value, why=verdict.why.value)
    if verdict.why in _ACKNOWLEDGED:
        jobs.enqueue("acknowledge_mail", mail_id=str(mail.id))
