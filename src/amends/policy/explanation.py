"""Decisions in sentences: the letter to the customer and the report to the agent.

Sentences cite the customer's own clause text with its anchor; amounts are shown in the money format of the locale.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from babel import Locale
from babel.dates import format_date
from babel.numbers import parse_pattern

from amends.policy import dates
from amends.policy.amounts import AmountLine
from amends.policy.answer import Decision, Outcome
from amends.policy.counterfactuals import Change, Move, Offer, find_changes, find_offers
from amends.policy.facts import Facts, Value
from amends.policy.model import Policy
from amends.policy.money import EXPONENTS, Rounding, round_exact
from amends.policy.types import INSTANT, MICROSECONDS, YES_NO, Type

LOCALE = "en_US"
_HEADLINES = {
    Outcome.GRANTED: "Your request is granted.",
    Outcome.DENIED: "We cannot grant your request.",
    Outcome.NEEDS_INFORMATION: "We need something more before we can decide.",
    Outcome.NEEDS_REVIEW: "A person will look at your request.",
}
_EFFECTS = {
    "keep": "Your plan stays as it is.",
    "end now": "Your plan ends now.",
    "end at period end": "Your plan ends with the current billing period.",
    "switch to month": "Your plan becomes monthly.",
}
_WAITING = {"desk": "We are waiting for", "staff": "Our team will establish"}


@dataclass(frozen=True, slots=True)
class Reason:
    """A cited clause: its words, where they stand, and the part they played."""

    id: str
    role: str
    text: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that can be said about a decision, as sentences."""

    decision: Decision
    headline: str
    arithmetic: tuple[AmountLine, ...]
    reasons: tuple[Reason, ...]
    questions: tuple[str, ...]
    consequences: tuple[str, ...]
    counterfactuals: tuple[str, ...]
    offers: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """The sentences under their names."""
        return {
            "headline": self.headline,
            "reasons": [
                {"clause": r.id, "role": r.role, "text": r.text, "anchor": f"#{r.id}"}
                | ({"by": r.by} if r.by else {})
                for r in self.reasons
            ],
            "questions": list(self.questions),
            "consequences": list(self.consequences),
            "counterfactuals": list(self.counterfactuals),
            "offers": list(self.offers),
        }


def explain(policy: Policy, facts: Facts, decision: Decision, locale: str = LOCALE) -> Explanation:
    """Put a decision into sentences.

    A case whose `requires` are not met gets no clause, no amount and no hint (reading R13).
    """
    secret = not decision.clauses and decision.outcome is Outcome.NEEDS_INFORMATION
    negative = decision.outcome in (Outcome.DENIED, Outcome.NEEDS_INFORMATION) and not secret
    changes = find_changes(policy, facts) if negative else ()
    offers = find_offers(policy, facts) if negative else ()
    return Explanation(
        decision=decision,
        headline=_HEADLINES[decision.outcome],
        arithmetic=decision.lines or decision.owed,
        reasons=tuple(
            Reason(c.id, c.role, policy.clauses[c.id].text, c.by)
            for c in decision.clauses
            if c.id in policy.clauses
        ),
        questions=tuple(_questions(policy, decision)),
        consequences=tuple(_consequences(decision, locale)),
        counterfactuals=tuple(
            _change_sentence(policy, change, locale)
            for change in changes
            if not _is_said_by_opening(policy, decision, change)
        ),
        offers=tuple(_offer_sentence(policy, offer, locale) for offer in offers),
    )


def format_amount(amount: int, currency: str, locale: str = LOCALE) -> str:
    """An amount in the money format of a locale, with the digits of ISO 4217.

    >>> format_amount(-85, "USD"), format_amount(5630, "KWD"), format_amount(29590, "JPY")
    ('-$0.85', 'KWD5.630', '¥29,590')
    """
    exponent = EXPONENTS[currency]
    pattern = parse_pattern(Locale.parse(locale).currency_formats["standard"].pattern)
    pattern.frac_prec = (exponent, exponent)
    number = Decimal(amount).scaleb(-exponent)
    return str(pattern.apply(number, locale, currency=currency, currency_digits=False)).replace("\xa0", " ")


def _questions(policy: Policy, decision: Decision) -> list[str]:
    asked = {need.input: need.question for rule in policy.rules for need in rule.needs if need.question}
    sentences = []
    for name in decision.missing:
        declared = policy.inputs[name]
        if declared.answered_by == "customer":
            sentences.append(
                asked.get(name) or f"Please tell us: {declared.label[:1].lower()}{declared.label[1:]}."
            )
        else:
            sentences.append(
                f"{_WAITING[declared.answered_by]}: {declared.label[:1].lower()}{declared.label[1:]}."
            )
    return sentences


def _consequences(decision: Decision, locale: str) -> list[str]:
    sentences = []
    if decision.then:
        sentences.append(_EFFECTS[decision.then])
    places = {"original": "to the way you paid", "credit": "as credit to your account"}
    for payout in decision.payouts:
        amount = format_amount(payout.amount, decision.currency, locale)
        sentences.append(f"{amount} goes {places[payout.to]}.")
    if decision.opens_on:
        sentences.append(f"Not yet: the same request is possible from {_day(decision.opens_on, locale)}.")
    return sentences


def _is_said_by_opening(policy: Policy, decision: Decision, change: Change) -> bool:
    """Whether the change is to ask on a later day, which `opens_on` names already."""
    names = [move.input for move in change.moves]
    return decision.opens_on is not None and names == [policy.roles.asked] and not _is_less(change.moves[0])


def _change_sentence(policy: Policy, change: Change, locale: str) -> str:
    amount = format_amount(change.decision.amount, change.decision.currency, locale)
    phrases = [_move_phrase(policy, move, locale) for move in change.moves]
    if len(phrases) > 1:
        return f"It would be {amount} if both were so: {'; '.join(phrases)}."
    move = change.moves[0]
    declared = policy.inputs[move.input]
    if declared.type == INSTANT:
        day = _moved_day(policy, move, locale)
        return f"You could have asked until {day}." if _is_less(move) else f"Possible from {day}."
    if declared.type == YES_NO:
        return f"It would be {amount} if this were so: {phrases[0]}."
    bound = "or fewer" if _is_less(move) else "or more"
    label = declared.label[:1].lower() + declared.label[1:]
    return f"With {move.value} {bound} it would be {amount} ({label})."


def _move_phrase(policy: Policy, move: Move, locale: str) -> str:
    declared = policy.inputs[move.input]
    label = declared.label[:1].lower() + declared.label[1:]
    if declared.type == INSTANT:
        return f"a request {'until' if _is_less(move) else 'from'} {_moved_day(policy, move, locale)}"
    if declared.type == YES_NO:
        return label if move.value else f"not “{label}”"
    return f"{label}: {move.value} or {'fewer' if _is_less(move) else 'more'}"


def _is_less(move: Move) -> bool:
    assert isinstance(move.value, int)
    assert isinstance(move.before, int)
    return move.value < move.before


def _moved_day(policy: Policy, move: Move, locale: str) -> str:
    assert isinstance(move.value, int)
    return _day(dates.local_time(move.value, policy.zone).date().isoformat(), locale)


def _offer_sentence(policy: Policy, offer: Offer, locale: str) -> str:
    rule = next(rule for rule in policy.rules if rule.grant == offer.decision.grant)
    amount = format_amount(offer.decision.amount, offer.decision.currency, locale)
    supposing = [
        policy.inputs[name].label[:1].lower() + policy.inputs[name].label[1:]
        for name, value in offer.supposing
        if value
    ]
    condition = f", if this is so: {'; '.join(supposing)}" if supposing else ""
    return f"You can ask for this instead{condition}: {rule.label}. {amount} would come back."


def _day(iso: str, locale: str) -> str:
    return str(format_date(date.fromisoformat(iso), "d MMMM y", locale=locale))


def show_value(type_: Type, value: Value, zone: str, currency: str) -> str:
    """A value as an agent reads it, with its unit."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if type_.kind is INSTANT.kind:
        return dates.local_time(int(value), zone).isoformat(sep=" ")
    return _show_number(type_, value, currency)


def _show_number(type_: Type, value: int | Fraction, currency: str) -> str:
    if type_.is_money:
        shown = format_amount(round_exact(value, Rounding.HALF_UP), currency)
        return shown if isinstance(value, int) else f"{shown}, not rounded yet"
    if type_.shown_in:
        return f"{Fraction(value, MICROSECONDS[type_.shown_in])} {type_.shown_in}"
    named = [name for name, power in type_.unit if power == 1 and name in ("days", "months")]
    return f"{value} {named[0]}" if named and len(type_.unit) == 1 else str(value)
