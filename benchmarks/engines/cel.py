"""Common Expression Language, its Rust implementation: one expression, compiled once."""

from cel import compile as compile_cel

from engines import NUMBERS, Engine, with_numbers

LEFT = "(paid - refunded - fee)"
SHARE = "((2 * (paid - fee) * broken_days + period_days) / (2 * period_days))"
EXPRESSION = f"""
!identified ? ["needs_information", "", 0]
: request == "billing_error" || dispute == "open" ? ["needs_review", "", 0]
: product == "credits" ? ["denied", "", 0]
: request == "convert" ? (
    interval != "year" || !accidental ? ["denied", "", 0]
    : converted_before ? ["needs_review", "", 0]
    : {LEFT} - monthly_price * months > 0 ? ["granted", "convert_to_monthly", {LEFT} - monthly_price * months]
    : ["denied", "", 0])
: age <= window && generations <= free_use ? (
    request == "refund" && !reason_given ? ["needs_information", "", 0]
    : ["granted", "refund", {LEFT} > 0 ? {LEFT} : 0])
: request == "refund" || !prevents_use || !continuous || days_open <= fix_time ? ["denied", "", 0]
: !evidence ? ["needs_information", "", 0]
: ["granted", "partial_refund",
   {SHARE} < {LEFT} ? {SHARE} : {LEFT} > 0 ? {LEFT} : 0]
"""


def engine() -> Engine:
    return Engine(
        name="CEL (Rust)",
        says="outcome, grant, amount",
        prepare=lambda facts: with_numbers(facts) | NUMBERS,
        decide=compile_cel(EXPRESSION).execute,
        read=lambda found: (found[0], found[1] or None, found[2]),
    )
