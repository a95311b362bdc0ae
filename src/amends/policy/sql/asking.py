"""What a case is asked for: what is required, the needs that are not met, and all that could still change the answer."""

from amends.policy.model import Rule, Verb, inputs_read
from amends.policy.resolution import members
from amends.policy.sql.amounts import Amounts
from amends.policy.sql.doubt import missing
from amends.policy.sql.endings import Ending, Endings, Way
from amends.policy.sql.expressions import Expressions
from amends.policy.sql.standing import Standing
from amends.policy.sql.terms import FALSE, TRUE, Term, both, case, either, holds, opposite, texts_where


class Needs:
    """The inputs that are required before everything, and the needs of a clause that would decide."""

    def __init__(self, amounts: Amounts) -> None:
        self.policy = amounts.policy
        self.amounts = amounts

    def asked_for(self, endings: Endings, ending: str) -> list[tuple[str, str]]:
        """What a row lacks by its end, each with its condition."""
        rules = self.policy.rules
        lacking = endings.grouped(ending, lambda end: rules[end.rule] if end.way is Way.LACKS else None)
        stranger = f"({ending} = {endings.number(Ending(Way.STRANGER))})"
        return [(stranger, self._required()), *((where, self._needed(rule)) for where, rule in lacking)]

    def _required(self) -> str:
        inputs = self.amounts.expressions.inputs
        return texts_where((opposite(holds(inputs[name].raw)), name) for name in self.policy.requires)

    def _needed(self, rule: Rule) -> str:
        """The needs of a rule that are not met, in the order of declaration."""
        lacks = self.amounts.lacks
        lacking = {
            name: either(*(lacks(name, need.condition).raw for need in rule.needs if need.input == name))
            for name in self.policy.inputs
        }
        return texts_where((lacking[name], name) for name in self.policy.inputs)


class Asking:
    """The inputs that are missing."""

    def __init__(self, amounts: Amounts, standing: Standing) -> None:
        self.policy = amounts.policy
        self.amounts = amounts
        self.standing = standing
        anywhere = amounts.expressions
        self.layers = anywhere.layers
        asks = Term(standing.asks, depth=self.layers.depth)
        self.expressions = Expressions(self.policy, self.layers, anywhere.inputs, asks)

    def asked_for(self, endings: Endings, ending: str) -> str:
        """What a row is asked for by its end, NULL where nothing."""
        asks = f"({ending} = {endings.number(Ending(Way.ASKS))})"
        return case([*Needs(self.amounts).asked_for(endings, ending), (asks, self._missing())])

    def _missing(self) -> str:
        """Everything that could still change the answer, in the order of declaration (semantics, rules 2, 4, 7)."""
        standing, names = self.standing, self.standing.names
        could = [
            both(p, standing.unattacked(r)) for p, r in zip(standing.possible, self.policy.rules, strict=True)
        ]
        depth = self.layers.depth
        able = [
            self._where_asked(f"could_{name}", text, depth) for name, text in zip(names, could, strict=True)
        ]
        doubts = self._asked_about(able)
        counts = [
            self._where_asked(f"doubt_{name}", text, depth + 1)
            for name, text in zip(names, doubts, strict=True)
        ]
        return texts_where((self._is_missing(name, able, counts), name) for name in self.policy.inputs)

    def _where_asked(self, name: str, text: str, depth: int) -> str:
        """A column that is computed only for cases that are asked about."""
        if text in (TRUE, FALSE):
            return text
        return self.expressions.bind(name, Term(text, depth=depth)).raw

    def _asked_about(self, able: list[str]) -> list[str]:
        """For each rule, whether it is unknown and could win, or override one that could or does hold."""
        standing = self.standing
        overriding: list[list[str]] = [[] for _ in able]
        for rule in self.policy.rules:
            for attacker in members(self.policy.attackers[rule.index]):
                overriding[attacker].append(either(able[rule.index], standing.true[rule.index]))
        return [
            both(standing.open[index], either(able[index], *overriding[index])) for index in range(len(able))
        ]

    def _is_missing(self, name: str, able: list[str], counts: list[str]) -> str:
        payments = self.standing.payments
        reasons: dict[str, list[str]] = {}
        for rule in self.policy.rules:
            lacks = [payments.amounts.lacks(n.input, n.condition).raw for n in rule.needs if n.input == name]
            reasons.setdefault(either(*lacks), []).append(able[rule.index])
            if rule.verb is Verb.GRANT:
                say = payments.says[payments.say_of[rule.index]]
                behind = both(say.is_undetermined, payments.inputs_behind(self.expressions, rule, name))
                reasons.setdefault(behind, []).append(able[rule.index])
            if name in inputs_read(self.policy, rule.when):
                behind = missing(self.expressions, rule.when, name)
                reasons.setdefault(behind, []).append(counts[rule.index])
        return either(*(both(either(*rules), behind) for behind, rules in reasons.items()))
