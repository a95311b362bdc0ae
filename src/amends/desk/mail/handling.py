"""What staff do with letters that wait for a person, each by name and in the audit trail."""

from django.db import transaction
from django.utils.translation import gettext as _

from amends.desk.accounts.models import User
from amends.desk.audit.actions import record
from amends.desk.cases.approving import NotAllowedError
from amends.desk.cases.models import Case
from amends.desk.cases.permissions import HANDLERS, demand_role
from amends.desk.mail import drafts
from amends.desk.mail.joining import join
from amends.desk.mail.models import Draft, IncomingMail, MailState, Original
from amends.desk.mail.reading import UnreadableError, read_letter

_SETTLED = (MailState.JOINED, MailState.DRAFTED)


def put_into_case(mail: IncomingMail, by: User, number: str) -> Case:
    """A letter belongs to a case, says a member of staff: it joins it as the customer's words.

    Raises: NotAllowedError: nothing was written.
    """
    demand_role(by, *HANDLERS)
    with transaction.atomic():
        _lock(mail)
        case = (
            Case.objects.select_related("customer")
            .filter(number=number.upper(), customer__erased_at=None)
            .first()
        )
        if case is None:
            raise NotAllowedError(
                _("There is no case “%(number)s”. Its number looks like R-7KQ4-9XWM.") % {"number": number}
            )
        original = Original.objects.filter(mail=mail).first()
        if original is None:
            raise NotAllowedError(_("Its words were erased, because it is too old."))
        try:
            letter = read_letter(bytes(original.content))
        except UnreadableError:
            raise NotAllowedError(_("The letter cannot be taken apart. Download it instead.")) from None
        join(mail, letter, case, by)
        record(f"mail:{mail.id}", f"staff:{by.id}", "put_into_case", case=str(case.id))
    return case.survivor


def discard(mail: IncomingMail, by: User) -> None:
    """Nothing has to be done about a letter.

    Raises: NotAllowedError: nothing was written.
    """
    _end(mail, by, MailState.DISCARDED)


def mark_spam(mail: IncomingMail, by: User) -> None:
    """A letter is spam; what this sender writes from now on waits for a person and is not answered.

    Raises: NotAllowedError: nothing was written.
    """
    _end(mail, by, MailState.SPAM)


def discard_draft(draft: Draft, by: User) -> None:
    """Nobody asks for what a draft says.

    Raises: NotAllowedError: nothing was written.
    """
    demand_role(by, *HANDLERS)
    try:
        drafts.discard(draft, f"staff:{by.id}")
    except drafts.DraftOverError:
        raise NotAllowedError(_("The draft was confirmed or discarded before.")) from None


def _end(mail: IncomingMail, by: User, state: MailState) -> None:
    demand_role(by, *HANDLERS)
    with transaction.atomic():
        _lock(mail)
        mail.state, mail.ended_by = state, by
        mail.save(update_fields=["state", "ended_by"])
        record(f"mail:{mail.id}", f"staff:{by.id}", state.value)


def _lock(mail: IncomingMail) -> None:
    mail.refresh_from_db(from_queryset=IncomingMail.objects.select_for_update(no_key=True))
    if mail.state in _SETTLED:
        raise NotAllowedError(_("The letter is in a case or in a draft already."))
