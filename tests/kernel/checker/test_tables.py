"""What a check says of tables: which one lacks a row, which row holds money of another currency, which row nobody reads."""

import pytest

from amends import parse_policy, read_policy
from amends.policy.checker import Report, check_policy
from conftest import ROOT
from planted import deny, grant, small

FEES = """- The fee depends on the currency. {#fees}

| Currency {currency} | Fee {amount} |
|---|---|
| USD | USD 5.00 |
| EUR | EUR 4.00 |

"""
PARTS = """- The part depends on the lessons. {#parts}

| Lessons {lessons} | Part {part} |
|---|---|
| up to 4 | 90 % |
| 5 to 9 | 50 % |

"""
FEW = grant(
    "few",
    "lessons <= top",
    "part=round(paid * parts.part)",
    "fee=-fees.amount",
    words="Up to [9 lessons]{#top}.",
)
MANY = deny("many", "lessons > top")
TWO_TABLES = small(FEES, PARTS, FEW, MANY).replace("zone: UTC", "zone: UTC\ncurrencies: USD, EUR")


def check(before: str, after: str) -> Report:
    assert TWO_TABLES.count(before) == 1
    return check_policy(parse_policy(TWO_TABLES.replace(before, after)))


def test_two_complete_tables_are_neither_a_finding_nor_a_note() -> None:
    report = check_policy(parse_policy(TWO_TABLES))

    assert (report.findings, report.notes) == ((), ())


@pytest.mark.parametrize(
    "before, after, table",
    [("| 5 to 9 |", "| 6 to 9 |", "parts"), ("| EUR | EUR 4.00 |\n", "", "fees")],
    ids=["parts", "fees"],
)
def test_of_two_tables_the_one_that_lacks_the_row_is_named(before: str, after: str, table: str) -> None:
    (finding,) = check(before, after).findings

    assert (finding.code, finding.clauses) == ("table-gap", ("few", table))


def test_two_tables_that_lack_a_row_are_two_findings() -> None:
    text = TWO_TABLES.replace("| 5 to 9 |", "| 6 to 9 |").replace("| EUR | EUR 4.00 |\n", "")

    found = check_policy(parse_policy(text)).findings

    assert [(one.code, one.clauses) for one in found] == [
        ("table-gap", ("few", "fees")),
        ("table-gap", ("few", "parts")),
    ]


def test_a_row_with_money_of_another_currency_is_named_with_what_it_says() -> None:
    report = check("| EUR | EUR 4.00 |", "| EUR | USD 4.00 |")

    (finding,) = report.findings
    assert (finding.code, finding.clauses) == ("other-currency", ("few", "fees"))
    assert finding.message.startswith("The row `EUR` of the table `fees` says USD 4.00, and `few` reads it")
    assert finding.witness is not None
    assert finding.witness.cases[0]["currency"] == "EUR"
    assert [row["outcome"] for row in finding.witness.rows()] == ["needs_review"]


def test_a_number_and_a_table_of_one_currency_that_meet_another_are_one_finding() -> None:
    text = small(
        FEES.replace("| EUR | EUR 4.00 |", "| EUR | USD 4.00 |"),
        grant("few", "paid > least", "paid=paid", "fee=-fees.amount", words="Above [USD 9.00]{#least}."),
        deny("many", "paid <= least"),
    ).replace("zone: UTC", "zone: UTC\ncurrencies: USD, EUR")

    found = check_policy(parse_policy(text)).findings

    assert {one.code for one in found} == {"other-currency"}
    assert [one.clauses for one in found] == [("few", "fees"), ("many",)]


@pytest.mark.parametrize(
    "before, after, row",
    [
        ("| 5 to 9 | 50 % |", "| 5 to 9 | 50 % |\n| from 10 | 0 % |", "from 10"),
        ("| EUR | EUR 4.00 |", "| EUR | EUR 4.00 |\n| JPY | ¥400 |", "JPY"),
    ],
)
def test_a_row_that_no_case_reads_is_noted_at_its_line(before: str, after: str, row: str) -> None:
    report = check(before, after)

    assert report.findings == ()
    (note,) = report.notes
    assert note.code == "idle-row"
    assert note.message.startswith(f"No case reads the row `{row}`")
    assert f"| {row} |" in TWO_TABLES.replace(before, after).split("\n")[note.span.line - 1]
    assert f"Read by no case:\n  - small.md:{note.span.line}:" in report.render("small.md")


def test_a_row_that_only_a_promise_reads_is_not_noted() -> None:
    hotel = read_policy(ROOT / "tests" / "corpus" / "trades" / "hotel.md")
    promise = "\n- Never more than the step. {#step}\n\n```promise step\nalways: refund <= paid or steps.keeps_deposit\n```\n"

    assert [note.code for note in check_policy(hotel).notes] == ["idle-row"]
    assert check_policy(parse_policy(hotel.text + promise)).notes == ()
