"""How the rules of a case come out together, as SQL: the definitions of `resolution`, as conditions over the columns.

An unknown rule is tried both ways. `resolution` finds without enumeration whether any combination ends otherwise: it
keeps, step by step, the largest set of unknown rules that may act together without a barred one winning. Overrides are
acyclic, so the same set follows from one condition for each rule, read from the overriding rules downwards.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from amends.policy.expression import All
from amends.policy.model import Policy, Rule, Verb
from amends.policy.resolution import members
from amends.policy.sql.endings import Ending, Endings, Way
from amends.policy.sql.expressions import Expressions, UncompilableError
from amends.policy.sql.payments import Payments, Say
from amends.policy.sql.questions import COSTLY, cost_of
from amends.policy.sql.terms import FALSE, TRUE, Term, both, case, either, fails, holds, is_open, opposite

COMBINATIONS_MAX = 400
"""A need that may lack is looked at once for each clause that could decide instead."""


@dataclass(frozen=True)
class Barred:
    """Which rules may not win in a combination: all but those that say the same as one, and one rule aside."""

    say: int
    spare: int | None = None
    kept_out: int = 0
    """Rules that are taken not to hold, as a bit mask."""


class Standing:
    """The conditions under which a case that is not plain is settled, asked about, or goes to a person."""

    def __init__(self, expressions: Expressions, hard: Expressions) -> None:
        self.expressions = expressions
        self.hard = hard
        """Makes the columns of such cases."""
        self.policy: Policy = expressions.policy
        self.rules: tuple[Rule, ...] = self.policy.rules
        self.names = names = names_of(self.rules)
        self.flags = [
            hard.bind(f"holds_{name}", self._when(rule)) for name, rule in zip(names, self.rules, strict=True)
        ]
        self.true = [holds(flag.raw) for flag in self.flags]
        self.open = [is_open(flag.raw) for flag in self.flags]
        self.possible = [f"({flag.raw} IS NOT FALSE)" if flag.raw != TRUE else TRUE for flag in self.flags]
        known_by = max(flag.depth for flag in self.flags)
        self.payments = Payments(expressions, hard, self.possible, known_by)
        self.won = [both(self.true[rule.index], self.unattacked(rule)) for rule in self.rules]
        """Whether a rule wins."""
        met = [self.payments.amounts.met(rule) for rule in self.rules]
        self.met = [hard.bind(f"met_{name}", one).raw for name, one in zip(names, met, strict=True)]
        self.depth = expressions.layers.depth
        """The layer by which all that is known."""
        self.wins = [self._win(f"wins_{name}", rule) for name, rule in zip(names, self.rules, strict=True)]
        self.able = [both(self.open[rule.index], self.unattacked(rule)) for rule in self.rules]
        self.any_open = self._bind("any_open", either(*self.open), self.depth)
        self.agrees, self.asks = self._asks()

    def _when(self, rule: Rule) -> Term:
        """Whether a rule holds; what is costly of its condition only where the rest leaves that open."""
        parts = rule.when.operands if isinstance(rule.when, All) else (rule.when,)
        quick = [part for part in parts if cost_of(self.policy, part) < COSTLY]
        term = self.expressions.value(rule.when)
        if len(quick) in (0, len(parts)):
            return term
        is_out = fails(both(*(self.expressions.value(part).sql for part in quick)))
        return replace(term, raw=case([(is_out, FALSE)], term.sql))

    def _win(self, name: str, rule: Rule) -> str:
        won = self.won[rule.index]
        return won if won == self.true[rule.index] else self._bind(name, won, self.depth)

    def _bind(self, name: str, text: str, depth: int) -> str:
        return self.hard.bind(name, Term(text, depth=depth)).raw

    def ending(self, endings: Endings) -> str:
        """The number of the end that a row comes to."""
        decided = [
            (self.say_wins(number), endings.number(_ending_of(say)))
            for number, say in enumerate(self.payments.says)
            if say.verb is not Verb.REFER
        ]
        asks, review = (endings.number(Ending(way)) for way in (Way.ASKS, Way.REVIEW))
        return case([(self.asks, asks), (self.agrees, case(decided))], review)

    def unattacked(self, rule: Rule) -> str:
        """That no rule which holds overrides it."""
        return both(*(opposite(self.true[index]) for index in members(self.policy.attackers[rule.index])))

    def say_wins(self, number: int, without: int | None = None) -> str:
        """Whether a rule that says this wins."""
        rules = self.payments.says[number].rules
        return either(*(self.wins[rule.index] for rule in rules if rule.index != without))

    def say_able(self, number: int) -> str:
        """Whether an unknown rule that says this could win."""
        return either(*(self.able[rule.index] for rule in self.payments.says[number].rules))

    @property
    def any_wins(self) -> str:
        """Whether anything holds: overrides are acyclic, so then something wins."""
        return either(*self.wins)

    def of_verb(self, verb: Verb) -> list[int]:
        """What is said by granting, denying or referring, by number."""
        return [number for number, say in enumerate(self.payments.says) if say.verb is verb]

    def agreeing(self, without: int | None = None) -> str:
        """Whether something wins, and all that wins says the same grant or denial."""
        families: dict[object, list[int]] = {}
        for number, say in enumerate(self.payments.says):
            if say.verb is not Verb.REFER:
                families.setdefault(say.family, []).append(number)
        refers = either(*(self.say_wins(number, without) for number in self.of_verb(Verb.REFER)))
        winning = [either(*(self.say_wins(n, without) for n in family)) for family in families.values()]
        counted = " + ".join(case([(one, "1")], "0") for one in winning if one != FALSE)
        one_family = f"({counted} = 1)" if counted else FALSE
        split = [
            both(
                self.say_wins(first, without),
                self.say_wins(second, without),
                opposite(self.payments.same(first, second)),
            )
            for family in families.values()
            for position, first in enumerate(family)
            for second in family[:position]
        ]
        return both(opposite(refers), one_family, opposite(either(*split)))

    def _asks(self) -> tuple[str, str]:
        """Whether the winners agree; and whether the case asks, whichever way the unknown rules fall."""
        agrees = self._bind("agrees", self.agreeing(), self.depth + 1)
        says = self.payments.says
        undetermined = either(*(both(self.say_wins(n), say.is_undetermined) for n, say in enumerate(says)))
        met = either(*(both(wins, met) for wins, met in zip(self.wins, self.met, strict=True)))
        lacking = [rule.index for rule in self.rules if rule.needs]
        spared = either(
            *(both(self.wins[index], opposite(self.met[index]), self.agreeing(index)) for index in lacking)
        )
        settled = case([(undetermined, TRUE), (agrees, opposite(met))], spared)
        differs = case(
            [
                (opposite(self.any_open), FALSE),
                (agrees, either(self._another_could_win(), self._needs_could_lack())),
                (opposite(self.any_wins), self._silence_could_end()),
                (self._surely_refers(), self._unknown_could_win()),
            ],
            self._agreement_possible(),
        )
        return agrees, self._bind("asks", either(settled, differs), self.depth + 2)

    def _another_could_win(self) -> str:
        found = []
        for number in range(len(self.payments.says)):
            same = either(
                *(both(self.say_wins(n), self.payments.same(n, number)) for n in self._family(number))
            )
            found.append(both(self.say_able(number), opposite(same)))
        return either(*found)

    def _family(self, number: int) -> list[int]:
        says = self.payments.says
        if says[number].verb is Verb.REFER:
            return []
        return [n for n, say in enumerate(says) if say.family == says[number].family]

    def _silence_could_end(self) -> str:
        rules = [rule.index for rule in self.rules if rule.verb is not Verb.REFER]
        return either(*(self.open[index] for index in rules))

    def _needs_could_lack(self) -> str:
        """Whether unknown rules could override every winner whose needs are met."""
        acting = self._acting(lambda index: self.met[index])
        sure = (both(self.true[rule.index], self.met[rule.index]) for rule in self.rules)
        return opposite(self._any_unbeaten(sure, acting))

    def _acting(self, is_barred: Callable[[int], str], kept_out: int = 0) -> dict[int, str]:
        """For each rule that overrides others, whether it holds or may be taken to."""
        acting: dict[int, str] = {}

        def acts(index: int) -> str:
            if index not in acting:
                acting[index] = self.true[index]
                if not kept_out >> index & 1:
                    above = [acts(attacker) for attacker in members(self.policy.attackers[index])]
                    may_act = both(self.open[index], either(opposite(is_barred(index)), *above))
                    acting[index] = either(self.true[index], may_act)
            return acting[index]

        for attackers in self.policy.attackers:
            for index in members(attackers):
                acts(index)
        return acting

    def _any_unbeaten(self, conditions: Iterable[str], acting: dict[int, str]) -> str:
        """Whether a rule whose condition holds is overridden by none that acts; those that the same override together."""
        found: dict[str, list[str]] = {}
        for condition, attackers in zip(conditions, self.policy.attackers, strict=True):
            unbeaten = both(*(opposite(acting[index]) for index in members(attackers)))
            found.setdefault(unbeaten, []).append(condition)
        return either(*(both(either(*alike), unbeaten) for unbeaten, alike in found.items()))

    def _surely_refers(self) -> str:
        """Whether a rule refers that nothing can override and that lacks nothing: then no combination agrees."""
        attackers = self.policy.attackers
        return either(
            *(
                self.true[rule.index]
                for rule in self.rules
                if rule.verb is Verb.REFER and not rule.needs and not attackers[rule.index]
            )
        )

    def _unknown_could_win(self) -> str:
        """Whether an unknown rule could win whose amounts are not known."""
        says = self.payments.says
        return either(*(both(self.say_able(n), say.is_undetermined) for n, say in enumerate(says)))

    def _agreement_possible(self) -> str:
        """Whether, where a person would decide now, some combination would agree or ask instead."""
        says = self.payments.says
        found = [self._unknown_could_win()]
        deciding = [n for n, say in enumerate(says) if say.verb is not Verb.REFER]
        found += [self._nobody_disagrees(Barred(number)) for number in deciding]
        lacking = [rule.index for rule in self.rules if rule.needs]
        if len(lacking) * len(self.rules) > COMBINATIONS_MAX:
            line = self.rules[lacking[-1]].span.line
            message = f"line {line}: {len(lacking)} rules have needs, and there are {len(self.rules)} rules; SQL looks at {COMBINATIONS_MAX} pairs of them at most."
            raise UncompilableError(message)
        found += [self._agreement_without(index, deciding) for index in lacking]
        return either(*found)

    def _agreement_without(self, spare: int, deciding: list[int]) -> str:
        """Whether the others could agree if a clause whose need may lack is left out."""
        found = []
        for number in deciding:
            rules = [rule.index for rule in self.payments.says[number].rules if rule.index != spare]
            plain = [index for index in rules if not self.policy.attackers[index]]
            some = either(*(self.possible[index] for index in plain))
            found.append(both(some, self._nobody_disagrees(Barred(number, spare))))
            for index in rules:
                if index not in plain:
                    champion = both(self.possible[index], self.unattacked(self.rules[index]))
                    barred = Barred(number, spare, self.policy.attackers[index])
                    found.append(both(champion, self._nobody_disagrees(barred)))
        able = both(self.possible[spare], self.unattacked(self.rules[spare]))
        return both(able, opposite(self.met[spare]), either(*found))

    def _nobody_disagrees(self, barred: Barred) -> str:
        """Whether some unknown rules may act together so that only rules which say the same win."""

        def disagrees(index: int) -> str:
            if index == barred.spare:
                return FALSE
            return opposite(self.payments.same(barred.say, self.payments.say_of[index]))

        acting = self._acting(disagrees, barred.kept_out)
        disagreeing = (both(self.true[rule.index], disagrees(rule.index)) for rule in self.rules)
        return opposite(self._any_unbeaten(disagreeing, acting))


def _ending_of(say: Say) -> Ending:
    return Ending(Way.GRANTS, say.rule.index) if say.verb is Verb.GRANT else Ending(Way.DENIES)


def names_of(rules: tuple[Rule, ...]) -> list[str]:
    """The clause of each rule, numbered where it has several."""
    clauses = [rule.clause for rule in rules]
    return [
        clause if clauses.count(clause) == 1 else f"{clause}_{clauses[:position].count(clause) + 1}"
        for position, clause in enumerate(clauses)
    ]
