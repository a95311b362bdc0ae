"""The smallest readable case that shows something: ordinary values wherever they will do, and nothing that does not matter."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from fractions import Fraction
from typing import TypeAlias

from amends.policy import types
from amends.policy.answer import Decision
from amends.policy.checker.calendar import SECONDS_PER_DAY
from amends.policy.checker.encoding import RATIO_SCALE, Encoding
from amends.policy.checker.smt import Answer, Term, both, equal, opposite
from amends.policy.checker.values import Encoded, Moment, Quantity, Truth, Word
from amends.policy.decision import decide
from amends.policy.errors import InputError
from amends.policy.facts import NONE
from amends.policy.model import Policy
from amends.policy.types import Kind

_NOON = SECONDS_PER_DAY // 2
_ROUND_AMOUNTS = (0, 100, 1_000, 2_000, 5_000, 10_000, 100_000)
_PAID = 10_000
DOUBTS_MAX = 8
"""A case is not made plainer after so many wishes that the solver could not settle."""
_ORDER = {Word: 0, Truth: 1, Moment: 2, Quantity: 3}

Case: TypeAlias = dict[str, object]
Shows: TypeAlias = Callable[[tuple[Case, ...]], bool]
"""Whether cases show what a finding says."""


def smallest_case(encoding: Encoding, *terms: Term) -> Case | None:
    """A case in which the terms hold, as plain as it goes; None if the solver finds none."""
    if encoding.prover.ask(*terms) is not Answer.POSSIBLE:
        return None
    with encoding.prover.scope(*terms):
        settle(encoding, encoding.inputs)
    return read_case(encoding)


def settle(encoding: Encoding, inputs: Mapping[str, Encoded]) -> None:
    """Fix every input at the plainest value that the solver still finds possible, one after the other.

    Nothing is required that it did not find a moment before, so the last case that it found keeps everything.
    """
    wishes = _Wishes(encoding)
    wishes.fix_first([encoding.is_in(code) for code in ("USD", *encoding.policy.currencies)])
    for name in sorted(inputs, key=lambda name: _ORDER[type(inputs[name])]):
        wishes.fix(name, inputs[name])


class _Wishes:
    """What would make a case plainer, until the solver has hesitated too often."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._prover = encoding.prover
        self._doubts = 0

    def fix(self, name: str, value: Encoded) -> None:
        """Require the plainest value of an input."""
        if value.absent is not False and self.fix_first([value.absent]):
            return
        match value:
            case Truth():
                self.fix_first([opposite(value.holds)])
            case Word():
                members = self._encoding.policy.inputs[name].type.members
                preferred = [*([NONE] if NONE in members else []), *members]
                number = self._encoding.words.number
                self.fix_first([equal(value.number, number(word)) for word in preferred])
            case Moment():
                self._fix_moment(value)
            case Quantity():
                self._fix_number(name, value)

    def fix_first(self, wishes: list[Term]) -> bool:
        """Require the first wish that is possible."""
        for wish in wishes:
            if self._is_granted(wish):
                self._prover.require(wish)
                return True
        return False

    def _is_granted(self, wish: Term) -> bool:
        if self._doubts == DOUBTS_MAX:
            return False
        answer = self._prover.probe(wish)
        self._doubts += answer is Answer.UNKNOWN
        return answer is Answer.POSSIBLE

    def _fix_moment(self, value: Moment) -> None:
        start = date.fromisoformat(self._encoding.policy.effective).toordinal()
        if not self.fix_first([equal(value.day, start)]):
            later = value.day - start
            self._fix_least(later if self._is_granted(later > 0) else -later)
        if not self.fix_first([equal(value.second, second) for second in (_NOON, 0, SECONDS_PER_DAY - 1)]):
            self._fix_least(value.second)

    def _fix_number(self, name: str, value: Quantity) -> None:
        declared = self._encoding.policy.inputs[name].type
        is_money = any(unit == "money" for unit, _ in declared.unit)
        plain = _ROUND_AMOUNTS if is_money else (0, 1, 2, 3, 5, 10)
        if name == self._encoding.policy.roles.paid:
            plain = (_PAID, *plain)
        scale = RATIO_SCALE if not declared.unit else types.MICROSECONDS.get(declared.shown_in, 1)
        if not self.fix_first([equal(value.top, number * scale) for number in plain]):
            self._fix_least(value.top)

    def _fix_least(self, term: Term) -> None:
        """Fix a whole number at its smallest size."""
        if not self._is_granted(term >= 0):
            term = -term
            if not self._is_granted(term >= 0):
                return
        low, high = 0, int(self._prover.value(term))
        while low < high:
            middle = (low + high) // 2
            if self._is_granted(both(term >= 0, term <= middle)):
                high = int(self._prover.value(term))
            else:
                low = middle + 1
        self._prover.require(equal(term, high))


def read_case(encoding: Encoding) -> Case:
    """The case that the last possible question found, as JSON."""
    prover, words = encoding.prover, encoding.words
    case: Case = {"currency": words.word(int(prover.value(encoding.currency.number)))}
    for name, value in encoding.inputs.items():
        case[name] = _read_input(encoding, name, value)
    return case


def _read_input(encoding: Encoding, name: str, value: Encoded) -> object:
    prover = encoding.prover
    if prover.value(value.absent):
        return NONE
    match value:
        case Truth():
            return prover.value(value.holds)
        case Word():
            return encoding.words.word(int(prover.value(value.number)))
        case Moment():
            day, second = prover.values((value.day, value.second))
            at = datetime.combine(date.fromordinal(day), clock_time()) + timedelta(seconds=second)
            return f"{at.isoformat()}Z"
        case Quantity():
            return _read_number(encoding, name, int(prover.value(value.top)))


def _read_number(encoding: Encoding, name: str, top: int) -> object:
    declared = encoding.policy.inputs[name].type
    if declared.kind is Kind.NUMBER and not declared.unit:
        exact = Fraction(top, RATIO_SCALE)
        sign = "-" if exact < 0 else ""
        whole, rest = divmod(abs(top), RATIO_SCALE)
        return f"{sign}{whole}.{rest:012}".rstrip("0").rstrip(".")
    return top // types.MICROSECONDS.get(declared.shown_in, 1)


def judged(policy: Policy, is_so: Callable[[Decision], bool]) -> Shows:
    """Whether a policy decides every case in a certain way."""
    return lambda cases: all(is_so(decide(policy, case)) for case in cases)


def without_idle_facts(policy: Policy, cases: tuple[Case, ...], shows: Shows) -> tuple[Case, ...]:
    """The cases without every fact that they show the same without, with the same outcome."""
    outcomes = [decide(policy, case).outcome for case in cases]

    def still_shows(fewer: tuple[Case, ...]) -> bool:
        return [decide(policy, case).outcome for case in fewer] == outcomes and shows(fewer)

    for name in list(cases[0])[::-1]:
        fewer = tuple({key: value for key, value in case.items() if key != name} for case in cases)
        if name != "currency" and is_shown(fewer, still_shows):
            cases = fewer
    return cases


def is_shown(cases: tuple[Case, ...], shows: Shows) -> bool:
    """Whether cases show something, and `decide` takes them all."""
    try:
        return shows(cases)
    except InputError:
        return False
