"""What the jobs say of a fault: whether it prevents proper use, and whether it is continuous (reading R12)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from fractions import Fraction

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amends import Decision
from amends.desk.issues.models import Issue
from amends.desk.languages import say_instant_in_full
from amends.desk.orders.models import Line
from amends.desk.policies import actions as policies
from amends.desk.policies.actions import FaultMeasure
from amends.desk.usage.attempts import Attempts, count_attempts
from amends.policy.dates import format_instant, load_zone
from amends.policy.model import Policy, inputs_read

PREVENTS_USE, CONTINUOUS = "prevents_use", "continuous"
JUDGED = (PREVENTS_USE, CONTINUOUS)
"""The inputs of the policy that jobs may show, and staff may state."""
_DECIDING = ("grants", "denies")
_ANSWERS = {True: gettext_lazy("yes"), False: gettext_lazy("no"), None: gettext_lazy("nothing")}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was counted between report and fix, or request, and what it shows; kept with the decision.

    Time: `since` and `until` are RFC 3339, half-open.
    """

    since: str
    until: str
    zone: str
    tried: int
    failed: int
    days: int
    """On which there were jobs."""
    bad_days: int
    """On which, by the page's number, so many failed that it did not work."""
    good_days: int
    """On which, by the page's number, it worked."""
    is_whole: bool
    """All jobs were counted; where there are too many, nothing is concluded."""
    watermark: int
    """The newest usage row that was there."""
    sha256: str
    """Over the counted jobs."""
    derived: dict[str, bool]
    """What the jobs show; what they leave open is not in it."""
    stated: dict[str, bool]
    """What staff stated, which comes before what the jobs show."""

    @property
    def facts(self) -> dict[str, bool]:
        """The inputs of the policy that are known by it."""
        return self.derived | self.stated

    @property
    def jobs_in_words(self) -> str:
        """What shows whether it prevents use."""
        counted = {"failed": self.failed, "tried": self.tried}
        if self.is_whole:
            return _("%(failed)s failed of %(tried)s jobs") % counted
        return _("%(failed)s failed of the first %(tried)s jobs") % counted

    @property
    def days_in_words(self) -> str:
        """What shows whether it is continuous."""
        counted = {"bad": self.bad_days, "good": self.good_days, "days": self.days}
        return _("%(bad)s bad and %(good)s good of %(days)s days with jobs") % counted

    def as_json(self) -> dict[str, object]:
        """As it is kept."""
        return asdict(self)


def examine(
    versions: Sequence[Policy], line: Line, issue: Issue, until: datetime, stated: Mapping[str, bool]
) -> Diagnosis:
    """Count the jobs of a fault, and judge them by the version that is better for the customer (reading R15)."""
    found = [_examine(policy, line, issue, until, stated) for policy in versions]
    return max(found, key=_favour)


def _examine(
    policy: Policy, line: Line, issue: Issue, until: datetime, stated: Mapping[str, bool]
) -> Diagnosis:
    end = issue.fixed_at or until
    attempts = count_attempts(
        line.order.customer_id, line.meter, issue.reported_at, end, load_zone(policy.zone)
    )
    measure = policies.fault_measure(policy)
    limit = policies.fix_days(policy)
    is_inside = limit is not None and policies.days_open(policy, issue.reported_at, end) <= limit
    return Diagnosis(
        since=format_instant(issue.reported_at),
        until=format_instant(end),
        zone=policy.zone,
        tried=attempts.tried,
        failed=attempts.failed,
        days=len(attempts.days),
        bad_days=_bad_days(attempts, measure) if measure else 0,
        good_days=_good_days(attempts, measure) if measure else 0,
        is_whole=attempts.is_whole,
        watermark=attempts.watermark,
        sha256=attempts.sha256,
        # What the days still to come will show is not known before they are over.
        derived=derive(attempts, measure) if measure and not is_inside else {},
        stated=dict(stated),
    )


def derive(attempts: Attempts, measure: FaultMeasure) -> dict[str, bool]:
    """The facts that there are jobs enough to know; what lies between the page's shares is for a person.

    Rounding: none; shares are compared exactly.
    """
    tried, days = attempts.tried, len(attempts.days)
    if not attempts.is_whole or tried < measure.jobs_enough or days < measure.days_enough:
        return {}
    failed = Fraction(attempts.failed, tried)
    bad, good = (Fraction(count(attempts, measure), days) for count in (_bad_days, _good_days))
    shown = {
        PREVENTS_USE: (failed >= measure.share_broken, failed <= measure.share_working),
        CONTINUOUS: (bad >= measure.share_broken, good >= measure.share_broken),
    }
    return {name: is_so for name, (is_so, is_not) in shown.items() if is_so or is_not}


def _bad_days(attempts: Attempts, measure: FaultMeasure) -> int:
    return sum(day.failed >= day.tried * measure.share_broken for day in attempts.days)


def _good_days(attempts: Attempts, measure: FaultMeasure) -> int:
    return sum(day.failed <= day.tried * measure.share_working for day in attempts.days)


def _favour(diagnosis: Diagnosis) -> int:
    """Both facts grant, one that is false denies, and what is open is for a person."""
    known = [diagnosis.derived.get(name) for name in JUDGED]
    return 2 if all(known) else 0 if False in known else 1


def origins(decision: Decision, diagnosis: Diagnosis) -> Iterator[str]:
    """Where the facts of a fault came from that the decision rests on, as sentences for everybody."""
    policy = decision.policy
    cited = {clause.id for clause in decision.clauses if clause.role in _DECIDING}
    rests_on = {
        name for rule in policy.rules if rule.clause in cited for name in inputs_read(policy, rule.when)
    }
    for name in JUDGED:
        if name in rests_on and name in diagnosis.facts:
            yield _origin(policy.inputs[name].label, name, diagnosis)


def _origin(label: str, name: str, diagnosis: Diagnosis) -> str:
    derived, stated = diagnosis.derived.get(name), diagnosis.stated.get(name)
    words = {
        "fact": label,
        "derived": _ANSWERS[derived],
        "stated": _ANSWERS[stated],
        "counted": counted_in_words(diagnosis, name),
    }
    if stated is None:
        return _("%(fact)s: %(derived)s, derived from %(counted)s.") % words
    if derived in (None, stated):
        return _("%(fact)s: %(stated)s, as a member of our team found.") % words
    return (
        _("%(fact)s: %(stated)s, as a member of our team found, although %(counted)s would say %(derived)s.")
        % words
    )


def counted_in_words(diagnosis: Diagnosis, name: str) -> str:
    """The jobs, or the days, that a fact of a fault rests on, and between which instants."""
    since, until = (
        say_instant_in_full(datetime.fromisoformat(at), diagnosis.zone)
        for at in (diagnosis.since, diagnosis.until)
    )
    counted = {PREVENTS_USE: diagnosis.jobs_in_words, CONTINUOUS: diagnosis.days_in_words}
    return _("%(counted)s between %(since)s and %(until)s") % {
        "counted": counted[name],
        "since": since,
        "until": until,
    }
