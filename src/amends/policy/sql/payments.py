"""What each rule comes to, as SQL: its lines, caps, the built-in lines, and which rules say the same (semantics, rules 6-10)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from amends.policy.expression import Node
from amends.policy.model import Policy, Rule, Verb, inputs_read
from amends.policy.sql import terms
from amends.policy.sql.amounts import Amounts
from amends.policy.sql.doubt import missing
from amends.policy.sql.expressions import Expressions, UncompilableError
from amends.policy.sql.terms import FALSE, TRUE, Term, both, either, holds, is_open, opposite

PAIRS_MAX = 200
BUSIEST = "too many rules may pay differently under one grant"


@dataclass(frozen=True)
class Say:
    """What rules of the same words say: they grant alike, deny, owe alike, or refer."""

    rules: tuple[Rule, ...]
    verb: Verb
    is_undetermined: str
    """Whether its amounts are not known."""
    total: Term | None = None
    """Of a grant, in minor units."""
    family: object = None
    """Only those of one family may come to the same."""

    @property
    def rule(self) -> Rule:
        """Any of its rules."""
        return self.rules[0]


class Payments:
    """What the rules of a policy say, and where two that differ in words come to the same."""

    def __init__(
        self, expressions: Expressions, hard: Expressions, is_possible: list[str], depth: int
    ) -> None:
        self.expressions = expressions
        self.hard = hard
        """Makes the columns of cases that are not plain."""
        self.policy: Policy = expressions.policy
        self.amounts = Amounts(expressions)
        self.is_possible = is_possible
        """For each rule, that it is not known to be false: elsewhere nothing is computed for it."""
        self.depth = depth
        """The layer by which it is known which rules hold."""
        self.says = [self._say(tuple(rules)) for rules in alike(self.policy.rules).values()]
        self.say_of = {rule.index: number for number, say in enumerate(self.says) for rule in say.rules}
        self._same = self._compare()

    def same(self, first: int, second: int) -> str:
        """Whether two of them come to the same."""
        if first == second:
            return TRUE
        return self._same.get((min(first, second), max(first, second)), FALSE)

    def _say(self, rules: tuple[Rule, ...]) -> Say:
        rule = rules[0]
        if rule.verb is Verb.REFER or not rule.lines:
            return Say(rules, rule.verb, FALSE, family=rule.verb)
        if rule.verb is Verb.DENY:
            return self._debt(rules)
        total = self._lazily(rules, f"pays_{rule.clause}", self.amounts.total(rule))
        return Say(rules, rule.verb, is_open(total.raw), total, (rule.grant, rule.lines[0].id))

    def _debt(self, rules: tuple[Rule, ...]) -> Say:
        rule = rules[0]
        amounts = [self._value(line.expression) for line in rule.lines]
        known = both(*(opposite(is_open(amount.sql)) for amount in amounts))
        owes = self._lazily(
            rules, f"owes_{rule.clause}", terms.condition(terms.case([(known, TRUE)]), *amounts)
        )
        return Say(rules, rule.verb, is_open(owes.raw), family=("owes", len(rule.lines)))

    def _lazily(self, rules: tuple[Rule, ...], name: str, term: Term) -> Term:
        """A column that is computed only where one of the rules may hold."""
        possible = either(*(self.is_possible[rule.index] for rule in rules))
        depth = max(term.depth, self.depth)
        text = terms.case([(possible, term.sql)])
        return self.hard.bind(name, replace(term, raw=text, is_strict=True, depth=depth, is_certain=False))

    def _value(self, node: Node) -> Term:
        return self.expressions.value(node)

    def _compare(self) -> dict[tuple[int, int], str]:
        pairs = [
            (first, second)
            for first, second in combinations(range(len(self.says)), 2)
            if self.says[first].total is not None or self.says[first].verb is Verb.DENY
            if self.says[first].family == self.says[second].family
        ]
        if len(pairs) > PAIRS_MAX:
            line = self.says[pairs[-1][1]].rule.span.line
            raise UncompilableError(
                f"line {line}: {BUSIEST}, {len(pairs)} pairs of them; SQL compares at most {PAIRS_MAX}."
            )
        depth = self.expressions.layers.depth
        return {pair: self._pair(*pair, depth) for pair in pairs}

    def _pair(self, first: int, second: int, depth: int) -> str:
        rules = self.says[first].rule, self.says[second].rule
        conditions = list(
            self._same_debts(*rules) if rules[0].verb is Verb.DENY else self._same_grants(*rules)
        )
        possible = [either(*(self.is_possible[r.index] for r in self.says[n].rules)) for n in (first, second)]
        # What is not known is like nothing else, whatever the parts that are known.
        known = [opposite(self.says[number].is_undetermined) for number in (first, second)]
        depth = max(depth, *(part.depth for part in conditions))
        text = terms.case([(both(*possible, *known), both(*(part.sql for part in conditions)))])
        name = f"{rules[0].clause}_like_{rules[1].clause}"
        return holds(self.hard.bind(name, Term(text, depth=depth)).raw)

    def _same_debts(self, left: Rule, right: Rule) -> Iterator[Term]:
        for first, second in zip(left.lines, right.lines, strict=True):
            yield terms.compare("=", self._value(first.expression), self._value(second.expression))

    def _same_grants(self, left: Rule, right: Rule) -> Iterator[Term]:
        amounts = {line.id: self._value(line.expression) for line in left.lines}
        others = {line.id: self._value(line.expression) for line in right.lines}
        zero = terms.constant(0)
        for name in dict.fromkeys([*amounts, *others]):
            yield terms.compare("=", amounts.get(name, zero), others.get(name, zero))
        shared = [name for name in amounts if name in others]
        order = list(others)
        for first, second in combinations(shared, 2):
            if order.index(first) > order.index(second):
                # A line that comes to 0 is left out, so the order shows only where both are there.
                parts = [terms.compare("=", amounts[name], zero) for name in (first, second)]
                yield terms.condition(either(*(part.sql for part in parts)), *parts)
        yield self._same_way(left, right)
        yield self._same_effect(left, right)

    def _same_way(self, left: Rule, right: Rule) -> Term:
        if left.pay == right.pay:
            return Term(TRUE)
        inputs = self.expressions.inputs
        ways = [inputs[r.pay] if r.pay in inputs else Term(terms.word(r.pay)) for r in (left, right)]
        total = self.amounts.total(left)
        paid_back = total
        if self.policy.caps:
            written = self._value(left.lines[0].expression)
            for line in left.lines[1:]:
                written = terms.add(written, self._value(line.expression))
            credit = self.amounts.capped(written)[1]
            paid_back = terms.add(total, terms.extreme("LEAST", [credit, total]), -1)
        same = f"({ways[0].raw} = {ways[1].raw})"
        nothing = terms.compare("=", paid_back, terms.constant(0))
        return terms.condition(either(same, nothing.sql), *ways, nothing)

    def _same_effect(self, left: Rule, right: Rule) -> Term:
        effects = [self._effect(rule) for rule in (left, right)]
        if effects[0].raw == effects[1].raw:
            return Term(TRUE)
        return terms.condition(f"({effects[0].raw} = {effects[1].raw})", *effects)

    def _effect(self, rule: Rule) -> Term:
        then = rule.then
        if then.condition is None:
            return Term(terms.word(then.effect))
        condition = self._value(then.condition)
        text = terms.case([(condition.sql, terms.word(then.effect))], terms.word(then.otherwise))
        return terms.condition(text, condition)

    def inputs_behind(self, expressions: Expressions, rule: Rule, name: str) -> str:
        """Whether an unknown input keeps the amounts of a grant from being known."""
        policy = self.policy
        nodes = [line.expression for line in rule.lines] + [cap.limit for cap in policy.caps]
        if rule.then.condition is not None:
            nodes.append(rule.then.condition)
        named = [policy.roles.paid, policy.roles.refunded, rule.pay, *(cap.history for cap in policy.caps)]
        found = [is_open(expressions.inputs[name].raw)] if name in named else []
        reading = (node for node in nodes if name in inputs_read(policy, node))
        unknown = (
            both(is_open(expressions.value(node).sql), missing(expressions, node, name)) for node in reading
        )
        return either(*found, *unknown)


def alike(rules: Iterable[Rule]) -> dict[object, list[Rule]]:
    """The rules that say the same in every case, by what they say."""
    found: dict[object, list[Rule]] = {}
    for rule in rules:
        found.setdefault(words_of(rule), []).append(rule)
    return found


def words_of(rule: Rule) -> object:
    """What two rules share that say the same in every case."""
    if rule.verb is not Verb.GRANT:
        return rule.verb, tuple(line.expression for line in rule.lines)
    lines = tuple((line.id, line.expression) for line in rule.lines)
    return rule.verb, rule.grant, lines, rule.pay, rule.then
