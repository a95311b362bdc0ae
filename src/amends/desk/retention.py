"""What is not kept for ever: files of closed cases, sessions and kept answers by age, and a person on demand."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from django.db.models import Q

from amends.desk import clock
from amends.desk.accounts.actions import erase_customer
from amends.desk.accounts.models import Customer
from amends.desk.api.repetition import forget_answers
from amends.desk.cases.erasing import erase_files, erase_words, unfinished
from amends.desk.cases.models import CaseState, Evidence
from amends.desk.importing.erasing import erase_fetched
from amends.desk.issues.actions import erase_descriptions
from amends.desk.mail.erasing import erase_mail, erase_past_mail
from amends.desk.notices.actions import erase_letters
from amends.desk.payouts.erasing import erase_accounts, erase_past_accounts

BATCH = 500


class NotErasableError(Exception):
    """Something is under way for which the person has to be known; the message says what."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How much was taken away."""

    files: int
    mail: int
    answers: int
    accounts: int


def apply_retention() -> Erased:
    """Erase what is older than the settings say."""
    before = clock.now() - timedelta(days=settings.KEEP_UPLOADS_DAYS)
    closed = Q(case__state=CaseState.CLOSED, case__closed_at__lt=before)
    # What was shown in a merged case still counts in the one that goes on.
    settled = Q(case__merged_into=None) | Q(case__merged_into__closed_at__lt=before)
    old = Evidence.objects.exclude(file="").filter(closed & settled)
    files = 0
    while batch := list(old[:BATCH]):
        files += erase_files(batch)
    call_command("clearsessions")
    accounts = erase_past_accounts(clock.now() - timedelta(days=settings.KEEP_ACCOUNTS_DAYS))
    return Erased(files, erase_past_mail(before), forget_answers(), accounts)


def erase_person(customer: Customer, actor: str) -> None:
    """Take away everything that says who somebody is or what they wrote; books, decisions and hashes stay.

    Locks: the customer, so that no case opens meanwhile.
    Raises: NotErasableError: nothing was erased.
    """
    with transaction.atomic():
        customer = Customer.objects.select_for_update(no_key=True).get(id=customer.id)
        if numbers := unfinished(customer):
            raise NotErasableError(
                f"{', '.join(numbers)} is not finished. Close it first: the answer and the money need the person."
            )
        erase_words(customer)
        erase_descriptions(customer)
        erase_letters(customer)
        erase_fetched(customer)
        erase_mail(customer)
        erase_accounts(customer)
        erase_customer(customer, actor)
    erase_files(list(Evidence.objects.exclude(file="").filter(case__customer=customer)))
