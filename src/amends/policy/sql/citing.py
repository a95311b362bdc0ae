"""The clauses that decide a row: those that hold and that no other overrides, whatever is unknown beside them."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property

from amends.policy.compiled import breakable_promises
from amends.policy.model import Rule, Verb
from amends.policy.resolution import members
from amends.policy.sql.endings import Ending, Endings, Way
from amends.policy.sql.expressions import Expressions
from amends.policy.sql.payments import alike, words_of
from amends.policy.sql.standing import names_of
from amends.policy.sql.terms import (
    FALSE,
    NULL,
    TRUE,
    both,
    case,
    either,
    opposite,
    texts,
    texts_where,
    word,
)


class Citing:
    """The clauses that win, in every row; their columns are made only if something asks."""

    def __init__(self, expressions: Expressions, endings: Endings) -> None:
        self.expressions = expressions
        self.endings = endings
        self.policy = expressions.policy

    @cached_property
    def _true(self) -> list[str]:
        """For each rule, whether it is known to hold."""
        named = zip(names_of(self.policy.rules), self.policy.rules, strict=True)
        return [self._holds(f"says_{name}", rule) for name, rule in named]

    def _holds(self, name: str, rule: Rule) -> str:
        """A column; a choice, because of a choice's condition engines compute no more than they need."""
        when = self.expressions.value(rule.when)
        text = case([(when.sql, TRUE)], FALSE)
        return self.expressions.layers.bind(name, replace(when, raw=text)).raw

    def won(self, rule: Rule) -> str:
        """Whether a rule wins."""
        above = members(self.policy.attackers[rule.index])
        return both(self._true[rule.index], *(opposite(self._true[index]) for index in above))

    def clauses(self, ending: str, is_hard: str, broken: str) -> str:
        """The clauses that grant, deny or refer, and the promise that is broken, in the order of their ids."""
        rules = self.policy.rules
        unsaid = self.endings.among(ending, lambda end: end.way in (Way.ERROR, Way.STRANGER))
        alone = self.endings.grouped(ending, self._only_clause)
        denies = self.endings.among(ending, lambda end: end.way is Way.DENIES)
        review = self.endings.among(ending, lambda end: end.way is Way.REVIEW)
        branches = [
            (unsaid, texts(())),
            (is_hard, self._listed(rules, broken)),
            *((where, texts((clause,))) for where, clause in alone),
            (denies, self._listed(rule for rule in rules if rule.verb is Verb.DENY)),
            (review, self._listed(rule for rule in rules if rule.verb is Verb.REFER)),
        ]
        return case(branches, self._listed(rules))

    def _only_clause(self, end: Ending) -> str | None:
        """The clause that a plain case cites, where no other rule says the same."""
        if end.way not in (Way.GRANTS, Way.LACKS):
            return None
        rule = self.policy.rules[end.rule]
        return rule.clause if len(alike(self.policy.rules)[words_of(rule)]) == 1 else None

    def _listed(self, rules: Iterable[Rule], broken: str = NULL) -> str:
        """Those of some rules' clauses that win, the referring ones alone if there are any."""
        listed = tuple(rules)
        refers = either(*(self.won(rule) for rule in listed if rule.verb is Verb.REFER))
        cited: dict[str, list[str]] = {}
        for rule in listed:
            is_silenced = FALSE if rule.verb is Verb.REFER else refers
            cited.setdefault(rule.clause, []).append(both(self.won(rule), opposite(is_silenced)))
        if broken != NULL:
            for _, promise in breakable_promises(self.policy):
                cited.setdefault(promise.clause, []).append(f"({broken} = {word(promise.clause)})")
        return texts_where((either(*cited[clause]), clause) for clause in sorted(cited))
