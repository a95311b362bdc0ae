"""Cases of the shipped policy, valid by default."""


def refund_case(**changes: object) -> dict[str, object]:
    """A refund of a monthly plan on its third day."""
    case: dict[str, object] = {
        "request": "refund",
        "product": "subscription",
        "interval": "month",
        "purchased_at": "2025-09-01T10:00:00Z",
        "requested_at": "2025-09-04T10:00:00Z",
        "currency": "USD",
        "paid": 1900,
        "fee": 85,
        "refunded": 0,
        "generations": 0,
        "reason_given": True,
        "identified": True,
        "dispute": "none",
        "period_start": "2025-09-01T10:00:00Z",
        "period_end": "2025-10-01T10:00:00Z",
    }
    return case | changes


def conversion_case(**changes: object) -> dict[str, object]:
    """An annual plan bought by accident, asked about on its sixth day."""
    case = refund_case(
        request="convert",
        interval="year",
        requested_at="2025-09-07T10:00:00Z",
        paid=22800,
        fee=691,
        period_end="2026-09-01T10:00:00Z",
        monthly_price=1900,
        accidental=True,
        converted_before=False,
    )
    return case | changes


def fault_case(**changes: object) -> dict[str, object]:
    """A fault reported on 5 September and still open on the 20th."""
    case = refund_case(
        request="technical",
        requested_at="2025-09-20T10:00:00Z",
        generations=20,
        issue_reported_at="2025-09-05T10:00:00Z",
        issue_resolved_at="none",
        prevents_use=True,
        continuous=True,
        evidence=True,
    )
    return case | changes
