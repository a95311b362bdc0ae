"""What a grant comes to and which needs are met, as SQL over one set of expressions (semantics, rules 4, 7-9)."""

from dataclasses import replace

from amends.policy.expression import Node
from amends.policy.model import Policy, Rule
from amends.policy.sql import terms
from amends.policy.sql.expressions import Expressions
from amends.policy.sql.terms import Term, both, either, fails, holds, is_open, opposite


class Amounts:
    """The amounts and needs of the rules of one policy."""

    def __init__(self, expressions: Expressions) -> None:
        self.expressions = expressions
        self.policy: Policy = expressions.policy

    def total(self, rule: Rule) -> Term:
        """The refund, NULL where any part of the entitlement is unknown."""
        written = self._value(rule.lines[0].expression)
        for line in rule.lines[1:]:
            written = terms.add(written, self._value(line.expression))
        shown, credit = written, terms.constant(0)
        if self.policy.caps:
            shown, credit = self.capped(written)
        left = self.left()
        total = terms.extreme("GREATEST", [terms.constant(0), terms.extreme("LEAST", [shown, left])])
        parts = [total, credit]
        if rule.then.condition is not None:
            parts.append(self._value(rule.then.condition))
        if rule.pay in self.policy.inputs:
            parts.append(self.expressions.inputs[rule.pay])
        conditions = [opposite(is_open(part.sql)) for part in parts[1:] if not part.is_certain]
        text = terms.case([(both(*conditions), total.sql)])
        depth = max(part.depth for part in parts)
        return terms.narrowed(terms.known_with(replace(total, raw=text, is_strict=True, depth=depth), *parts))

    def left(self) -> Term:
        """What was paid less what was returned."""
        roles, inputs = self.policy.roles, self.expressions.inputs
        if roles.paid is None:
            return terms.constant(0)
        paid = inputs[roles.paid]
        return paid if roles.refunded is None else terms.add(paid, inputs[roles.refunded], -1)

    def capped(self, written: Term) -> tuple[Term, Term]:
        """The sum after the caps, and the part of it that is credit."""
        shown = running = written
        credit = terms.constant(0)
        for cap in self.policy.caps:
            spare = terms.add(self._value(cap.limit), self.expressions.inputs[cap.history], -1)
            room = terms.extreme("GREATEST", [terms.constant(0), spare])
            over = terms.extreme("GREATEST", [terms.constant(0), terms.add(running, room, -1)])
            over = self.expressions.bind("over_cap", over)
            running = terms.add(running, over, -1)
            if cap.rest_as_credit:
                credit = terms.add(credit, over)
            else:
                shown = terms.add(shown, over, -1)
        return shown, credit

    def met(self, rule: Rule) -> Term:
        """Whether all needs of a rule are met."""
        parts = [self.lacks(need.input, need.condition) for need in rule.needs]
        return terms.condition(opposite(either(*(part.raw for part in parts))), *parts)

    def lacks(self, name: str, condition: Node | None) -> Term:
        """Whether a need for an input is not met."""
        given = self.expressions.inputs[name]
        is_missing = opposite(given.raw if given.is_certain else holds(given.raw))
        if condition is None:
            return Term(is_missing)
        applies = self._value(condition)
        may_apply = applies.sql if applies.is_certain else opposite(fails(applies.sql))
        return terms.condition(both(is_missing, may_apply), applies)

    def _value(self, node: Node) -> Term:
        return self.expressions.value(node)
