"""The rows that a few answers decide: the tree of a policy as SQL, with the end that each of its leaves is.

What comes to no leaf, or to one where an amount is unknown, is NULL here and decided by `standing`.
"""

from collections.abc import Iterator

from amends.policy.expression import Compare
from amends.policy.model import Policy, Rule, Verb
from amends.policy.sql.amounts import Amounts
from amends.policy.sql.certainty import known_by, known_by_amount
from amends.policy.sql.endings import Ending, Endings, Way
from amends.policy.sql.payments import alike
from amends.policy.sql.questions import Answer, Question, opposite_of
from amends.policy.sql.terms import TRUE, among_words, both, case, is_open, opposite
from amends.policy.sql.tree import Branch, Tree


class PlainCases:
    """The end that each plain row comes to, and what is paid there."""

    def __init__(self, policy: Policy, amounts: Amounts, *, is_complete: bool = False) -> None:
        self.policy = policy
        self.is_complete = is_complete
        """Whether nothing is unknown in any row: then nothing else can be asked for."""
        self.amounts = amounts
        self.says = alike(policy.rules)
        self._tree = Tree(policy)
        found = (end for leaf in self._tree.leaves() for _, end in self._ends(leaf))
        self.endings = Endings([*self._always(), *found])

    def ending(self) -> str:
        """The number of the end that a row comes to, NULL where the tree does not tell."""
        return self._written(self._tree.root)

    def tells_all(self) -> bool:
        """Whether the tree tells the end of every complete row and what is paid there."""
        policy = self.policy
        paying = (rule for rule in policy.rules if rule.verb is Verb.GRANT and rule.lines)
        return (
            all(known_by(policy, question) is not None for question in self._tree.questions.asked)
            and all(known_by_amount(policy, rule) is not None for rule in paying)
            and all(self._tells(place) for place in self._tree.places() if place.question is None)
        )

    def _tells(self, leaf: Branch) -> bool:
        """Whether one of the ends of a leaf surely comes: the last has no condition."""
        return any(where == TRUE for where, _ in self._ends(leaf))

    def refund(self, ending: str) -> str:
        """What is paid, in minor units, by a row's end; NULL where that is unknown."""
        paying = self.endings.grouped(ending, self._paying)
        return case(((where, self.amounts.total(rule).sql) for where, rule in paying), "0")

    def _paying(self, end: Ending) -> Rule | None:
        if end.way is not Way.GRANTS:
            return None
        rule = self.policy.rules[end.rule]
        return rule if rule.lines else None

    def _always(self) -> Iterator[Ending]:
        """The ends that a case can come to whatever the tree says."""
        yield from map(Ending, (Way.ERROR, Way.STRANGER, Way.ASKS, Way.DENIES, Way.REVIEW))
        for rule, *_ in self.says.values():
            if rule.verb is Verb.GRANT:
                yield Ending(Way.GRANTS, rule.index)

    def _written(self, branch: Branch) -> str:
        if branch.question is None:
            return case((where, self.endings.number(end)) for where, end in self._ends(branch))
        question = self._tree.questions.asked[branch.question]
        *others, (rest, last) = branch.answers
        branches = [(self._is_answered(question, answers), self._written(below)) for answers, below in others]
        return case([*branches, (self._is_otherwise(question, rest), self._written(last))])

    def _is_answered(self, question: Question, answers: tuple[Answer, ...]) -> str:
        """The condition that a row gives one of some answers: unknown where the answer is."""
        expressions = self.amounts.expressions
        if isinstance(question, str):
            return among_words(expressions.inputs[question].raw, map(str, answers))
        if answers == (True,):
            return expressions.value(question).sql
        if isinstance(question, Compare):
            return expressions.value(opposite_of(question)).sql
        return opposite(expressions.value(question).sql)

    def _is_otherwise(self, question: Question, answers: tuple[Answer, ...]) -> str:
        """The condition of the last answers, for rows that gave none of the others."""
        return self._is_known_by(known_by(self.policy, question)) or self._is_answered(question, answers)

    def _is_known_by(self, names: frozenset[str] | None) -> str | None:
        if names is None:
            return None
        if self.is_complete:
            return TRUE
        inputs = self.amounts.expressions.inputs
        return both(*(opposite(is_open(inputs[name].raw)) for name in sorted(names)))

    def _ends(self, leaf: Branch) -> Iterator[tuple[str, Ending]]:
        """The ends of a leaf, each with its condition; none where `standing` must tell."""
        if leaf.winners is None:
            return
        rules = [self.policy.rules[index] for index in leaf.winners]
        referring = [rule for rule in rules if rule.verb is Verb.REFER]
        if any(rule.verb is Verb.DENY and rule.lines for rule in rules):
            return
        if not rules:
            yield TRUE, Ending(Way.REVIEW)
        elif not referring:
            yield from self._decided(rules, is_whole=leaf.is_whole)
        elif not any(rule.needs for rule in referring):
            known = (self._is_known(self.policy.rules[index]) for index in sorted(leaf.paying))
            yield both(*known), Ending(Way.REVIEW)

    def _decided(self, rules: list[Rule], *, is_whole: bool) -> Iterator[tuple[str, Ending]]:
        """The ends where rules win that say the same."""
        words, *different = alike(rules)
        if different:
            return
        first, *others = self.says[words]
        is_met = both(*(self.amounts.met(rule).raw for rule in rules))
        yield is_met, Ending(Way.GRANTS, first.index) if first.verb is Verb.GRANT else Ending(Way.DENIES)
        if is_met != TRUE and not others and (is_whole or self.is_complete):
            # Whatever else is open would be asked for too.
            is_lacking = TRUE if self.is_complete else both(opposite(is_met), self._is_known(first))
            yield is_lacking, Ending(Way.LACKS, first.index)

    def _is_known(self, rule: Rule) -> str:
        """Whether what a rule pays is known."""
        if rule.verb is not Verb.GRANT or not rule.lines:
            return TRUE
        is_known = self._is_known_by(known_by_amount(self.policy, rule))
        return is_known or opposite(is_open(self.amounts.total(rule).sql))
