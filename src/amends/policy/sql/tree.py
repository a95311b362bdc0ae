"""A policy as a tree of questions: a row is asked only what decides it, whatever else is unknown.

The tree is read off the rules alone, in two values. A row that cannot answer a question, or comes to a leaf where more
than one thing is said, is decided by `standing`.
"""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from amends.policy.model import Policy, Rule, Verb
from amends.policy.resolution import members
from amends.policy.sql.questions import Answer, Formula, Questions, answered, asked_in

QUESTIONS_MAX = 200
"""Of a policy with more, the rows that would be asked the others are decided by `standing`."""
COMPARED_MAX = 200
"""So many rules are looked at to find the best question: with more rules open, fewer questions are tried."""
DEPTH_MAX = 40
"""Engines and sqlglot read nested choices recursively."""

Rules = tuple[Formula, ...]
"""What is left of the condition of each rule."""


@dataclass(slots=True)
class Branch:
    """A place in the tree: either a question with what each answer leads to, or the rules that win there."""

    rules: Rules
    paying: frozenset[int]
    """The granting rules that may hold here."""
    depth: int = 0
    is_whole: bool = True
    """Whether every rule that may hold here is still among them."""
    question: int | None = None
    answers: list[tuple[tuple[Answer, ...], "Branch"]] = field(default_factory=list)
    winners: tuple[int, ...] | None = None
    """Rules that win and say all that is said; None where the tree ends before that is known."""


class Tree:
    """The tree of a policy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.questions = Questions(policy)
        self._attackers = [tuple(members(mask)) for mask in policy.attackers]
        self._voices = [_voice(rule) for rule in policy.rules]
        self.root = self._grown([self.questions.formula(rule.when) for rule in policy.rules])

    def places(self) -> Iterator[Branch]:
        """Every place of the tree."""
        waiting = [self.root]
        while waiting:
            branch = waiting.pop()
            yield branch
            waiting.extend(below for _, below in branch.answers)

    def leaves(self) -> Iterator[Branch]:
        """The places where the winners are known."""
        return (place for place in self.places() if place.winners is not None)

    def _grown(self, rules: Sequence[Formula]) -> Branch:
        """The tree from its root, the first questions first."""
        relevant = self._relevant(rules)
        root = Branch(relevant, self._paying(rules), is_whole=relevant == tuple(rules))
        waiting, left = deque([root]), QUESTIONS_MAX
        while waiting:
            branch = waiting.popleft()
            question = self._question(branch.rules)
            if question is None:
                branch.winners = tuple(self._winners(branch.rules))
            elif left and branch.depth < DEPTH_MAX:
                left -= 1
                branch.question = question
                branch.answers = list(self._answers(branch, question))
                waiting.extend(below for _, below in branch.answers)
        return root

    def _answers(self, branch: Branch, question: int) -> Iterator[tuple[tuple[Answer, ...], Branch]]:
        """What each answer leads to; answers that lead to the same are one, and the shortest list comes first."""
        found: dict[Rules, Branch] = {}
        given: dict[Rules, list[Answer]] = {}
        # Beside a rule that surely refers, no question is asked about those that pay.
        beside = branch.paying if Verb.REFER in self._said(branch.rules) else frozenset[int]()
        for answer in self.questions.possible(question):
            rules = [answered(rule, question, answer) for rule in branch.rules]
            relevant = self._relevant(rules)
            below = found.setdefault(relevant, Branch(relevant, beside, branch.depth + 1, branch.is_whole))
            below.paying |= self._paying(rules)
            below.is_whole &= relevant == tuple(rules)
            given.setdefault(relevant, []).append(answer)
        for relevant, answers in sorted(given.items(), key=lambda one: len(one[1])):
            yield tuple(answers), found[relevant]

    def _question(self, rules: Rules) -> int | None:
        """The question whose answers leave the fewest others; None if no rule is open."""
        counted = Counter(question for rule in rules for question in sorted(asked_in(rule)))
        tried = max(1, COMPARED_MAX // max(1, sum(not isinstance(rule, bool) for rule in rules)))
        asked = [question for question, _ in counted.most_common(tried)]
        cost = self.questions.cost
        return min(
            asked, key=lambda one: (self._left_by(one, rules), cost(one), -counted[one], one), default=None
        )

    def _left_by(self, question: int, rules: Rules) -> int:
        """How many questions are left, over all answers."""
        answers = self.questions.possible(question)
        ends = {self._relevant([answered(rule, question, one) for rule in rules]) for one in answers}
        return sum(len(frozenset().union(*map(asked_in, end))) for end in ends)

    def _relevant(self, rules: Sequence[Formula]) -> Rules:
        """The rules without those that could change nothing: they cannot win, or it is said already what they say."""
        winners, said = list(self._winners(rules)), self._said(rules)
        if Verb.REFER in said:
            # A person decides, whatever else is said.
            winners = [index for index in winners if self._may_hang(index)]
        asked = {index for index in winners if self._voices[index] not in said}
        asked.update(*(self._attackers[index] for index in asked))
        return tuple(
            rule if isinstance(rule, bool) or index in asked else False for index, rule in enumerate(rules)
        )

    def _said(self, rules: Sequence[Formula]) -> set[object]:
        """What is said by rules that surely win."""
        return {self._voices[index] for index in self._winners(rules) if self._surely_wins(rules, index)}

    def _winners(self, rules: Sequence[Formula]) -> Iterator[int]:
        """The rules that may win: all that do, where none is open."""
        for index, rule in enumerate(rules):
            if rule is not False and not any(rules[above] is True for above in self._attackers[index]):
                yield index

    def _surely_wins(self, rules: Sequence[Formula], index: int) -> bool:
        return rules[index] is True and all(rules[above] is False for above in self._attackers[index])

    def _may_hang(self, index: int) -> bool:
        """Whether a rule beside one that refers could leave something to ask for, other than an amount to pay."""
        rule = self.policy.rules[index]
        return bool(rule.needs if rule.verb is Verb.REFER else rule.verb is Verb.DENY and rule.lines)

    def _paying(self, rules: Sequence[Formula]) -> frozenset[int]:
        granting = (index for index in self._winners(rules) if self.policy.rules[index].verb is Verb.GRANT)
        return frozenset(index for index in granting if self.policy.rules[index].lines)


def _voice(rule: Rule) -> object:
    """What rules share that say the same and lack nothing; a rule that could lack something speaks for itself."""
    return rule.index if rule.needs or rule.lines or rule.verb is Verb.GRANT else rule.verb
