"""The solver: the only module that knows z3.

A term is a plain bool or int where its value is known at once, and an expression of the solver elsewhere.
Integers are unbounded and `quotient` is the solver's own division: this is the encoding that it can answer.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any, TypeAlias

import z3

Term: TypeAlias = Any
"""bool, int, or an expression of the solver, which has no types of its own."""

STEPS_MAX = 40_000_000
"""What one question may cost, in the solver's own steps: the same on every machine, unlike seconds."""
STEPS_BESIDE_OTHERS_MAX = 4_000_000
"""What it may cost beside all that was asked before; most are answered so, some only by a solver that begins anew."""
WISH_STEPS_MAX = 400_000
SEED = 20_250_818


class Answer(Enum):
    """What the solver says about a question."""

    POSSIBLE = "possible"
    IMPOSSIBLE = "impossible"
    UNKNOWN = "unknown"


def both(*terms: Term) -> Term:
    """Conjunction."""
    parts = [term for term in terms if term is not True]
    if any(part is False for part in parts):
        return False
    if len(parts) < 2:  # noqa: PLR2004 -- one needs no "and"
        return parts[0] if parts else True
    return z3.And(*parts)


def either(*terms: Term) -> Term:
    """Disjunction."""
    parts = [term for term in terms if term is not False]
    if any(part is True for part in parts):
        return True
    if len(parts) < 2:  # noqa: PLR2004 -- one needs no "or"
        return parts[0] if parts else False
    return z3.Or(*parts)


def opposite(term: Term) -> Term:
    """Negation."""
    return not term if isinstance(term, bool) else z3.Not(term)


def choose(condition: Term, then: Term, otherwise: Term) -> Term:
    """`then` where the condition holds, else `otherwise`."""
    if isinstance(condition, bool):
        return then if condition else otherwise
    if then is otherwise or (_is_plain(then) and _is_plain(otherwise) and then == otherwise):
        return then
    return z3.If(condition, _lift(then, condition.ctx), _lift(otherwise, condition.ctx))


def equal(left: Term, right: Term) -> Term:
    """Whether two terms have the same value."""
    if isinstance(left, bool):
        return right if left else opposite(right)
    if isinstance(right, bool):
        return left if right else opposite(left)
    return left == right


def quotient(top: Term, bottom: Term) -> Term:
    """Whole division toward minus infinity, for a divisor above zero."""
    if isinstance(top, int) and isinstance(bottom, int):
        return top // bottom
    return top / bottom


def greatest(left: Term, right: Term) -> Term:
    """The larger of two whole numbers."""
    return choose(left >= right, left, right)


def least(left: Term, right: Term) -> Term:
    """The smaller of two whole numbers."""
    return choose(left <= right, left, right)


def _is_plain(term: Term) -> bool:
    return isinstance(term, bool | int)


def _lift(term: Term, context: Term) -> Term:
    if isinstance(term, bool):
        return z3.BoolVal(term, context)
    return z3.IntVal(term, context) if isinstance(term, int) else term


def is_same(left: Term, right: Term) -> bool:
    """Whether two terms are written alike, so that they have one value."""
    if _is_plain(left) or _is_plain(right):
        return _is_plain(left) and _is_plain(right) and bool(left == right)
    return bool(left.eq(right))


def times(left: Term, right: Term) -> Term:
    """A product; of a choice between plain numbers it is a choice between products, which stay linear."""
    for factor, other in ((left, right), (right, left)):
        if _chooses_plainly(factor):
            condition, then, otherwise = factor.children()
            return choose(condition, times(then, other), times(otherwise, other))
        if z3.is_expr(factor) and z3.is_int_value(factor):
            return factor.as_long() * other
    return left * right


def _chooses_plainly(term: Term) -> bool:
    if not z3.is_expr(term) or not z3.is_app_of(term, z3.Z3_OP_ITE):
        return False
    _, *branches = term.children()
    return all(z3.is_int_value(branch) or _chooses_plainly(branch) for branch in branches)


def identity(term: Term) -> int:
    """What tells a term from every other that is still in use."""
    return term if isinstance(term, int) else int(term.get_id())


class Prover:
    """Everything asserted so far, and questions about it."""

    def __init__(self) -> None:
        # A context of its own makes the answers independent of what this process has proved before.
        self._context = z3.Context()
        self._solver = self._begin()
        self._model: Term = None
        self._names = 0
        self.questions = 0

    def truth(self, name: str) -> Term:
        """A free yes or no."""
        return z3.Bool(self._own(name), self._context)

    def whole(self, name: str, low: int, high: int) -> Term:
        """A free whole number in a range."""
        number = z3.Int(self._own(name), self._context)
        self.require(number >= low, number <= high)
        return number

    def named(self, name: str, term: Term) -> Term:
        """A short name for a yes or no, so that questions stay small."""
        if _is_plain(term):
            return term
        short = z3.Bool(self._own(name), self._context)
        self.require(short == term)
        return short

    def require(self, *terms: Term) -> None:
        """Assert."""
        self._solver.add(*(_lift(term, self._context) for term in terms if term is not True))

    @contextmanager
    def scope(self, *terms: Term) -> Iterator[None]:
        """Assert for a while."""
        self._solver.push()
        try:
            self.require(*terms)
            yield
        finally:
            self._solver.pop()

    def allows(self, *terms: Term) -> bool:
        """Whether the solver finds, without much effort, that all of this can hold: for wishes, never for proofs."""
        return self.probe(*terms) is Answer.POSSIBLE

    def probe(self, *terms: Term) -> Answer:
        """The same, telling what is impossible from what is not known."""
        return self._ask(terms, WISH_STEPS_MAX)

    def ask(self, *terms: Term) -> Answer:
        """Whether all of this can hold at once, with everything asserted."""
        answer = self._ask(terms, STEPS_BESIDE_OTHERS_MAX)
        return self._ask_anew(terms) if answer is Answer.UNKNOWN else answer

    def _ask(self, terms: tuple[Term, ...], steps: int) -> Answer:
        if any(term is False for term in terms):
            return Answer.IMPOSSIBLE
        self.questions += 1
        with self.scope(*terms):
            return self._answer(self._solver, steps)

    def _ask_anew(self, terms: tuple[Term, ...]) -> Answer:
        with self.scope(*terms):
            solver = self._begin()
            solver.add(*self._solver.assertions())
        return self._answer(solver, STEPS_MAX)

    def _answer(self, solver: z3.Solver, steps: int) -> Answer:
        solver.set(rlimit=steps)
        found = solver.check()
        if found == z3.sat:
            self._model = solver.model()
            return Answer.POSSIBLE
        return Answer.IMPOSSIBLE if found == z3.unsat else Answer.UNKNOWN

    def _begin(self) -> z3.Solver:
        solver = z3.Solver(ctx=self._context)
        solver.set(random_seed=SEED)
        return solver

    def value(self, term: Term) -> bool | int:
        """What a term is in the case that the last possible question found."""
        if isinstance(term, bool | int):
            return term
        found = self._model.eval(term, model_completion=True)
        return bool(z3.is_true(found)) if z3.is_bool(found) else int(found.as_long())

    def values(self, terms: Iterable[Term]) -> list[bool | int]:
        """What several terms are in that case."""
        return [self.value(term) for term in terms]

    def _own(self, name: str) -> str:
        self._names += 1
        return f"{name}!{self._names}"
