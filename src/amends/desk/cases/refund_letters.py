"""What customers are told about their money on its way back."""

from django.utils.translation import gettext as _

from amends.desk.cases.letter_parts import case_url, greet, in_their_language, send, show_day, words_of
from amends.desk.cases.models import Case
from amends.desk.cases.progress import arrival_of
from amends.desk.languages import reader_locale
from amends.desk.notices.composition import Block, Paragraph
from amends.desk.notices.models import LetterKind
from amends.desk.payments.models import Refund
from amends.desk.payouts.models import Payout
from amends.desk.policies import actions as policies
from amends.policy.explanation import format_amount
from amends.policy.model import Policy


@in_their_language
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
        greet(case),
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
    subject = _("We have sent your refund for %(case)s") % words_of(case)
    send(case, LetterKind.REFUND_SENT, f"refund:{refund.id}", subject, blocks)


@in_their_language
def refund_delayed(case: Case, refund: Refund) -> None:
    """The money takes longer, and why."""
    amount = format_amount(refund.amount, refund.currency, reader_locale())
    blocks: list[Block] = [
        greet(case),
        Paragraph(
            _(
                "Your refund of %(amount)s takes longer than usual: the payment provider has it and has not sent it "
                "yet. You need not do anything. We watch it and write to you when it is sent."
            )
            % {"amount": amount}
        ),
    ]
    subject = _("Your refund for %(case)s takes longer") % words_of(case)
    send(case, LetterKind.DELAYED, f"refund:{refund.id}", subject, blocks)


@in_their_language
def details_needed(case: Case, refund: Refund) -> None:
    """The payment provider waits for the customer, who hears from it directly."""
    amount = format_amount(refund.amount, refund.currency, reader_locale())
    blocks: list[Block] = [
        greet(case),
        Paragraph(
            _(
                "To return %(amount)s to you, our payment provider needs your bank details: the %(method)s that you paid "
                "with cannot take money back. It writes to you itself and asks for them."
            )
            % {"amount": amount, "method": _(refund.payment.method)}
        ),
        Paragraph(_("We never ask for bank details by mail. As soon as it has them, the money is sent.")),
    ]
    subject = _("Your bank details are needed for %(case)s") % words_of(case)
    send(case, LetterKind.DELAYED, f"details:{refund.id}", subject, blocks)


@in_their_language
def refund_failed(case: Case, refund: Refund) -> None:
    """The money came back; a person finds another way."""
    amount = format_amount(refund.amount, refund.currency, reader_locale())
    blocks: list[Block] = [
        greet(case),
        Paragraph(
            _(
                "Your bank could not take the %(amount)s that we sent. The money is safe with us, and your claim to it "
                "stands."
            )
            % {"amount": amount}
        ),
        Paragraph(_("A person is looking for another way and writes to you. You need not ask again.")),
    ]
    subject = _("Your refund for %(case)s came back") % words_of(case)
    send(case, LetterKind.FAILED, f"refund:{refund.id}", subject, blocks)


@in_their_language
def account_needed(case: Case, payout: Payout) -> None:
    """The payment provider cannot return it: the customer names an account, on a page and never by mail."""
    refund = payout.refund
    amount = format_amount(refund.amount, refund.currency, reader_locale())
    blocks: list[Block] = [greet(case)]
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
    blocks.append(Paragraph(f"{case_url(case)}/account"))
    blocks.append(
        Paragraph(
            _("Please type it only there: we never ask for bank details by mail, and do not read them there.")
        )
    )
    subject = _("Where should we send your refund for %(case)s?") % words_of(case)
    send(case, LetterKind.MORE_NEEDED, f"payout:{refund.id}", subject, blocks)


@in_their_language
def account_named(case: Case, payout: Payout) -> None:
    """Which account was named, so that somebody else who named it is found out before money moves."""
    assert payout.given_at is not None
    noted = _("For your refund of %(amount)s the account %(account)s was named.") % {
        "amount": format_amount(payout.refund.amount, payout.refund.currency, reader_locale()),
        "account": payout.account_hint,
    }
    not_you = _("If that was not you, answer this letter at once, or name your own account here: %(url)s") % {
        "url": f"{case_url(case)}/account"
    }
    subject = _("An account was named for %(case)s") % words_of(case)
    reference = f"account:{payout.refund_id}:{payout.given_at.isoformat()}"
    send(case, LetterKind.RECEIVED, reference, subject, [greet(case), Paragraph(noted), Paragraph(not_you)])


@in_their_language
def payout_sent(case: Case, payout: Payout) -> None:
    """The bank has booked the transfer; of the account only what may be shown."""
    refund = payout.refund
    sent = _("We have sent %(amount)s by bank transfer to the account %(account)s that you named.") % {
        "amount": format_amount(refund.amount, refund.currency, reader_locale()),
        "account": payout.account_hint,
    }
    blocks: list[Block] = [greet(case), Paragraph(sent)]
    found = arrival_of(case, refund)
    if found is not None and payout.booked_on is not None:
        arrives = {"earliest": found[0], "latest": found[1], "day": show_day(payout.booked_on)}
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
    subject = _("We have sent your refund for %(case)s") % words_of(case)
    send(case, LetterKind.REFUND_SENT, f"refund:{refund.id}", subject, blocks)
