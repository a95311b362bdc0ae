"""Random cases of the shipped policy, with every input possibly unknown and times near the borders."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

START = datetime(2025, 9, 1, tzinfo=UTC)
SECONDS = st.sampled_from([0, 1, 36_000, 86_399])
DAYS = st.sampled_from([0, 1, 6, 7, 8, 13, 14, 15, 16, 30, 31, 40, 200])


@st.composite
def instants(draw: st.DrawFn) -> str:
    return (START + timedelta(days=draw(DAYS), seconds=draw(SECONDS))).isoformat()


def amounts() -> st.SearchStrategy[int]:
    return st.sampled_from([0, 1, 85, 691, 1815, 1900, 2591, 22800]) | st.integers(0, 30_000)


KNOWN: dict[str, st.SearchStrategy[object]] = {
    "identified": st.sampled_from([True, True, True, False]),
    "request": st.sampled_from(["refund", "convert", "technical", "billing_error"]),
    "product": st.sampled_from(["subscription", "subscription", "credits"]),
    "interval": st.sampled_from(["month", "year", "none"]),
    "purchased_at": st.just("2025-09-01T10:00:00Z") | instants(),
    "requested_at": instants(),
    "paid": amounts(),
    "fee": amounts(),
    "monthly_price": amounts(),
    "refunded": st.just(0) | amounts(),
    "generations": st.sampled_from([0, 49, 50, 51, 900]),
    "reason_given": st.booleans(),
    "accidental": st.booleans(),
    "converted_before": st.booleans(),
    "period_start": st.just("2025-09-01T10:00:00Z") | instants(),
    "period_end": st.just("2025-10-01T10:00:00Z") | instants(),
    "issue_reported_at": instants(),
    "issue_resolved_at": st.just("none") | instants(),
    "prevents_use": st.booleans(),
    "continuous": st.booleans(),
    "evidence": st.booleans(),
    "dispute": st.sampled_from(["none", "none", "open", "lost"]),
}
COMPLETE: dict[str, object] = {
    "currency": "USD",
    **dict.fromkeys(("identified", "reason_given", "prevents_use", "continuous", "evidence"), True),
    **dict.fromkeys(("accidental", "converted_before"), False),
    "request": "refund",
    "product": "subscription",
    "interval": "month",
    "purchased_at": "2025-09-01T00:00:00Z",
    "requested_at": "2025-12-01T00:00:00Z",
    "paid": 1900,
    "fee": 85,
    "monthly_price": 1900,
    "refunded": 0,
    "generations": 0,
    "period_start": "2025-09-01T00:00:00Z",
    "period_end": "2025-10-01T00:00:00Z",
    "issue_reported_at": "2025-09-01T00:00:00Z",
    "issue_resolved_at": "none",
    "dispute": "none",
}
"""What fills in a case that does not say everything."""


def cases() -> st.SearchStrategy[dict[str, object]]:
    optional: dict[str, st.SearchStrategy[object]] = {
        name: strategy | st.none() if name != "identified" else strategy for name, strategy in KNOWN.items()
    }
    return st.fixed_dictionaries({"currency": st.sampled_from(["USD", "JPY", "KWD"])}, optional=optional) | (
        st.fixed_dictionaries({"currency": st.just("USD"), **KNOWN})
    )
