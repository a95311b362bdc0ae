"""Two versions of a policy: who gains, who loses, or a proof that nobody does."""

import pytest

from amends import decide, parse_policy, read_policy
from amends.policy.comparison import Change, DifferentInputsError, compare, summarise
from amends.policy.model import Policy
from amends.policy.versions import known_inputs
from conftest import ROOT
from planted import BACK, LATE, deny, grant, sentence, small

SMALL = small(BACK, LATE)
EXAMPLES = ROOT / "examples"
# One character of the shipped policy, and the first change it brings: who, by which clauses before and after.
ONE_CHARACTER = {
    "a day more": ("[7 days]", "[8 days]", Change.GAINS, "late", "full"),
    "a day less": ("[7 days]", "[6 days]", Change.LOSES, "full", "late"),
    "ten generations more": ("[50 gen", "[60 gen", Change.GAINS, "heavy", "full"),
    "a generation less": ("[50 gen", "[49 gen", Change.LOSES, "full", "heavy"),
    "a fault may take longer": ("[14 days]", "[15 days]", Change.LOSES, "fault", "late, not_yet"),
    "the last day": ("age <= window and", "age < window and", Change.LOSES, "full", ""),
    "the last generation": ("generations <= free_use", "generations < free_use", Change.LOSES, "full", ""),
    "what was returned comes back": (
        'returned "Returned before": -refunded\nthen: end now',
        'returned "Returned before": refunded\nthen: end now',
        Change.LOSES,
        "full",
        "fee_once, full",
    ),
    "nothing left": ("comes_back <= 0", "comes_back < 0", Change.GAINS, "used_up", ""),
}


def changed(before: str, after: str, text: str) -> Policy:
    assert before in text
    return parse_policy(text.replace(before, after))


@pytest.mark.parametrize("name", ONE_CHARACTER)
def test_one_character_is_a_change_for_people(shipped: Policy, name: str) -> None:
    before, after, change, old, new = ONE_CHARACTER[name]
    policies = (shipped, changed(before, after, shipped.text))

    comparison = compare(*policies)

    kinds = {(one.change, one.before.clauses, one.after.clauses) for one in comparison.differences}
    assert comparison.is_complete
    assert (change, tuple(old.split(", ")), tuple(new.split(", ")) if new else ()) in kinds
    for one in comparison.differences:
        verdicts = [decide(policy, known_inputs(policy, policies, one.case)) for policy in policies]
        assert [verdict.outcome.value for verdict in verdicts] == [one.before.outcome, one.after.outcome]
        assert [verdict.amount for verdict in verdicts] == [one.before.amount, one.after.amount]


@pytest.mark.parametrize(
    "before, after",
    [
        ("a person puts it right", "a person sees to it"),
        ("age <= window and generations <= free_use", "generations <= free_use and age <= window"),
        ("not (prevents_use and continuous)", "(not prevents_use or not continuous)"),
        ("days_between(purchased_at, requested_at)", "max(days_between(purchased_at, requested_at), 0)"),
    ],
    ids=["words", "order", "negation", "a bound that always holds"],
)
def test_other_words_for_the_same_are_proved_to_be_no_difference(
    shipped: Policy, before: str, after: str
) -> None:
    comparison = compare(shipped, changed(before, after, shipped.text))

    assert comparison.differences == ()
    assert comparison.is_complete
    assert "No difference. Proved" in summarise(comparison)


def test_half_a_cent_is_a_difference(shipped: Policy) -> None:
    (difference,) = compare(shipped, changed("half_up", "half_even", shipped.text)).differences

    assert difference.change is Change.LOSES
    assert difference.before.amount - difference.after.amount == 1


def test_the_most_that_is_gained_is_measured_where_one_hundred_was_paid() -> None:
    half = grant(
        "back",
        "age <= window",
        "paid=round(paid * part)",
        words="In [10 days]{#window} [25%]{#part} comes back.",
    )
    before = parse_policy(small(half, BACK.partition("```\n\n")[2], LATE))

    (difference,) = compare(before, parse_policy(SMALL)).differences

    assert (difference.change, difference.amount) == (Change.GAINS, 7_500)


def test_another_reason_for_the_same_answer_is_told_apart() -> None:
    more = parse_policy(
        small(BACK, LATE, deny("later", "age > longer", words="Nor after [20 days]{#longer}."))
    )

    (difference,) = compare(parse_policy(SMALL), more).differences

    assert (difference.change, difference.amount) == (Change.SAME, None)
    assert (difference.before.clauses, difference.after.clauses) == (("late",), ("late", "later"))


def test_an_input_that_only_one_policy_knows_ranges_freely() -> None:
    gift = SMALL.replace("assume:\n", '  gift: yes or no, from desk, "A gift"\nassume:\n').replace(
        "when: age <= window", "when: age <= window and not gift"
    )
    after = parse_policy(gift.replace("when: age > window", "when: age > window or gift"))

    (difference,) = compare(parse_policy(SMALL), after).differences

    assert difference.change is Change.LOSES
    assert difference.case["gift"] is True


def test_a_case_that_only_one_policy_refuses_is_a_difference() -> None:
    after = changed("refunded <= paid", "refunded < paid", SMALL)

    found = compare(parse_policy(SMALL), after).differences

    assert {one.after.outcome for one in found} == {"error"}


@pytest.mark.parametrize(
    "before, after",
    [
        ("zone: UTC\n", "zone: UTC\ncurrencies: EUR\n"),
        ("zone: UTC\n", "zone: UTC\ncurrencies: USD\n"),
        ("one of basic, pro,", "one of basic, pro, gift,"),
    ],
    ids=["a currency", "the plainest currency", "a word"],
)
def test_what_only_one_policy_takes_is_a_difference(before: str, after: str) -> None:
    text = SMALL.replace("plan in (basic, pro)", "plan == plan")
    policies = (parse_policy(text), changed(before, after, text))

    for pair in (policies, policies[::-1]):
        comparison = compare(*pair)
        outcomes = {(one.before.outcome, one.after.outcome) for one in comparison.differences}

        assert comparison.is_complete
        assert outcomes
        assert all("error" in one for one in outcomes)


@pytest.mark.parametrize(
    "currencies", [("EUR", "EUR, USD"), ("EUR, USD", "EUR"), ("EUR", "USD")], ids=["more", "fewer", "another"]
)
def test_a_change_of_the_currencies_is_no_proof_of_no_difference(currencies: tuple[str, str]) -> None:
    policies = [
        parse_policy(SMALL.replace("zone: UTC\n", f"zone: UTC\ncurrencies: {codes}\n"))
        for codes in currencies
    ]

    comparison = compare(*policies)

    assert comparison.is_complete
    assert {"error"} < {
        outcome for one in comparison.differences for outcome in (one.before.outcome, one.after.outcome)
    }


def test_what_happens_to_the_plan_is_told_where_amounts_stay(shipped: Policy) -> None:
    before, after = "then: switch to month", "then: keep"

    summary = summarise(compare(shipped, changed(before, after, shipped.text)))

    assert "; plan: switch to month becomes keep." in summary


CAPPED = small(
    BACK,
    LATE,
    sentence(
        *("yearly", "At most [USD 50.00]{#limit} in a year as money."),
        *("counts: returned", "at most: limit", "rest: credit"),
        kind="cap",
    ),
).replace("inputs:\n", "currencies: USD\ninputs:\n  returned: money, from desk\n")
OWING = small(
    BACK,
    deny(
        "late",
        "age > window",
        "owes:",
        '  half "Half": round(paid * part)',
        words="Later you owe [50 %]{#part} of what you paid.",
    ),
)


@pytest.mark.parametrize(
    "before, after, change, told",
    [
        (
            "USD 50.00",
            "USD 40.00",
            Change.SAME,
            "original 50.00 and credit 50.00 becomes original 40.00 and credit 60.00",
        ),
        ("rest: credit\n", "", Change.LOSES, "100.00 becomes 50.00"),
    ],
    ids=["the limit", "the rest"],
)
def test_a_cap_that_moves_money_to_credit_is_a_difference(
    before: str, after: str, change: Change, told: str
) -> None:
    assert "No difference" in summarise(compare(parse_policy(CAPPED), parse_policy(CAPPED)))
    comparison = compare(parse_policy(CAPPED), changed(before, after, CAPPED))

    (difference,) = comparison.differences
    assert difference.change is change
    assert told in summarise(comparison)


def test_what_a_customer_owes_is_a_difference() -> None:
    comparison = compare(parse_policy(OWING), changed("50 %", "40 %", OWING))

    (difference,) = comparison.differences
    assert difference.change is Change.GAINS
    assert difference.before.owed[0][1] > difference.after.owed[0][1]
    assert "; owed: " in summarise(comparison)
    assert compare(parse_policy(OWING), parse_policy(OWING)).differences == ()


def test_lines_in_another_order_are_a_difference() -> None:
    lines = '  one "One": -refunded\n  two "Two": -refunded\n'
    text = small(BACK.replace('  paid "Line": paid\n', f'  paid "Line": paid\n{lines}'), LATE)
    turned = "".join(lines.splitlines(keepends=True)[::-1])

    (difference,) = compare(parse_policy(text), changed(lines, turned, text)).differences

    assert difference.change is Change.SAME
    assert [name for name, _ in difference.before.lines] == ["paid", "one", "two"]
    assert [name for name, _ in difference.after.lines] == ["paid", "two", "one"]


PARTS = small(
    "- By lessons. {#parts}\n\n| Lessons {lessons} | Part {part} |\n|---|---|\n| up to 4 | 90 % |\n| from 5 | 50 % |\n\n",
    grant("few", "plan == pro", "part=round(paid * parts.part)"),
    deny("basic", "plan == basic"),
)


@pytest.mark.parametrize("row", ["| up to 3 |", "| 1 to 4 |"])
def test_a_row_that_a_table_no_longer_has_is_a_difference(row: str) -> None:
    policies = (parse_policy(PARTS), changed("| up to 4 |", row, PARTS))

    for pair, change in ((policies, Change.LOSES), (policies[::-1], Change.GAINS)):
        comparison = compare(*pair)
        (difference,) = comparison.differences

        assert comparison.is_complete
        assert (difference.change, difference.case["lessons"]) == (change, 4 if row == "| up to 3 |" else 0)
        outcomes = {difference.before.outcome, difference.after.outcome}
        assert outcomes == {"granted", "needs_review"}


def test_a_row_that_is_gone_changes_nothing_while_something_else_is_asked_for() -> None:
    text = PARTS.replace("when: plan == pro\n", "when: plan == pro\nneeds: shown\n", 1).replace(
        "inputs:\n", "inputs:\n  shown: yes or no, from customer\n"
    )

    comparison = compare(parse_policy(text), changed("| up to 4 |", "| up to 3 |", text))

    (difference,) = comparison.differences
    assert comparison.is_complete
    assert difference.case["shown"] is True


def test_two_versions_that_leave_a_case_open_are_not_proved_to_say_the_same() -> None:
    open_ = changed("| up to 4 |", "| up to 3 |", PARTS)

    summary = summarise(compare(open_, parse_policy(open_.text.replace("By lessons", "By the lessons"))))

    assert "There may be more" in summary
    assert "No difference" not in summary


def test_an_input_of_two_kinds_cannot_be_compared() -> None:
    after = changed("lessons: count of lessons", "lessons: money", SMALL)

    with pytest.raises(
        DifferentInputsError, match="`lessons` is `count of lessons` in one policy and `money`"
    ):
        compare(parse_policy(SMALL), after)


def test_days_are_days_of_the_zone_of_each_policy() -> None:
    comparison = compare(parse_policy(SMALL), parse_policy(small(BACK, LATE, zone="Asia/Tokyo")))

    assert {one.change for one in comparison.differences} == {Change.GAINS, Change.LOSES}
    assert comparison.is_complete


def test_two_published_versions_differ_for_the_better() -> None:
    before, after = (read_policy(EXAMPLES / f"dreamhost-{days}-days.md") for days in (30, 97))

    comparison = compare(before, after)

    assert [(one.change, one.after.clauses) for one in comparison.differences] == [
        (Change.GAINS, ("guarantee",)),
        (Change.GAINS, ("by_hand",)),
    ]
    assert comparison.is_complete
