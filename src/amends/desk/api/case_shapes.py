"""A case as programs see it."""

from datetime import date, datetime
from typing import Any

from django.conf import settings
from ninja import Schema

from amends.desk.cases.answering import open_questions
from amends.desk.cases.models import Appeal, Audience, Case, DecisionRecord, Evidence, Message
from amends.desk.cases.progress import arrival_of, case_in_words, refund_in_words
from amends.desk.notices.models import Letter
from amends.desk.payments.models import Refund
from amends.desk.payments.states import RefundState


class AmountLineOut(Schema):
    """One line of the arithmetic; the lines sum to the amount."""

    id: str
    label: str
    amount: int


class ClauseOut(Schema):
    """A sentence that was cited, and the part that it played."""

    id: str
    role: str
    text: str
    url: str


class DecisionOut(Schema):
    """What the policy says; `core` is what is hashed and can be replayed."""

    outcome: str
    grant: str | None
    amount: int
    currency: str
    lines: list[AmountLineOut]
    clauses: list[ClauseOut]
    missing: list[str]
    policy_version: str
    headline: str
    origins: list[str]
    """Where the facts of a fault came from: how many jobs failed, or that staff stated it."""
    consequences: list[str]
    counterfactuals: list[str]
    offers: list[str]
    plan: dict[str, Any]
    core: dict[str, Any]
    core_sha256: str


class RecordedDecision(DecisionOut):
    """A decision of a case, with its place in it."""

    sequence: int
    decided_at: datetime


class QuestionOut(Schema):
    """What the customer still has to answer: `reason_given` by a reason, `evidence` by a file, others by yes or no."""

    input: str
    question: str


class RefundOut(Schema):
    """Money on its way, and when it usually arrives after it was sent."""

    id: str
    amount: int
    currency: str
    state: str
    state_in_words: str
    method: str
    sent_at: datetime | None
    earliest_arrival: str | None
    latest_arrival: str | None
    bank_reference: str | None


class LetterOut(Schema):
    """A letter as the customer got it."""

    kind: str
    subject: str
    text: str
    created_at: datetime
    sent_at: datetime | None


class MessageOut(Schema):
    """Something that was said in the case."""

    by: str
    text: str
    at: datetime


class EvidenceOut(Schema):
    """A file that was taken."""

    id: str
    name: str
    media_type: str
    state: str
    uploaded_at: datetime


class AppealOut(Schema):
    """The customer asked for a person."""

    text: str
    at: datetime
    due_on: date
    decided_at: datetime | None
    result: str | None


class CaseSummary(Schema):
    """A case in a list."""

    number: str
    customer: str
    order: str
    line: int
    request: str
    state: str
    state_in_words: str
    opened_at: datetime
    due_on: date | None
    closed_at: datetime | None
    closing: str | None
    merged_into: str | None
    """The number of the case in which the request goes on."""


class SkippedDay(Schema):
    """A weekday that did not count."""

    day: date
    why: str


class CaseOut(CaseSummary):
    """A case with everything that its customer may know."""

    reason: str
    answers: dict[str, bool]
    first_contact_at: datetime
    target_on: date | None
    skipped_days: list[SkippedDay]
    decides_again_at: datetime | None
    issue: str | None
    questions: list[QuestionOut]
    decision: RecordedDecision | None
    refunds: list[RefundOut]
    letters: list[LetterOut]
    messages: list[MessageOut]
    evidence: list[EvidenceOut]
    appeal: AppealOut | None


def summary(case: Case) -> dict[str, Any]:
    """What a list shows."""
    return {
        "number": case.number,
        "customer": case.customer.external_id,
        "order": case.line.order.number,
        "line": case.line.position,
        "request": case.request,
        "state": case.state,
        "state_in_words": case_in_words(case),
        "opened_at": case.opened_at,
        "due_on": case.due_on,
        "closed_at": case.closed_at,
        "closing": case.closing or None,
        "merged_into": case.merged_into.number if case.merged_into else None,
    }


def detail(case: Case, issue_id: str | None) -> CaseOut:
    """Everything that the customer may know."""
    decided = case.decisions.order_by("-sequence").select_related("version").first()
    refunds = Refund.objects.filter(case_id=case.id).select_related("payment").order_by("created_at")
    letters = Letter.objects.filter(case_id=case.id).order_by("created_at", "id")
    messages = Message.objects.filter(case__in=case.with_merged, audience=Audience.CUSTOMER)
    return CaseOut(
        **summary(case),
        reason=case.reason,
        answers=case.answers,
        first_contact_at=case.first_contact_at,
        target_on=case.target_on,
        skipped_days=[SkippedDay(day=day, why=why) for day, why in case.skipped_days],
        decides_again_at=case.wakes_at,
        issue=issue_id,
        questions=[QuestionOut(input=one.input, question=one.text) for one in open_questions(case)],
        decision=_recorded(decided) if decided else None,
        refunds=[_refund(case, refund) for refund in refunds],
        letters=[_letter(letter) for letter in letters],
        messages=[
            MessageOut(by=message.author.partition(":")[0], text=message.text, at=message.at)
            for message in messages.order_by("at", "id")
        ],
        evidence=[
            EvidenceOut(
                id=str(kept.id),
                name=kept.name,
                media_type=kept.media_type,
                state=kept.state,
                uploaded_at=kept.uploaded_at,
            )
            for kept in Evidence.objects.filter(case__in=case.with_merged).order_by("uploaded_at", "id")
        ],
        appeal=_appeal(Appeal.objects.filter(case=case).first()),
    )


def decision_parts(core: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """What a decision and its sentences have in common with a preview."""
    clauses = [
        ClauseOut(
            id=one["clause"],
            role=one["role"],
            text=one["text"],
            url=f"{settings.PUBLIC_URL}/policy{one['anchor']}",
        )
        for one in said["reasons"]
    ]
    return {
        "outcome": core["outcome"],
        "grant": core["grant"],
        "amount": core["refund"]["amount"],
        "currency": core["refund"]["currency"],
        "lines": [AmountLineOut(**line) for line in core["lines"]],
        "clauses": clauses,
        "missing": core["missing"],
        "policy_version": core["policy"]["version"],
        "headline": said["headline"],
        "origins": said.get("origins", []),
        "consequences": said["consequences"],
        "counterfactuals": said["counterfactuals"],
        "offers": said["offers"],
        "core": core,
    }


def _recorded(decided: DecisionRecord) -> RecordedDecision:
    return RecordedDecision(
        **decision_parts(decided.core, decided.explanation),
        plan=decided.plan,
        core_sha256=decided.core_sha256,
        sequence=decided.sequence,
        decided_at=decided.decided_at,
    )


def _refund(case: Case, refund: Refund) -> RefundOut:
    arrives = arrival_of(case, refund)
    return RefundOut(
        id=str(refund.id),
        amount=refund.amount,
        currency=refund.currency,
        state=refund.state,
        state_in_words=refund_in_words(refund),
        method=refund.payment.method,
        sent_at=refund.changed_at if refund.state == RefundState.SUCCEEDED else None,
        earliest_arrival=arrives[0] if arrives else None,
        latest_arrival=arrives[1] if arrives else None,
        bank_reference=refund.trace or None,
    )


def _letter(letter: Letter) -> LetterOut:
    return LetterOut(
        kind=letter.kind,
        subject=letter.subject,
        text=letter.text,
        created_at=letter.created_at,
        sent_at=letter.sent_at,
    )


def _appeal(appeal: Appeal | None) -> AppealOut | None:
    if appeal is None:
        return None
    return AppealOut(
        text=appeal.text,
        at=appeal.at,
        due_on=appeal.due_on,
        decided_at=appeal.decided_at,
        result=appeal.result or None,
    )
