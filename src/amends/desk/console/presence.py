"""Who else has a case open: a notice, so that two people do not answer the same customer; it locks nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache

from amends.desk import clock
from amends.desk.accounts.models import User
from amends.desk.cases.models import Case

STAYS = timedelta(minutes=5)
"""How long after a look somebody counts as being there."""


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody who opened a case."""

    name: str
    at: datetime


def look_at(case: Case, user: User) -> list[Look]:
    """Note that somebody opened a case; who else did, the last first.

    Two who open it in the same instant may miss each other until one of them looks again.
    """
    now, key = clock.now(), f"looks:{case.id}"
    looks: dict[str, Look] = {
        who: look
        for who, look in (cache.get(key) or {}).items()
        if now - look.at < STAYS and who != str(user.id)
    }
    cache.set(key, looks | {str(user.id): Look(user.name or user.email, now)}, STAYS.total_seconds())
    return sorted(looks.values(), key=lambda look: look.at, reverse=True)
