"""Requests: what would be decided, a case, and what its customer does in it. None of these takes an amount."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import File, Router, Schema, Status
from ninja.files import UploadedFile
from pydantic import Field, StrictBool

from amends import InputError
from amends.desk import clock
from amends.desk.accounts.models import Customer, Scope
from amends.desk.api.access import Needs, key_of
from amends.desk.api.case_shapes import CaseOut, CaseSummary, DecisionOut, decision_parts, detail, summary
from amends.desk.api.customers import named_customer
from amends.desk.api.orders import find_line
from amends.desk.api.pages import Cursor, Limit, page
from amends.desk.api.problems import Fault, Problem, invalid, missing
from amends.desk.api.repetition import HEADER
from amends.desk.api.schemas import Body, FullText, Id, Instant, Text
from amends.desk.cases import answering, ending
from amends.desk.cases.answering import NotPossibleError, Speaker, UnknownQuestionError
from amends.desk.cases.deciding import foresee
from amends.desk.cases.evidence import RefusedFileError, add_evidence
from amends.desk.cases.facts import ANSWERABLE
from amends.desk.cases.models import Case, CaseState, Channel, RequestKind
from amends.desk.cases.opening import OpenCaseError, Request, open_case
from amends.desk.issues import actions as issues
from amends.desk.issues.models import Issue
from amends.desk.orders.models import Line
from amends.policy.letter import write_letter

router = Router(auth=Needs(Scope.CASES), tags=["cases"])
Answers = dict[Annotated[str, Field(max_length=100)], StrictBool]


class RequestIn(Body):
    """What somebody asks for."""

    customer: Id
    order: Id
    line: Annotated[int, Field(ge=1, le=50)] | None = None
    """May be left out where the order has one line."""
    request: RequestKind
    reason: Text = ""
    answers: Answers = Field(default_factory=dict)


class CaseIn(RequestIn):
    """A request to be opened."""

    first_contact_at: Instant | None = None
    """When the customer first asked, where that was before now; the policy's window is judged by it."""


class PreviewOut(DecisionOut):
    """What would be decided now, and the letter's own words; nothing is stored."""

    questions: list[str]
    letter: str


class CasePage(Schema):
    """Cases, the newest first."""

    items: list[CaseSummary]
    next_cursor: str | None


class MessageIn(Body):
    """What the customer says."""

    text: FullText


class AnswersIn(Body):
    """Answers to the policy's questions."""

    answers: Answers = Field(default_factory=dict)
    reason: Text = ""


class FixedIn(Body):
    """When the fault was gone; now, if it is left out."""

    fixed_at: Instant | None = None


class IssueOut(Schema):
    """A fault, and the cases that were decided by its end."""

    id: str
    reported_at: datetime
    fixed_at: datetime | None
    cases: list[str]


@router.post("/decisions/preview", response=PreviewOut, auth=Needs(Scope.DECISIONS), tags=["decisions"])
def post_preview(request: HttpRequest, body: RequestIn) -> PreviewOut:  # noqa: ARG001  # ninja's
    """What the policy would decide now, line by line, and what would be done; nothing is written."""
    case = _unsaved(body)
    try:
        judgement, plan = foresee(case)
    except InputError as error:
        raise Problem("facts_contradict", f"`{error.input}`: {error.message}") from error
    decision, explanation = judgement.decision, judgement.explanation
    return PreviewOut(
        **decision_parts(decision.core(), judgement.said),
        plan=plan,
        core_sha256=decision.core_sha256,
        questions=list(explanation.questions),
        letter=write_letter(decision.policy, explanation, case.customer.locale),
    )


@router.post("/cases", response={201: CaseOut})
def post_case(request: HttpRequest, body: CaseIn) -> Status[CaseOut]:
    """Open a case; it is decided at once. With an Idempotency-Key, sending it twice opens one."""
    customer, line = _who_and_what(body)
    now = clock.now()
    if body.first_contact_at is not None and body.first_contact_at > now:
        raise _invalid("first_contact_at", "lies in the future")
    name = request.headers.get(HEADER)
    wanted = Request(
        customer=customer,
        line=line,
        kind=body.request,
        channel=Channel.API,
        reason=body.reason.strip(),
        answers=body.answers,
        first_contact_at=body.first_contact_at,
        client_key=f"api:{key_of(request).id}:{name}" if name else None,
    )
    try:
        case = open_case(wanted)
    except OpenCaseError as error:
        problem = Problem("case_under_way", f"Case {error.number} is about the same purchase; go on in it.")
        problem.members["case"] = error.number
        raise problem from error
    return Status(201, _detail(case))


@router.get("/cases", response=CasePage)
def list_cases(
    request: HttpRequest,  # noqa: ARG001  # ninja's
    cursor: Cursor,
    limit: Limit,
    customer: Id | None = None,
    state: CaseState | None = None,
) -> CasePage:
    """Cases of a customer, in a state, or all."""
    found = Case.objects.select_related("customer", "line__order", "merged_into")
    if customer is not None:
        found = found.filter(customer__external_id=customer)
    if state is not None:
        found = found.filter(state=state)
    rows, following = page(found, cursor, limit)
    return CasePage(items=[CaseSummary(**summary(row)) for row in rows], next_cursor=following)


@router.get("/cases/{number}", response=CaseOut)
def get_case(request: HttpRequest, number: Id) -> CaseOut:  # noqa: ARG001  # ninja's
    """One case, with everything that its customer may know."""
    return _detail(_find(number))


@router.post("/cases/{number}/messages", response={201: CaseOut})
def post_message(request: HttpRequest, number: Id, body: MessageIn) -> Status[CaseOut]:  # noqa: ARG001  # ninja's
    """The customer writes; a person reads it."""
    case = _find(number)
    answering.write_message(case, _speaker(case), body.text)
    return Status(201, _detail(case))


@router.post("/cases/{number}/answers", response=CaseOut)
def post_answers(request: HttpRequest, number: Id, body: AnswersIn) -> CaseOut:  # noqa: ARG001  # ninja's
    """The customer answers what the policy asks; the case is decided again."""
    case = _find(number)
    reason = body.reason.strip()
    if not body.answers and not reason:
        raise _invalid("answers", "send at least one answer or a reason")
    try:
        answering.answer(case, _speaker(case), body.answers, reason)
    except UnknownQuestionError as error:
        raise _unknown_answer(str(error)) from error
    except NotPossibleError as error:
        raise Problem("not_possible_now", str(error)) from error
    return _detail(case)


@router.post("/cases/{number}/evidence", response={201: CaseOut})
def post_evidence(
    request: HttpRequest,  # noqa: ARG001  # ninja's
    number: Id,
    file: Annotated[UploadedFile, File(description="One PNG, JPEG or WebP, at most 10 MB")],
) -> Status[CaseOut]:
    """The customer sends a picture as a multipart form; it is kept re-encoded, and the case is decided again."""
    case = _find(number)
    try:
        add_evidence(case, _speaker(case), file.name or "", file.read())
    except RefusedFileError as error:
        raise Problem("evidence_refused", str(error)) from error
    except NotPossibleError as error:
        raise Problem("not_possible_now", str(error)) from error
    return Status(201, _detail(case))


@router.post("/cases/{number}/cancel", response=CaseOut)
def post_cancel(request: HttpRequest, number: Id) -> CaseOut:  # noqa: ARG001  # ninja's
    """The customer wants nothing any more."""
    case = _find(number)
    try:
        ending.cancel(case, _speaker(case).actor)
    except NotPossibleError as error:
        raise Problem("not_possible_now", str(error)) from error
    return _detail(case)


@router.post("/cases/{number}/appeal", response={201: CaseOut})
def post_appeal(request: HttpRequest, number: Id, body: MessageIn) -> Status[CaseOut]:  # noqa: ARG001  # ninja's
    """The customer wants a person after a denial."""
    case = _find(number)
    try:
        ending.appeal(case, _speaker(case).actor, body.text)
    except NotPossibleError as error:
        raise Problem("not_possible_now", str(error)) from error
    return Status(201, _detail(case))


@router.post("/issues/{id}/fixed", response=IssueOut, tags=["issues"])
def post_fixed(request: HttpRequest, id: UUID, body: FixedIn) -> IssueOut:  # noqa: A002  # the path's word
    """The fault is gone; cases that waited for it are decided."""
    issue = Issue.objects.filter(id=id).first()
    if issue is None:
        raise missing()
    if issue.fixed_at is not None:
        raise Problem("not_possible_now", f"The fault was fixed at {issue.fixed_at.isoformat()}.")
    try:
        decided = answering.end_fault(issue, f"key:{key_of(request).id}", body.fixed_at or clock.now())
    except ValueError as error:
        raise _invalid("fixed_at", str(error)) from error
    return IssueOut(
        id=str(issue.id),
        reported_at=issue.reported_at,
        fixed_at=issue.fixed_at,
        cases=[case.number for case in decided],
    )


def _unsaved(body: RequestIn) -> Case:
    customer, line = _who_and_what(body)
    now = clock.now()
    return Case(
        customer=customer,
        line=line,
        request=body.request.value,
        reason=body.reason.strip(),
        answers=body.answers,
        is_identified=True,
        first_contact_at=now,
    )


def _who_and_what(body: RequestIn) -> tuple[Customer, Line]:
    unknown = sorted(set(body.answers) - set(ANSWERABLE))
    if unknown:
        raise _unknown_answer(unknown[0])
    customer = named_customer(body.customer)
    return customer, find_line(customer, body.order, body.line)


def _unknown_answer(name: str) -> Problem:
    asked = ", ".join(f"`{one}`" for one in ANSWERABLE)
    return _invalid(f"answers.{name[:100]}", f"the policy asks no such question; it asks {asked}")


def _invalid(where: str, why: str) -> Problem:
    return invalid([Fault(where, why)])


def _find(number: str) -> Case:
    case = Case.objects.select_related("customer", "line__order", "merged_into").filter(number=number).first()
    if case is None:
        raise missing()
    return case


def _detail(case: Case) -> CaseOut:
    case.refresh_from_db()
    issue = issues.latest(case.line_id) if case.request == RequestKind.TECHNICAL else None
    return detail(case, str(issue.id) if issue else None)


def _speaker(case: Case) -> Speaker:
    return Speaker(f"customer:{case.customer_id}", Channel.API)
