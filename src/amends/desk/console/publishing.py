"""Drafts of the policy: write, have checked, propose, agree, call off."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from amends.desk.accounts.models import User
from amends.desk.console.access import staff_only
from amends.desk.console.authoring import make_page
from amends.desk.console.entries import BadEntryError, read_text
from amends.desk.console.telling import act_and_tell
from amends.desk.policies.drafting import (
    AUTHORS,
    RefusedError,
    discard_draft,
    latest_text,
    read_draft,
    save_text,
    start_draft,
)
from amends.desk.policies.examining import ask, latest, version_in_force, waive
from amends.desk.policies.models import Draft, DraftText, ExaminationKind, PolicyVersion, Proposal
from amends.desk.policies.publishing import approve, cancel, decline, propose

PLACE_DIGITS_MAX = 9
FIRST_TEXT = """---
policy: {name}
title: Refunds
version: 1
effective: 2026-01-01
contact: support@example.com
inputs:
  paid: money, from desk, "What you paid"
  refunded: money, from desk, "Returned before"
---
# Refunds
"""
"""The head that every policy needs, for a desk that has none yet."""


@require_POST
@staff_only
def start(request: HttpRequest, user: User) -> HttpResponseBase:
    """A draft with the text of the version in force, or with an empty one."""
    current = version_in_force()
    text = current.text if current else FIRST_TEXT.format(name=settings.POLICY_NAME)
    try:
        draft = start_draft(user, text, read_text(request, "note"))
    except (RefusedError, BadEntryError) as error:
        messages.error(request, str(error), extra_tags="bad")
        return redirect("console_policies")
    return redirect("console_draft", draft.id)


@require_GET
@staff_only
def show_draft(request: HttpRequest, user: User, draft_id: UUID) -> HttpResponseBase:
    """The text with everything that was found out about it."""
    return _show(request, user, _find(draft_id))


def _show(request: HttpRequest, user: User, draft: Draft, typed: str | None = None) -> HttpResponse:
    page = make_page(draft, user)
    version = PolicyVersion.objects.filter(proposal__text__draft=draft).first()
    shown = {
        "here": "policies",
        "page": page,
        "typed": page.text.text if typed is None else typed,
        "texts": draft.texts.select_related("saved_by").order_by("-sequence"),
        "answers": Proposal.objects.filter(text__draft=draft)
        .exclude(answer=None)
        .select_related("answer__by", "proposed_by")
        .order_by("text__sequence", "proposed_at"),
        "version": version,
        "may_write": user.has_role(*AUTHORS) and draft.closed_at is None,
        "notice_days": settings.POLICY_NOTICE_DAYS,
    }
    return render(request, "console/draft.html", shown, status=409 if typed is not None else 200)


@require_POST
@staff_only
def show_reading(request: HttpRequest, user: User) -> HttpResponseBase:
    """Whether a text reads, while it is typed: a part of a page."""
    if not user.has_role(*AUTHORS):
        raise Http404
    policy, problems, rendered = read_draft(request.POST.get("text", "").replace("\r\n", "\n"))
    shown = {"policy": policy, "problems": problems, "rendered": rendered}
    return render(request, "console/draft/reading.html", shown)


@require_POST
@staff_only
def act(request: HttpRequest, user: User, draft_id: UUID, action: str) -> HttpResponseBase:
    """Do one thing with a draft, say what became of it, and show it again."""
    draft = _find(draft_id)
    if action not in _ACTIONS:
        raise Http404
    is_done = act_and_tell(request, lambda: _ACTIONS[action](request, draft, user))
    if action == "save" and not is_done:
        # What somebody typed is never lost: the page shows it once more.
        return _show(request, user, draft, request.POST.get("text", ""))
    return redirect("console_draft", draft.id)


@require_POST
@staff_only
def call_off(request: HttpRequest, user: User, version_id: UUID) -> HttpResponseBase:
    """A scheduled version will not come into force."""
    version = PolicyVersion.objects.filter(id=version_id).first()
    if version is None:
        raise Http404
    act_and_tell(request, lambda: _call_off(request, version, user))
    return redirect("console_policy", version.id)


def _call_off(request: HttpRequest, version: PolicyVersion, user: User) -> str:
    cancel(version, user, read_text(request, "reason"))
    return _("Called off. Whoever was told of it is told.")


def _find(draft_id: UUID) -> Draft:
    draft = Draft.objects.select_related("started_by").filter(id=draft_id).first()
    if draft is None:
        raise Http404
    return draft


def _save(request: HttpRequest, draft: Draft, user: User) -> str:
    seen = request.POST.get("seen", "")
    saved = save_text(draft, user, request.POST.get("text", ""), _place(seen) or 0)
    if read_draft(saved.text)[0] is None:
        return _("Saved. The text does not read yet.")
    _examine(saved, user)
    return _("Saved. A worker checks it.")


def _place(text: str) -> int | None:
    """A place in a list; None where it is none, or longer than any list."""
    return int(text) if text.isdecimal() and len(text) < PLACE_DIGITS_MAX else None


def _examine(text: DraftText, user: User) -> None:
    ask(text, ExaminationKind.CHECK, user)
    if version_in_force() is not None:
        ask(text, ExaminationKind.COMPARISON, user)
        ask(text, ExaminationKind.BACKTEST, user)


def _ask_again(request: HttpRequest, draft: Draft, user: User) -> str:  # noqa: ARG001  # as the others
    _examine(latest_text(draft), user)
    return _("A worker checks it.")


def _bound(request: HttpRequest, draft: Draft, user: User) -> str:
    day = _place(read_text(request, "asks_on_day"))
    if day is None:
        raise BadEntryError(_("Please name the day as a whole number, such as 7."))
    ask(latest_text(draft), ExaminationKind.BOUND, user, asks_on_day=day)
    return _("A worker decides every purchase by both versions.")


def _waive(request: HttpRequest, draft: Draft, user: User) -> str:
    check, place = latest(latest_text(draft), ExaminationKind.CHECK), _place(read_text(request, "finding"))
    if check is None or place is None:
        raise Http404
    waive(check, place, user, read_text(request, "reason"))
    return _("Waived in your name.")


def _propose(request: HttpRequest, draft: Draft, user: User) -> str:
    propose(
        draft,
        user,
        read_text(request, "text_sha256"),
        read_text(request, "reason"),
        read_text(request, "short_notice_reason"),
    )
    return _("Proposed. Somebody else has to agree.")


def _approve(request: HttpRequest, draft: Draft, user: User) -> str:
    version = approve(draft, user, read_text(request, "text_sha256"))
    said = _("Published. Version %(version)s comes into force by itself on its day, and customers are told.")
    return said % {"version": version.version}


def _decline(request: HttpRequest, draft: Draft, user: User) -> str:
    decline(draft, user, read_text(request, "reason"))
    return _("Declined. The author can change the text and propose it again.")


def _discard(request: HttpRequest, draft: Draft, user: User) -> str:  # noqa: ARG001  # as the others
    discard_draft(draft, user)
    return _("Discarded. Its texts stay.")


_ACTIONS = {
    "save": _save,
    "examine": _ask_again,
    "bound": _bound,
    "waive": _waive,
    "propose": _propose,
    "approve": _approve,
    "decline": _decline,
    "discard": _discard,
}
