"""Letters of a person, and letters that are old, emptied; that they came, and what became of them, stays."""

from datetime import datetime

from django.db.models import Q

from amends.desk.accounts.models import Customer
from amends.desk.cases.models import CaseState
from amends.desk.mail.models import AutomaticAnswer, Draft, DraftState, IncomingMail, MailState, Original

_OVER = (MailState.AUTOMATIC, MailState.DISCARDED, MailState.SPAM)


def erase_mail(customer: Customer) -> None:
    """Empty what a person wrote by mail, and what was written in their name; their address goes, too."""
    theirs = Q(case__customer=customer) | Q(draft__customer=customer) | Q(sender=customer.email.lower())
    mail = IncomingMail.objects.filter(theirs)
    Original.objects.filter(mail__in=mail).delete()
    ids, addresses = [], {customer.email.lower()}
    for mail_id, *senders in mail.values_list("id", "sender", "envelope_from"):
        ids.append(mail_id)
        addresses.update(address.lower() for address in senders)
    IncomingMail.objects.filter(id__in=ids).update(
        envelope_from="", envelope_to=[], sender="", subject="", text="", files=[]
    )
    Draft.objects.filter(customer=customer).update(reason="")
    AutomaticAnswer.objects.filter(address__in=addresses).delete()


def erase_past_mail(before: datetime) -> int:
    """Delete the bytes and words of letters that are over and came before an instant; how many there were.

    What was read in them for a request that nobody confirmed goes as well.
    """
    is_over = Q(state__in=_OVER) | Q(case__state=CaseState.CLOSED, case__closed_at__lt=before)
    old = IncomingMail.objects.filter(is_over, received_at__lt=before, original__isnull=False)
    ids = list(old.values_list("id", flat=True))
    Original.objects.filter(mail_id__in=ids).delete()
    IncomingMail.objects.filter(id__in=ids).update(text="")
    unasked = Draft.objects.filter(state__in=(DraftState.DISCARDED, DraftState.EXPIRED), ended_at__lt=before)
    unasked.exclude(reason="").update(reason="")
    AutomaticAnswer.objects.filter(day__lt=before.date()).delete()
    return len(ids)
