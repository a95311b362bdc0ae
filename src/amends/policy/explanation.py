"""Decisions in sentences: the letter to the customer and the report to the agent.

Sentences are in the language of the locale, and so are the formats of amounts and days. They cite the customer's own
clause text with its anchor; what the policy says (sentences, labels, questions) stays in the language of the policy.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, parse_pattern

from amends.policy import dates, types
from amends.policy.amounts import AmountLine
from amends.policy.answer import Decision, Outcome
from amends.policy.counterfactuals import Change, Move, Offer, find_changes, find_offers
from amends.policy.facts import Facts, Value
from amends.policy.model import Policy
from amends.policy.money import EXPONENTS, Rounding, round_exact
from amends.policy.translation import LOCALE, noop, spoken, translation
from amends.policy.types import INSTANT, MICROSECONDS, YES_NO, Type

_HEADLINES = {
    Outcome.GRANTED: noop("Your request is granted."),
    Outcome.DENIED: noop("We cannot grant your request."),
    Outcome.NEEDS_INFORMATION: noop("We need something more before we can decide."),
    Outcome.NEEDS_REVIEW: noop("A person will look at your request."),
}
_EFFECTS = {
    "keep": noop("Your plan stays as it is."),
    "end now": noop("Your plan ends now."),
    "end at period end": noop("Your plan ends with the current billing period."),
    "switch to month": noop("Your plan becomes monthly."),
}
_WAITING = {
    "customer": noop("Please tell us: %(label)s."),
    "desk": noop("We are waiting for: %(label)s."),
    "staff": noop("Our team will establish: %(label)s."),
}
_PAYOUTS = {
    "original": noop("%(amount)s goes to the way you paid."),
    "credit": noop("%(amount)s goes as credit to your account."),
}
_LIMITS = {
    True: noop("With %(number)s or fewer it would be %(amount)s (%(label)s)."),
    False: noop("With %(number)s or more it would be %(amount)s (%(label)s)."),
}
_DAYS = {
    True: noop("You could have asked until %(day)s."),
    False: noop("Possible from %(day)s."),
}
_REQUEST_DAYS = {True: noop("a request until %(day)s"), False: noop("a request from %(day)s")}
_NUMBERS = {True: noop("%(label)s: %(number)s or fewer"), False: noop("%(label)s: %(number)s or more")}


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
    voice = _Voice(policy, spoken(locale))
    secret = not decision.clauses and decision.outcome is Outcome.NEEDS_INFORMATION
    negative = decision.outcome in (Outcome.DENIED, Outcome.NEEDS_INFORMATION) and not secret
    changes = find_changes(policy, facts) if negative else ()
    offers = find_offers(policy, facts) if negative else ()
    return Explanation(
        decision=decision,
        headline=voice.say(_HEADLINES[decision.outcome]),
        arithmetic=decision.lines or decision.owed,
        reasons=tuple(
            Reason(c.id, c.role, policy.clauses[c.id].text, c.by)
            for c in decision.clauses
            if c.id in policy.clauses
        ),
        questions=tuple(_questions(voice, decision)),
        consequences=tuple(_consequences(voice, decision)),
        counterfactuals=tuple(
            _change_sentence(voice, change)
            for change in changes
            if not _is_said_by_opening(policy, decision, change)
        ),
        offers=tuple(_offer_sentence(voice, offer) for offer in offers),
    )


@lru_cache(maxsize=1024)
def format_amount(amount: int, currency: str, locale: str = LOCALE) -> str:
    """An amount in the money format of a locale, with the digits of ISO 4217.

    >>> format_amount(-85, "USD"), format_amount(5630, "KWD"), format_amount(29590, "JPY")
    ('-$0.85', 'KWD5.630', '¥29,590')
    """
    exponent, found = EXPONENTS[currency], _find_locale(locale)
    pattern = parse_pattern(found.currency_formats["standard"].pattern)
    pattern.frac_prec = (exponent, exponent)
    number = Decimal(amount).scaleb(-exponent)
    return str(pattern.apply(number, found, currency=currency, currency_digits=False)).replace("\xa0", " ")


@cache
def _find_locale(name: str) -> Locale:
    return Locale.parse(name)


@dataclass(frozen=True, slots=True)
class _Voice:
    """A policy, and the locale in which something is said about it."""

    policy: Policy
    locale: str

    def say(self, message: str, **words: object) -> str:
        """A sentence of ours with its words filled in."""
        return translation(self.locale).gettext(message) % words

    def amount(self, decision: Decision) -> str:
        """What a decision pays."""
        return format_amount(decision.amount, decision.currency, self.locale)

    def label(self, name: str) -> str:
        """What the policy calls an input, for the middle of a sentence."""
        label = self.policy.inputs[name].label
        return label[:1].lower() + label[1:]

    def moved_day(self, move: Move) -> str:
        """The day that an instant was moved to."""
        assert isinstance(move.value, int)
        return format_day(dates.local_time(move.value, self.policy.zone).date(), self.locale)


def _questions(voice: _Voice, decision: Decision) -> list[str]:
    asked = {need.input: need.question for rule in voice.policy.rules for need in rule.needs if need.question}
    sentences = []
    for name in decision.missing:
        answerer = voice.policy.inputs[name].answered_by
        question = asked.get(name) if answerer == "customer" else None
        sentences.append(question or voice.say(_WAITING[answerer], label=voice.label(name)))
    return sentences


def _consequences(voice: _Voice, decision: Decision) -> list[str]:
    sentences = []
    if decision.then:
        sentences.append(voice.say(_EFFECTS[decision.then]))
    for payout in decision.payouts:
        amount = format_amount(payout.amount, decision.currency, voice.locale)
        sentences.append(voice.say(_PAYOUTS[payout.to], amount=amount))
    if decision.opens_on:
        day = format_day(date.fromisoformat(decision.opens_on), voice.locale)
        sentences.append(voice.say(noop("Not yet: the same request is possible from %(day)s."), day=day))
    return sentences


def _is_said_by_opening(policy: Policy, decision: Decision, change: Change) -> bool:
    """Whether the change is to ask on a later day, which `opens_on` names already."""
    names = [move.input for move in change.moves]
    return decision.opens_on is not None and names == [policy.roles.asked] and not _is_less(change.moves[0])


def _change_sentence(voice: _Voice, change: Change) -> str:
    amount = voice.amount(change.decision)
    if len(change.moves) > 1:
        phrases = "; ".join(_move_phrase(voice, move) for move in change.moves)
        return voice.say(
            noop("It would be %(amount)s if both were so: %(phrases)s."), amount=amount, phrases=phrases
        )
    move = change.moves[0]
    kind = voice.policy.inputs[move.input].type
    if kind == INSTANT:
        return voice.say(_DAYS[_is_less(move)], day=voice.moved_day(move))
    if kind == YES_NO:
        phrase = _move_phrase(voice, move)
        return voice.say(
            noop("It would be %(amount)s if this were so: %(phrase)s."), amount=amount, phrase=phrase
        )
    return voice.say(_LIMITS[_is_less(move)], number=move.value, amount=amount, label=voice.label(move.input))


def _move_phrase(voice: _Voice, move: Move) -> str:
    kind = voice.policy.inputs[move.input].type
    label = voice.label(move.input)
    if kind == INSTANT:
        return voice.say(_REQUEST_DAYS[_is_less(move)], day=voice.moved_day(move))
    if kind == YES_NO:
        return label if move.value else voice.say(noop("not “%(label)s”"), label=label)
    return voice.say(_NUMBERS[_is_less(move)], label=label, number=move.value)


def _is_less(move: Move) -> bool:
    assert isinstance(move.value, int)
    assert isinstance(move.before, int)
    return move.value < move.before


def _offer_sentence(voice: _Voice, offer: Offer) -> str:
    rule = next(rule for rule in voice.policy.rules if rule.grant == offer.decision.grant)
    amount = voice.amount(offer.decision)
    supposing = [voice.label(name) for name, value in offer.supposing if value]
    if not supposing:
        return voice.say(
            noop("You can ask for this instead: %(grant)s. %(amount)s would come back."),
            grant=rule.label,
            amount=amount,
        )
    return voice.say(
        noop(
            "You can ask for this instead, if this is so: %(condition)s: %(grant)s. %(amount)s would come back."
        ),
        condition="; ".join(supposing),
        grant=rule.label,
        amount=amount,
    )


def format_day(day: date, locale: str = LOCALE) -> str:
    r"""A day with its month in words.

    >>> format_day(date(2025, 9, 8)), format_day(date(2025, 9, 8), "de_DE")
    ('8 September 2025', '8.\xa0September\xa02025')
    """
    # Translators: how a day is written; the letters are those of Unicode's date patterns.
    pattern = translation(locale).pgettext("pattern of a day", "d MMMM y")
    return str(format_date(day, pattern, locale=spoken(locale)))


def show_value(type_: Type, value: Value, zone: str, currency: str, locale: str = LOCALE) -> str:
    """A value as an agent reads it, with its unit."""
    _ = translation(locale).gettext
    if value is None:
        return _("unknown")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, str):
        return value
    if type_.kind is INSTANT.kind:
        return dates.local_time(int(value), zone).isoformat(sep=" ")
    return _show_number(type_, value, currency, locale)


def _show_number(type_: Type, value: int | Fraction, currency: str, locale: str) -> str:
    if type_.is_money:
        shown = format_amount(round_exact(value, Rounding.HALF_UP), currency, locale)
        if isinstance(value, int):
            return shown
        return translation(locale).gettext("%(amount)s, not rounded yet") % {"amount": shown}
    if type_.shown_in:
        return f"{Fraction(value, MICROSECONDS[type_.shown_in])} {type_.shown_in}"
    named = [name for name, power in type_.unit if power == 1 and name in ("days", "months")]
    return count_of(value, named[0], locale) if named and len(type_.unit) == 1 else str(value)


def count_of(number: int | Fraction, noun: str, locale: str = LOCALE) -> str:
    """A number with what it counts: time in the reader's language, other nouns as the policy has them.

    >>> count_of(1, "days"), count_of(8, "days"), count_of(1200, "generations"), count_of(8, "days", "de_DE")
    ('1 day', '8 days', '1,200 generations', '8 Tage')
    """
    shown = format_decimal(number, locale=spoken(locale)) if isinstance(number, int) else str(number)
    catalogue = translation(locale)
    match types.singular(noun):
        case "day":
            return catalogue.ngettext("%(n)s day", "%(n)s days", 1 if number == 1 else 2) % {"n": shown}
        case "business day":
            return catalogue.ngettext(
                "%(n)s business day", "%(n)s business days", 1 if number == 1 else 2
            ) % {"n": shown}
        case "month":
            return catalogue.ngettext("%(n)s month", "%(n)s months", 1 if number == 1 else 2) % {"n": shown}
        case one:
            return f"{shown} {one if number == 1 or not noun else types.plural(one)}".rstrip()
