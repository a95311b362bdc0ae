"""What each rule comes to, as SQL: its lines, caps, the built-in lines, and which rules say the same (semantics, rules 6-10)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from amends.policy.expression import Node
from amends.policy.model import Policy, Rule, Verb, inputs_read
from amends.policy.sql import terms
from amends.policy.sql.doubt import missing
from amends.policy.sql.expressions import Expressions, UncompilableError
from amends.policy.sql.terms import FALSE, TRUE, Term, both, either, fails, holds, is_open, opposite

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

    def __init__(self, expressions: Expressions, is_possible: list[str], depth: int) -> None:
        self.expressions = expressions
        self.policy: Policy = expressions.policy
        self.is_possible = is_possible
        """For each rule, that it is not known to be false: elsewhere nothing is computed for it."""
        self.depth = depth
        """The layer by which it is known which rules hold."""
        groups: dict[object, list[Rule]] = {}
        for rule in self.policy.rules:
            groups.setdefault(_words(rule), []).append(rule)
        self.says = [self._say(tuple(rules)) for rules in groups.values()]
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
        total = self._lazily(rules, f"pays_{rule.clause}", self._total(rule))
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
        return self.expressions.layers.bind(name, replace(term, raw=text, is_strict=True, depth=depth))

    def _value(self, node: Node) -> Term:
        return self.expressions.value(node)

    def _total(self, rule: Rule) -> Term:
        """The refund, NULL where any part of the entitlement is unknown."""
        written = self._value(rule.lines[0].expression)
        for line in rule.lines[1:]:
            written = terms.add(written, self._value(line.expression))
        shown, credit = written, terms.constant(0)
        if self.policy.caps:
            shown, credit = self._capped(written)
        left = self.left()
        total = terms.extreme("GREATEST", [terms.constant(0), terms.extreme("LEAST", [shown, left])])
        known = [credit.sql] if credit.raw != "0" else []
        conditions = [opposite(is_open(text)) for text in known]
        parts = [total, credit]
        if rule.then.condition is not None:
            condition = self._value(rule.then.condition)
            conditions.append(opposite(is_open(condition.sql)))
            parts.append(condition)
        if rule.pay in self.policy.inputs:
            conditions.append(opposite(is_open(self.expressions.inputs[rule.pay].raw)))
        text = terms.case([(both(*conditions), total.sql)])
        return terms.narrowed(
            replace(total, raw=text, is_strict=True, depth=max(part.depth for part in parts))
        )

    def left(self) -> Term:
        """What was paid less what was returned."""
        roles, inputs = self.policy.roles, self.expressions.inputs
        if roles.paid is None:
            return terms.constant(0)
        paid = inputs[roles.paid]
        return paid if roles.refunded is None else terms.add(paid, inputs[roles.refunded], -1)

    def _capped(self, written: Term) -> tuple[Term, Term]:
        """The sum after the caps, and the part of it that is credit."""
        shown = running = written
        credit = terms.constant(0)
        for cap in self.policy.caps:
            spare = terms.add(self._value(cap.limit), self.expressions.inputs[cap.history], -1)
            room = terms.extreme("GREATEST", [terms.constant(0), spare])
            over = terms.extreme("GREATEST", [terms.constant(0), terms.add(running, room, -1)])
            over = self.expressions.layers.bind("over_cap", over)
            running = terms.add(running, over, -1)
            if cap.rest_as_credit:
                credit = terms.add(credit, over)
            else:
                shown = terms.add(shown, over, -1)
        return shown, credit

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
        return holds(self.expressions.layers.bind(name, Term(text, depth=depth)).raw)

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
        total = self._total(left)
        paid_back = total
        if self.policy.caps:
            written = self._value(left.lines[0].expression)
            for line in left.lines[1:]:
                written = terms.add(written, self._value(line.expression))
            credit = self._capped(written)[1]
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

    def met(self, rule: Rule) -> Term:
        """Whether all needs of a rule are met."""
        parts = [self.lacks(need.input, need.condition) for need in rule.needs]
        return terms.condition(opposite(either(*(part.raw for part in parts))), *parts)

    def lacks(self, name: str, condition: Node | None) -> Term:
        """Whether a need for an input is not met."""
        given = opposite(holds(self.expressions.inputs[name].raw))
        if condition is None:
            return Term(given)
        applies = self._value(condition)
        return terms.condition(both(given, opposite(fails(applies.sql))), applies)

    def inputs_behind(self, rule: Rule, name: str) -> str:
        """Whether an unknown input keeps the amounts of a grant from being known."""
        policy = self.policy
        nodes = [line.expression for line in rule.lines] + [cap.limit for cap in policy.caps]
        if rule.then.condition is not None:
            nodes.append(rule.then.condition)
        named = [policy.roles.paid, policy.roles.refunded, rule.pay, *(cap.history for cap in policy.caps)]
        found = [is_open(self.expressions.inputs[name].raw)] if name in named else []
        reading = (node for node in nodes if name in inputs_read(policy, node))
        unknown = (
            both(is_open(self._value(node).sql), missing(self.expressions, node, name)) for node in reading
        )
        return either(*found, *unknown)


def _words(rule: Rule) -> object:
    """What two rules share that say the same in every case."""
    if rule.verb is not Verb.GRANT:
        return rule.verb, tuple(line.expression for line in rule.lines)
    lines = tuple((line.id, line.expression) for line in rule.lines)
    return rule.verb, rule.grant, lines, rule.pay, rule.then
