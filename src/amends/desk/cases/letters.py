"""What customers are told about a case, in their language and in the words of the policy."""

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.utils.translation import gettext as _

from amends.desk import clock
from amends.desk.cases.models import Case, DecisionRecord
from amends.desk.cases.progress import arrival_of
from amends.desk.languages import reader_locale, speaking
from amends.desk.notices.actions import greeting, write
from amends.desk.notices.composition import Amounts, Block, Items, Paragraph, Quote
from amends.desk.notices.models import LetterKind
from amends.desk.payments.models import Refund
from amends.desk.payouts.models import Payout
from amends.desk.policies import actions as policies
from amends.policy.explanation import format_amount, format_day
from amends.policy.model import Policy

_CITED = ("grants", "denies", "refers")
Rest = ParamSpec("Rest")


def _in_their_language(
    tell: Callable[Concatenate[Case, Rest], None],
) -> Callable[Concatenate[Case, Rest], None]:
    @wraps(tell)
    def told(case: Case, /, *rest: Rest.args, **named: Rest.kwargs) -> None:
        with speaking(case.customer.locale):
            tell(case, *rest, **named)

    return told


@_in_their_language
def received(case: Case) -> None:
    """A durable copy of the request, with the day on which it is answered at the latest."""
    line = case.line
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(
            _(
                "We have your request about order %(order)s (%(item)s). Its number is %(case)s; please keep it."
            )
            % {"order": line.order.number, "item": line.description, "case": case.number}
        ),
        Items(_("What we noted:"), _noted(case)),
    ]
    if case.due_on is not None:
        blocks.append(
            Paragraph(_("You have our answer by %(day)s at the latest.") % {"day": _day(case.due_on)})
        )
    _send(
        case, LetterKind.RECEIVED, f"case:{case.id}", _("We have your request %(case)s") % _of(case), blocks
    )


def _noted(case: Case) -> tuple[str, ...]:
    words = [_("You asked for: %(what)s") % {"what": case.get_request_display()}]
    if case.reason:
        words.append(_("Your reason: %(reason)s") % {"reason": case.reason})
    return tuple(words)


@_in_their_language
def more_needed(case: Case, record: DecisionRecord, questions: tuple[str, ...]) -> None:
    """What is missing from the customer, as a list to go through."""
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(
            _("Before we can decide your request %(case)s we need something more from you:") % _of(case)
        ),
        Items("", questions),
        Paragraph(_("Until we have it, the time in which we answer does not run. Please answer here:")),
        Paragraph(_case_url(case)),
    ]
    subject = _("We need something more for %(case)s") % _of(case)
    _send(case, LetterKind.MORE_NEEDED, f"decision:{record.id}", subject, blocks)


@_in_their_language
def decided(case: Case, record: DecisionRecord, *, again_on: str | None = None) -> None:
    """The decision as it is stored: arithmetic, reasons, what would have changed it, what else is open.

    `again_on` is the day on which a request that comes too early is decided by itself.
    """
    said, policy = record.explanation, policies.read(record.version)
    headline = said["headline"]
    if again_on is not None:
        day = _day(date.fromisoformat(again_on))
        headline = _("Not yet: we decide your request by ourselves on %(day)s. You need not ask again.") % {
            "day": day
        }
    blocks: list[Block] = [_greeting(case), Paragraph(headline)]
    blocks += _arithmetic(record)
    blocks += _consequences(case, record, policy)
    blocks += _reasons(record, policy)
    if said["counterfactuals"]:
        blocks.append(Items(_("What would have changed it:"), tuple(said["counterfactuals"])))
    if said["offers"]:
        blocks.append(Items(_("What else you can do:"), tuple(said["offers"])))
    if record.outcome == "denied" and again_on is None:
        blocks.append(Paragraph(_("You can appeal to a person: %(url)s") % {"url": _case_url(case)}))
    named = {"title": policy.title, "version": policy.version} | _of(case)
    blocks.append(Paragraph(_("%(title)s, version %(version)s. Request %(case)s.") % named))
    subject = _("Our decision on %(case)s") % _of(case)
    _send(case, LetterKind.DECISION, f"decision:{record.id}", subject, blocks)


def _arithmetic(record: DecisionRecord) -> list[Block]:
    """The lines that sum to the amount, those of the plan where there is one."""
    owed = record.core.get("owed")
    lines = owed["lines"] if owed else record.plan.get("lines") or record.core["lines"]
    if not lines:
        return []
    total = owed["amount"] if owed else record.plan.get("refund", record.amount)
    step = record.plan.get("currency_step", 0)
    rows = [(str(line["label"]), int(line["amount"])) for line in lines]
    rows += [(_("Rounded up to what the payment provider can send"), step)] if step else []
    rows.append((_("You owe") if owed else _("Refund"), total))
    return [
        Amounts(
            tuple((label, format_amount(amount, record.currency, reader_locale())) for label, amount in rows)
        )
    ]


def _consequences(case: Case, record: DecisionRecord, policy: Policy) -> list[Block]:
    consequences = list(record.explanation["consequences"])
    payment = case.line.order.payment
    found = policies.arrival(policy, payment.method) if payment and record.amount else None
    if payment and found:
        arrives = {"method": _(payment.method), "earliest": found[0], "latest": found[1]}
        consequences.append(
            _("With %(method)s money usually arrives %(earliest)s to %(latest)s after we send it.") % arrives
        )
    return [Items("", tuple(consequences))] if consequences else []


def _reasons(record: DecisionRecord, policy: Policy) -> list[Block]:
    """The sentences that decided, and where the facts of a fault came from."""
    said = record.explanation
    cited = [reason for reason in said["reasons"] if reason["role"] in _CITED]
    if not cited:
        return []
    quotes: list[Block] = [
        Quote(one["text"], one["clause"], f"{settings.PUBLIC_URL}/policy{one['anchor']}", policy.lang)
        for one in cited
    ]
    known = said.get("origins", ())
    how = [Items(_("How we know:"), tuple(known))] if known else []
    return [Paragraph(_("The sentences this rests on:")), *quotes, *how]


@_in_their_language
def declined(case: Case, record: DecisionRecord, reason: str) -> None:
    """A person said no, and why."""
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(_("A person has looked at your request. We cannot grant it.")),
    ]
    blocks += [Paragraph(reason), *_reasons(record, policies.read(record.version))]
    blocks.append(Paragraph(_("You can appeal to another person: %(url)s") % {"url": _case_url(case)}))
    subject = _("Our decision on %(case)s") % _of(case)
    _send(case, LetterKind.DECISION, f"declined:{record.id}", subject, blocks)


@_in_their_language
def asked(case: Case, message_id: str, question: str) -> None:
    """A question of a person."""
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(_("About your request %(case)s we have a question:") % _of(case)),
        Paragraph(question),
        Paragraph(
            _("Until we have your answer, the time in which we answer does not run: %(url)s")
            % {"url": _case_url(case)}
        ),
    ]
    subject = _("A question about %(case)s") % _of(case)
    _send(case, LetterKind.MORE_NEEDED, f"message:{message_id}", subject, blocks)


@_in_their_language
def refund_sent(case: Case, refund: Refund, policy: Policy) -> None:
    """The money is on its way; it is never called returned before it is."""
    amount = format_amount(refund.amount, refund.currency, reader_locale())
    method, hint = refund.payment.method, refund.payment.method_hint
    sent = (
        _("We have sent %(amount)s to your bank, to the %(method)s ending in %(hint)s that you paid with.")
        if hint
        else _("We have sent %(amount)s to your bank, to the %(method)s that you paid with.")
    )
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(sent % {"amount": amount, "method": _(method), "hint": hint}),
    ]
    found = policies.arrival(policy, method)
    if found is not None:
        blocks.append(
            Paragraph(
                _("It usually arrives %(earliest)s to %(latest)s from now; your bank decides the day.")
                % {"earliest": found[0], "latest": found[1]}
            )
        )
    if refund.trace:
        blocks.append(
            Paragraph(_("Your bank finds it under the reference %(trace)s.") % {"trace": refund.trace})
        )
    subject = _("We have sent your refund for %(case)s") % _of(case)
    _send(case, LetterKind.REFUND_SENT, f"refund:{refund.id}", subject, blocks)


@_in_their_language
def refund_delayed(case: Case, refund: Refund) -> None:
    """The money takes longer, and why."""
    amount = format_amount(refund.amount, refund.currency, reader_locale())
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(
            _(
                "Your refund of %(amount)s takes longer than usual: the payment provider has it and has not sent it "
                "yet. You need not do anything. We watch it and write to you when it is sent."
            )
            % {"amount": amount}
        ),
    ]
    subject = _("Your refund for %(case)s takes longer") % _of(case)
    _send(case, LetterKind.DELAYED, f"refund:{refund.id}", subject, blocks)


@_in_their_language
def details_needed(case: Case, refund: Refund) -> None:
    """The payment provider waits for the customer, who hears from it directly."""
    amount = format_amount(refund.amount, refund.currency, reader_locale())
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(
            _(
                "To return %(amount)s to you, our payment provider needs your bank details: the %(method)s that you paid "
                "with cannot take money back. It writes to you itself and asks for them."
            )
            % {"amount": amount, "method": _(refund.payment.method)}
        ),
        Paragraph(_("We never ask for bank details by mail. As soon as it has them, the money is sent.")),
    ]
    subject = _("Your bank details are needed for %(case)s") % _of(case)
    _send(case, LetterKind.DELAYED, f"details:{refund.id}", subject, blocks)


@_in_their_language
def refund_failed(case: Case, refund: Refund) -> None:
    """The money came back; a person finds another way."""
    amount = format_amount(refund.amount, refund.currency, reader_locale())
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(
            _(
                "Your bank could not take the %(amount)s that we sent. The money is safe with us, and your claim to it "
                "stands."
            )
            % {"amount": amount}
        ),
        Paragraph(_("A person is looking for another way and writes to you. You need not ask again.")),
    ]
    subject = _("Your refund for %(case)s came back") % _of(case)
    _send(case, LetterKind.FAILED, f"refund:{refund.id}", subject, blocks)


@_in_their_language
def account_needed(case: Case, payout: Payout) -> None:
    """The payment provider cannot return it: the customer names an account, on a page and never by mail."""
    refund = payout.refund
    amount = format_amount(refund.amount, refund.currency, reader_locale())
    blocks: list[Block] = [_greeting(case)]
    if payout.opened_by_id is None:
        came_back = _(
            "Our transfer of %(amount)s to the account that you named came back. The bank says: %(why)s"
        )
        blocks.append(Paragraph(came_back % {"amount": amount, "why": payout.why}))
        blocks.append(Paragraph(_("The money is safe with us. Please name another account here:")))
    else:
        cannot = _(
            "We cannot return %(amount)s to the %(method)s that you paid with. Your claim to it stands, and we pay it by "
            "bank transfer instead. Please name the account here:"
        )
        blocks.append(Paragraph(cannot % {"amount": amount, "method": _(refund.payment.method)}))
    blocks.append(Paragraph(f"{_case_url(case)}/account"))
    blocks.append(
        Paragraph(
            _("Please type it only there: we never ask for bank details by mail, and do not read them there.")
        )
    )
    subject = _("Where should we send your refund for %(case)s?") % _of(case)
    _send(case, LetterKind.MORE_NEEDED, f"payout:{refund.id}", subject, blocks)


@_in_their_language
def account_named(case: Case, payout: Payout) -> None:
    """Which account was named, so that somebody else who named it is found out before money moves."""
    assert payout.given_at is not None
    noted = _("For your refund of %(amount)s the account %(account)s was named.") % {
        "amount": format_amount(payout.refund.amount, payout.refund.currency, reader_locale()),
        "account": payout.account_hint,
    }
    not_you = _("If that was not you, answer this letter at once, or name your own account here: %(url)s") % {
        "url": f"{_case_url(case)}/account"
    }
    subject = _("An account was named for %(case)s") % _of(case)
    reference = f"account:{payout.refund_id}:{payout.given_at.isoformat()}"
    _send(
        case, LetterKind.RECEIVED, reference, subject, [_greeting(case), Paragraph(noted), Paragraph(not_you)]
    )


@_in_their_language
def payout_sent(case: Case, payout: Payout) -> None:
    """The bank has booked the transfer; of the account only what may be shown."""
    refund = payout.refund
    sent = _("We have sent %(amount)s by bank transfer to the account %(account)s that you named.") % {
        "amount": format_amount(refund.amount, refund.currency, reader_locale()),
        "account": payout.account_hint,
    }
    blocks: list[Block] = [_greeting(case), Paragraph(sent)]
    found = arrival_of(case, refund)
    if found is not None and payout.booked_on is not None:
        arrives = {"earliest": found[0], "latest": found[1], "day": _day(payout.booked_on)}
        blocks.append(
            Paragraph(
                _("It usually arrives %(earliest)s to %(latest)s after %(day)s; your bank decides the day.")
                % arrives
            )
        )
    on_statement = {"case": payout.remittance, "reference": refund.trace}
    blocks.append(
        Paragraph(
            _("Your statement names %(case)s; your bank finds it under the reference %(reference)s.")
            % on_statement
        )
    )
    subject = _("We have sent your refund for %(case)s") % _of(case)
    _send(case, LetterKind.REFUND_SENT, f"refund:{refund.id}", subject, blocks)


@_in_their_language
def files_refused(case: Case, reference: str, refused: tuple[str, ...]) -> None:
    """Which files of a letter were not taken, and what to send instead."""
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(_("Your letter about %(case)s is here. We could not take these files:") % _of(case)),
        Items("", refused),
        Paragraph(
            _("We take pictures: PNG, JPEG or WebP. You can answer to this letter or add them here: %(url)s")
            % {"url": _case_url(case)}
        ),
    ]
    subject = _("Files that we could not take for %(case)s") % _of(case)
    _send(case, LetterKind.FILES_REFUSED, f"mail:{reference}", subject, blocks)


@_in_their_language
def appeal_result(case: Case, result: str) -> None:
    """What a person decided about an appeal."""
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(_("A person has looked at your request again.")),
        Paragraph(result),
    ]
    subject = _("Your appeal about %(case)s") % _of(case)
    _send(case, LetterKind.APPEAL_RESULT, f"case:{case.id}", subject, blocks)


@_in_their_language
def merged(case: Case, into: Case) -> None:
    """The request goes on in another one."""
    named = {"case": case.number, "into": into.number, "day": _day(into.first_contact_at.date())}
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(
            _("Your requests %(case)s and %(into)s are about the same thing. We go on with both in %(into)s.")
            % named
        ),
        Paragraph(
            _(
                "What you wrote and sent in %(case)s is there and counts. %(day)s counts as the day on which you asked."
            )
            % named
        ),
        Paragraph(_("You find it here: %(url)s") % {"url": _case_url(into)}),
    ]
    at = case.closed_at.isoformat() if case.closed_at else ""
    subject = _("%(case)s goes on in %(into)s") % named
    _send(case, LetterKind.MERGED, f"case:{case.id}:{at}", subject, blocks)


@_in_their_language
def parted(case: Case, into: Case) -> None:
    """A request that went on in another one is one of its own again."""
    named = {"case": case.number, "into": into.number}
    blocks: list[Block] = [
        _greeting(case),
        Paragraph(
            _(
                "We look at your requests %(case)s and %(into)s separately again: they are about different things."
            )
            % named
        ),
        Paragraph(_("You find it here: %(url)s") % {"url": _case_url(case)}),
    ]
    subject = _("%(case)s is a request of its own again") % named
    _send(case, LetterKind.MERGED, f"case:{case.id}:{clock.now().isoformat()}", subject, blocks)


def _greeting(case: Case) -> Paragraph:
    return Paragraph(greeting(case.customer))


def _of(case: Case) -> dict[str, str]:
    return {"case": case.number}


def _case_url(case: Case) -> str:
    return f"{settings.PUBLIC_URL}/cases/{case.number}"


def _day(day: date) -> str:
    return format_day(day, reader_locale())


def _send(case: Case, kind: LetterKind, reference: str, subject: str, blocks: list[Block]) -> None:
    write(case.customer, kind, reference, subject, blocks, case_id=case.id)
