"""The files for the bank, element by element as ISO 20022 has them, and account numbers of every country."""

import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from amends.desk.payouts.bank_files import NAMESPACE, Order, Payer, Transfer, csv_file, pain001
from amends.desk.payouts.bank_text import in_bank_letters, is_sayable
from amends.desk.payouts.iban import LENGTHS, SEPA, NotAnIbanError, mask, read_iban

TRANSFER = Transfer(
    "0190a0a0b1b1c2c2d3d3e4e4f5f50000",
    datetime(2026, 11, 25, 9, 30, tzinfo=UTC),
    Payer("Beispiel & Söhne GmbH", "DE02120300000000202051", ""),
    "EUR",
    (
        Order("a" * 32, "Zoë Müller-Łuczak", "DE89370400440532013000", 1815, "R-2026-0001"),
        Order("b" * 32, "+Ada (1)", "FR1420041010050500013M02606", 5, "R-2026-0002"),
    ),
)
# The order of PaymentInstruction30 and CreditTransferTransaction34 in pain.001.001.09, as far as it is used here.
SEQUENCES = {
    "CstmrCdtTrfInitn": ["GrpHdr", "PmtInf"],
    "GrpHdr": ["MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty"],
    "PmtInf": [
        "PmtInfId", "PmtMtd", "NbOfTxs", "CtrlSum", "PmtTpInf", "ReqdExctnDt", "Dbtr", "DbtrAcct", "DbtrAgt", "ChrgBr",
        "CdtTrfTxInf", "CdtTrfTxInf",
    ],
    "CdtTrfTxInf": ["PmtId", "Amt", "Cdtr", "CdtrAcct", "RmtInf"],
}  # fmt: skip
PATTERNS = {
    "MsgId": r"[\w\-/?:().,'+ ]{1,35}",
    "PmtInfId": r"[\w\-/?:().,'+ ]{1,35}",
    "EndToEndId": r"[\w\-/?:().,'+ ]{1,35}",
    "CreDtTm": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "NbOfTxs": r"\d{1,15}",
    "CtrlSum": r"\d{1,15}\.\d\d",
    "InstdAmt": r"\d{1,9}\.\d\d",
    "Nm": r"[A-Za-z0-9/\-?:().,'+ ]{1,70}",
    "IBAN": r"[A-Z]{2}\d\d[A-Z0-9]{1,30}",
    "BICFI": r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?",
    "Ustrd": r"[A-Za-z0-9/\-?:().,'+ ]{1,140}",
    "Dt": r"\d{4}-\d\d-\d\d",
}


def local(element: ET.Element) -> str:
    return element.tag.removeprefix(f"{{{NAMESPACE}}}")


def texts(root: ET.Element, name: str) -> list[str | None]:
    return [element.text for element in root.iter(f"{{{NAMESPACE}}}{name}")]


def test_a_file_has_the_elements_of_the_schema_in_its_order_and_its_letters() -> None:
    root = ET.fromstring(pain001(TRANSFER))  # noqa: S314  # our own

    assert root.tag == f"{{{NAMESPACE}}}Document"
    for element in root.iter():
        if wanted := SEQUENCES.get(local(element)):
            assert [local(child) for child in element] == wanted
        if pattern := PATTERNS.get(local(element)):
            assert re.fullmatch(pattern, element.text or ""), local(element)
    assert (texts(root, "PmtMtd"), texts(root, "Cd"), texts(root, "ChrgBr")) == (["TRF"], ["SEPA"], ["SLEV"])


def test_a_file_says_whom_how_much_and_what_it_sums_to() -> None:
    root = ET.fromstring(pain001(TRANSFER))  # noqa: S314  # our own

    assert (texts(root, "NbOfTxs"), texts(root, "CtrlSum")) == (["2", "2"], ["18.20", "18.20"])
    assert texts(root, "InstdAmt") == ["18.15", "0.05"]
    assert {one.get("Ccy") for one in root.iter(f"{{{NAMESPACE}}}InstdAmt")} == {"EUR"}
    assert texts(root, "EndToEndId") == ["a" * 32, "b" * 32]
    assert texts(root, "IBAN") == [TRANSFER.payer.iban, *(order.iban for order in TRANSFER.orders)]
    assert texts(root, "Nm")[:3] == ["Beispiel + Soehne GmbH", "Beispiel + Soehne GmbH", "Zoe Mueller-Luczak"]
    assert texts(root, "BICFI") == []


def test_the_bank_of_the_payer_is_named_where_it_is_known() -> None:
    payer = Payer("Example", "DE02120300000000202051", "BYLADEM1001")
    known = Transfer(TRANSFER.id, TRANSFER.made_at, payer, "EUR", TRANSFER.orders)

    assert texts(ET.fromstring(pain001(known)), "BICFI") == ["BYLADEM1001"]  # noqa: S314  # our own
    assert b"NOTPROVIDED" not in pain001(known)
    assert b"NOTPROVIDED" in pain001(TRANSFER)


def test_the_same_orders_give_the_same_bytes() -> None:
    assert (pain001(TRANSFER), csv_file(TRANSFER)) == (pain001(TRANSFER), csv_file(TRANSFER))


def test_no_cell_of_the_table_is_a_formula() -> None:
    assert csv_file(TRANSFER).decode().splitlines()[2].split(",")[1] == "'+Ada (1)"


@pytest.mark.parametrize(
    "text, written",
    [
        ("Jürgen Groß", "Juergen Gross"),
        ("Zoe\u0308", "Zoe"),
        ("Ju\u0308rgen", "Juergen"),
        ("Håkon Åsmund", "Hakon Asmund"),
        ("O’Neil", "O'Neil"),
    ],
)
def test_names_are_written_in_letters_that_every_bank_takes(text: str, written: str) -> None:
    assert (in_bank_letters(text), is_sayable(text)) == (written, True)


@pytest.mark.parametrize("text", ["Ада", "Ελένη", "山田", "A\x00", "A\nB", "<b>"])
def test_a_name_that_no_bank_takes_is_told_apart(text: str) -> None:
    assert not is_sayable(text)


def with_check_digits(country: str) -> str:
    """A number of the right length whose check digits fit."""
    body = "1" * (LENGTHS[country] - 4)
    number = int("".join(str(int(character, 36)) for character in f"{body}{country}00"))
    return f"{country}{98 - number % 97:02}{body}"


def is_taken(text: str) -> bool:
    try:
        read_iban(text)
    except NotAnIbanError:
        return False
    return True


def test_a_number_of_each_country_is_taken_and_one_digit_off_is_not() -> None:
    for country in LENGTHS:
        iban = with_check_digits(country)
        wrong = (iban + "1", iban[:-1], iban[:-1] + "2", country + "00" + iban[4:], country + "99" + iban[4:])

        assert read_iban(" ".join(iban).lower()) == iban
        assert [one for one in wrong if is_taken(one)] == [], country


@pytest.mark.parametrize(
    "iban",
    [
        "GB82 WEST 1234 5698 7654 32", "FR14 2004 1010 0505 0001 3M02 606", "NL91 ABNA 0417 1643 00", "BE68 5390 0754 7034",
        "CH93 0076 2011 6238 5295 7", "MT84 MALT 0110 0001 2345 MTLC AST0 01S", "NO93 8601 1117 947",
    ],
)  # fmt: skip
def test_the_examples_of_the_registry_are_taken(iban: str) -> None:
    assert read_iban(iban) == iban.replace(" ", "")


def test_every_country_of_sepa_has_a_length_and_a_mask_shows_four_characters() -> None:
    assert set(LENGTHS) >= SEPA
    assert mask("DE89370400440532013000") == "DE… 3000"
