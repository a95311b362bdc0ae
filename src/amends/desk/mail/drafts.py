"""From letters to a request: one draft for each order, which becomes a case when its customer says so."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.audit.actions import record
from amends.desk.cases.models import Case, Channel
from amends.desk.cases.opening import Request, open_case
from amends.desk.mail.claims import Claims, read_claims
from amends.desk.mail.joining import WORDS_LENGTH_MAX, join, take_files, words_of
from amends.desk.mail.models import Draft, DraftState, IncomingMail, MailState
from amends.desk.mail.reading import ReadLetter, read_letter
from amends.desk.orders.models import Line, Order


class DraftOverError(Exception):
    """The draft was confirmed or discarded before."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whose request a letter would be, and about which order."""

    customer: Customer
    order: Order | None


def find_target(letter: ReadLetter) -> Target | None:
    """The order that a letter names, else the customer whose address it came from; None where there is neither."""
    order = _named_order(read_claims(letter.subject, words_of(letter)))
    if order is not None:
        return Target(order.customer, order)
    known = Customer.objects.filter(email__iexact=letter.sender, erased_at=None)
    customer = known.order_by("created_at").first()
    return Target(customer, None) if customer else None


def _named_order(claims: Claims) -> Order | None:
    names = {*claims.references, *(name.upper() for name in claims.references)}
    named = Q(number__in=names) | Q(paid_by__payment__gateway_ref__in=names)
    found = list(
        Order.objects.filter(named, customer__erased_at=None).select_related("customer").distinct()[:2]
    )
    return found[0] if len(found) == 1 else None


def add_to_draft(mail: IncomingMail, letter: ReadLetter, target: Target) -> Draft:
    """Make a draft of a letter, or add it to the one about the same order; what it says plainly is filled in.

    Locks: the customer, so that two letters make one draft.
    """
    claims = read_claims(letter.subject, words_of(letter))
    with transaction.atomic():
        Customer.objects.select_for_update(no_key=True).get(id=target.customer.id)
        expires_on = clock.now().date() + timedelta(days=settings.MAIL_DRAFT_DAYS)
        draft = _open_draft(target, mail) or Draft.objects.create(
            customer=target.customer,
            order=target.order,
            first_contact_at=mail.received_at,
            expires_on=expires_on,
        )
        draft.expires_on = expires_on
        draft.order = draft.order or target.order
        draft.kind = draft.kind or (claims.kind or "")
        draft.purchased_on = draft.purchased_on or claims.purchased_on
        draft.reason = _reason(draft, mail, words_of(letter))
        draft.first_contact_at = min(draft.first_contact_at, mail.received_at)
        draft.save(
            update_fields=["order", "kind", "purchased_on", "reason", "first_contact_at", "expires_on"]
        )
        mail.draft, mail.state = draft, MailState.DRAFTED
        mail.files = [file.noted() for file in letter.files]
        mail.save(update_fields=["draft", "state", "files"])
        record(f"draft:{draft.id}", "desk", "drafted", mail=str(mail.id))
    return draft


def _open_draft(target: Target, mail: IncomingMail) -> Draft | None:
    """The draft about the order; the customer's own second letter may also name the order that the first did not."""
    waiting = Draft.objects.filter(customer=target.customer, state=DraftState.OPEN)
    same = waiting.filter(order=target.order).first()
    is_own = mail.sender == target.customer.email.lower()
    return same or (waiting.filter(order=None).first() if is_own else None)


def _reason(draft: Draft, mail: IncomingMail, words: str) -> str:
    """The letters one below the other; once the customer's own address wrote, what others wrote before is left out."""
    own = draft.customer.email.lower()
    earlier = set(draft.mail.values_list("sender", flat=True))
    is_first_own = mail.sender == own and own not in earlier
    together = words if is_first_own or not draft.reason else f"{draft.reason}\n\n{words}"
    return together[:WORDS_LENGTH_MAX]


def open_drafts(customer: Customer) -> list[Draft]:
    """What a customer may confirm."""
    waiting = Draft.objects.filter(customer=customer, state=DraftState.OPEN).select_related("order")
    return list(waiting.order_by("first_contact_at"))


def first_contact(draft: Draft, line: Line) -> datetime:
    """When the customer first asked about a purchase: a letter that names no order speaks of what was bought by then."""
    if draft.order_id is None and line.purchased_at > draft.first_contact_at:
        return clock.now()
    return draft.first_contact_at


def confirm(draft: Draft, request: Request) -> Case:
    """Open the case of a draft, with what the customer confirmed and the day of the first letter.

    Raises: DraftOverError, OpenCaseError: nothing is written.
    """
    with transaction.atomic():
        _lock_open(draft)
        case = open_case(
            replace(
                request,
                channel=Channel.MAIL,
                first_contact_at=first_contact(draft, request.line),
                client_key=f"draft:{draft.id}",
            )
        )
        end(draft, DraftState.CONFIRMED, f"customer:{draft.customer_id}", case)
        for mail in draft.mail.select_related("original"):
            mail.state, mail.case = MailState.JOINED, case
            mail.save(update_fields=["state", "case"])
            take_files(mail, read_letter(bytes(mail.original.content)), case)
    return case


def add_to_case(draft: Draft, case: Case) -> None:
    """The customer says that the letters belong to a request that is under way: they join it.

    Raises: DraftOverError: nothing is written.
    """
    with transaction.atomic():
        _lock_open(draft)
        end(draft, DraftState.CONFIRMED, f"customer:{draft.customer_id}", case)
        for mail in draft.mail.select_related("original").order_by("received_at"):
            join(mail, read_letter(bytes(mail.original.content)), case)


def discard(draft: Draft, actor: str) -> None:
    """Nobody asks for it.

    Raises: DraftOverError: nothing is written.
    """
    with transaction.atomic():
        _lock_open(draft)
        end(draft, DraftState.DISCARDED, actor)
        draft.mail.update(state=MailState.DISCARDED)


def expire_drafts(limit: int) -> int:
    """Discard what nobody confirmed by its last day; how many there were. The letters are erased by retention."""
    late = Draft.objects.filter(state=DraftState.OPEN, expires_on__lt=clock.now().date())
    expired = 0
    for draft in late.order_by("expires_on")[:limit]:
        # Somebody may have confirmed it, or written once more, in this very moment.
        with suppress(DraftOverError), transaction.atomic():
            _lock_open(draft)
            if draft.expires_on < clock.now().date():
                end(draft, DraftState.EXPIRED, "desk")
                draft.mail.update(state=MailState.DISCARDED)
                expired += 1
    return expired


def end(draft: Draft, state: DraftState, actor: str, case: Case | None = None) -> None:
    """Close a draft that is locked."""
    draft.state, draft.case = state, case
    draft.ended_at, draft.ended_by = clock.now(), actor
    draft.save(update_fields=["state", "case", "ended_at", "ended_by"])
    record(f"draft:{draft.id}", actor, state.value, case=str(case.id) if case else "")


def _lock_open(draft: Draft) -> None:
    draft.refresh_from_db(from_queryset=Draft.objects.select_for_update(no_key=True))
    if draft.state != DraftState.OPEN:
        raise DraftOverError
