"""A letter becomes a message in the thread of a case, and its pictures become evidence."""

from collections.abc import Iterator, Sequence

from django.db import transaction

from amends.desk.accounts.models import User
from amends.desk.audit.actions import record
from amends.desk.cases import letters
from amends.desk.cases.answering import NotPossibleError, Speaker, answer, open_questions, write_message
from amends.desk.cases.evidence import RefusedFileError, add_evidence
from amends.desk.cases.models import Case, Channel
from amends.desk.languages import speaking
from amends.desk.mail.answering import may_answer
from amends.desk.mail.models import IncomingMail, MailState
from amends.desk.mail.quoting import own_words
from amends.desk.mail.reading import AttachedFile, ReadLetter

WORDS_LENGTH_MAX = 5_000
_REASON = "reason_given"
_SIGNATURES = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
"""Files that programs add by themselves: not taken, and not worth a word."""


def words_of(letter: ReadLetter) -> str:
    """What the writer wrote, at most as long as a message may be; the letter is kept whole."""
    words = own_words(letter.text) or letter.subject
    return words if len(words) <= WORDS_LENGTH_MAX else f"{words[: WORDS_LENGTH_MAX - 2]} …"


def join(mail: IncomingMail, letter: ReadLetter, case: Case, by: User | None = None) -> None:
    """Put a letter into a case: as the customer's words, because the token or a member of staff says so.

    A question of the policy for a reason is answered by it, because any stated reason is one (reading R3). Where the case was
    merged, the letter joins the one in which the request goes on.
    """
    case = case.survivor
    speaker = Speaker(f"customer:{case.customer_id}", Channel.MAIL)
    with transaction.atomic():
        if words := words_of(letter):
            if any(question.input == _REASON for question in open_questions(case)):
                answer(case, speaker, {}, words)
            else:
                write_message(case, speaker, words)
        mail.case, mail.state, mail.ended_by = case, MailState.JOINED, by
        mail.save(update_fields=["case", "state", "ended_by"])
        actor = f"staff:{by.id}" if by else "desk"
        record(f"case:{case.id}", actor, "mail_joined", mail=str(mail.id), sender_fits=_fits(mail, case))
        take_files(mail, letter, case)


def _fits(mail: IncomingMail, case: Case) -> bool:
    return mail.sender == case.customer.email.lower()


def take_files(mail: IncomingMail, letter: ReadLetter, case: Case) -> None:
    """Take the pictures of a letter as evidence, and name to the customer what was not taken, and why."""
    speaker = Speaker(f"customer:{case.customer_id}", Channel.MAIL)
    with speaking(case.customer.locale):
        mail.files = [file.noted(refused=why) for file, why in _offered(case, speaker, letter.files)]
    mail.save(update_fields=["files"])
    refused = [f"{file['name']}: {file['refused']}" for file in mail.files if file["refused"]]
    if refused and may_answer(case.customer.email):
        letters.files_refused(case, str(mail.id), tuple(refused))


def _offered(
    case: Case, speaker: Speaker, files: Sequence[AttachedFile]
) -> Iterator[tuple[AttachedFile, str]]:
    for file in files:
        if file.media_type in _SIGNATURES:
            continue
        try:
            add_evidence(case, speaker, file.name, file.content)
        except (RefusedFileError, NotPossibleError) as error:
            yield file, str(error)
        else:
            yield file, ""
