"""One policy as one SELECT: layers of columns from the inputs to the result (semantics, rule 34)."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from amends.policy.answer import Outcome
from amends.policy.compiled import breakable_promises
from amends.policy.facts import NONE, Input
from amends.policy.model import Policy, PromiseKind, Verb, inputs_read
from amends.policy.sql.amounts import Amounts
from amends.policy.sql.asking import Asking, Needs
from amends.policy.sql.citing import Citing
from amends.policy.sql.contract import (
    Form,
    InputColumn,
    column_names,
    currency_error,
    has_companion,
    is_complete,
    read_column,
    read_complete,
)
from amends.policy.sql.endings import Ending, Way
from amends.policy.sql.expressions import UTC, Expressions
from amends.policy.sql.layers import Layers
from amends.policy.sql.plain import PlainCases
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
    is_open,
    opposite,
    word,
)
from amends.policy.types import Kind

ERROR = "error"
_OUTCOMES = {
    Way.ERROR: ERROR,
    Way.STRANGER: Outcome.NEEDS_INFORMATION,
    Way.LACKS: Outcome.NEEDS_INFORMATION,
    Way.ASKS: Outcome.NEEDS_INFORMATION,
    Way.DENIES: Outcome.DENIED,
    Way.GRANTS: Outcome.GRANTED,
    Way.REVIEW: Outcome.NEEDS_REVIEW,
}
RESULTS = ("id", "outcome", "grant", "amount", "clauses", "missing", ERROR)


@dataclass(frozen=True)
class Statement:
    """The columns of each layer, and those of the result, in markers' SQL."""

    layers: tuple[tuple[tuple[str, str], ...], ...]
    results: tuple[tuple[str, str], ...]
    grouped: tuple[str, ...] = ()
    """What the result is grouped by, where it counts rows."""
    rows: str = TRUE
    """Which rows of the table are read."""


def state(policy: Policy, present: Mapping[str, Form], prefix: str = "") -> Statement:
    """The statement that decides every row of a table with these columns.

    Raises: UncompilableError, NameTakenError: SQL cannot say it.
    """
    column_names(policy)  # refuses two columns of one name
    return _EveryRow(policy, present, prefix).statement()


def state_apart(policy: Policy) -> tuple[Statement, ...]:
    """The statements that together decide every row of a table with all columns, each row once.

    Where the tree of a policy tells the end of every complete row, these rows have a statement of their own, so that
    an engine does not look at the steps that only the others need.
    Raises: UncompilableError, NameTakenError: SQL cannot say it.
    """
    present = all_typed(policy)
    every = state(policy, present)
    complete = _CompleteRows(policy, present)
    if not complete.plain.tells_all():
        return (every,)
    rows = is_complete(policy)
    others = replace(every, rows=f"(({rows}) IS NOT TRUE)")
    # As one condition, an engine can tell from the bounds of a block of rows that all its rows are complete.
    return replace(complete.statement(), rows=f"(({rows}) IS TRUE)"), others


def all_typed(policy: Policy) -> dict[str, Form]:
    """Every column of the contract."""
    return dict.fromkeys(column_names(policy), Form.TYPED)


class _Building(ABC):
    """A statement on its way: the inputs, what is wrong with a row, and the end that the tree tells."""

    def __init__(
        self, policy: Policy, present: Mapping[str, Form], prefix: str, certain: frozenset[str] | None = None
    ) -> None:
        self.policy = policy
        self.layers = Layers(prefix, certain or frozenset())
        self.present = present
        self.inputs, self.bad = self._read_inputs()
        self.anywhere = Expressions(policy, self.layers, self.inputs)
        self.amounts = Amounts(self.anywhere)
        self.error = self._error(self.anywhere)
        self.plain = PlainCases(policy, self.amounts, is_complete=certain is not None)
        self.endings = self.plain.endings
        self.citing = Citing(self.anywhere, self.endings)
        self.plain_ending = self._bind("plain_ending", self._plain_ending())
        self.plain_refund = self._bind("plain_refund", self.plain.refund(self.plain_ending))

    @abstractmethod
    def results(self) -> Iterator[tuple[str, str]]:
        """The columns of the result."""

    @abstractmethod
    def _read(self, declared: Input) -> InputColumn:
        """One input."""

    def statement(self) -> Statement:
        """The statement, over all rows of the table."""
        results = tuple(self.results())
        return Statement(tuple(tuple(layer) for layer in self.layers.columns), results)

    def _plain_ending(self) -> str:
        shown = both(*(holds(self.inputs[name].raw) for name in self.policy.requires))
        error, stranger = (self.endings.number(Ending(way)) for way in (Way.ERROR, Way.STRANGER))
        early = [(f"({self.error} IS NOT NULL)", error), (opposite(shown), stranger)]
        return case(early, self.plain.ending())

    def _read_inputs(self) -> tuple[dict[str, Term], list[tuple[str, str]]]:
        inputs: dict[str, Term] = {}
        bad: list[tuple[str, str]] = []
        for name in ("id", "currency"):
            self.layers.first(name, column(name) if name in self.present else "CAST(NULL AS TEXT)")
            inputs[name] = self.layers.read(name, Term(""), 0)
        for name, declared in self.policy.inputs.items():
            read = self._read(declared)
            self.layers.first(name, read.value)
            inputs[name] = self.layers.read(name, read.term, 0)
            if declared.type.optional and declared.type.kind is not Kind.ENUM:
                self.layers.first(f"{name}_{NONE}", read.is_none)
                inputs[f"{name}_{NONE}"] = self.layers.read(f"{name}_{NONE}", Term(""), 0)
            if declared.type.kind is Kind.INSTANT and self.policy.zone != UTC:
                local = f"LOCAL_DAY({read.value}, {word(self.policy.zone)})"
                self.layers.first(f"{name}_day", local)
                bounds = Term("", low=-1, high=84_006, is_certain=inputs[name].is_certain)
                inputs[f"{name} day"] = self.layers.read(f"{name}_day", bounds, 0)
            bad.append((read.is_bad, word(f"bad_value: {name}")))
        return inputs, bad

    def _error(self, expressions: Expressions) -> str:
        """What is wrong with a row, as code and input, NULL where nothing is."""
        currency = column("currency") if "currency" in self.present else "CAST(NULL AS TEXT)"
        first = case([*currency_error(self.policy, currency), *self.bad])
        self.layers.first("bad_input", first)
        bad = self.layers.read("bad_input", Term(""), 0)
        branches, parts = [(f"{bad.raw} IS NOT NULL", bad.raw)], [bad]
        for assumption in self.policy.assumptions:
            held = expressions.value(assumption)
            read = inputs_read(self.policy, assumption)
            name = next((name for name in self.policy.inputs if name in read), "")
            branches.append((opposite(held.sql), word(f"impossible_case: {name}")))
            parts.append(held)
        return self.layers.bind(ERROR, condition(case(branches), *parts)).raw

    def _bind(self, name: str, text: str) -> str:
        if text in (TRUE, FALSE, NULL):
            return text
        return self.layers.bind(name, Term(text, depth=self.layers.depth)).raw

    def _outcome(self, ending: str, to_person: str) -> str:
        early = [(to_person, word(Outcome.NEEDS_REVIEW))]
        said = self.endings.grouped(ending, lambda end: _OUTCOMES[end.way])
        return case([*early, *((where, word(outcome)) for where, outcome in said)])

    def _grant(self, ending: str) -> str:
        rules = self.policy.rules
        granting = self.endings.grouped(
            ending, lambda end: rules[end.rule].grant if end.way is Way.GRANTS else None
        )
        return case((where, word(grant)) for where, grant in granting)

    def _broken(self, expressions: Expressions, ending: str, refund: str) -> str:
        """The clause of the first promise that a decision breaks, NULL where none is or nothing is decided."""
        depth = self.layers.depth
        denied = self.endings.among(ending, lambda end: end.way is Way.DENIES)
        outcome = case([(denied, word(Outcome.DENIED))], word(Outcome.GRANTED))
        expressions.results = {
            "refund": Term(refund, depth=depth, high=2 * 10**15),
            "outcome": Term(outcome, depth=depth),
            "grant": Term(f"COALESCE({self._grant(ending)}, {word(NONE)})", depth=depth),
        }
        for rule in self.policy.rules:
            if rule.verb is Verb.DENY:
                name = f"denied_by {rule.clause}"
                known = expressions.results[name].raw if name in expressions.results else FALSE
                wins = both(denied, self.citing.won(rule))
                expressions.results[name] = Term(either(known, wins), depth=depth)
        broken = []
        for _, promise in breakable_promises(self.policy):
            statement = expressions.value(promise.statement).sql
            breaks = statement if promise.kind is PromiseKind.NEVER else opposite(statement)
            if promise.condition is not None:
                breaks = both(expressions.value(promise.condition).sql, breaks)
            broken.append((breaks, word(promise.clause)))
        is_decided = self.endings.among(ending, lambda end: end.way in (Way.DENIES, Way.GRANTS))
        return case([(is_decided, case(broken))]) if broken else NULL


class _EveryRow(_Building):
    """The statement for rows in which anything may be unknown."""

    def __init__(self, policy: Policy, present: Mapping[str, Form], prefix: str) -> None:
        super().__init__(policy, present, prefix)
        breaks = opposite(is_open(self._broken(self.anywhere, self.plain_ending, self.plain_refund)))
        hard = either(is_open(self.plain_ending), is_open(self.plain_refund), breaks)
        self.is_hard = self._bind("is_hard", hard)
        where = Term(self.is_hard, depth=self.layers.depth)
        self.standing = Standing(self.anywhere, Expressions(policy, self.layers, self.inputs, where))

    def _read(self, declared: Input) -> InputColumn:
        return read_column(declared, self.present)

    def results(self) -> Iterator[tuple[str, str]]:
        """The columns of the result."""
        bind, is_hard, standing = self._bind, self.is_hard, self.standing
        ending = bind("ending", case([(is_hard, standing.ending(self.endings))], self.plain_ending))
        asking = Asking(self.amounts, standing)
        missing = bind("asked_for", asking.asked_for(self.endings, ending))
        refund = bind("refund", case([(is_hard, self._amount(ending))], self.plain_refund))
        breaks = self._broken(standing.hard, ending, refund)
        broken = bind("broken_promise", breaks if breaks == NULL else case([(is_hard, breaks)]))
        kept = f"({broken} IS NULL)" if broken != NULL else TRUE
        asks = self.endings.number(Ending(Way.ASKS))
        nothing_to_ask = f"(({ending} = {asks}) AND LENGTH_OF({missing}) = 0)"
        yield "id", self.inputs["id"].raw
        yield "outcome", self._outcome(ending, either(opposite(kept), nothing_to_ask))
        yield "grant", case([(kept, self._grant(ending))])
        yield "amount", case([(kept, refund)], "0")
        yield "clauses", self.citing.clauses(ending, is_hard, broken)
        yield "missing", f"COALESCE({missing}, TEXTS())"
        yield ERROR, self.error

    def _amount(self, ending: str) -> str:
        """What is paid where a case is not plain."""
        totals = {say.rule.index: say.total.raw for say in self.standing.payments.says if say.total}
        paying = self.endings.grouped(
            ending, lambda end: totals.get(end.rule) if end.way is Way.GRANTS else None
        )
        return case(paying, "0")


class _CompleteRows(_Building):
    """The statement for rows in which everything is known, of a policy whose tree tells their ends."""

    def __init__(self, policy: Policy, present: Mapping[str, Form]) -> None:
        certain = frozenset(
            f"{name}_{NONE}" if has_companion(declared) else name for name, declared in policy.inputs.items()
        )
        super().__init__(policy, present, "", certain)

    def _read(self, declared: Input) -> InputColumn:
        return read_complete(declared)

    def results(self) -> Iterator[tuple[str, str]]:
        """The columns of the result."""
        ending, refund = self.plain_ending, self.plain_refund
        broken = self._bind("broken_promise", self._broken(self.anywhere, ending, refund))
        kept = f"({broken} IS NULL)" if broken != NULL else TRUE
        needs = Needs(self.amounts)
        yield "id", self.inputs["id"].raw
        yield "outcome", self._outcome(ending, opposite(kept))
        yield "grant", case([(kept, self._grant(ending))])
        yield "amount", case([(kept, refund)], "0")
        yield "clauses", self.citing.clauses(ending, opposite(kept), broken)
        yield "missing", case(needs.asked_for(self.endings, ending), "TEXTS()")
        yield ERROR, self.error
