"""A case as staff see it."""

from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from amends.desk.accounts.models import User
from amends.desk.cases.approving import APPROVERS
from amends.desk.cases.disputes import LINKERS
from amends.desk.cases.merging import mergeable
from amends.desk.cases.models import Appeal, Case, DecisionRecord, Evidence, Message, TaskKind
from amends.desk.cases.permissions import GIVERS, HANDLERS
from amends.desk.cases.progress import case_in_words
from amends.desk.cases.stating import next_gift
from amends.desk.console import context
from amends.desk.console.access import staff_only
from amends.desk.console.card import make_card
from amends.desk.console.choices import choices_of
from amends.desk.console.presence import look_at
from amends.desk.console.rows import time_left
from amends.desk.mail.models import IncomingMail
from amends.desk.notices.models import Letter
from amends.desk.payments.models import Dispute
from amends.desk.policies import actions as policies


@require_GET
@staff_only
def show_case(request: HttpRequest, user: User, number: str) -> HttpResponseBase:
    """The thread, the decision and what stands beside it, with everything that can be done."""
    wanted = Case.objects.select_related(
        "customer",
        "assignee",
        "merged_into",
        "line__order",
        "line__subscription__plan",
        "line__plan",
    )
    case = wanted.filter(number=number).first()
    if case is None:
        raise Http404
    record = case.decisions.order_by("-sequence").select_related("version", "proposed_by").first()
    shown = _thread(case) | _beside(case, record)
    shown |= {
        "here": "cases",
        "case": case,
        "words": case_in_words(case),
        "time_left": time_left(case),
        "card": make_card(case, record) if record else None,
        "choices": choices_of(case, record),
        "policy_lang": policies.read(record.version).lang if record else "",
        "is_mine": case.assignee_id == user.id,
        "others_here": look_at(case, user),
        "next_gift": next_gift(case),
        "mergeable": mergeable(case),
        "merged": case.merged.order_by("opened_at"),
        "appeal": Appeal.objects.filter(case=case).select_related("decided_by").first(),
        "may_approve": user.has_role(*APPROVERS),
        "may_handle": user.has_role(*HANDLERS),
        "may_link": user.has_role(*LINKERS),
        "may_give": user.has_role(*GIVERS),
    }
    return render(request, "console/case.html", shown)


@require_GET
@staff_only
def show_presence(request: HttpRequest, user: User, number: str) -> HttpResponseBase:
    """Who else has the case open, while it is: a part of its page."""
    case = Case.objects.filter(number=number).first()
    if case is None:
        raise Http404
    return render(request, "console/case/presence.html", {"others_here": look_at(case, user)})


def _thread(case: Case) -> dict[str, object]:
    together = case.with_merged
    thread = list(Message.objects.filter(case__in=together).select_related("case").order_by("at", "id"))
    names = context.names_of(message.author for message in thread)
    return {
        "thread": [{"message": message, "author": names[message.author]} for message in thread],
        "reason": "" if any(message.text == case.reason for message in thread) else case.reason,
        "evidence": Evidence.objects.filter(case__in=together)
        .select_related("judged_by", "case")
        .order_by("uploaded_at"),
        "letters": Letter.objects.filter(case_id__in=together.values("id")).order_by("created_at"),
        "mail": IncomingMail.objects.filter(case__in=together).order_by("received_at"),
        "statements": case.statements.select_related("stated_by").order_by("at"),
    }


def _beside(case: Case, record: DecisionRecord | None) -> dict[str, object]:
    charged = case.line.order.payments
    at_purchase, at_request = context.versions_of(case)
    tasks = list(case.tasks.filter(done_at=None).order_by("due_at"))
    return {
        "at_purchase": at_purchase,
        "at_request": at_request,
        "payments": charged,
        "disputes": Dispute.objects.about(*charged).order_by("opened_at"),
        "refunds": context.refunds_of(charged),
        "totals": context.totals_of(case.customer),
        "lots": context.lots_of(case.customer),
        "used": context.usage_of(case, record),
        "fault": context.fault_of(case, record),
        "others": context.other_cases(case),
        "tasks": tasks,
        "waits_for_answer": any(task.kind == TaskKind.ANSWER for task in tasks),
        "trail": context.trail_of(case),
    }


@require_GET
@staff_only
def show_evidence(request: HttpRequest, user: User, evidence_id: UUID) -> HttpResponseBase:  # noqa: ARG001  # Django's
    """A picture as we keep it."""
    kept = Evidence.objects.filter(id=evidence_id).first()
    if kept is None:
        raise Http404
    return FileResponse(kept.file.open("rb"), content_type=kept.media_type)
