"""Pages of the portal."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from amends import InputError
from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.cases.answering import NotPossibleError, Speaker, answer, open_questions, write_message
from amends.desk.cases.deciding import Judgement, foresee
from amends.desk.cases.ending import DENIALS, appeal, cancel
from amends.desk.cases.evidence import RefusedFileError, add_evidence
from amends.desk.cases.models import Case, CaseState, Channel, Evidence, RequestKind
from amends.desk.cases.opening import OpenCaseError, Request, open_case
from amends.desk.cases.paying import refunds_that_count
from amends.desk.cases.paying_out import awaiting_account
from amends.desk.cases.progress import arrival_of, case_in_words, refund_in_words
from amends.desk.mail.drafts import DraftOverError, confirm, first_contact, open_drafts
from amends.desk.mail.models import Draft, DraftState
from amends.desk.notices.models import Letter
from amends.desk.orders.actions import load_payments
from amends.desk.orders.models import Line, Order
from amends.desk.policies.actions import acknowledge, arrival, question_lang, read, version_at
from amends.desk.policies.models import Acknowledgement
from amends.desk.portal.access import customer_only
from amends.desk.portal.drafts import own_draft
from amends.desk.portal.forms import TEXT_LENGTH_MAX, MessageForm, RequestForm
from amends.desk.portal.outlook import look_ahead, unsaved_case
from amends.desk.portal.story import steps_of, thread_of
from amends.policy.model import Policy
from amends.policy.types import YES_NO

PAGE = 25
KINDS = (
    (
        RequestKind.REFUND,
        gettext_lazy("I want my money back"),
        gettext_lazy("I changed my mind, or it is not what I need."),
    ),
    (
        RequestKind.CONVERT,
        gettext_lazy("I bought the annual plan by mistake"),
        gettext_lazy("I meant to buy the monthly one."),
    ),
    (
        RequestKind.TECHNICAL,
        gettext_lazy("It does not work"),
        gettext_lazy("A technical problem keeps me from using it."),
    ),
    (
        RequestKind.BILLING_ERROR,
        gettext_lazy("The charge is wrong"),
        gettext_lazy("I was charged twice, or not what I agreed to."),
    ),
)
_REASON, _EVIDENCE = "reason_given", "evidence"


@require_GET
@customer_only
def show_orders(request: HttpRequest, customer: Customer) -> HttpResponse:
    """What was bought, and what could come back."""
    lines = Line.objects.filter(order__customer=customer).select_related(
        "plan__monthly", "subscription", "order__customer"
    )
    shown = list(lines.order_by("-purchased_at")[:PAGE])
    load_payments([line.order for line in shown])
    outlooks = [look_ahead(customer, line) for line in shown]
    context = {"customer": customer, "outlooks": outlooks, "drafts": open_drafts(customer)}
    return render(request, "portal/orders.html", context | _policy_news(customer))


def _policy_news(customer: Customer) -> dict[str, object]:
    """The version in force, if the customer has not been shown it."""
    version = version_at(settings.POLICY_NAME, clock.now())
    is_known = Acknowledgement.objects.filter(customer=customer, version=version).exists()
    return {"fresh_version": None if is_known else version}


@require_POST
@customer_only
def acknowledge_policy(request: HttpRequest, customer: Customer) -> HttpResponse:  # noqa: ARG001  # Django's
    """The customer has seen the version in force (V2)."""
    acknowledge(customer, version_at(settings.POLICY_NAME, clock.now()), "portal")
    return redirect("orders")


def _own_line(customer: Customer, number: str, position: int) -> Line:
    """A purchase of the customer; somebody else's is not there (invariant I21)."""
    line = Line.objects.select_related("order__customer", "plan__monthly").filter(
        order__customer=customer, order__number=number, position=position
    )
    found = line.first()
    if found is None:
        raise Http404
    return found


@require_http_methods(["GET", "POST"])
@customer_only
def make_request(request: HttpRequest, customer: Customer, number: str, position: int) -> HttpResponseBase:
    """What happened, what the policy still asks, the calculation, and only then the request."""
    line = _own_line(customer, number, position)
    under_way = Case.objects.filter(line=line).exclude(state=CaseState.CLOSED).first()
    if under_way is not None:
        return redirect("case", under_way.number)
    draft = _draft_for(request, customer, line)
    context: dict[str, object] = {
        "customer": customer,
        "line": line,
        "kinds": KINDS,
        "step": 1,
        "draft": draft,
    }
    if request.method == "GET":
        filled = {"kind": draft.kind, "reason": draft.reason} if draft else {}
        return render(request, "portal/request.html", context | {"form": RequestForm(initial=filled)})
    form = RequestForm(request.POST)
    if not form.is_valid():
        return render(request, "portal/request.html", context | {"form": form}, status=422)
    kind, reason = RequestKind(form.cleaned_data["kind"]), form.cleaned_data["reason"].strip()
    answers = {
        key.removeprefix("answer_"): value == "yes"
        for key, value in request.POST.items()
        if key.startswith("answer_")
    }
    asked = Asked(kind, reason, answers, draft)
    if "confirmed" in request.POST:
        return _open(request, customer, line, asked)
    return _foresee(request, context | {"form": form, "reason": reason, "kind": kind}, asked)


def _draft_for(request: HttpRequest, customer: Customer, line: Line) -> Draft | None:
    """The letters that the request began with, if it did; they are the customer's, and about this purchase."""
    given = request.POST.get("draft") or request.GET.get("draft")
    if not given:
        return None
    try:
        draft = own_draft(customer, UUID(given))
    except ValueError:
        raise Http404 from None
    if draft.state != DraftState.OPEN or draft.order_id not in (None, line.order_id):
        raise Http404
    return draft


@dataclass(frozen=True, slots=True)
class Asked:
    """What the wizard has gathered so far."""

    kind: RequestKind
    reason: str
    answers: dict[str, bool]
    draft: Draft | None


def _foresee(request: HttpRequest, context: dict[str, object], asked: Asked) -> HttpResponse:
    customer, line = context["customer"], context["line"]
    assert isinstance(customer, Customer)
    assert isinstance(line, Line)
    case = unsaved_case(customer, line, asked.kind, asked.reason, asked.answers)
    if asked.draft is not None:
        case.first_contact_at = first_contact(asked.draft, line)
    try:
        judgement, plan = foresee(case)
    except InputError:
        return render(
            request, "portal/request.html", context | {"step": 3, "answers": asked.answers, "person": True}
        )
    questions = _questions(judgement)
    if any(question["is_choice"] for question in questions) or (
        _REASON in judgement.decision.missing and not asked.reason
    ):
        return render(
            request,
            "portal/request.html",
            context | {"step": 2, "answers": asked.answers, "questions": questions},
        )
    shown = {
        "step": 3,
        "answers": asked.answers,
        "decision": judgement.decision.core(),
        "explanation": judgement.said,
        "plan": plan,
        "policy_lang": judgement.decision.policy.lang,
        "arrivals": _arrivals(judgement.decision.policy, line.order),
    }
    return render(request, "portal/request.html", context | shown)


def _arrivals(policy: Policy, order: Order) -> list[tuple[str, str, str]]:
    """Each method that was paid with, and when money arrives by it: earliest and latest."""
    methods = dict.fromkeys(payment.method for payment in order.payments)
    return [(method, *found) for method in methods if (found := arrival(policy, method))]


def _questions(judgement: Judgement) -> list[dict[str, object]]:
    """What the policy asks the customer; files are asked for in the case."""
    policy = judgement.decision.policy
    inputs = policy.inputs
    return [
        {
            "name": name,
            "text": text,
            "lang": question_lang(policy, text),
            "is_choice": inputs[name].type == YES_NO and name not in (_REASON, _EVIDENCE),
        }
        for name, text in zip(judgement.decision.missing, judgement.explanation.questions, strict=True)
        if inputs[name].answered_by == "customer"
    ]


def _open(request: HttpRequest, customer: Customer, line: Line, asked: Asked) -> HttpResponseBase:
    wanted = Request(customer, line, asked.kind, Channel.PORTAL, asked.reason, asked.answers)
    try:
        case = confirm(asked.draft, wanted) if asked.draft else open_case(wanted)
    except OpenCaseError as error:
        return redirect("case", error.number)
    except DraftOverError:
        return redirect("orders")
    messages.success(request, _("We have your request. You also have it by mail."), extra_tags="good")
    return redirect("case", case.number)


def _own_case(customer: Customer, number: str) -> Case:
    case = (
        Case.objects.select_related("line__order", "customer", "merged_into")
        .filter(customer=customer, number=number)
        .first()
    )
    if case is None:
        raise Http404
    return case


@require_GET
@customer_only
def show_case(request: HttpRequest, customer: Customer, number: str) -> HttpResponse:
    """One request: where it is, what was decided and why, and what can be done."""
    case = _own_case(customer, number)
    record = case.decisions.order_by("-sequence").select_related("version").first()
    payouts = awaiting_account(case)
    is_asked = any(not payout.account_hint for payout in payouts)
    refunds = [
        {"refund": refund, "words": refund_in_words(refund), "arrival": arrival_of(case, refund)}
        for refund in refunds_that_count(case.id)
    ]
    context = {
        "customer": customer,
        "case": case,
        "words": _("We need a bank account from you to pay this.") if is_asked else case_in_words(case),
        "record": record,
        "cited": _cited(record.explanation["reasons"]) if record else [],
        "policy_lang": read(record.version).lang if record else "",
        "steps": steps_of(case),
        "thread": thread_of(case),
        "evidence": Evidence.objects.filter(case__in=case.with_merged).order_by("uploaded_at"),
        "questions": open_questions(case),
        "refunds": refunds,
        "letters": Letter.objects.filter(case_id=case.id).order_by("created_at"),
        "form": MessageForm(),
        "payout": payouts[0] if payouts else None,
        "can_appeal": case.closing in DENIALS and not hasattr(case, "appeal"),
        "can_cancel": case.state not in (CaseState.CLOSED, CaseState.PAYING),
    }
    return render(request, "portal/case.html", context)


def _cited(reasons: list[dict[str, str]]) -> list[dict[str, str]]:
    return [reason for reason in reasons if reason["role"] in ("grants", "denies", "refers")]


@require_POST
@customer_only
def act_on_case(request: HttpRequest, customer: Customer, number: str, action: str) -> HttpResponseBase:
    """Answer, write, show, appeal, cancel."""
    case = _own_case(customer, number)
    speaker = Speaker(f"customer:{customer.id}", Channel.PORTAL)
    try:
        said = _ACTIONS[action](request, case, speaker)
    except KeyError:
        raise Http404 from None
    except (NotPossibleError, RefusedFileError) as error:
        messages.error(request, str(error), extra_tags="bad")
    else:
        messages.success(request, said, extra_tags="good")
    return redirect("case", number)


def _said(request: HttpRequest, name: str) -> str:
    """What somebody wrote, without what no letter can show, and no longer than we read."""
    return request.POST.get(name, "").replace("\0", "").strip()[:TEXT_LENGTH_MAX]


def _answer(request: HttpRequest, case: Case, speaker: Speaker) -> str:
    given = {
        name.removeprefix("answer_"): value == "yes"
        for name, value in request.POST.items()
        if name.startswith("answer_")
    }
    answer(case, speaker, given, _said(request, "reason"))
    return _("Thank you. We have decided again with your answer.")


def _write(request: HttpRequest, case: Case, speaker: Speaker) -> str:
    form = MessageForm(request.POST)
    if not form.is_valid():
        raise NotPossibleError(_("Please write something first."))
    write_message(case, speaker, form.cleaned_data["text"])
    return _("We have your message.")


def _upload(request: HttpRequest, case: Case, speaker: Speaker) -> str:
    files = request.FILES.getlist("files")
    if not files:
        raise NotPossibleError(_("Please choose a picture first."))
    for file in files:
        add_evidence(case, speaker, file.name or "", file.read())
    return _("We have your pictures. A person looks at them.")


def _appeal(request: HttpRequest, case: Case, speaker: Speaker) -> str:
    text = _said(request, "text")
    if not text:
        raise NotPossibleError(_("Please say what we should look at again."))
    appeal(case, speaker.actor, text)
    return _("A person will look at your request again.")


def _cancel(request: HttpRequest, case: Case, speaker: Speaker) -> str:  # noqa: ARG001  # as its siblings
    cancel(case, speaker.actor)
    return _("Your request is closed. Nothing was changed.")


_ACTIONS = {"answer": _answer, "write": _write, "upload": _upload, "appeal": _appeal, "cancel": _cancel}


@require_GET
@customer_only
def show_letter(request: HttpRequest, customer: Customer, letter_id: str) -> HttpResponse:  # noqa: ARG001  # Django's
    """A letter as it was sent."""
    letter = Letter.objects.filter(customer=customer, id=letter_id).first()
    if letter is None:
        raise Http404
    return HttpResponse(f"{letter.subject}\n\n{letter.text}", content_type="text/plain; charset=utf-8")


@require_GET
@customer_only
def download_case(request: HttpRequest, customer: Customer, number: str) -> HttpResponse:  # noqa: ARG001  # Django's
    """Everything about a request, for the customer to keep."""
    case = _own_case(customer, number)
    content = {
        "number": case.number,
        "order": case.line.order.number,
        "request": case.request,
        "reason": case.reason,
        "opened_at": case.opened_at,
        "state": case_in_words(case),
        "decisions": [record.core for record in case.decisions.order_by("sequence")],
        "messages": [{"at": message.at, "text": message.text} for message in thread_of(case)],
        "letters": list(
            Letter.objects.filter(case_id=case.id).values("kind", "subject", "text", "created_at")
        ),
    }
    response = JsonResponse(content, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="{case.number}.json"'
    return response
