"""Bank details, taken away when nobody needs them; that money went out, to which last four characters, stays."""

from datetime import datetime

from amends.desk.accounts.models import Customer
from amends.desk.payouts.models import Batch, Payout
from amends.desk.payouts.states import ENDED


def erase_accounts(customer: Customer) -> None:
    """Empty the bank details of a person, whose payouts have ended, and the files that they stand in."""
    theirs = Payout.objects.filter(refund__payment__customer=customer)
    Batch.objects.filter(payouts__in=theirs).exclude(sealed_csv="").update(sealed_csv="", sealed_xml="")
    theirs.update(sealed_account="", account_hint="")


def erase_past_accounts(before: datetime) -> int:
    """Empty bank details of payouts that ended before an instant, and files of which all did; how many payouts."""
    under_way = Payout.objects.exclude(state__in=ENDED, changed_at__lt=before)
    Batch.objects.exclude(payouts__in=under_way).exclude(sealed_csv="").update(sealed_csv="", sealed_xml="")
    past = Payout.objects.filter(state__in=ENDED, changed_at__lt=before).exclude(sealed_account="")
    return past.update(sealed_account="")
