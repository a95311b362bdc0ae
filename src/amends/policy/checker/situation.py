"""A complete case as terms: which rules hold, which win, what each pays, and how they come out together.

The definitions are those of `resolution` and `amounts`, for cases in which every input is known.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TypeAlias, cast

from amends.policy.amounts import cap_line
from amends.policy.checker.calendar import Calendar
from amends.policy.checker.encoding import Encoding, Frame
from amends.policy.checker.smt import (
    Answer,
    Prover,
    Term,
    both,
    choose,
    either,
    equal,
    greatest,
    least,
    opposite,
)
from amends.policy.checker.values import Encoded, Quantity, Truth, Word
from amends.policy.model import ORIGINAL, Policy, Promise, PromiseKind, Rule, Verb
from amends.policy.resolution import members

Lines: TypeAlias = tuple[tuple[str, Term], ...]
"""Ids and amounts in order; a line of 0 is not there, but for the first."""


@dataclass(frozen=True, slots=True)
class Payment:
    """What a granting rule comes to."""

    total: Term
    lines: Lines
    """The written lines and those of the caps."""
    effect: Term
    goes_back: Term
    """Whether it goes the way the customer paid, but for the part over a cap; else all of it is credit."""
    over_cap: Term
    """The part of the total that is credit in any case."""
    known: Term


class Situation:
    """The rules of one policy over one encoded case."""

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self.policy: Policy = encoding.policy
        prover = encoding.prover
        self.is_possible = is_possible(encoding)
        self.is_required = is_required(encoding)
        whens = [encoding.truth(rule.when) for rule in self.policy.rules]
        names = [f"{rule.clause} {rule.index}" for rule in self.policy.rules]
        self.unknown = [opposite(when.known) for when in whens]
        self.holds = [
            prover.named(f"{name} holds", when.true) for name, when in zip(names, whens, strict=True)
        ]
        self.wins = [
            prover.named(f"{name} wins", both(held, *(opposite(self.holds[a]) for a in members(attackers))))
            for name, held, attackers in zip(names, self.holds, self.policy.attackers, strict=True)
        ]
        self.met = [is_met(encoding, rule) for rule in self.policy.rules]
        self.payments = [
            self._payment(rule) if rule.verb is Verb.GRANT else None for rule in self.policy.rules
        ]
        self.debts = [
            [encoding.quantity(line.expression) for line in rule.lines] if rule.verb is Verb.DENY else []
            for rule in self.policy.rules
        ]

    def assume(self) -> None:
        """From here on, speak only of cases that are possible and show what the policy requires."""
        self.encoding.prover.require(self.is_possible, self.is_required)

    @cached_property
    def meeting(self) -> Mapping[int, Collection[int]]:
        """For each granting rule, the other ones that may win beside it, found case by case."""
        prover, found = self.encoding.prover, defaultdict[int, set[int]](set)
        later = self._chain(self.of_verb(Verb.GRANT)[::-1])
        for index in self.of_verb(Verb.GRANT):
            answer = prover.ask(self.wins[index], later[index])
            rest = [other for other in later if other > index]
            while answer is Answer.POSSIBLE:
                together = {other for other in rest if prover.value(self.wins[other])}
                for other in together:
                    found[index].add(other)
                    found[other].add(index)
                rest = [other for other in rest if other not in together]
                answer = prover.ask(self.wins[index], either(*(self.wins[other] for other in rest)))
            if answer is Answer.UNKNOWN:
                found[index].update(rest)
                for other in rest:
                    found[other].add(index)
        return found

    @cached_property
    def left(self) -> Term:
        """What was paid less what was returned."""
        roles = self.policy.roles
        if roles.paid is None:
            return 0
        paid = cast("Quantity", self.encoding.inputs[roles.paid]).top
        if roles.refunded is None:
            return paid
        return paid - cast("Quantity", self.encoding.inputs[roles.refunded]).top

    def _payment(self, rule: Rule) -> Payment:
        written = [self.encoding.quantity(line.expression) for line in rule.lines]
        lines = tuple((line.id, amount.top) for line, amount in zip(rule.lines, written, strict=True))
        cut, credited = self._capped(_sum(lines))
        known = both(*(line.known for line in written), *(limit.known for limit in self._limits))
        lines += (*cut, *credited)
        total = greatest(0, least(self.left, _sum(lines)))
        over_cap = least(total, _sum(credited)) if credited else 0
        effect: Term = self.encoding.words.number(rule.then.effect)
        if rule.then.condition is not None:
            condition = self.encoding.truth(rule.then.condition)
            known = both(known, condition.known)
            effect = choose(condition.holds, effect, self.encoding.words.number(rule.then.otherwise))
        return Payment(total, lines, effect, self._goes_back(rule), over_cap, known)

    def _goes_back(self, rule: Rule) -> Term:
        """Whether a grant is paid the way the customer paid."""
        if rule.pay not in self.policy.inputs:
            return rule.pay == ORIGINAL
        chosen = cast("Word", self.encoding.inputs[rule.pay])
        return equal(chosen.number, self.encoding.words.number(ORIGINAL))

    @cached_property
    def _limits(self) -> list[Quantity]:
        return [self.encoding.quantity(cap.limit) for cap in self.policy.caps]

    def _capped(self, total: Term) -> tuple[Lines, Lines]:
        """The lines of the caps: what is cut, and what of it is credited (semantics, rule 10)."""
        cut: Lines = ()
        credited: Lines = ()
        for cap, limit in zip(self.policy.caps, self._limits, strict=True):
            history = cast("Quantity", self.encoding.inputs[cap.history]).top
            over = greatest(0, total - greatest(0, limit.top - history))
            total = total - over
            name = cap_line(self.policy, cap)
            cut += ((name, -over),)
            credited += ((f"{name}_as_credit", over),) if cap.rest_as_credit else ()
        return cut, credited

    def unclear(self, index: int) -> Term:
        """Whether, with every input known, the condition of a rule is not known, or what it pays."""
        payment = self.payments[index]
        amounts = payment.known if payment else both(*(debt.known for debt in self.debts[index]))
        return either(self.unknown[index], both(self.wins[index], opposite(amounts)))

    @cached_property
    def is_clear(self) -> Term:
        """Whether nothing of the case is unknown."""
        return both(*(opposite(self.unclear(rule.index)) for rule in self.policy.rules))

    @cached_property
    def waits(self) -> Term:
        """Whether one rule alone wins and a need of it is not met: then nobody looks at amounts."""
        alone = [
            both(
                self.alone[rule.index],
                opposite(self.met[rule.index]),
                *(opposite(self._any_of(verb)) for verb in Verb if verb is not rule.verb),
            )
            for rule in self.policy.rules
            if rule.needs
        ]
        return both(either(*alone), *(opposite(unknown) for unknown in self.unknown))

    def differ(self, first: int, second: int) -> Term:
        """Whether two rules that win disagree (semantics, rule 6)."""
        left, right = self.policy.rules[first], self.policy.rules[second]
        if left.verb is not right.verb:
            return True
        if left.verb is Verb.GRANT:
            return pays_otherwise(self, first, self, second)
        if left.verb is Verb.DENY:
            return self._owes_otherwise(first, second)
        return False

    def _owes_otherwise(self, first: int, second: int) -> Term:
        left, right = self.debts[first], self.debts[second]
        if len(left) != len(right):
            return True
        return either(*(opposite(equal(a.top, b.top)) for a, b in zip(left, right, strict=True)))

    def owed(self, index: int) -> Lines:
        """What the customer owes after a denying rule."""
        names = (line.id for line in self.policy.rules[index].lines)
        return tuple(zip(names, (debt.top for debt in self.debts[index]), strict=True))

    def of_verb(self, verb: Verb) -> list[int]:
        """The rules that grant, deny or refer."""
        return [rule.index for rule in self.policy.rules if rule.verb is verb]

    @cached_property
    def any_grants(self) -> Term:
        """Whether a grant wins."""
        return self._any("grants", Verb.GRANT)

    @cached_property
    def any_denies(self) -> Term:
        """Whether a denial wins."""
        return self._any("denies", Verb.DENY)

    @cached_property
    def any_refers(self) -> Term:
        """Whether a referral wins."""
        return self._any("refers", Verb.REFER)

    def _any_of(self, verb: Verb) -> Term:
        return {Verb.GRANT: self.any_grants, Verb.DENY: self.any_denies, Verb.REFER: self.any_refers}[verb]

    def _any(self, name: str, verb: Verb) -> Term:
        return self.encoding.prover.named(f"one {name}", either(*(self.wins[i] for i in self.of_verb(verb))))

    @cached_property
    def alone(self) -> list[Term]:
        """For each rule, whether it wins and no other of its verb does."""
        found: list[Term] = [False] * len(self.policy.rules)
        for verb in Verb:
            indices = self.of_verb(verb)
            before = self._chain(indices)
            after = self._chain(indices[::-1])
            for index in indices:
                found[index] = both(self.wins[index], opposite(before[index]), opposite(after[index]))
        return found

    def _chain(self, indices: list[int]) -> dict[int, Term]:
        """For each rule, whether one of those before it in the list wins."""
        earlier: Term = False
        found = {}
        for index in indices:
            found[index] = earlier
            earlier = self.encoding.prover.named("one so far", either(earlier, self.wins[index]))
        return found

    def granted_by(self, index: int) -> Term:
        """Whether the case is granted, and by this rule."""
        split = (both(self.wins[other], self.differ(index, other)) for other in self.meeting.get(index, ()))
        others = either(self.any_denies, self.any_refers, *split)
        return both(self.wins[index], self.met[index], opposite(others), self.is_clear)

    @cached_property
    def denied(self) -> Term:
        """Whether the case is denied: only denials win, they agree, and one of them needs nothing more."""
        denials = self.of_verb(Verb.DENY)
        split = either(*(both(self.wins[a], self.wins[b], self.differ(a, b)) for a, b in self.debt_pairs()))
        met = either(*(both(self.wins[index], self.met[index]) for index in denials))
        return both(met, opposite(either(self.any_grants, self.any_refers, split)), self.is_clear)

    def debt_pairs(self) -> Iterator[tuple[int, int]]:
        """The denials that may disagree about what is owed."""
        for first, second in combinations(self.of_verb(Verb.DENY), 2):
            if self.debts[first] or self.debts[second]:
                yield first, second

    def results_of(self, index: int | None) -> dict[str, Encoded]:
        """What a promise may ask: of the grant of a rule, or of a denial."""
        words = self.encoding.words
        if index is not None:
            payment = self.payments[index]
            assert payment is not None
            grant = self.policy.rules[index].grant or "none"
            return {
                "refund": Quantity(payment.total),
                "outcome": Word(words.number("granted")),
                "grant": Word(words.number(grant)),
            }
        named: dict[str, Encoded] = {
            "refund": Quantity(0),
            "outcome": Word(words.number("denied")),
            "grant": Word(words.number("none")),
        }
        for clause, wins in self._denials():
            named[f"denied_by {clause}"] = Truth(wins)
        return named

    def _denials(self) -> Iterator[tuple[str, Term]]:
        denials = self.of_verb(Verb.DENY)
        for clause in dict.fromkeys(self.policy.rules[index].clause for index in denials):
            wins = [self.wins[index] for index in denials if self.policy.rules[index].clause == clause]
            yield clause, either(*wins)

    @cached_property
    def promises_of_each_case(self) -> list[Promise]:
        """The promises that one decision alone can break."""
        in_each_case = (PromiseKind.ALWAYS, PromiseKind.NEVER)
        return [promise for promise in self.policy.promises if promise.kind in in_each_case]

    def broken(self, promise: Promise, results: Mapping[str, Encoded]) -> Term:
        """Whether a decision with these results breaks an `always` or a `never`."""
        statement = self.encoding.truth(promise.statement, results)
        broken = statement.true if promise.kind is PromiseKind.NEVER else statement.false
        if promise.condition is None:
            return broken
        return both(self.encoding.truth(promise.condition, results).true, broken)


def encode(policy: Policy) -> Encoding:
    """One case of a policy, in a proof of its own."""
    prover = Prover()
    return Encoding(policy, Frame(prover, Calendar(prover, policy.zone, policy.effective)))


def is_possible(encoding: Encoding) -> Term:
    """Whether a case is one that the policy takes, and breaks none of its assumptions."""
    assumed = [encoding.truth(node) for node in encoding.policy.assumptions]
    return both(encoding.is_taken, opposite(either(*(truth.false for truth in assumed))))


def is_required(encoding: Encoding) -> Term:
    """Whether a case shows what the policy requires before everything."""
    return both(*(cast("Truth", encoding.inputs[name]).true for name in encoding.policy.requires))


def is_met(encoding: Encoding, rule: Rule) -> Term:
    """Whether every need of a rule is met (semantics, rule 4)."""
    parts = []
    for need in rule.needs:
        given = cast("Truth", encoding.inputs[need.input])
        spared = False if need.condition is None else encoding.truth(need.condition).false
        parts.append(either(both(opposite(given.absent), given.true), spared))
    return both(*parts)


def pays_otherwise(left: Situation, first: int, right: Situation, second: int) -> Term:
    """Whether two granting rules, perhaps of two policies, come to different grants or lines."""
    payment, counter = left.payments[first], right.payments[second]
    assert payment is not None
    assert counter is not None
    if left.policy.rules[first].grant != right.policy.rules[second].grant:
        return True
    return either(
        are_other_lines(payment.lines, counter.lines),
        opposite(equal(payment.total, counter.total)),
        opposite(equal(payment.effect, counter.effect)),
        _goes_elsewhere(payment, counter),
        _goes_elsewhere(counter, payment),
    )


def _goes_elsewhere(payment: Payment, other: Payment) -> Term:
    """Whether something goes the way the customer paid that is credit in a payment of the same total."""
    more = either(opposite(other.goes_back), opposite(equal(payment.over_cap, other.over_cap)))
    return both(payment.goes_back, more, payment.total > payment.over_cap)


def owes_otherwise(left: Situation, first: int, right: Situation, second: int) -> Term:
    """Whether two denying rules, perhaps of two policies, come to different debts."""
    return are_other_lines(left.owed(first), right.owed(second))


def are_other_lines(lines: Lines, others: Lines) -> Term:
    """Whether two lists of lines differ in an id, an amount or their order."""
    if not lines or not others:
        return bool(lines or others)
    if lines[0][0] != others[0][0]:
        return True
    amounts, counter = dict(lines), dict(others)
    places = {name: place for place, name in enumerate(counter)}
    pairs = combinations((name for name in amounts if name in counter), 2)
    return either(
        *(opposite(equal(amounts.get(name, 0), counter.get(name, 0))) for name in {**amounts, **counter}),
        *(
            both(opposite(equal(amounts[a], 0)), opposite(equal(amounts[b], 0)))
            for a, b in pairs
            if places[a] > places[b]
        ),
    )


def _sum(lines: Iterable[tuple[str, Term]]) -> Term:
    return sum(amount for _, amount in lines)
