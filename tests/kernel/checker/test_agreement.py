"""The terms of the solver say what `decide` says, case by case."""

import json
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import strategies
from amends import decide, read_policy
from amends.policy.checker.calendar import Calendar
from amends.policy.checker.encoding import RATIO_SCALE, Encoding, Frame
from amends.policy.checker.outcome import Ending
from amends.policy.checker.situation import Situation
from amends.policy.checker.smt import Answer, Prover, Term, both, equal, opposite
from amends.policy.checker.values import Encoded, Moment, Quantity, Truth, Word
from amends.policy.dates import MICROSECONDS_PER_DAY
from amends.policy.errors import InputError
from amends.policy.facts import NONE, Facts, Value, read_facts
from amends.policy.model import Policy
from conftest import ROOT

POLICIES = sorted(path for path in (ROOT / "examples").glob("*.md") if path.name != "README.md")
EPOCH_DAY = 719_163


class Proof:
    """One policy as terms, ready to be asked about one case after the other."""

    def __init__(self, policy: Policy, first_year: str) -> None:
        self.policy = policy
        self.prover = Prover()
        frame = Frame(self.prover, Calendar(self.prover, policy.zone, first_year))
        self.encoding = Encoding(policy, frame)
        self.situation = Situation(self.encoding)
        self.ending = Ending(self.situation)
        self.terms = [self.ending.outcome, self.ending.refund, self.situation.is_clear]

    def __repr__(self) -> str:
        return f"Proof of {self.policy.name}"

    def answer(self, facts: Facts) -> tuple[str, int]:
        """The outcome and the amount that the terms have for complete facts."""
        fixed = [self.fixed(value, facts[name]) for name, value in self.encoding.inputs.items()]
        currency = self.fixed(self.encoding.currency, facts["currency"])

        assert self.prover.ask(currency, *fixed) is Answer.POSSIBLE
        outcome, refund, is_clear = self.prover.values(self.terms)
        assert is_clear
        return self.encoding.words.word(int(outcome)), int(refund)

    def fixed(self, value: Encoded, known: Value) -> Term:
        if known == NONE and value.absent is not False:
            return value.absent
        held: Term = True
        match value:
            case Truth():
                held = equal(value.holds, bool(known))
            case Word():
                held = equal(value.number, self.encoding.words.number(str(known)))
            case Moment():
                assert isinstance(known, int)
                day, rest = divmod(known, MICROSECONDS_PER_DAY)
                held = both(equal(value.day, day + EPOCH_DAY), equal(value.second, rest // 1_000_000))
            case Quantity():
                assert not isinstance(known, str | None)
                held = equal(value.top, int(known * (RATIO_SCALE if value.bottom == RATIO_SCALE else 1)))
        return both(opposite(value.absent), held)


def decided(policy: Policy, case: dict[str, object]) -> tuple[str, int]:
    try:
        decision = decide(policy, case)
    except InputError:
        return "error", 0
    return decision.outcome.value, decision.amount


@pytest.fixture(scope="module")
def proof(shipped: Policy) -> Proof:
    return Proof(shipped, "2025-01-01")


@settings(max_examples=300)
@given(case=strategies.cases().filter(lambda case: None not in case.values()))
def test_the_terms_decide_as_the_kernel_does(proof: Proof, case: dict[str, object]) -> None:
    policy, complete = proof.policy, strategies.COMPLETE | case | {"currency": "USD"}
    outcome = decided(policy, complete)
    # What is filled in may contradict what was drawn, such as a period that ends before it starts.
    assume(outcome[0] != "error")

    assert proof.answer(read_facts(policy.inputs, policy.currencies, complete)) == outcome


def cases_beside(path: Path, policy: Policy) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in path.with_suffix(".cases.jsonl").read_text().splitlines()]
    cases = [line["inputs"] for line in lines if "inputs" in line]
    return [case for case in cases if all(case.get(name) is not None for name in policy.inputs)]


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_the_terms_decide_the_published_cases_as_the_kernel_does(path: Path) -> None:
    policy = read_policy(path)
    cases = cases_beside(path, policy)
    proof = Proof(policy, "2019-01-01")

    assert [proof.answer(read_facts(policy.inputs, policy.currencies, case)) for case in cases] == [
        decided(policy, case) for case in cases
    ]


@settings(max_examples=400)
@given(case=strategies.cases(), filled=st.data())
def test_filling_in_what_is_unknown_never_turns_one_answer_into_another(
    shipped: Policy, case: dict[str, object], filled: st.DataObject
) -> None:
    unknown = [name for name in strategies.COMPLETE if case.get(name) is None]
    names = filled.draw(st.lists(st.sampled_from(unknown), unique=True)) if unknown else []
    known = {name: value for name, value in case.items() if value is not None}
    fuller = known | {name: filled.draw(strategies.KNOWN[name]) for name in names}

    before, after = decided(shipped, known), decided(shipped, fuller)

    if before[0] in ("granted", "denied") and after[0] != "error":
        assert after == before
