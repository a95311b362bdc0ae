"""Resolution asks exactly when some combination of the unknown clauses would end otherwise."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from amends.policy.resolution import (
    DENIES,
    REFERS,
    UNDETERMINED,
    Clauses,
    Signature,
    Standing,
    resolve,
    settle,
)

SIGNATURES: list[Signature] = [DENIES, REFERS, UNDETERMINED, ("refund", 1), ("refund", 2)]


@st.composite
def clause_sets(draw: st.DrawFn) -> Clauses:
    size = draw(st.integers(0, 6))
    states = draw(st.lists(st.sampled_from("TUF"), min_size=size, max_size=size))
    signatures = draw(st.lists(st.sampled_from(SIGNATURES), min_size=size, max_size=size))
    met = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    # Attackers come from higher numbers only, so the relation has no cycle.
    attackers = tuple(
        sum(1 << other for other in range(index + 1, size) if draw(st.integers(0, 3)) == 0)
        for index in range(size)
    )
    true = sum(1 << i for i, state in enumerate(states) if state == "T")
    unknown = sum(1 << i for i, state in enumerate(states) if state == "U")
    return Clauses(true, unknown, attackers, signatures.__getitem__, met.__getitem__)


def answer(clauses: Clauses, true: int) -> object:
    """What one combination comes to: the outcome, and for an agreement on what."""
    winning = clauses.unattacked(true, true)
    standing = settle(clauses, winning)
    if standing.is_review:
        return "review"
    if standing is Standing.AGREE:
        return clauses.signature(winning.bit_length() - 1)
    return standing


def every_combination(clauses: Clauses) -> set[object]:
    unknown = [index for index in range(len(clauses.attackers)) if clauses.unknown >> index & 1]
    return {
        answer(
            clauses, clauses.true | sum(1 << i for i, chosen in zip(unknown, choice, strict=True) if chosen)
        )
        for choice in product((False, True), repeat=len(unknown))
    }


@settings(max_examples=2_000)
@given(clause_sets())
def test_an_answer_is_given_exactly_when_all_combinations_agree(clauses: Clauses) -> None:
    answers = every_combination(clauses)
    standing = resolve(clauses)

    assert (standing is Standing.ASK) is (len(answers) > 1 or Standing.ASK in answers)


@given(clause_sets())
def test_a_given_answer_is_the_one_all_combinations_give(clauses: Clauses) -> None:
    standing = resolve(clauses)
    if standing is not Standing.ASK:
        assert every_combination(clauses) == {answer(clauses, clauses.true)}


def test_forty_unknown_clauses_that_agree_do_not_make_a_million_combinations() -> None:
    size = 400
    clauses = Clauses(1, (1 << size) - 2, (0,) * size, lambda _: DENIES, lambda _: True)

    assert resolve(clauses) is Standing.AGREE


def test_two_agreeing_grants_whose_needs_are_unmet_ask_instead_of_paying() -> None:
    clauses = Clauses(0b11, 0, (0, 0), lambda _: ("refund", 5), lambda _: False)

    assert resolve(clauses) is Standing.ASK
