"""One policy as one SELECT: layers of columns from the inputs to the result (semantics, rule 34)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from amends.policy.answer import Outcome
from amends.policy.compiled import breakable_promises
from amends.policy.facts import NONE
from amends.policy.model import Policy, PromiseKind, Rule, Verb, inputs_read
from amends.policy.resolution import members
from amends.policy.sql.contract import Form, column_names, currency_error, read_column
from amends.policy.sql.doubt import missing
from amends.policy.sql.expressions import UTC, Expressions
from amends.policy.sql.layers import Layers
from amends.policy.sql.payments import Say
from amends.policy.sql.plain import Way, way_lacking, way_of
from amends.policy.sql.standing import Standing
from amends.policy.sql.terms import (
    FALSE,
    NULL,
    TRUE,
    Term,
    both,
    case,
    column,
    condition,
    either,
    holds,
    opposite,
    word,
)
from amends.policy.types import Kind

ERROR = "error"
RESULTS = ("id", "outcome", "grant", "amount", "clauses", "missing", ERROR)


@dataclass(frozen=True)
class Statement:
    """The columns of each layer, and those of the result, in markers' SQL."""

    layers: tuple[tuple[tuple[str, str], ...], ...]
    results: tuple[tuple[str, str], ...]
    grouped: tuple[str, ...] = ()
    """What the result is grouped by, where it counts rows."""


def state(policy: Policy, present: Mapping[str, Form], prefix: str = "") -> Statement:
    """The statement that decides every row of a table with these columns.

    Raises: UncompilableError, NameTakenError: SQL cannot say it.
    """
    column_names(policy)  # refuses two columns of one name
    building = _Building(policy, present, prefix)
    results = tuple(building.results())
    return Statement(tuple(tuple(layer) for layer in building.layers.columns), results)


def all_typed(policy: Policy) -> dict[str, Form]:
    """Every column of the contract."""
    return dict.fromkeys(column_names(policy), Form.TYPED)


class _Building:
    """The statement on its way."""

    def __init__(self, policy: Policy, present: Mapping[str, Form], prefix: str) -> None:
        self.policy = policy
        self.layers = Layers(prefix)
        self.present = present
        inputs, self.bad = self._read_inputs()
        self.expressions = Expressions(policy, self.layers, inputs)
        self.error = self._error()
        shown = both(*(holds(self.expressions.inputs[name].raw) for name in policy.requires))
        early = [
            (f"({self.error} IS NOT NULL)", word(Way.ERROR)),
            (opposite(shown), word(Way.STRANGER)),
        ]
        self.standing = Standing(self.expressions, early)

    def _read_inputs(self) -> tuple[dict[str, Term], list[tuple[str, str]]]:
        inputs: dict[str, Term] = {}
        bad: list[tuple[str, str]] = []
        for name in ("id", "currency"):
            self.layers.first(name, column(name) if name in self.present else "CAST(NULL AS TEXT)")
            inputs[name] = self.layers.read(name, Term(""), 0)
        for name, declared in self.policy.inputs.items():
            read = read_column(declared, self.present)
            self.layers.first(name, read.value)
            inputs[name] = self.layers.read(name, read.term, 0)
            if declared.type.optional and declared.type.kind is not Kind.ENUM:
                self.layers.first(f"{name}_{NONE}", read.is_none)
                inputs[f"{name}_{NONE}"] = self.layers.read(f"{name}_{NONE}", Term(""), 0)
            if declared.type.kind is Kind.INSTANT and self.policy.zone != UTC:
                local = f"LOCAL_DAY({read.value}, {word(self.policy.zone)})"
                self.layers.first(f"{name}_day", local)
                inputs[f"{name} day"] = self.layers.read(f"{name}_day", Term("", low=-1, high=84_006), 0)
            bad.append((read.is_bad, word(f"bad_value: {name}")))
        return inputs, bad

    def _error(self) -> str:
        """What is wrong with a row, as code and input, NULL where nothing is."""
        currency = column("currency") if "currency" in self.present else "CAST(NULL AS TEXT)"
        first = case([*currency_error(self.policy, currency), *self.bad])
        self.layers.first("bad_input", first)
        bad = self.layers.read("bad_input", Term(""), 0)
        branches, parts = [(f"{bad.raw} IS NOT NULL", bad.raw)], [bad]
        for assumption in self.policy.assumptions:
            held = self.expressions.value(assumption)
            read = inputs_read(self.policy, assumption)
            name = next((name for name in self.policy.inputs if name in read), "")
            branches.append((opposite(held.sql), word(f"impossible_case: {name}")))
            parts.append(held)
        return self.layers.bind(ERROR, condition(case(branches), *parts)).raw

    def results(self) -> Iterator[tuple[str, str]]:
        """The columns of the result."""
        bind, standing = self._bind, self.standing
        way = self.layers.bind("way", Term(standing.way(), depth=self.layers.depth)).raw
        missing = bind("asked_for", self._asked_for(way))
        refund = bind("refund", self._amount(way))
        grant = bind("granted_as", self._grant(way))
        broken = bind("broken_promise", self._broken(way, refund, grant))
        kept = f"({broken} IS NULL)" if broken != NULL else TRUE
        yield "id", self.expressions.inputs["id"].raw
        yield "outcome", self._outcome(way, missing, kept)
        yield "grant", case([(kept, grant)])
        yield "amount", case([(kept, refund)], "0")
        early = f"({way} IN ({word(Way.ERROR)}, {word(Way.STRANGER)}))"
        yield "clauses", case([(early, "TEXTS()")], self._clauses(broken))
        yield "missing", f"COALESCE({missing}, TEXTS())"
        yield ERROR, self.error

    def _bind(self, name: str, text: str) -> str:
        if text in (TRUE, FALSE, NULL):
            return text
        return self.layers.bind(name, Term(text, depth=self.layers.depth)).raw

    def _outcome(self, way: str, missing: str, kept: str) -> str:
        asked = case(
            [(f"LENGTH_OF({missing}) = 0", word(Outcome.NEEDS_REVIEW))], word(Outcome.NEEDS_INFORMATION)
        )
        outcomes = {
            Way.DENIES: word(Outcome.DENIED),
            Way.ERROR: word(ERROR),
            Way.ASKS: asked,
            Way.REVIEW: word(Outcome.NEEDS_REVIEW),
            Way.STRANGER: word(Outcome.NEEDS_INFORMATION),
            **{lacking: word(Outcome.NEEDS_INFORMATION) for lacking, _ in self._lacking()},
        }
        branches = [(f"{way} = {word(one)}", outcome) for one, outcome in outcomes.items()]
        return case([(opposite(kept), word(Outcome.NEEDS_REVIEW)), *branches], word(Outcome.GRANTED))

    def _grants(self) -> Iterator[tuple[str, Say]]:
        """What grants, by its way."""
        standing = self.standing
        for say in standing.payments.says:
            if say.verb is Verb.GRANT:
                yield way_of(say, standing.names), say

    def _lacking(self) -> Iterator[tuple[str, Rule]]:
        """Rules that may win and lack a need in a plain case, by their way."""
        standing = self.standing
        for say in standing.payments.says:
            lacking = way_lacking(say, standing.names)
            if lacking and say.verb is not Verb.REFER:
                yield lacking, say.rule

    def _amount(self, way: str) -> str:
        totals = [(f"{way} = {word(name)}", say.total.raw) for name, say in self._grants() if say.total]
        return f"CAST({case(totals, '0')} AS BIGINT)" if totals else "0"

    def _grant(self, way: str) -> str:
        return case((f"{way} = {word(name)}", word(say.rule.grant or "")) for name, say in self._grants())

    def _asked_for(self, way: str) -> str:
        lacking = [(f"{way} = {word(name)}", self._needed(rule)) for name, rule in self._lacking()]
        stranger, asks = (f"{way} = {word(one)}" for one in (Way.STRANGER, Way.ASKS))
        return case([(stranger, self._required()), *lacking, (asks, self._missing())])

    def _broken(self, way: str, refund: str, grant: str) -> str:
        """The clause of the first promise that a decision breaks, NULL where none is or nothing is decided."""
        depth = self.layers.depth
        denied = f"({way} = {word(Way.DENIES)})"
        outcome = case([(denied, word(Outcome.DENIED))], word(Outcome.GRANTED))
        results = {
            "refund": Term(refund, depth=depth, high=2 * 10**15),
            "outcome": Term(outcome, depth=depth),
            "grant": Term(f"COALESCE({grant}, {word(NONE)})", depth=depth),
        }
        for rule in self.policy.rules:
            if rule.verb is Verb.DENY:
                name = f"denied_by {rule.clause}"
                known = results[name].raw if name in results else FALSE
                results[name] = Term(either(known, both(denied, self.standing.won[rule.index])), depth=depth)
        self.expressions.results = results
        ways = ", ".join(word(one) for one in (Way.DENIES, *(name for name, _ in self._grants())))
        branches = []
        for _, promise in breakable_promises(self.policy):
            statement = self.expressions.value(promise.statement).sql
            broken = statement if promise.kind is PromiseKind.NEVER else opposite(statement)
            if promise.condition is not None:
                broken = both(self.expressions.value(promise.condition).sql, broken)
            branches.append((both(broken, f"{way} IN ({ways})"), word(promise.clause)))
        return case(branches)

    def _clauses(self, broken: str) -> str:
        """The clauses that grant, deny or refer, in the order of their ids."""
        won = self.standing.won
        refers = either(*(won[rule.index] for rule in self.policy.rules if rule.verb is Verb.REFER))
        cited: dict[str, list[str]] = {}
        for rule in self.policy.rules:
            wins = won[rule.index]
            wins = wins if rule.verb is Verb.REFER else both(wins, opposite(refers))
            cited.setdefault(rule.clause, []).append(wins)
        if broken != NULL:
            for _, promise in breakable_promises(self.policy):
                cited.setdefault(promise.clause, []).append(f"({broken} = {word(promise.clause)})")
        return _texts((either(*cited[clause]), clause) for clause in sorted(cited))

    def _required(self) -> str:
        inputs = self.expressions.inputs
        return _texts((opposite(holds(inputs[name].raw)), name) for name in self.policy.requires)

    def _needed(self, rule: Rule) -> str:
        """The needs of a rule that are not met, in the order of declaration."""
        lacks = self.standing.payments.lacks
        lacking = {
            name: either(*(lacks(name, need.condition).raw for need in rule.needs if need.input == name))
            for name in self.policy.inputs
        }
        return _texts((lacking[name], name) for name in self.policy.inputs)

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
        return _texts((self._is_missing(name, able, counts), name) for name in self.policy.inputs)

    def _where_asked(self, name: str, text: str, depth: int) -> str:
        """A column that is computed only for cases that are asked about."""
        if text in (TRUE, FALSE):
            return text
        return self.layers.bind(name, Term(case([(self.standing.asks, text)]), depth=depth)).raw

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
        found = []
        for rule in self.policy.rules:
            lacks = [payments.lacks(n.input, n.condition).raw for n in rule.needs if n.input == name]
            found.append(both(able[rule.index], either(*lacks)))
            if rule.verb is Verb.GRANT:
                say = payments.says[payments.say_of[rule.index]]
                behind = payments.inputs_behind(rule, name)
                found.append(both(able[rule.index], say.is_undetermined, behind))
            if name in inputs_read(self.policy, rule.when):
                found.append(both(counts[rule.index], missing(self.expressions, rule.when, name)))
        return either(*found)


def _texts(chosen: Iterator[tuple[str, str]]) -> str:
    """The words whose conditions hold."""
    parts = (case([(when, word(text))]) for when, text in chosen if when != FALSE)
    return f"TEXTS({', '.join(parts)})"
