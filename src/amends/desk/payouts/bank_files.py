"""Files for the bank: a SEPA credit transfer as pain.001.001.09, and the same orders as CSV.

Pure: the same orders give the same bytes.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree as ET

from amends.desk.journal.export import safe_cell
from amends.desk.payouts.bank_text import HOLDER_LENGTH_MAX, in_bank_letters
from amends.policy.money import Money

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
COLUMNS = ("end_to_end_id", "holder", "iban", "amount", "currency", "remittance")


@dataclass(frozen=True, slots=True)
class Payer:
    """Our account; `bic` may be empty, the bank knows it."""

    name: str
    iban: str
    bic: str


@dataclass(frozen=True, slots=True, repr=False)
class Order:
    """One transfer; `id` is unique for ever and comes back on statements. Amounts: minor units."""

    id: str
    holder: str
    iban: str
    amount: int
    remittance: str


@dataclass(frozen=True, slots=True, repr=False)
class Transfer:
    """All orders of one file, in one currency."""

    id: str
    made_at: datetime
    payer: Payer
    currency: str
    orders: Sequence[Order]


def pain001(transfer: Transfer) -> bytes:
    """The file as ISO 20022 and the EPC's implementation guidelines (EPC132-08) have it."""
    root = ET.Element("Document", {"xmlns": NAMESPACE})
    initiation = ET.SubElement(root, "CstmrCdtTrfInitn")
    _write_header(ET.SubElement(initiation, "GrpHdr"), transfer)
    _write_payment(ET.SubElement(initiation, "PmtInf"), transfer)
    ET.indent(root)
    return f"{_DECLARATION}\n{ET.tostring(root, encoding='unicode')}\n".encode()


def _write_header(header: ET.Element, transfer: Transfer) -> None:
    _leaf(header, "MsgId", transfer.id)
    _leaf(header, "CreDtTm", transfer.made_at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    _write_sums(header, transfer)
    _leaf(header, "InitgPty/Nm", _name(transfer.payer.name))


def _write_payment(payment: ET.Element, transfer: Transfer) -> None:
    payer = transfer.payer
    _leaf(payment, "PmtInfId", transfer.id)
    _leaf(payment, "PmtMtd", "TRF")
    _write_sums(payment, transfer)
    _leaf(payment, "PmtTpInf/SvcLvl/Cd", "SEPA")
    _leaf(payment, "ReqdExctnDt/Dt", transfer.made_at.date().isoformat())
    _leaf(payment, "Dbtr/Nm", _name(payer.name))
    _leaf(payment, "DbtrAcct/Id/IBAN", payer.iban)
    if payer.bic:
        _leaf(payment, "DbtrAgt/FinInstnId/BICFI", payer.bic)
    else:
        _leaf(payment, "DbtrAgt/FinInstnId/Othr/Id", "NOTPROVIDED")
    _leaf(payment, "ChrgBr", "SLEV")
    for order in transfer.orders:
        _write_order(ET.SubElement(payment, "CdtTrfTxInf"), order, transfer.currency)


def _write_order(element: ET.Element, order: Order, currency: str) -> None:
    _leaf(element, "PmtId/EndToEndId", order.id)
    _leaf(element, "Amt/InstdAmt", _amount(order.amount, currency)).set("Ccy", currency)
    _leaf(element, "Cdtr/Nm", _name(order.holder))
    _leaf(element, "CdtrAcct/Id/IBAN", order.iban)
    _leaf(element, "RmtInf/Ustrd", in_bank_letters(order.remittance))


def _write_sums(element: ET.Element, transfer: Transfer) -> None:
    _leaf(element, "NbOfTxs", str(len(transfer.orders)))
    _leaf(element, "CtrlSum", _amount(sum(order.amount for order in transfer.orders), transfer.currency))


def _leaf(parent: ET.Element, path: str, text: str) -> ET.Element:
    for name in path.split("/"):
        parent = ET.SubElement(parent, name)
    parent.text = text
    return parent


def _name(text: str) -> str:
    return in_bank_letters(text)[:HOLDER_LENGTH_MAX]


def _amount(amount: int, currency: str) -> str:
    return str(Money(amount, currency)).removeprefix(f"{currency} ")


def csv_file(transfer: Transfer) -> bytes:
    """The orders as a table, for banks and currencies without the other file; no cell can be taken for a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for order in transfer.orders:
        cells = (
            order.id,
            order.holder,
            order.iban,
            _amount(order.amount, transfer.currency),
            transfer.currency,
            order.remittance,
        )
        writer.writerow([safe_cell(cell) for cell in cells])
    return text.getvalue().encode()
