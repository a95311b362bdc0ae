"""What a whole decision comes to, as terms: the outcome, the amount and the clauses cited (semantics, rules 3 to 6)."""

from collections.abc import Iterator
from functools import cached_property
from itertools import combinations

from amends.policy.checker.situation import Situation
from amends.policy.checker.smt import Term, both, choose, either, equal, opposite
from amends.policy.checker.values import Encoded, Quantity, Word
from amends.policy.model import Rule, Verb

REFUSED = "error"
"""Of a case that the assumptions exclude."""


class Ending:
    """The decision of one encoded case in which nothing stays unknown."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.policy = situation.policy
        self.words = situation.encoding.words
        rules = list(self.policy.rules)
        self.agrees = self._agrees(rules)
        self.acts = both(
            self.agrees, either(*(both(situation.wins[r.index], situation.met[r.index]) for r in rules))
        )
        self.grants = both(self.acts, situation.any_grants)
        self.denies = both(self.acts, situation.any_denies)

    def _agrees(self, rules: list[Rule]) -> Term:
        """Whether, among these rules, one wins, none refers, and those that win say the same."""
        situation = self.situation
        wins = {verb: [r.index for r in rules if r.verb is verb] for verb in Verb}
        some = {verb: either(*(situation.wins[index] for index in wins[verb])) for verb in Verb}
        split = either(*(self._split(a, b) for a, b in self._rivals(wins)))
        quarrel = either(both(some[Verb.GRANT], some[Verb.DENY]), some[Verb.REFER], split)
        return both(either(some[Verb.GRANT], some[Verb.DENY]), opposite(quarrel))

    def _rivals(self, wins: dict[Verb, list[int]]) -> Iterator[tuple[int, int]]:
        situation = self.situation
        for first, second in combinations(wins[Verb.GRANT], 2):
            if second in situation.meeting.get(first, ()):
                yield first, second
        for first, second in combinations(wins[Verb.DENY], 2):
            if situation.debts[first] or situation.debts[second]:
                yield first, second

    def _split(self, first: int, second: int) -> Term:
        wins = self.situation.wins
        return both(wins[first], wins[second], self.situation.differ(first, second))

    @cached_property
    def asks(self) -> Term:
        """Whether a need that is not met keeps the case from being decided."""
        situation = self.situation
        for_one_need = (
            both(
                situation.wins[rule.index],
                opposite(situation.met[rule.index]),
                self._agrees([other for other in self.policy.rules if other is not rule]),
            )
            for rule in self.policy.rules
            if rule.needs
        )
        unresolved = both(opposite(self.agrees), either(*for_one_need))
        return either(both(self.agrees, opposite(self.acts)), unresolved)

    @cached_property
    def is_granted(self) -> Term:
        """Whether the case is granted in the end, with every promise kept."""
        return equal(self.outcome, self.words.number("granted"))

    @cached_property
    def refund(self) -> Term:
        """The amount; 0 unless granted."""
        return choose(self.is_granted, self._awarded, 0)

    @cached_property
    def _awarded(self) -> Term:
        """What the rules alone come to."""
        amount: Term = 0
        for index in self.situation.of_verb(Verb.GRANT):
            payment = self.situation.payments[index]
            assert payment is not None
            amount = choose(both(self.grants, self.situation.wins[index]), payment.total, amount)
        return amount

    @cached_property
    def is_denied(self) -> Term:
        """Whether the case is denied in the end, with every promise kept."""
        return equal(self.outcome, self.words.number("denied"))

    @cached_property
    def outcome(self) -> Term:
        """The word for the outcome."""
        number = self.words.number
        situation = self.situation
        decided = choose(
            self.grants, number("granted"), choose(self.denies, number("denied"), number("needs_review"))
        )
        kept = choose(self._is_broken, number("needs_review"), decided)
        asked = choose(self.asks, number("needs_information"), kept)
        known = choose(situation.is_required, asked, number("needs_information"))
        return choose(situation.is_possible, known, number(REFUSED))

    @cached_property
    def _is_broken(self) -> Term:
        """Whether the decision breaks a promise, and so goes to a person."""
        grant: Term = self.words.number("none")
        for index in self.situation.of_verb(Verb.GRANT):
            named = self.words.number(self.policy.rules[index].grant or "none")
            grant = choose(both(self.grants, self.situation.wins[index]), named, grant)
        results: dict[str, Encoded] = {
            **self.situation.results_of(None),
            "refund": Quantity(self._awarded),
            "outcome": Word(choose(self.grants, self.words.number("granted"), self.words.number("denied"))),
            "grant": Word(grant),
        }
        promises = self.situation.promises_of_each_case
        return both(self.acts, either(*(self.situation.broken(promise, results) for promise in promises)))

    def cites(self, clause: str) -> Term:
        """Whether a clause is among those that decide: beside a referral, no other is."""
        situation = self.situation
        rules = [rule for rule in self.policy.rules if rule.clause == clause]
        wins = either(*(situation.wins[rule.index] for rule in rules))
        is_second = all(rule.verb is not Verb.REFER for rule in rules)
        counts = opposite(situation.any_refers) if is_second else True
        return both(situation.is_possible, situation.is_required, wins, counts)
