"""Cases of the shipped policy: complete, possible, and the same in every run."""

from datetime import UTC, datetime, timedelta
from random import Random

START = datetime(2025, 1, 1, tzinfo=UTC)
SEED = 20_250_818

Case = dict[str, object]


def complete_cases(count: int) -> list[Case]:
    """Cases with every input known, spread over every branch of the policy."""
    random = Random(SEED)  # noqa: S311 -- the same cases in every run
    return [_case(random) for _ in range(count)]


def _case(random: Random) -> Case:
    purchased = START + timedelta(seconds=random.randrange(200 * 86_400))
    requested = purchased + timedelta(
        days=random.choice((1, 5, 7, 8, 20, 60)), seconds=random.randrange(86_400)
    )
    reported = purchased + (requested - purchased) * random.random()
    resolved = reported + (requested - reported) * random.random()
    paid = random.choice((1900, 2900, 22_800))
    return {
        "currency": "USD",
        "identified": random.random() < 0.95,
        "request": random.choice(
            ("refund", "refund", "refund", "convert", "technical", "technical", "billing_error")
        ),
        "product": random.choice(("subscription",) * 7 + ("credits",)),
        "interval": random.choice(("month", "year", "year", "none")),
        "purchased_at": _written(purchased),
        "requested_at": _written(requested),
        "paid": paid,
        "fee": paid * random.randrange(20, 45) // 1000,
        "monthly_price": 1900,
        "refunded": random.choice((0, 0, 0, random.randrange(paid + 1))),
        "generations": random.choice((0, 12, 50, 51, 300)),
        "reason_given": random.random() < 0.8,
        "accidental": random.random() < 0.8,
        "converted_before": random.random() < 0.1,
        "period_start": _written(purchased),
        "period_end": _written(purchased + timedelta(days=random.choice((28, 30, 31, 365)))),
        "issue_reported_at": _written(reported),
        "issue_resolved_at": "none" if random.random() < 0.5 else _written(resolved),
        "prevents_use": random.random() < 0.8,
        "continuous": random.random() < 0.8,
        "evidence": random.random() < 0.8,
        "dispute": random.choice(("none",) * 8 + ("open", "lost")),
    }


def _written(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")
