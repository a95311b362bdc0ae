"""What customers are told about a case, in the words of the policy and of `docs/letters.md`."""

from datetime import date

from babel.dates import format_date
from django.conf import settings

from amends.desk.cases.models import Case, DecisionRecord
from amends.desk.notices.actions import write
from amends.desk.notices.composition import Amounts, Block, Items, Paragraph, Quote
from amends.desk.notices.models import LetterKind
from amends.desk.payments.models import Refund
from amends.desk.policies import actions as policies
from amends.policy.explanation import format_amount
from amends.policy.model import Policy

_CITED = ("grants", "denies", "refers")


def received(case: Case) -> None:
    """A durable copy of the request, with the day on which it is answered at the latest."""
    line = case.line
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(
            f"We have your request about order {line.order.number} ({line.description}). "
            f"Its number is {case.number}; please keep it."
        ),
        Items("What we noted:", _noted(case)),
    ]
    if case.due_on is not None:
        blocks.append(Paragraph(f"You have our answer by {_day(case, case.due_on)} at the latest."))
    _send(case, LetterKind.RECEIVED, f"case:{case.id}", f"We have your request {case.number}", blocks)


def _noted(case: Case) -> tuple[str, ...]:
    words = [f"You asked for: {case.get_request_display()}"]
    if case.reason:
        words.append(f"Your reason: {case.reason}")
    return tuple(words)


def more_needed(case: Case, record: DecisionRecord, questions: tuple[str, ...]) -> None:
    """What is missing from the customer, as a list to go through."""
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(f"Before we can decide your request {case.number} we need something more from you:"),
        Items("", questions),
        Paragraph("Until we have it, the time in which we answer does not run. Please answer here:"),
        Paragraph(_case_url(case)),
    ]
    subject = f"We need something more for {case.number}"
    _send(case, LetterKind.MORE_NEEDED, f"decision:{record.id}", subject, blocks)


def decided(case: Case, record: DecisionRecord, *, again_on: str | None = None) -> None:
    """The decision as it is stored: arithmetic, reasons, what would have changed it, what else is open.

    `again_on` is the day on which a request that comes too early is decided by itself.
    """
    said, policy = record.explanation, policies.read(record.version)
    headline = said["headline"]
    if again_on is not None:
        day = _day(case, date.fromisoformat(again_on))
        headline = f"Not yet: we decide your request by ourselves on {day}. You need not ask again."
    blocks: list[Block] = [_greeting(case), Paragraph(headline)]
    blocks += _arithmetic(case, record)
    blocks += _consequences(case, record, policy)
    blocks += _reasons(record)
    if said["counterfactuals"]:
        blocks.append(Items("What would have changed it:", tuple(said["counterfactuals"])))
    if said["offers"]:
        blocks.append(Items("What else you can do:", tuple(said["offers"])))
    if record.outcome == "denied" and again_on is None:
        blocks.append(Paragraph(f"You can appeal to a person: {_case_url(case)}"))
    blocks.append(Paragraph(f"{policy.title}, version {policy.version}. Request {case.number}."))
    subject = f"Our decision on {case.number}"
    _send(case, LetterKind.DECISION, f"decision:{record.id}", subject, blocks)


def _arithmetic(case: Case, record: DecisionRecord) -> list[Block]:
    """The lines that sum to the amount, those of the plan where there is one."""
    owed = record.core.get("owed")
    lines = owed["lines"] if owed else record.plan.get("lines") or record.core["lines"]
    if not lines:
        return []
    total = owed["amount"] if owed else record.plan.get("refund", record.amount)
    step = record.plan.get("currency_step", 0)
    rows = [(str(line["label"]), int(line["amount"])) for line in lines]
    rows += [("Rounded up to what the payment provider can send", step)] if step else []
    rows.append(("You owe" if owed else "Refund", total))
    shown = tuple(
        (label, format_amount(amount, record.currency, case.customer.locale)) for label, amount in rows
    )
    return [Amounts(shown)]


def _consequences(case: Case, record: DecisionRecord, policy: Policy) -> list[Block]:
    consequences = list(record.explanation["consequences"])
    payment = case.line.order.payment
    found = policies.arrival(policy, payment.method) if payment and record.amount else None
    if payment and found:
        consequences.append(
            f"With {payment.method} money usually arrives {found[0]} to {found[1]} after we send it."
        )
    return [Items("", tuple(consequences))] if consequences else []


def _reasons(record: DecisionRecord) -> list[Block]:
    """The sentences that decided, and where the facts of a fault came from."""
    said = record.explanation
    cited = [reason for reason in said["reasons"] if reason["role"] in _CITED]
    if not cited:
        return []
    quotes: list[Block] = [
        Quote(one["text"], one["clause"], f"{settings.PUBLIC_URL}/policy{one['anchor']}") for one in cited
    ]
    known = said.get("origins", ())
    how = [Items("How we know:", tuple(known))] if known else []
    return [Paragraph("The sentences this rests on:"), *quotes, *how]


def declined(case: Case, record: DecisionRecord, reason: str) -> None:
    """A person said no, and why."""
    blocks: list[Block] = [
        _greeting(case),
        Paragraph("A person has looked at your request. We cannot grant it."),
    ]
    blocks += [Paragraph(reason), *_reasons(record)]
    blocks.append(Paragraph(f"You can appeal to another person: {_case_url(case)}"))
    subject = f"Our decision on {case.number}"
    _send(case, LetterKind.DECISION, f"declined:{record.id}", subject, blocks)


def asked(case: Case, message_id: str, question: str) -> None:
    """A question of a person."""
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(f"About your request {case.number} we have a question:"),
        Paragraph(question),
        Paragraph(f"Until we have your answer, the time in which we answer does not run: {_case_url(case)}"),
    ]
    _send(case, LetterKind.MORE_NEEDED, f"message:{message_id}", f"A question about {case.number}", blocks)


def refund_sent(case: Case, refund: Refund, policy: Policy) -> None:
    """The money is on its way; it is never called returned before it is."""
    amount = format_amount(refund.amount, refund.currency, case.customer.locale)
    method = refund.payment.method
    hint = f" ending in {refund.payment.method_hint}" if refund.payment.method_hint else ""
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(f"We have sent {amount} to your bank, to the {method}{hint} that you paid with."),
    ]
    found = policies.arrival(policy, method)
    if found is not None:
        blocks.append(
            Paragraph(f"It usually arrives {found[0]} to {found[1]} from now; your bank decides the day.")
        )
    if refund.trace:
        blocks.append(Paragraph(f"Your bank finds it under the reference {refund.trace}."))
    subject = f"We have sent your refund for {case.number}"
    _send(case, LetterKind.REFUND_SENT, f"refund:{refund.id}", subject, blocks)


def refund_delayed(case: Case, refund: Refund) -> None:
    """The money takes longer, and why."""
    amount = format_amount(refund.amount, refund.currency, case.customer.locale)
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(
            f"Your refund of {amount} takes longer than usual: the payment provider has it and has not sent it yet. "
            "You need not do anything. We watch it and write to you when it is sent."
        ),
    ]
    subject = f"Your refund for {case.number} takes longer"
    _send(case, LetterKind.DELAYED, f"refund:{refund.id}", subject, blocks)


def details_needed(case: Case, refund: Refund) -> None:
    """The payment provider waits for the customer, who hears from it directly."""
    amount = format_amount(refund.amount, refund.currency, case.customer.locale)
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(
            f"To return {amount} to you, our payment provider needs your bank details: the {refund.payment.method} "
            "that you paid with cannot take money back. It writes to you itself and asks for them."
        ),
        Paragraph("We never ask for bank details by mail. As soon as it has them, the money is sent."),
    ]
    subject = f"Your bank details are needed for {case.number}"
    _send(case, LetterKind.DELAYED, f"details:{refund.id}", subject, blocks)


def refund_failed(case: Case, refund: Refund) -> None:
    """The money came back; a person finds another way."""
    amount = format_amount(refund.amount, refund.currency, case.customer.locale)
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(
            f"Your bank could not take the {amount} that we sent. The money is safe with us, and your claim to it stands."
        ),
        Paragraph("A person is looking for another way and writes to you. You need not ask again."),
    ]
    subject = f"Your refund for {case.number} came back"
    _send(case, LetterKind.FAILED, f"refund:{refund.id}", subject, blocks)


def files_refused(case: Case, reference: str, refused: tuple[str, ...]) -> None:
    """Which files of a letter were not taken, and what to send instead."""
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(f"Your letter about {case.number} is here. We could not take these files:"),
        Items("", refused),
        Paragraph(
            f"We take pictures: PNG, JPEG or WebP. You can answer to this letter or add them here: {_case_url(case)}"
        ),
    ]
    subject = f"Files that we could not take for {case.number}"
    _send(case, LetterKind.FILES_REFUSED, f"mail:{reference}", subject, blocks)


def appeal_result(case: Case, result: str) -> None:
    """What a person decided about an appeal."""
    blocks: list[Block] = [
        _greeting(case),
        Paragraph("A person has looked at your request again."),
        Paragraph(result),
    ]
    _send(case, LetterKind.APPEAL_RESULT, f"case:{case.id}", f"Your appeal about {case.number}", blocks)


def _greeting(case: Case) -> Paragraph:
    return Paragraph(f"Dear {case.customer.name}," if case.customer.name else "Hello,")


def _case_url(case: Case) -> str:
    return f"{settings.PUBLIC_URL}/cases/{case.number}"


def _day(case: Case, day: date) -> str:
    return str(format_date(day, "d MMMM y", locale=case.customer.locale))


def _send(case: Case, kind: LetterKind, reference: str, subject: str, blocks: list[Block]) -> None:
    write(case.customer, kind, reference, subject, blocks, case_id=case.id)
