"""What staff do in a case: each action is one form and one call to the room that knows the rule."""

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from amends.desk.accounts.models import User
from amends.desk.cases.approving import approve
from amends.desk.cases.disputes import link_dispute, unlink_dispute
from amends.desk.cases.merging import merge
from amends.desk.cases.models import Case, Evidence
from amends.desk.cases.replying import mark_read, reply
from amends.desk.cases.stating import (
    FIXED_AT,
    Gift,
    answer_appeal,
    ask,
    assign,
    decline,
    goodwill,
    judge_evidence,
    note,
    reopen,
    state_fact,
    waive,
)
from amends.desk.console.access import staff_only
from amends.desk.console.choices import choices_of
from amends.desk.console.entries import (
    BadEntryError,
    read_amount,
    read_count,
    read_id,
    read_instant,
    read_text,
)
from amends.desk.console.telling import act_and_tell
from amends.desk.languages import reader_locale
from amends.policy.explanation import format_amount


@require_POST
@staff_only
def act(request: HttpRequest, user: User, number: str, action: str) -> HttpResponseBase:
    """Do one thing, say what became of it, and show the case again."""
    case = Case.objects.select_related("line__order", "customer").filter(number=number).first()
    if case is None or action not in _ACTIONS:
        raise Http404
    act_and_tell(request, lambda: _ACTIONS[action](request, case, user))
    return redirect("console_case", case.number)


def _approve(request: HttpRequest, case: Case, user: User) -> str:
    approve(case, user, read_text(request, "plan_sha256"))
    return _("You agreed to the plan.")


def _decline(request: HttpRequest, case: Case, user: User) -> str:
    decline(case, user, read_text(request, "reason"))
    return _("Declined. The customer has a letter with the reasons.")


def _ask(request: HttpRequest, case: Case, user: User) -> str:
    ask(case, user, read_text(request, "question"))
    return _("Asked. The time in which we answer stands still until the customer does.")


def _reply(request: HttpRequest, case: Case, user: User) -> str:
    reply(case, user, read_text(request, "text"))
    return _("Answered. The customer has it by mail, and on the page of the request.")


def _mark_read(_request: HttpRequest, case: Case, user: User) -> str:
    mark_read(case, user)
    return _("Read. The customer is not written to.")


def _state(request: HttpRequest, case: Case, user: User) -> str:
    name, value = read_text(request, "name"), read_text(request, "value")
    if name == FIXED_AT:
        state_fact(
            case, user, name, read_instant(read_text(request, "at")).isoformat(), read_text(request, "reason")
        )
    elif value in ("yes", "no"):
        state_fact(case, user, name, value == "yes", read_text(request, "reason"))
    else:
        raise BadEntryError(_("Please choose yes or no."))
    return _("Stated. The case was decided again with it.")


def _waive(request: HttpRequest, case: Case, user: User) -> str:
    clauses, grant = frozenset(request.POST.getlist("clause")), read_text(request, "grant") or None
    _demand_offered(case, clauses, grant)
    decided = waive(case, user, clauses, read_text(request, "reason"), grant)
    amount = format_amount(decided.amount, decided.currency, reader_locale())
    return _("Set aside. The policy now gives %(amount)s; somebody else has to agree.") % {"amount": amount}


def _demand_offered(case: Case, clauses: frozenset[str], grant: str | None) -> None:
    offered = choices_of(case, case.decisions.order_by("-sequence").select_related("version").first())
    if unknown := sorted(clauses - {one.id for one in (*offered.cited, *offered.others)}):
        raise BadEntryError(_("“%(clause)s” is no clause that can be set aside.") % {"clause": unknown[0]})
    if grant is not None and grant not in {rule.clause for rule in offered.grants}:
        raise BadEntryError(_("“%(clause)s” is no clause that grants something.") % {"clause": grant})


def _note(request: HttpRequest, case: Case, user: User) -> str:
    note(case, user, read_text(request, "text"))
    return _("Noted. The customer does not see it.")


def _assign(request: HttpRequest, case: Case, user: User) -> str:
    is_mine = read_text(request, "to") == "me"
    assign(case, user, user if is_mine else None)
    return _("The case is yours.") if is_mine else _("The case is nobody's.")


def _goodwill(request: HttpRequest, case: Case, user: User) -> str:
    quantity = read_count(read_text(request, "quantity"))
    value = read_amount(read_text(request, "value"), case.line.order.currency)
    gift = Gift(read_count(read_text(request, "number")), quantity, value)
    goodwill(case, user, gift, read_text(request, "reason"))
    return _("Given. The credits are in the customer's wallet.")


def _answer_appeal(request: HttpRequest, case: Case, user: User) -> str:
    answer_appeal(case, user, read_text(request, "result"))
    return _("Answered. The customer has a letter with what you found.")


def _reopen(request: HttpRequest, case: Case, user: User) -> str:
    reopen(case, user, read_text(request, "reason"))
    return _("The case is open again, with a task to look at it.")


def _merge(request: HttpRequest, case: Case, user: User) -> str:
    into = merge(case, user, read_text(request, "number"), read_text(request, "reason"))
    return _("Merged: it goes on in %(number)s, and the customer has a letter.") % {"number": into.number}


def link_to_case(request: HttpRequest, case: Case, user: User) -> str:
    """Link the dispute that a form names to a case."""
    link_dispute(case, user, read_text(request, "dispute"), read_text(request, "reason"))
    return _("Linked. While it is open nothing is paid without a person; lost, it counts as returned.")


def _unlink_dispute(request: HttpRequest, case: Case, user: User) -> str:
    unlink_dispute(case, user, read_text(request, "dispute"), read_text(request, "reason"))
    return _("Unlinked. The case is judged without it.")


def _judge(request: HttpRequest, case: Case, user: User) -> str:
    wanted = Evidence.objects.select_related("case__line")
    evidence_id, verdict = read_id(read_text(request, "evidence")), read_text(request, "verdict")
    found = wanted.filter(case__in=case.with_merged, id=evidence_id).first() if evidence_id else None
    if found is None or verdict not in ("accept", "reject"):
        raise Http404
    judge_evidence(found, user, is_useful=verdict == "accept", reason=read_text(request, "reason"))
    return _("Noted. The case was decided again with it.")


_ACTIONS = {
    "approve": _approve,
    "decline": _decline,
    "ask": _ask,
    "reply": _reply,
    "mark-read": _mark_read,
    "state": _state,
    "waive": _waive,
    "note": _note,
    "assign": _assign,
    "goodwill": _goodwill,
    "judge": _judge,
    "merge": _merge,
    "link-dispute": link_to_case,
    "unlink-dispute": _unlink_dispute,
    "answer-appeal": _answer_appeal,
    "reopen": _reopen,
}
