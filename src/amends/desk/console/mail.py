"""Letters that came by mail: those that wait for a person, drafts that wait for their customer, and the others."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from amends.desk.accounts.models import User
from amends.desk.cases.permissions import HANDLERS
from amends.desk.console.access import staff_only
from amends.desk.console.entries import read_text
from amends.desk.console.telling import act_and_tell
from amends.desk.mail.handling import discard as discard_mail
from amends.desk.mail.handling import discard_draft, mark_spam, put_into_case
from amends.desk.mail.models import Draft, DraftState, IncomingMail, MailState, Original
from amends.desk.mail.quoting import own_words

SHOWN_MAX = 100
DRAFTS = "drafts"
_SHELVES: dict[str, tuple[object, tuple[MailState, ...]]] = {
    "quarantine": (gettext_lazy("Waits for a person"), (MailState.QUARANTINED, MailState.WAITING)),
    DRAFTS: (gettext_lazy("Drafts"), ()),
    "joined": (gettext_lazy("In cases"), (MailState.JOINED,)),
    "automatic": (gettext_lazy("Written by machines"), (MailState.AUTOMATIC,)),
    "discarded": (gettext_lazy("Discarded"), (MailState.DISCARDED, MailState.SPAM)),
}


@require_GET
@staff_only
def show_mail(request: HttpRequest, user: User) -> HttpResponseBase:
    """One shelf of letters, the newest first; drafts with the letters that they were made of."""
    shelf = request.GET.get("show", "quarantine")
    if shelf not in _SHELVES:
        raise Http404
    shown: dict[str, object] = {
        "here": "mail",
        "shelf": shelf,
        "shelves": _shelves(shelf),
        "may_handle": user.has_role(*HANDLERS),
    }
    if shelf == DRAFTS:
        waiting = Draft.objects.filter(state=DraftState.OPEN).select_related("customer", "order")
        shown["drafts"] = waiting.prefetch_related("mail").order_by("-first_contact_at")[:SHOWN_MAX]
    else:
        found = IncomingMail.objects.filter(state__in=_SHELVES[shelf][1]).select_related("case")
        shown["letters"] = found.order_by("-received_at")[:SHOWN_MAX]
    return render(request, "console/mail.html", shown)


def _shelves(chosen: str) -> list[dict[str, object]]:
    counts = {
        name: IncomingMail.objects.filter(state__in=states).count()
        for name, (_title, states) in _SHELVES.items()
    }
    counts[DRAFTS] = Draft.objects.filter(state=DraftState.OPEN).count()
    return [
        {"name": name, "title": title, "count": counts[name], "is_here": name == chosen}
        for name, (title, _states) in _SHELVES.items()
    ]


@require_GET
@staff_only
def show_letter(request: HttpRequest, user: User, mail_id: UUID) -> HttpResponseBase:
    """One letter with everything that is known of it."""
    mail = _find(mail_id)
    shown = {
        "here": "mail",
        "mail": mail,
        "words": own_words(mail.text),
        "is_settled": mail.state in (MailState.JOINED, MailState.DRAFTED),
        "may_handle": user.has_role(*HANDLERS),
    }
    return render(request, "console/letter.html", shown)


@require_GET
@staff_only
def download_original(request: HttpRequest, user: User, mail_id: UUID) -> HttpResponseBase:  # noqa: ARG001  # Django's
    """The bytes as they came, as a file that no browser opens."""
    original = Original.objects.filter(mail_id=mail_id).first()
    if original is None:
        raise Http404
    answer = HttpResponse(bytes(original.content), content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="{mail_id}.eml"'
    return answer


@require_POST
@staff_only
def act(request: HttpRequest, user: User, mail_id: UUID, action: str) -> HttpResponseBase:
    """Say what becomes of a letter."""
    mail = _find(mail_id)
    if action not in _ACTIONS:
        raise Http404
    act_and_tell(request, lambda: _ACTIONS[action](request, mail, user))
    return redirect("console_letter", mail_id)


def _put(request: HttpRequest, mail: IncomingMail, user: User) -> str:
    case = put_into_case(mail, user, read_text(request, "number"))
    return _("The letter is in %(number)s now.") % {"number": case.number}


def _discard(_request: HttpRequest, mail: IncomingMail, user: User) -> str:
    discard_mail(mail, user)
    return _("Discarded. The letter is kept.")


def _spam(_request: HttpRequest, mail: IncomingMail, user: User) -> str:
    mark_spam(mail, user)
    return _("Marked as spam. What this sender writes from now on is not answered.")


_ACTIONS = {"put": _put, "discard": _discard, "spam": _spam}


@require_POST
@staff_only
def discard(request: HttpRequest, user: User, draft_id: UUID) -> HttpResponseBase:
    """Nobody asks for what a draft says."""
    draft = Draft.objects.filter(id=draft_id).first()
    if draft is None:
        raise Http404
    act_and_tell(request, lambda: _discard_draft(draft, user))
    return redirect(f"{reverse('console_mail')}?show={DRAFTS}")


def _discard_draft(draft: Draft, user: User) -> str:
    discard_draft(draft, user)
    return _("Discarded. Its letters are kept.")


def _find(mail_id: UUID) -> IncomingMail:
    mail = IncomingMail.objects.select_related("case", "draft", "ended_by").filter(id=mail_id).first()
    if mail is None:
        raise Http404
    return mail
