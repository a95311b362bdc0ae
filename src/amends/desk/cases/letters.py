"""What customers are told about a case, in their language and in the words of the policy."""

from datetime import date

from django.conf import settings
from django.utils.translation import gettext as _

from amends.desk import clock
from amends.desk.cases.letter_parts import case_url, greet, in_their_language, send, show_day, words_of
from amends.desk.cases.models import Case, DecisionRecord
from amends.desk.languages import reader_locale
from amends.desk.notices.composition import Amounts, Block, Items, Paragraph, Quote
from amends.desk.notices.models import LetterKind
from amends.desk.policies import actions as policies
from amends.policy.explanation import format_amount
from amends.policy.model import Policy

_CITED = ("grants", "denies", "refers")


@in_their_language
def received(case: Case) -> None:
    """A durable copy of the request, with the day on which it is answered at the latest."""
    line = case.line
    blocks: list[Block] = [
        greet(case),
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
            Paragraph(_("You have our answer by %(day)s at the latest.") % {"day": show_day(case.due_on)})
        )
    send(
        case,
        LetterKind.RECEIVED,
        f"case:{case.id}",
        _("We have your request %(case)s") % words_of(case),
        blocks,
    )


def _noted(case: Case) -> tuple[str, ...]:
    words = [_("You asked for: %(what)s") % {"what": case.get_request_display()}]
    if case.reason:
        words.append(_("Your reason: %(reason)s") % {"reason": case.reason})
    return tuple(words)


@in_their_language
def more_needed(case: Case, record: DecisionRecord, questions: tuple[str, ...]) -> None:
    """What is missing from the customer, as a list to go through."""
    blocks: list[Block] = [
        greet(case),
        Paragraph(
            _("Before we can decide your request %(case)s we need something more from you:") % words_of(case)
        ),
        Items("", questions),
        Paragraph(_("Until we have it, the time in which we answer does not run. Please answer here:")),
        Paragraph(case_url(case)),
    ]
    subject = _("We need something more for %(case)s") % words_of(case)
    send(case, LetterKind.MORE_NEEDED, f"decision:{record.id}", subject, blocks)


@in_their_language
def decided(case: Case, record: DecisionRecord, *, again_on: str | None = None) -> None:
    """The decision as it is stored: arithmetic, reasons, what would have changed it, what else is open.

    `again_on` is the day on which a request that comes too early is decided by itself.
    """
    said, policy = record.explanation, policies.read(record.version)
    headline = said["headline"]
    if again_on is not None:
        day = show_day(date.fromisoformat(again_on))
        headline = _("Not yet: we decide your request by ourselves on %(day)s. You need not ask again.") % {
            "day": day
        }
    blocks: list[Block] = [greet(case), Paragraph(headline)]
    blocks += _arithmetic(record)
    blocks += _consequences(case, record, policy)
    blocks += _reasons(record, policy)
    if said["counterfactuals"]:
        blocks.append(Items(_("What would have changed it:"), tuple(said["counterfactuals"])))
    if said["offers"]:
        blocks.append(Items(_("What else you can do:"), tuple(said["offers"])))
    if record.outcome == "denied" and again_on is None:
        blocks.append(Paragraph(_("You can appeal to a person: %(url)s") % {"url": case_url(case)}))
    named = {"title": policy.title, "version": policy.version} | words_of(case)
    blocks.append(Paragraph(_("%(title)s, version %(version)s. Request %(case)s.") % named))
    subject = _("Our decision on %(case)s") % words_of(case)
    send(case, LetterKind.DECISION, f"decision:{record.id}", subject, blocks)


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
    methods = dict.fromkeys(payment.method for payment in case.line.order.payments) if record.amount else ()
    for method in methods:
        if found := policies.arrival(policy, method):
            arrives = {"method": _(method), "earliest": found[0], "latest": found[1]}
            consequences.append(
                _("With %(method)s money usually arrives %(earliest)s to %(latest)s after we send it.")
                % arrives
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


@in_their_language
def declined(case: Case, record: DecisionRecord, reason: str) -> None:
    """A person said no, and why."""
    blocks: list[Block] = [
        greet(case),
        Paragraph(_("A person has looked at your request. We cannot grant it.")),
    ]
    blocks += [Paragraph(reason), *_reasons(record, policies.read(record.version))]
    blocks.append(Paragraph(_("You can appeal to another person: %(url)s") % {"url": case_url(case)}))
    subject = _("Our decision on %(case)s") % words_of(case)
    send(case, LetterKind.DECISION, f"declined:{record.id}", subject, blocks)


@in_their_language
def asked(case: Case, message_id: str, question: str) -> None:
    """A question of a person."""
    blocks: list[Block] = [
        greet(case),
        Paragraph(_("About your request %(case)s we have a question:") % words_of(case)),
        Paragraph(question),
        Paragraph(
            _("Until we have your answer, the time in which we answer does not run: %(url)s")
            % {"url": case_url(case)}
        ),
    ]
    subject = _("A question about %(case)s") % words_of(case)
    send(case, LetterKind.MORE_NEEDED, f"message:{message_id}", subject, blocks)


@in_their_language
def replied(case: Case, message_id: str, text: str) -> None:
    """What a person answers to what the customer wrote."""
    blocks: list[Block] = [
        greet(case),
        Paragraph(_("About your request %(case)s:") % words_of(case)),
        Paragraph(text),
        Paragraph(
            _("You can answer to this letter, or write on the page of your request: %(url)s")
            % {"url": case_url(case)}
        ),
    ]
    subject = _("An answer about %(case)s") % words_of(case)
    send(case, LetterKind.REPLY, f"message:{message_id}", subject, blocks)


@in_their_language
def files_refused(case: Case, reference: str, refused: tuple[str, ...]) -> None:
    """Which files of a letter were not taken, and what to send instead."""
    blocks: list[Block] = [
        greet(case),
        Paragraph(_("Your letter about %(case)s is here. We could not take these files:") % words_of(case)),
        Items("", refused),
        Paragraph(
            _("We take pictures: PNG, JPEG or WebP. You can answer to this letter or add them here: %(url)s")
            % {"url": case_url(case)}
        ),
    ]
    subject = _("Files that we could not take for %(case)s") % words_of(case)
    send(case, LetterKind.FILES_REFUSED, f"mail:{reference}", subject, blocks)


@in_their_language
def appeal_result(case: Case, result: str) -> None:
    """What a person decided about an appeal."""
    blocks: list[Block] = [
        greet(case),
        Paragraph(_("A person has looked at your request again.")),
        Paragraph(result),
    ]
    subject = _("Your appeal about %(case)s") % words_of(case)
    send(case, LetterKind.APPEAL_RESULT, f"case:{case.id}", subject, blocks)


@in_their_language
def merged(case: Case, into: Case) -> None:
    """The request goes on in another one."""
    named = {"case": case.number, "into": into.number, "day": show_day(into.first_contact_at.date())}
    blocks: list[Block] = [
        greet(case),
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
        Paragraph(_("You find it here: %(url)s") % {"url": case_url(into)}),
    ]
    at = case.closed_at.isoformat() if case.closed_at else ""
    subject = _("%(case)s goes on in %(into)s") % named
    send(case, LetterKind.MERGED, f"case:{case.id}:{at}", subject, blocks)


@in_their_language
def parted(case: Case, into: Case) -> None:
    """A request that went on in another one is one of its own again."""
    named = {"case": case.number, "into": into.number}
    blocks: list[Block] = [
        greet(case),
        Paragraph(
            _(
                "We look at your requests %(case)s and %(into)s separately again: they are about different things."
            )
            % named
        ),
        Paragraph(_("You find it here: %(url)s") % {"url": case_url(case)}),
    ]
    subject = _("%(case)s is a request of its own again") % named
    send(case, LetterKind.MERGED, f"case:{case.id}:{clock.now().isoformat()}", subject, blocks)
