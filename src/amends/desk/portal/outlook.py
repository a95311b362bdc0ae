"""What a purchase could get back now, and until when: the policy asked about a request that nobody made yet."""

from dataclasses import dataclass
from datetime import UTC, datetime

from amends import InputError
from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.cases.deciding import Judgement, judge
from amends.desk.cases.facts import gather
from amends.desk.cases.models import Case, Channel, RequestKind
from amends.desk.orders.models import Line
from amends.desk.policies.actions import limits_on
from amends.policy.waiting import find_end_of_grant


@dataclass(frozen=True, slots=True)
class Outlook:
    """A purchase as the policy sees it today."""

    line: Line
    judgement: Judgement | None
    until: datetime | None
    """The last second in which a refund asked for would still be granted."""
    used: int
    limit: str | None
    """What the page says about how much use is free, such as `50 generations`."""
    case: Case | None
    """The latest request about it."""
    returned: int
    """What went back of it, or is on its way, in minor units of the order's currency."""

    @property
    def is_refundable(self) -> bool:
        """Whether a refund asked for now would bring money."""
        return self.judgement is not None and self.judgement.decision.amount > 0

    @property
    def policy_lang(self) -> str:
        """The language of the sentences."""
        return self.judgement.decision.policy.lang if self.judgement else ""

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Every sentence that stands against a refund now, with its id."""
        if self.judgement is None or self.is_refundable:
            return []
        said = self.judgement.explanation.reasons
        return [(reason.id, reason.text) for reason in said if reason.role == "denies"]


def unsaved_case(
    customer: Customer,
    line: Line,
    kind: RequestKind,
    reason: str = "",
    answers: dict[str, bool] | None = None,
) -> Case:
    """A request as it would be if it were made now."""
    now = clock.now()
    return Case(
        customer=customer,
        line=line,
        request=kind,
        channel=Channel.PORTAL,
        reason=reason,
        answers=answers or {},
        is_identified=line.order.customer_id == customer.id,
        opened_at=now,
        first_contact_at=now,
    )


def look_ahead(customer: Customer, line: Line) -> Outlook:
    """What a refund of a purchase would come to now."""
    case = unsaved_case(customer, line, RequestKind.REFUND, reason="-")
    latest = Case.objects.filter(line=line, customer=customer).order_by("-opened_at").first()
    found = gather(case)
    used, returned = found.usage.count, found.inputs["refunded"]
    assert isinstance(returned, int)
    try:
        judgement = judge(case, found)
    except InputError:
        # Facts that contradict each other are for a person; a request finds one.
        return Outlook(line, None, None, used, None, latest, returned)
    policy = judgement.decision.policy
    limits = limits_on(policy, "generations")
    until = find_end_of_grant(policy, found.inputs) if judgement.decision.amount else None
    last = datetime.fromtimestamp(until // 1_000_000 - 1, UTC) if until is not None else None
    limit = limits[0].text if limits else None
    return Outlook(line, judgement, last, used, limit, latest, returned)
