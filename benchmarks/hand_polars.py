"""The shipped policy as a programmer would write it by hand in Polars, for complete cases: outcome, grant and amount."""

import polars as pl

DAY = 86_400_000_000
WINDOW, FREE_USE, FIX_TIME = 7, 50, 14

request, product = pl.col("request"), pl.col("product")
paid, fee, refunded = pl.col("paid"), pl.col("fee"), pl.col("refunded")
is_open = pl.col("issue_resolved_at_none")
purchased, requested = pl.col("purchased_at"), pl.col("requested_at")
reported, resolved = pl.col("issue_reported_at"), pl.col("issue_resolved_at")


def day(instant: pl.Expr) -> pl.Expr:
    """Days from 1970-01-01 in UTC."""
    return instant.dt.timestamp("us") // DAY


def verdicts(frame: pl.LazyFrame) -> pl.LazyFrame:
    """How often each outcome and grant occurs, and what is paid back for it."""
    frame = frame.with_columns(
        age=day(requested) - day(purchased),
        period_days=day(pl.col("period_end")) - day(pl.col("period_start")),
        left_less_fee=paid - refunded - fee,
    )
    frame = frame.with_columns(way=_way())
    way, left = pl.col("way"), pl.col("left_less_fee")
    outcome = way.replace_strict(
        {
            "error": "error",
            "stranger": "needs_information",
            "ask": "needs_information",
            "person": "needs_review",
        }
        | {"no": "denied"},
        default="granted",
    )
    grants = {"full": "refund", "convert": "convert_to_monthly", "fault": "partial_refund"}
    amount = (
        pl.when(way == "full")
        .then(pl.max_horizontal(0, left))
        .when(way == "convert")
        .then(left - _kept())
        .when(way == "fault")
        .then(pl.max_horizontal(0, pl.min_horizontal(left, _broken_share())))
        .otherwise(0)
    )
    answers = frame.select(outcome=outcome, grant=way.replace_strict(grants, default=None), amount=amount)
    counted = answers.group_by("outcome", "grant").agg(pl.len().alias("rows"), pl.col("amount").sum())
    return counted.sort("outcome", "grant", nulls_last=True)


def _way() -> pl.Expr:
    converts = (
        pl.when((pl.col("interval") != "year") | ~pl.col("accidental"))
        .then(pl.lit("no"))
        .when(pl.col("converted_before"))
        .then(pl.lit("person"))
        .when(pl.col("left_less_fee") > _kept())
        .then(pl.lit("convert"))
        .otherwise(pl.lit("no"))
    )
    days_open = day(pl.when(is_open).then(requested).otherwise(resolved)) - day(reported)
    lasts = (request == "technical") & (days_open > FIX_TIME) & pl.col("prevents_use") & pl.col("continuous")
    return (
        pl.when(_is_impossible().fill_null(value=False))
        .then(pl.lit("error"))
        .when(~pl.col("identified"))
        .then(pl.lit("stranger"))
        .when((pl.col("dispute") == "open") | (request == "billing_error"))
        .then(pl.lit("person"))
        .when(product == "credits")
        .then(pl.lit("no"))
        .when(request == "convert")
        .then(converts)
        .when((pl.col("age") <= WINDOW) & (pl.col("generations") <= FREE_USE))
        .then(_if((request == "refund") & ~pl.col("reason_given"), "ask", "full"))
        .when(lasts)
        .then(_if(pl.col("evidence"), "fault", "ask"))
        .otherwise(pl.lit("no"))
    )


def _if(condition: pl.Expr, then: str, otherwise: str) -> pl.Expr:
    return pl.when(condition).then(pl.lit(then)).otherwise(pl.lit(otherwise))


def _is_impossible() -> pl.Expr:
    fixed = ((resolved < reported) | (resolved > requested)).fill_null(value=False)
    amounts = (paid < 0) | (fee < 0) | (pl.col("monthly_price") < 0) | (refunded < 0) | (refunded > paid)
    return (requested < purchased) | amounts | (pl.col("period_days") < 1) | (reported > requested) | fixed


def _kept() -> pl.Expr:
    months = (requested.dt.year() - purchased.dt.year()).cast(pl.Int64) * 12
    months += requested.dt.month().cast(pl.Int64) - purchased.dt.month().cast(pl.Int64)
    begun = (requested.dt.day() > purchased.dt.day()).cast(pl.Int64)
    return pl.col("monthly_price") * pl.max_horizontal(1, months + begun)


def _broken_share() -> pl.Expr:
    end = (
        pl.when(is_open)
        .then(pl.col("period_end"))
        .otherwise(pl.min_horizontal("period_end", "issue_resolved_at"))
    )
    broken = pl.max_horizontal(0, day(end) - day(pl.max_horizontal("issue_reported_at", "period_start")))
    days = pl.col("period_days")
    return (2 * (paid - fee) * broken + days) // (2 * days)
